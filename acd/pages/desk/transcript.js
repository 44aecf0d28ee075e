// What was said and has happened in one conversation, as it is shown: entries in order, own messages that wait below
// them, and how far the customer has got with own ones. Knows no request.

import { make, setText } from "/pages/common/dom.js";
import { shown, waiting } from "/desk/files.js";
import { nodes } from "/desk/links.js";

const NEAR = 48; // pixels: so near to an edge is at it
const QUIET = 200; // milliseconds until what is added is read out again

export class Transcript {
  // `agent`: whose messages are own ones; `name()`: theirs. `earlier()`: entries before the first are wanted;
  // `looked()`: how far one sees has changed; `again(item)`, `takeBack(item)`: what is to become of a message that was
  // refused; `drop(item)`: it is not to be sent. `path`: of the conversation.
  constructor({ agent, words, name, path, earlier, looked, again, takeBack, drop }) {
    this.path = path;
    this.agent = agent;
    this.name = name;
    this.words = words;
    this.heard = { earlier, looked, again, takeBack, drop };
    this.rows = []; // [entry, element], in order
    this.marks = { delivered: 0, read: 0 };
    this.items = [];
    this.follows = true;
    this.quiet = 0;
    this.build();
  }

  build() {
    this.more = make("button", { type: "button", class: "earlier" });
    this.more.hidden = true;
    this.more.addEventListener("click", () => this.heard.earlier());
    this.list = make("div", { class: "entries" });
    this.waiting = make("div", { class: "waiting", "aria-live": "off" });
    const log = { class: "log", role: "log", "aria-relevant": "additions", tabindex: 0 };
    // What is seen where the page as a whole is scrolled, too.
    this.end = make("div", { class: "end" });
    this.log = make("div", log, this.more, this.list, this.waiting, this.end);
    this.newer = make("button", { type: "button", class: "newer" });
    this.newer.hidden = true;
    this.newer.addEventListener("click", () => this.toEnd());
    this.element = make("div", { class: "transcript" }, this.log, this.newer);
    this.log.addEventListener("scroll", () => this.scrolled());
    this.sizes = new ResizeObserver(() => this.follows && this.toEnd());
    this.sizes.observe(this.log);
    this.redraw();
  }

  close() {
    this.sizes.disconnect();
    clearTimeout(this.quiet);
  }

  // Entries behind those that there are.
  append(entries) {
    if (this.rows.length === 0) this.hush();
    const own = entries.some((each) => this.isOwn(each));
    const rows = entries.map((each) => [each, this.row(each)]);
    this.rows.push(...rows);
    this.list.append(...rows.map(([, element]) => element));
    if (this.follows || own) this.toEnd();
    else this.newer.hidden = !entries.some(isSaid) && this.newer.hidden;
  }

  // Entries before those that there are; what one looks at stays where it is.
  prepend(entries) {
    this.hush();
    const rows = entries.map((each) => [each, this.row(each)]), below = this.log.scrollHeight - this.log.scrollTop;
    this.rows.unshift(...rows);
    this.list.prepend(...rows.map(([, element]) => element));
    this.log.scrollTop = this.log.scrollHeight - below;
  }

  offerEarlier(yes) {
    this.more.hidden = !yes;
  }

  // How far the customer has got.
  mark(marks) {
    const before = this.marks;
    this.marks = marks;
    for (let at = this.rows.length - 1; at >= 0; at -= 1) {
      const [entry, element] = this.rows[at];
      if (entry.seq <= before.read) return;
      this.stand(entry, element);
    }
  }

  // Own messages that have no answer yet.
  wait(items) {
    const grown = items.length > this.items.length;
    this.items = items;
    this.waiting.replaceChildren(...items.map((each) => this.pending(each)));
    if (grown || this.follows) this.toEnd();
  }

  // Whether the last entry can be seen.
  get isAtEnd() {
    const { scrollHeight, scrollTop, clientHeight } = this.log;
    return clientHeight > 0 && scrollHeight - scrollTop - clientHeight <= NEAR;
  }

  toEnd() {
    this.follows = true;
    this.newer.hidden = true;
    this.log.scrollTop = this.log.scrollHeight;
    this.heard.looked();
  }

  // All words anew, in the language of now.
  redraw() {
    this.log.setAttribute("aria-label", this.words.say("chat.log"));
    setText(this.more, this.words.say("chat.earlier"));
    setText(this.newer, this.words.say("chat.newer"));
    this.hush();
    this.rows = this.rows.map(([entry]) => [entry, this.row(entry)]);
    this.list.replaceChildren(...this.rows.map(([, element]) => element));
    this.wait(this.items);
  }

  isOwn(entry) {
    return isSaid(entry) && entry.side === "agent" && entry.agent === this.agent;
  }

  scrolled() {
    if (this.log.clientHeight === 0) return; // it is not shown
    this.follows = this.isAtEnd;
    if (this.follows) this.newer.hidden = true;
    else if (this.log.scrollTop < NEAR && !this.more.hidden) this.heard.earlier();
    this.heard.looked();
  }

  // A screen reader says what comes, not all that has been there.
  hush() {
    this.log.setAttribute("aria-live", "off");
    clearTimeout(this.quiet);
    this.quiet = setTimeout(() => this.log.setAttribute("aria-live", "polite"), QUIET);
  }

  row(entry) {
    if (!isSaid(entry)) {
      return make("p", { class: "entry system" }, make("bdi", {}, this.happened(entry)), " ", this.time(entry.at));
    }
    const own = this.isOwn(entry), side = own ? "own" : entry.side === "agent" ? "colleague" : "customer";
    const who = side === "customer" ? this.words.say("chat.customer") : entry.name;
    const said = entry.file ? shown(entry, `${this.path}/files/${entry.seq}`, this.words) : entry.text;
    const element = this.message(side, who, said, this.time(entry.at));
    if (own) {
      element.append(make("p", { class: "standing" }));
      this.stand(entry, element);
    }
    return element;
  }

  message(side, who, text, time) {
    const by = make("p", { class: "by" }, make("bdi", { class: "who" }, who), " ", time);
    const said = typeof text === "string" ? make("p", { class: "text", dir: "auto" }, ...nodes(text)) : text;
    return make("div", { class: `entry ${side}` }, by, said);
  }

  pending(item) {
    const { words } = this, { refused } = item;
    const said = item.file ? waiting(item, words, () => this.heard.drop(item)) : item.text;
    const element = this.message(`own ${refused ? "refused" : "late"}`, this.name(), said, "");
    const why = refused && words.say(`problem.${refused.code}`, {}, refused.detail);
    const state = refused ? words.say("chat.refused", { why }) : words.say(item.late ? "chat.waiting" : "chat.sending");
    element.append(make("p", { class: "standing" }, state));
    if (refused) {
      const row = make("p", { class: "row" }, this.button("chat.again", () => this.heard.again(item)));
      if (!item.file) row.append(this.button("chat.take-back", () => this.heard.takeBack(item)));
      element.append(row);
    }
    return element;
  }

  button(word, deed) {
    const made = make("button", { type: "button" }, this.words.say(word));
    made.addEventListener("click", deed);
    return made;
  }

  stand(entry, element) {
    if (!this.isOwn(entry)) return;
    const how = entry.seq <= this.marks.read ? "read" : entry.seq <= this.marks.delivered ? "delivered" : "sent";
    element.dataset.standing = how;
    setText(element.querySelector(".standing"), this.words.say(`chat.${how}`));
  }

  happened(entry) {
    const { words } = this;
    if (entry.kind === "announced") return words.say("chat.announced", { name: entry.text });
    if (entry.kind !== "ended") return words.say(`chat.${entry.kind}`, { name: entry.name });
    return words.say(`chat.ended.${entry.text}`, {}, words.say("chat.ended-because", { why: entry.text }));
  }

  time(at) {
    const title = new Date(at).toLocaleString(this.words.language);
    return make("time", { datetime: at, title }, this.words.time(at));
  }
}

function isSaid({ kind }) {
  return kind === "message" || kind === "file";
}
