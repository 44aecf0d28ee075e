// The field in which an agent writes: Enter sends, Shift+Enter breaks the line, and what an input method is composing
// is never sent. A `/` at the beginning looks for canned answers. Knows no request; drafts are kept (`drafts.js`).

import { make, setText } from "/pages/common/dom.js";
import { AnswerList, cannedAnswers, filled } from "/desk/answers.js";
import { keep, keptOf } from "/desk/drafts.js";

const MOST = 4_000; // characters of a message, as the server counts them
const WARNS = 200; // characters that are left
const TALLEST = 192; // pixels
const COMPOSING = 229; // the key code of whatever an input method takes; some browsers have no other sign at its end
const CONTROLS = /[^\P{Cc}\n\t]/gu;

export class Composer {
  // `send(text)`: true when it is on its way; `typed()`: something was written; `name()`: the agent's.
  constructor({ agent, interactionId, words, send, typed, name }) {
    this.whose = [agent, interactionId];
    this.words = words;
    this.heard = { send, typed, name };
    this.answers = [];
    this.composing = false;
    this.inviting = false;
    this.instead = false;
    this.build();
    this.write(keptOf(...this.whose).draft);
    this.redraw();
    cannedAnswers().then((found) => {
      this.answers = found;
      this.open.hidden = found.length === 0;
      this.redraw();
    });
  }

  build() {
    this.list = new AnswerList(this.words, (answer) => this.insert(answer));
    const { id } = this.list, names = { rows: 1, "aria-autocomplete": "list", "aria-controls": id };
    this.field = make("textarea", { class: "message", id: `${id}-field`, "aria-describedby": `${id}-hint`, ...names });
    this.label = make("label", { for: `${id}-field` });
    this.hint = make("p", { class: "quiet hint", id: `${id}-hint` });
    this.count = make("p", { class: "problem count", role: "status" });
    this.open = make("button", { type: "button", class: "open-answers" });
    this.open.hidden = true;
    this.submit = make("button", { type: "submit", class: "send" });
    const row = make("div", { class: "writing" }, this.field, this.open, this.submit);
    this.element = make("form", { class: "composer" }, this.list.element, this.label, row, this.hint, this.count);
    this.listen();
  }

  listen() {
    const { field } = this;
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    field.addEventListener("compositionstart", () => (this.composing = true));
    field.addEventListener("compositionend", () => {
      this.composing = false;
      this.changed();
    });
    field.addEventListener("input", () => this.changed());
    field.addEventListener("keydown", (event) => this.pressed(event));
    field.addEventListener("blur", () => this.closeList());
    this.open.addEventListener("mousedown", (event) => event.preventDefault());
    this.open.addEventListener("click", () => {
      field.focus();
      if (this.list.isOpen) this.closeList();
      else this.look("");
    });
  }

  // `inviting`: what is written begins a conversation.
  show(inviting) {
    this.inviting = inviting;
    this.redraw();
  }

  focus() {
    this.field.focus();
  }

  redraw() {
    const { words } = this;
    setText(this.label, words.say(this.inviting ? "chat.first-message" : "chat.message"));
    setText(this.submit, words.say("chat.send"));
    setText(this.open, words.say("chat.answers"));
    setText(this.hint, words.say(this.answers.length > 0 ? "chat.hint-answers" : "chat.hint"));
    this.measure();
  }

  // The field has this text; `chosen`: from where to where it is selected.
  write(text, chosen = [text.length, text.length]) {
    this.field.value = text;
    this.field.setSelectionRange(...chosen);
    this.measure();
  }

  // A message that is not sent is back in the field, above what has been written since.
  takeBack(text) {
    this.write(this.field.value ? `${text}\n${this.field.value}` : text);
    keep(...this.whose, { draft: this.field.value });
    this.focus();
  }

  pressed(event) {
    if (event.isComposing || this.composing || event.keyCode === COMPOSING) return;
    if (this.list.isOpen && this.chose(event)) return event.preventDefault();
    if (event.key !== "Enter" || event.shiftKey || event.altKey) return;
    event.preventDefault();
    this.send();
  }

  // Whether the key was one of the list's.
  chose(event) {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      this.list.move(event.key === "ArrowDown" ? 1 : -1);
      this.tellActive();
    } else if (event.key === "Escape") this.closeList();
    else if (event.key === "Enter" && !event.shiftKey) this.insert(this.list.current);
    else return false;
    return true;
  }

  changed() {
    keep(...this.whose, { draft: this.field.value });
    this.measure();
    if (this.field.value.trim()) this.heard.typed();
    const sought = /^[/／](\S*(?: \S*)?)$/.exec(this.field.value);
    if (sought && !this.composing) this.look(sought[1], true);
    else this.closeList();
  }

  // `instead`: what is chosen comes in place of all that is in the field.
  look(sought, instead = false) {
    this.instead = instead;
    this.list.open(this.answers, sought);
    this.tellActive();
  }

  closeList() {
    this.list.close();
    this.tellActive();
  }

  tellActive() {
    if (this.list.active) this.field.setAttribute("aria-activedescendant", this.list.active);
    else this.field.removeAttribute("aria-activedescendant");
  }

  // In place of the `/` and what was looked for, else where the cursor is; the first name that is to be written over
  // is selected.
  insert(answer) {
    const text = filled(answer.text, this.heard.name()), { value, selectionStart, selectionEnd } = this.field;
    const [begin, end] = this.instead ? [0, value.length] : [selectionStart, selectionEnd];
    const open = text.indexOf("{customer}");
    const from = begin + (open < 0 ? text.length : open), to = open < 0 ? from : from + "{customer}".length;
    this.closeList();
    this.write(value.slice(0, begin) + text + value.slice(end), [from, to]);
    keep(...this.whose, { draft: this.field.value });
    this.focus();
  }

  send() {
    const text = clean(this.field.value);
    if (this.composing || !text.trim() || lengthOf(text) > MOST || !this.heard.send(text)) return this.focus();
    this.write("");
    keep(...this.whose, { draft: "" });
    this.focus();
  }

  // As tall as what is in it, and how much more there may be.
  measure() {
    const left = MOST - lengthOf(clean(this.field.value));
    const count = Math.abs(left), word = left < 0 ? "chat.too-long" : "chat.characters";
    setText(this.count, left < WARNS ? this.words.say(word, { count }) : "");
    this.submit.disabled = left < 0;
    this.field.style.height = "auto";
    if (this.field.scrollHeight) this.field.style.height = `${Math.min(TALLEST, this.field.scrollHeight + 2)}px`;
  }
}

// What a message may have in it.
function clean(text) {
  return (text.toWellFormed?.() ?? text).replace(CONTROLS, "");
}

function lengthOf(text) {
  return text.length <= MOST - WARNS ? text.length : [...text].length;
}
