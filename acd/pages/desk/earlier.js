// What there was with the customer before: conversations of every channel with their notes, and what was written in them;
// and the notes on the work in front. Loaded when that comes in front, and in nobody's way: what cannot be had is said here,
// and asked for again when the agent likes.

import { byId, drawEach, make, setText } from "/pages/common/dom.js";
import { ask } from "/pages/common/requests.js";
import { figures } from "/desk/clock.js";
import { nodes } from "/desk/links.js";
import { sendNow, settle } from "/desk/note-box.js";
import { byLine, Notes } from "/desk/notes.js";

export class Earlier {
  constructor({ words, agent, complain }) {
    this.words = words;
    this.agent = agent;
    this.notes = new Notes({ words, complain, elsewhere: (id, note) => this.add(id, note) });
    this.notesAllowed = false;
    this.key = ""; // of what is shown: the work, and whose customer it is
    this.id = null;
    this.turn = 0;
    this.build();
  }

  build() {
    this.title = make("h4", { id: "earlier-title", tabindex: -1 });
    this.state = make("p", { class: "quiet", role: "status" });
    this.list = make("ul", { class: "plain earlier-list" });
    this.more = make("button", { type: "button" });
    this.more.addEventListener("click", () => this.load({ anew: !this.rows.length }));
    this.element = make("section", { "aria-labelledby": "earlier-title" }, this.title, this.state, this.list, this.more);
    byId("beside").append(this.notes.element, this.element);
    this.empty();
  }

  // What the desk is configured with.
  allow(desk) {
    this.notesAllowed = desk.notes;
  }

  // This work item is in front, or none. `ids`: of all that is in hand, null where nobody is signed in.
  take(item, ids) {
    if (ids && this.notesAllowed) settle(ids);
    const { work, interaction } = item ?? {};
    const id = item && !interaction?.parent ? work.interaction_id : null;
    const key = id ? [this.agent(), id, interaction?.customer?.reference ?? "", Boolean(interaction)].join(" ") : "";
    this.notes.take(this.notesAllowed ? id : null);
    if (key !== this.key) {
      this.key = key;
      this.id = id && interaction ? id : null; // what has been handed on is another agent's
      this.empty();
      if (this.id) this.load({ anew: true });
    }
    this.draw();
  }

  // After every connection: others may have written meanwhile, and what failed may work now.
  refresh() {
    sendNow();
    if (this.id) this.load({ anew: true });
  }

  // A note that was on its way while the work on it ended.
  add(id, note) {
    const row = this.rows.find((each) => each.id === id);
    if (!row) return;
    row.notes = [...row.notes.filter((each) => each.id !== note.id || each.agent !== note.agent), note];
    this.draw();
  }

  empty() {
    this.turn += 1;
    this.rows = []; // as the API has them, newest first
    this.loaded = this.loading = this.failed = this.hasMore = false;
    this.first = null;
  }

  path() {
    return `/v1/agents/${encodeURIComponent(this.agent())}/work/${encodeURIComponent(this.id)}/earlier`;
  }

  // The newest ones `anew`, or those before the last; what is there already, and perhaps being read, stays.
  async load({ anew }) {
    if (this.loading) return;
    const turn = this.turn, last = anew ? null : this.rows.at(-1);
    this.loading = true;
    this.failed = false;
    this.draw();
    try {
      const found = await ask("GET", this.path() + (last ? `?before=${encodeURIComponent(last.id)}` : ""));
      if (turn === this.turn) this.show(found, anew);
    } catch (error) {
      if (turn === this.turn) this.failed = !error.isStranger; // of that says the rest of the page
    } finally {
      if (turn === this.turn) {
        this.loading = false;
        this.draw();
      }
    }
  }

  show({ earlier, more, notes }, anew) {
    const fresh = new Set(earlier.map((each) => each.id)), had = this.rows.filter((each) => !fresh.has(each.id));
    const beside = document.activeElement === this.more && !anew;
    this.rows = anew ? [...earlier, ...had] : [...had, ...earlier];
    if (!anew || !had.length) this.hasMore = more;
    this.loaded = true;
    this.first = beside ? earlier[0]?.id : null; // whoever asked for more goes on there
    if (this.notes.id === this.id) this.notes.show(notes);
  }

  draw() {
    const { words } = this;
    this.element.hidden = !this.id;
    byId("beside").hidden = !this.id && !this.notes.id;
    if (!this.id) return;
    setText(this.title, words.say("earlier.title"));
    const nothing = this.loaded && !this.rows.length ? "earlier.none" : "";
    const word = this.failed ? "earlier.failed" : this.loading ? "earlier.loading" : nothing;
    setText(this.state, word ? words.say(word) : "");
    setText(this.more, words.say(this.failed ? "earlier.again" : "earlier.more"));
    this.more.hidden = !(this.failed || this.hasMore);
    this.more.setAttribute("aria-busy", String(this.loading));
    const rows = this.rows.map((each) => ({ key: `${this.id} ${each.id}`, each }));
    drawEach(this.list, rows, ({ each }) => make("li", {}, new Entry(each, this).element), (child, { each }) => {
      child.firstChild.redraw(each);
    });
    const at = this.rows.findIndex((each) => each.id === this.first);
    if (at >= 0) this.list.children[at].querySelector("summary").focus();
    this.first = null;
  }
}

// One of them, folded up until it is looked at. `owner`: `words`, `path()`, and `turn`, which is another one when what is
// shown has become somebody else's.
export class Entry {
  constructor(row, owner) {
    this.owner = owner;
    this.summary = make("summary");
    this.facts = make("p");
    this.notes = make("ul", { class: "plain notes" });
    this.element = make("details", {}, this.summary, this.facts, this.notes);
    this.element.redraw = (each) => this.redraw(each);
    if (row.conversation) this.addTranscript(row);
  }

  addTranscript(row) {
    this.said = make("div", { class: "said", role: "log", "aria-live": "off", tabindex: 0 });
    this.state = make("p", { class: "quiet", role: "status" });
    this.more = make("button", { type: "button" });
    this.more.hidden = true;
    this.after = 0;
    this.element.append(this.said, this.state, this.more);
    this.more.addEventListener("click", () => this.read(row));
    this.element.addEventListener("toggle", () => this.element.open && this.read(row));
  }

  redraw(row) {
    const { words } = this.owner;
    const channel = words.say(`channel.${row.channel}`, {}, row.channel);
    const who = row.agents.map((each) => each.name).join(", ");
    const state = row.state === "cancelled" && row.reason === "called" ? "called" : row.state;
    const how = words.say(`earlier.state.${state}`, {}, state);
    const form = { dateStyle: "medium", timeStyle: "short", hourCycle: "h23" };
    const began = new Date(row.began_at).toLocaleString(words.language, form);
    setText(this.summary, [began, channel, row.title || row.queue, who, how].filter(Boolean).join(" · "));
    const ends = row.agents.filter((each) => each.disposition);
    const codes = ends.map((each) => `${each.name}: ${words.say(`disposition.${each.disposition}`, {}, each.disposition)}`);
    const talked = row.talked_seconds ? words.say("earlier.talked", { time: figures(row.talked_seconds) }) : "";
    setText(this.facts, [...codes, talked].filter(Boolean).join(" · "));
    this.facts.hidden = !this.facts.textContent;
    const notes = row.notes.map((note) => ({ key: `${note.agent} ${note.id}`, note }));
    this.notes.hidden = !notes.length;
    drawEach(this.notes, notes, () => make("li", {}, make("p"), make("p")), (child, { note }) => {
      setText(child.children[0], byLine(words, note));
      setText(child.children[1], note.text);
    });
    if (this.said) {
      this.said.setAttribute("aria-label", words.say("earlier.log"));
      setText(this.more, words.say(this.failed ? "earlier.again" : "earlier.read-on"));
      if (this.failed) setText(this.state, words.say("earlier.failed"));
    }
  }

  async read(row) {
    if (this.reading) return;
    this.reading = true;
    const { owner } = this, turn = owner.turn;
    this.failed = false;
    setText(this.state, owner.words.say("earlier.loading"));
    try {
      const found = await ask("GET", `${owner.path()}/${encodeURIComponent(row.id)}?after=${this.after}`);
      if (turn !== owner.turn) return;
      this.said.append(...found.entries.map((each) => this.entry(each)));
      this.after = found.entries.at(-1)?.seq ?? this.after;
      if (!found.more && document.activeElement === this.more) this.said.focus();
      this.more.hidden = !found.more;
      setText(this.state, "");
    } catch {
      this.failed = true;
      this.more.hidden = false;
    } finally {
      this.reading = false;
      this.redraw(row);
    }
  }

  entry(entry) {
    const { words } = this.owner;
    if (entry.kind !== "message" && entry.kind !== "file") {
      return make("p", { class: "quiet" }, `${this.happened(entry)} ${words.time(entry.at)}`);
    }
    const who = entry.side === "customer" ? words.say("chat.customer") : entry.name;
    const text = make("span", { class: "text", dir: "auto" }, ...nodes(entry.text));
    return make("p", {}, make("bdi", { class: "who" }, who), ` ${words.time(entry.at)} `, text);
  }

  happened(entry) {
    const { words } = this.owner;
    if (entry.kind === "announced") return words.say("chat.announced", { name: entry.text });
    if (entry.kind !== "ended") return words.say(`chat.${entry.kind}`, { name: entry.name });
    return words.say(`chat.ended.${entry.text}`, {}, words.say("chat.ended-because", { why: entry.text }));
  }
}
