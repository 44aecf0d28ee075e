// Where the customer writes. Enter sends, with Shift it begins a line; whoever writes with an input method, as one does for
// Chinese, chooses words with Enter, and sends nothing by that.

import { icon, make, setLabel } from "/chat/dom.js";

const IN_AN_INPUT_METHOD = 229; // what browsers say of a key that an input method has taken

export class Composer {
  // `say(text)`: it is to be sent. `typing()`: something has been written.
  constructor(words, { say, typing }) {
    this.say = say;
    this.field = make("textarea", { rows: "1", enterkeyhint: "send", autocomplete: "off", dir: "auto" });
    setLabel(this.field, words.say("write"));
    this.hint = make("span", { class: "hint", "aria-hidden": "true", text: words.say("write") });
    const send = make("button", { type: "submit", class: "send", "aria-label": words.say("send") }, icon("send"));
    this.element = make("form", { class: "composer" }, make("div", { class: "field" }, this.field, this.hint), send);
    this.element.addEventListener("submit", (event) => this.submit(event));
    this.field.addEventListener("keydown", (event) => this.pressed(event));
    this.field.addEventListener("input", () => {
      this.grow();
      if (this.field.value) typing();
    });
    this.composing = false;
    this.field.addEventListener("compositionstart", () => (this.composing = true));
    this.field.addEventListener("compositionend", () => (this.composing = false));
  }

  // What was not taken comes back before what has been written since.
  putBack(text) {
    if (!text) return;
    this.field.value = [text, this.field.value].filter(Boolean).join("\n");
    this.grow();
  }

  limit(most) {
    this.field.maxLength = most;
  }

  takeAll() {
    const text = this.field.value;
    this.field.value = "";
    this.grow();
    return text;
  }

  // ---- inside

  pressed(event) {
    if (event.key !== "Enter" || event.shiftKey || event.altKey || event.ctrlKey || event.metaKey) return;
    if (event.isComposing || this.composing || event.keyCode === IN_AN_INPUT_METHOD) return;
    this.submit(event);
  }

  submit(event) {
    event.preventDefault();
    if (!this.field.value.trim()) return;
    this.say(this.takeAll().trim());
    this.field.focus();
  }

  grow() {
    this.hint.hidden = this.field.value !== "";
    this.field.style.height = "auto";
    this.field.style.height = `${this.field.scrollHeight}px`;
  }
}
