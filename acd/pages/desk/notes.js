// Notes on the work in front: those that there are, those on their way, and where another one is written. Knows no
// request: sending is `note-box.js`'s.

import { drawEach, make, setText } from "/pages/common/dom.js";
import * as box from "/desk/note-box.js";

const MOST = 4_000; // characters

export class Notes {
  // `elsewhere(id, note)`: one has been saved on what is not in front any more.
  constructor({ words, complain, elsewhere }) {
    this.words = words;
    this.id = null; // whose notes are shown
    this.notes = [];
    this.build();
    box.listen({
      changed: (id) => id === this.id && this.draw(),
      saved: (id, note) => (id === this.id ? this.add(note) : elsewhere(id, note)),
      stranger: complain,
    });
  }

  build() {
    this.title = make("h4", { id: "notes-title" });
    this.list = make("ul", { class: "plain notes" });
    this.label = make("label", { for: "note" });
    this.field = make("textarea", { id: "note", rows: 2, maxlength: MOST, "aria-describedby": "note-state" });
    this.state = make("p", { id: "note-state", class: "quiet", role: "status" });
    this.save = make("button", { type: "submit" });
    const row = make("div", { class: "row" }, this.save);
    this.form = make("form", { class: "note-form" }, this.label, this.field, row, this.state);
    this.element = make("section", { "aria-labelledby": "notes-title" }, this.title, this.list, this.form);
    this.element.hidden = true;
    this.form.addEventListener("submit", (event) => {
      event.preventDefault();
      this.write();
    });
    this.field.addEventListener("input", () => this.id && box.keepDraft(this.id, this.field.value));
    this.field.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey) || event.isComposing) return;
      event.preventDefault();
      this.write();
    });
  }

  // Notes on this interaction; null: there is none in front, or nobody writes any.
  take(id) {
    if (id !== this.id) {
      // What is typed from now on is not about what was in front.
      this.field.blur();
      this.id = id;
      this.notes = [];
      this.field.value = id ? box.keptOf(id).draft : "";
    }
    this.draw();
  }

  // As the server has them; what has been saved meanwhile stays.
  show(notes) {
    const there = new Set(notes.map((each) => `${each.agent} ${each.id}`));
    this.notes = [...notes, ...this.notes.filter((each) => !there.has(`${each.agent} ${each.id}`))];
    this.draw();
  }

  add(note) {
    this.show([...this.notes.filter((each) => each.id !== note.id || each.agent !== note.agent), note]);
  }

  write() {
    const text = box.clean(this.field.value);
    if (!this.id || !text) return;
    this.field.value = "";
    box.add(this.id, text);
    this.field.focus();
  }

  draw() {
    const { words } = this;
    this.element.hidden = !this.id;
    if (!this.id) return;
    const { out } = box.keptOf(this.id);
    setText(this.title, words.say("notes.title"));
    setText(this.label, words.say("notes.new"));
    setText(this.save, words.say("notes.save"));
    const waits = out.some((each) => !each.refused);
    setText(this.state, waits ? words.say("notes.waiting") : "");
    const rows = [
      ...this.notes.map((note) => ({ key: `${note.agent} ${note.id}`, note })),
      ...out.map((item) => ({ key: `out ${item.id} ${item.refused?.code ?? ""}`, item })),
    ];
    this.list.hidden = !rows.length;
    const made = ({ item }) => (item ? this.waiting(item) : make("li", {}, make("p"), make("p")));
    drawEach(this.list, rows, made, (child, row) => {
      const [by, text, back] = child.children;
      setText(by, row.note ? byLine(words, row.note) : this.standing(row.item));
      setText(text, (row.note ?? row.item).text);
      if (back) setText(back, words.say("notes.take-back"));
    });
  }

  standing({ refused }) {
    if (!refused) return this.words.say("notes.sending");
    return this.words.say("notes.refused", { why: this.words.say(`problem.${refused.code}`, {}, refused.detail) });
  }

  waiting(item) {
    const made = make("li", { class: item.refused ? "refused" : "late" }, make("p"), make("p"));
    if (!item.refused) return made;
    const back = make("button", { type: "button" });
    back.addEventListener("click", () => {
      box.takeBack(this.id, item);
      this.field.value = box.keptOf(this.id).draft;
      this.field.focus();
    });
    made.append(back);
    return made;
  }
}

// Who wrote it, and when.
export function byLine(words, note) {
  return `${note.name} · ${words.time(note.at)}`;
}
