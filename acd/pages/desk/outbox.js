// Messages of an agent on their way to the server: one after the other, each with an id of its own, again and again
// until it is answered; the same id is the same message there. Knows no element of the page, and goes on when nobody looks
// at the conversation.

import { ask } from "/pages/common/requests.js";
import { forgetAll, keep, keptOf, waiting } from "/desk/drafts.js";
import { upload } from "/desk/files.js";

const FIRST_PAUSE = 500, LONGEST_PAUSE = 15_000; // milliseconds
const MOST = 100; // messages of one conversation that wait

const boxes = new Map();
let owner = ""; // whose messages are sent

// The one of this conversation; `agent` is who is signed in.
export function outboxOf(agent, interactionId) {
  resume(agent);
  return boxOf(interactionId);
}

// This agent is signed in: what has been waiting is sent; of anybody else nothing is kept.
export function resume(agent) {
  if (agent !== owner) {
    stop();
    owner = agent;
    forgetAll({ but: agent });
    for (const id of waiting(agent)) boxOf(id);
  }
  for (const each of boxes.values()) each.send();
}

// The agent has signed out: nothing more is sent, and nothing is kept.
export function forget() {
  stop();
  forgetAll();
}

function boxOf(interactionId) {
  const found = boxes.get(interactionId) ?? new Outbox(owner, interactionId);
  boxes.set(interactionId, found);
  return found;
}

function stop() {
  for (const each of boxes.values()) each.stop();
  boxes.clear();
  owner = "";
}

window.addEventListener("online", () => {
  for (const each of boxes.values()) each.sendNow();
});

class Outbox {
  constructor(agent, interactionId) {
    this.agent = agent;
    this.interactionId = interactionId;
    // `late`: had no answer once; `refused`: why it is not sent any more, unless the agent wishes it.
    this.items = keptOf(agent, interactionId).out.map((each) => ({ ...each, late: true }));
    this.busy = false;
    this.stopped = false;
    this.timer = 0;
    this.pause = FIRST_PAUSE;
    this.heard = null;
  }

  // Whoever looks is told: `changed()`, `sent(item, answer)` before the item goes, `stranger(error)`; null: nobody.
  listen(heard) {
    this.heard = heard;
    this.leave();
  }

  // Without anything in it, and anybody to look at it, there is no need of it.
  leave() {
    if (!this.heard && this.items.length === 0 && boxes.get(this.interactionId) === this) boxes.delete(this.interactionId);
  }

  get isFull() {
    return this.items.length >= MOST;
  }

  // A message; with `visitor`, {channel, visitor}, one that begins a conversation.
  add(text, visitor = null) {
    this.items.push({ id: drawn(), text, visitor });
    this.changed();
    this.send();
  }

  // A file, in its turn; it is not there any more after a reload.
  addFile(file) {
    this.items.push({ id: drawn(), text: file.name || "file", file });
    this.changed();
    this.send();
  }

  // What has been refused, again.
  again(item) {
    item.refused = null;
    this.changed();
    this.sendNow();
  }

  discard(item) {
    this.items = this.items.filter((each) => each !== item);
    item.abort?.();
    this.changed();
  }

  // The message has been seen where it belongs, whatever became of its answer.
  arrived(id) {
    const item = this.items.find((each) => each.id === id && !each.visitor);
    if (item) this.discard(item);
  }

  sendNow() {
    this.pause = FIRST_PAUSE;
    this.send();
  }

  stop() {
    this.stopped = true;
    this.heard = null;
    clearTimeout(this.timer);
    for (const each of this.items) each.abort?.();
  }

  async send() {
    if (this.busy || this.stopped) return;
    clearTimeout(this.timer);
    this.busy = true;
    try {
      for (let item = this.next(); item && !this.stopped; item = this.next()) await this.post(item);
    } catch (error) {
      if (error.isStranger) this.heard?.stranger(error);
      else this.later();
    } finally {
      this.busy = false;
    }
  }

  next() {
    return this.items.find((each) => !each.refused);
  }

  // Raises what is passing: nothing overtakes a message that has no answer.
  async post(item) {
    const own = `/v1/agents/${encodeURIComponent(this.agent)}/conversations`;
    const there = `${own}/${encodeURIComponent(this.interactionId)}`, path = item.visitor ? own : `${there}/messages`;
    let answer;
    try {
      if (item.file) answer = await upload(`${there}/files`, item);
      else answer = await ask("POST", path, { body: { ...item.visitor, id: item.id, text: item.text } });
    } catch (error) {
      if (this.items.includes(item)) this.failed(item, error); // else the agent does not want it any more
      return;
    }
    this.pause = FIRST_PAUSE;
    await this.heard?.sent(item, answer);
    this.discard(item);
  }

  failed(item, error) {
    item.late = true;
    if (!error.isPassing && !error.isStranger) item.refused = { code: error.code, detail: error.message };
    this.changed();
    if (!item.refused) throw error;
  }

  later() {
    if (this.stopped) return;
    this.timer = setTimeout(() => this.send(), this.pause * (0.5 + Math.random() / 2));
    this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
  }

  changed() {
    if (this.stopped) return;
    const out = this.items.filter((each) => !each.file).map(({ id, text, visitor, refused }) => ({ id, text, visitor, refused }));
    keep(this.agent, this.interactionId, { out });
    this.heard?.changed();
    this.leave();
  }
}

// Not `randomUUID`, which there is over TLS only.
function drawn() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
}
