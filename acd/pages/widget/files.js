// Files on their way to acd, and from it: over HTTP, beside the connection over which all else is said.
//
// Owns the requests, how far each has got, and when one is made again. Must not know elements, nor what is said before and
// behind a file. The same id is the same file there: so whatever had no answer is sent again, as a whole.

const PATH = "/v1/chat/files";
const FIRST_PAUSE = 1_000, LONGEST_PAUSE = 30_000; // milliseconds
const MOST_FILES = 10; // that are chosen together
const STALLED = 20_000; // without a byte that goes on
const ANSWERS = 60_000; // until acd has written down the last part
const PASSING = new Set([0, 401, 408, 429]);

export class Files {
  // `address`: of acd. `token()`: the visitor's. `sent(id)`, `refused(id, code)`: what has become of a file. `changed()`:
  // one has got further.
  constructor(address, channel, { token, sent, refused, changed }) {
    this.page = new URL(PATH, address);
    this.channel = channel;
    this.does = { token, sent, refused, changed };
    this.held = new Map(); // id → what the customer has chosen
    this.going = new Map(); // id → { request, share, timer, pause }
  }

  // What has been chosen, as messages; what has more than `most` bytes, or none, and what is too much, is left out.
  hold(chosen, most, draw) {
    const fit = [...chosen].filter(({ size }) => size > 0 && size <= most).slice(0, MOST_FILES);
    return fit.map((file) => {
      const id = draw();
      this.held.set(id, file);
      return { id, text: file.name, file: { size: file.size } };
    });
  }

  // What has been chosen for this id; a reload has lost it.
  of(id) {
    return this.held.get(id) ?? null;
  }

  // How much of it has gone, from 0 to 1.
  share(id) {
    return this.going.get(id)?.share ?? 0;
  }

  // Unless that is under way.
  send({ id, conversation, text: name }) {
    const file = this.held.get(id), known = this.going.get(id);
    if (!file) return this.does.refused(id, "file-gone");
    if (known?.request) return;
    clearTimeout(known?.timer);
    const upload = { request: new XMLHttpRequest(), share: 0, timer: 0, pause: known?.pause ?? FIRST_PAUSE };
    this.going.set(id, upload);
    const { request } = upload;
    const again = () => this.again(upload, { id, conversation, text: name });
    const wait = (patience) => {
      clearTimeout(upload.timer);
      upload.timer = setTimeout(() => request.abort(), patience);
    };
    request.open("POST", this.address({ conversation, id, name }));
    request.setRequestHeader("Authorization", `Bearer ${this.does.token()}`);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      upload.share = total ? loaded / total : 0;
      wait(loaded < total ? STALLED : ANSWERS);
      this.does.changed();
    });
    request.addEventListener("load", () => this.answered(upload, id, again));
    for (const each of ["error", "abort"]) request.addEventListener(each, again);
    wait(STALLED);
    request.send(file);
  }

  // It is not to be sent any more, or is there.
  stop(id) {
    const upload = this.going.get(id);
    this.going.delete(id);
    clearTimeout(upload?.timer);
    upload?.request?.abort();
  }

  stopAll() {
    for (const id of [...this.going.keys()]) this.stop(id);
  }

  forget(id) {
    this.stop(id);
    this.held.delete(id);
  }

  // The bytes of an entry's file, as what acd says that it is. Raises when they cannot be had.
  async get(conversation, { seq, file }) {
    const answer = await fetch(this.address({ conversation, seq }), {
      headers: { Authorization: `Bearer ${this.does.token()}` },
      credentials: "omit",
      cache: "no-store",
    });
    if (!answer.ok) throw new Error(`acd answers ${answer.status}`);
    return new Blob([await answer.arrayBuffer()], { type: file.media });
  }

  // ---- inside

  address(about) {
    const found = new URL(this.page);
    found.search = new URLSearchParams({ channel: this.channel, ...about });
    return found;
  }

  answered(upload, id, again) {
    const { status, responseText } = upload.request;
    if (this.going.get(id) !== upload) return;
    if (PASSING.has(status) || status >= 500) return again();
    this.stop(id);
    if (status === 200) return this.does.sent(id);
    this.does.refused(id, codeOf(responseText));
  }

  // Whatever was in the way may be gone by then; a connection that has come back asks for it at once.
  again(upload, message) {
    const { id } = message;
    clearTimeout(upload.timer);
    if (this.going.get(id) !== upload || !upload.request) return;
    upload.request = null;
    upload.share = 0;
    upload.timer = setTimeout(() => this.send(message), upload.pause * (0.5 + Math.random() / 2));
    upload.pause = Math.min(LONGEST_PAUSE, upload.pause * 2);
    this.does.changed();
  }
}

function codeOf(text) {
  try {
    return String(JSON.parse(text).code);
  } catch {
    return "file-broken";
  }
}
