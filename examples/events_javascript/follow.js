// Follows the events of an ACD into a file: each exactly once and in order, whoever of the two is restarted or killed.
//
//     npm install
//     node follow.js --into events.jsonl        ACD_TOKEN in the environment, if the API wants one
//
// The whole trick: what an event leads to and the event's cursor are kept in one place, in one step. Here that is a line of
// the file, so its last whole line says where to go on. In a database it is one transaction; where that cannot be, do what
// the event leads to in a way that may be repeated, and keep the cursor after it.
//
// `Follower` is the part to copy; `Journal` is what this one does with events. EVENTS.md says what they are.

import { closeSync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from "node:fs";
import { parseArgs } from "node:util";
import WebSocket from "ws";

const FIRST_PAUSE = 100, LONGEST_PAUSE = 5_000, HANDSHAKE = 10_000; // milliseconds
const SILENCE = 45_000; // the server says something every 15 seconds: after so long without a word it is gone
const LARGEST = 4 * 1024 * 1024; // bytes of one event
const CHUNK = 64 * 1024;

const TOKEN_EXPIRED = 4401;
const HOPELESS = {
  1008: "the server wants no words from a follower",
  [TOKEN_EXPIRED]: "the token has expired: start again with a new one",
  4404: "the journal does not go as far as the cursor: read the state anew, and begin with a new file",
  4410: "events after the cursor cannot be had any more: read the state anew, and begin with a new file",
};
const NOTICES = new Set(["acd.stream-started", "acd.heartbeat", "acd.stream-ended"]);

/** The connection: comes again for as long as it takes, and goes on after the last cursor. */
class Follower {
  /** `begin(cursor)` hears where the stream begins, `take(event)` of every event; both return when it is kept. */
  constructor(url, token, filters, cursor, { begin, take, ended }) {
    this.url = url;
    this.headers = token ? { Authorization: `Bearer ${token}` } : {};
    this.filters = filters;
    this.cursor = cursor;
    this.begin = begin;
    this.take = take;
    this.ended = ended;
    this.pause = FIRST_PAUSE;
  }

  connect() {
    const query = new URLSearchParams(this.filters);
    if (this.cursor) query.set("after", this.cursor);
    const socket = new WebSocket(`${this.url}?${query}`, ["cloudevents.json"], {
      headers: this.headers,
      handshakeTimeout: HANDSHAKE,
      maxPayload: LARGEST,
      perMessageDeflate: false,
    });
    const silence = setTimeout(() => socket.terminate(), SILENCE);
    socket.on("message", (text) => {
      silence.refresh();
      this.hear(JSON.parse(text));
    });
    socket.on("unexpected-response", (_request, response) => {
      clearTimeout(silence);
      const { statusCode: status } = response;
      response.resume();
      if (status < 500 && status !== 429) this.ended(`refused with status ${status}: see the filters, and the token in ACD_TOKEN`);
      else this.again(`refused with status ${status}`, 1_000 * Number(response.headers["retry-after"] ?? 0));
    });
    let why = "";
    socket.on("error", (error) => (why = `no connection with ${this.url}: ${error.code || error.message}`));
    socket.on("close", (code) => {
      clearTimeout(silence);
      if (HOPELESS[code]) this.ended(HOPELESS[code]);
      else this.again(why || `cut off (${code})`, 0);
    });
  }

  hear(event) {
    this.pause = FIRST_PAUSE;
    if (event.type === "acd.stream-started" && !this.cursor) this.begin(event);
    if (event.type === "acd.stream-started") say(`connected at ${event.cursor}`);
    if (!NOTICES.has(event.type)) this.take(event);
    if (event.type !== "acd.stream-ended") this.cursor = event.cursor;
  }

  /** Once more, after a pause that grows, and differs between those who were all cut off at once. */
  again(why, least) {
    say(why);
    setTimeout(() => this.connect(), Math.max(least, this.pause * (0.5 + Math.random() / 2)));
    this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
  }
}

/** A file of events, one in a line. A line that a crash has cut off is not one: its event comes again. */
class Journal {
  constructor(path) {
    this.file = openSync(path, "a+");
    const last = this.lastWholeLine();
    this.cursor = last ? JSON.parse(last).cursor : "";
  }

  /** Written as a whole when this returns; for power cuts, too, call `fdatasyncSync` here. */
  append(event) {
    const line = Buffer.from(`${JSON.stringify(event)}\n`);
    for (let done = 0; done < line.length; ) done += writeSync(this.file, line, done);
  }

  /** Read from the end, as far as need be; what follows it is cut off. */
  lastWholeLine() {
    const { size } = fstatSync(this.file);
    for (let length = Math.min(CHUNK, size); length > 0; length = Math.min(size, length * 2)) {
      const tail = Buffer.alloc(length);
      readSync(this.file, tail, 0, length, size - length);
      const end = tail.lastIndexOf(10);
      const before = end > 0 ? tail.lastIndexOf(10, end - 1) : -1;
      if (length === size || before >= 0) {
        ftruncateSync(this.file, size - length + end + 1);
        return tail.subarray(before + 1, Math.max(0, end)).toString();
      }
    }
    return "";
  }
}

/** For whoever watches. */
function say(text) {
  console.error(text);
}

function end(why) {
  say(why);
  process.exit(1);
}

const options = {
  url: { type: "string", default: "ws://127.0.0.1:8420/v1/events" },
  into: { type: "string", default: "events.jsonl" },
  kind: { type: "string", default: "" },
  queue: { type: "string", default: "" },
  agent: { type: "string", default: "" },
};
let given = {};
try {
  given = parseArgs({ options }).values;
} catch (error) {
  end(`${error.message}; there are --${Object.keys(options).join(", --")}`);
}
const filters = Object.fromEntries(["kind", "queue", "agent"].filter((each) => given[each]).map((each) => [each, given[each]]));
const journal = new Journal(given.into);
const keep = (event) => journal.append(event);
const follower = new Follower(given.url, process.env.ACD_TOKEN, filters, journal.cursor, {
  begin: keep, // so that a crash before the first event loses nothing either
  take: keep,
  ended: end,
});
for (const signal of ["SIGTERM", "SIGINT"]) {
  process.on(signal, () => {
    closeSync(journal.file);
    process.exit(0);
  });
}
follower.connect();
