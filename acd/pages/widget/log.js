// What has been said, as a list that grows: entries as acd tells them, then what is still under way. Owns these elements; must
// not know how they come.

import { make, setText } from "/chat/dom.js";
import { FileLines } from "/chat/filelines.js";

const NEAR = 80; // pixels from the end: whoever is so near wants to see what is new

export class Log {
  // `sayAgain(id)`, `drop(id)`: the customer wants something sent again that was not taken, or not sent at all. `file(entry)`:
  // the bytes of one.
  constructor(words, { sayAgain, drop, file }) {
    this.words = words;
    this.again = sayAgain;
    const grown = () => this.isNear && this.toEnd();
    this.files = new FileLines(words, { get: file, cancel: drop, again: sayAgain, grown });
    this.local = () => null; // id → what was chosen here
    this.isNear = true;
    this.element = make("div", { class: "log", role: "log", tabindex: "0", "aria-label": words.say("log") });
    this.inner = make("div", { class: "lines" });
    this.element.append(this.inner);
    this.element.addEventListener("scroll", () => (this.isNear = this.isAtEnd));
    this.of = null; // the entries that are shown: another list is another conversation, or the same anew
    this.shown = 0;
    this.lines = new Map(); // id or number → { line, state }
  }

  draw(chat) {
    this.local = (id) => chat.files.of(id);
    this.drawEntries(chat);
    this.drawUnderWay(chat);
    for (const each of chat.entries) if (each.side === "customer") this.mark(String(each.seq), stateOf(each.seq, chat));
    this.element.hidden = !this.inner.hasChildNodes();
  }

  get isAtEnd() {
    return this.element.scrollHeight - this.element.scrollTop - this.element.clientHeight < NEAR;
  }

  toEnd() {
    this.element.scrollTop = this.element.scrollHeight;
  }

  // ---- inside

  drawEntries(chat) {
    const of = chat.conversation?.entries ?? null;
    if (of !== this.of) {
      this.of = of;
      this.shown = 0;
      this.lines.clear();
      this.inner.replaceChildren();
    }
    const fresh = chat.entries.slice(this.shown);
    for (const entry of fresh) this.put(this.lineOf(entry));
    this.shown += fresh.length;
  }

  // What is under way is always at the end: it has no place yet. A line that stays where it is, is not read out again.
  put(line) {
    const first = this.inner.querySelector("[data-unsent]");
    delete line.dataset.unsent;
    if (line !== first) this.inner.insertBefore(line, first);
  }

  drawUnderWay(chat) {
    const wanted = new Map(chat.underWay.map((each) => [each.id, each]));
    for (const [id, { line, isUnderWay }] of this.lines) {
      if (isUnderWay && !wanted.has(id)) {
        line.remove();
        this.lines.delete(id);
      }
    }
    for (const [id, message] of wanted) {
      if (!this.lines.has(id)) {
        const file = message.file ? this.files.waiting(message) : null;
        const made = { ...this.message("customer", "", file?.box ?? message.text, message.at), isUnderWay: true, file };
        made.line.dataset.unsent = "yes";
        this.inner.append(made.line);
        this.lines.set(id, made);
      }
      this.lines.get(id).file?.draw(chat.files.share(id), message.failed);
      this.drawFailure(id, message);
    }
  }

  drawFailure(id, message) {
    const known = this.lines.get(id);
    this.mark(id, message.failed ? "failed" : message.sent ? "sent" : "sending");
    if (!message.failed || known.button) return;
    known.button = make("button", { type: "button", class: "plain", text: this.words.say("again") });
    known.button.addEventListener("click", () => this.again(id));
    known.line.append(known.button);
  }

  lineOf(entry) {
    if (entry.kind !== "message" && entry.kind !== "file") return this.happening(entry);
    const known = this.lines.get(entry.id);
    if (entry.file) known?.line.remove();
    const said = entry.file ? this.files.shown(entry, entry.id ? this.local(entry.id) : null) : entry.text;
    const found = (!entry.file && known) || this.message(entry.side, entry.name, said, entry.at);
    this.lines.delete(entry.id);
    found.isUnderWay = false;
    this.lines.set(String(entry.seq), found);
    return found.line;
  }

  message(side, name, text, at) {
    const who = side === "customer" ? this.words.say("you") : name || this.words.say("agent");
    const state = make("span", { class: "state", "aria-live": "off" });
    const line = make(
      "div",
      { class: `message ${side}` },
      make("p", { class: "who", text: who }),
      typeof text === "string" ? make("p", { class: "text", dir: "auto", text }) : text,
      make("p", { class: "about" }, make("time", { text: this.words.time(at) }), " ", state),
    );
    return { line, state };
  }

  happening({ kind, name, text }) {
    const who = name || this.words.say("agent");
    const sentence = kind === "ended"
      ? this.words.say(`ended.${text}`, {}, this.words.say("ended"))
      : this.words.say(kind === "announced" ? `announced.${text}` : kind, { who }, "");
    return make("p", { class: "happening", text: sentence, hidden: !sentence });
  }

  mark(id, state) {
    const known = this.lines.get(id);
    if (known) setText(known.state, this.words.say(`state.${state}`));
  }
}

function stateOf(seq, { conversation }) {
  const { delivered, read } = conversation.agent;
  return seq <= read ? "read" : seq <= delivered ? "delivered" : "sent";
}
