// Where the customer writes. Enter sends, with Shift it begins a line; whoever writes with an input method, as one does for
// Chinese, chooses words with Enter, and sends nothing by that.

import { icon, make, setLabel } from "/chat/dom.js";

const CHOOSES = {
  png: ["image/png"],
  jpeg: ["image/jpeg"],
  gif: ["image/gif"],
  webp: ["image/webp"],
  pdf: ["application/pdf", ".pdf"],
  text: ["text/plain", ".txt", ".csv", ".log", ".md"],
  docx: [".docx"],
  xlsx: [".xlsx"],
  pptx: [".pptx"],
}; // what a browser offers to choose from

const IN_AN_INPUT_METHOD = 229; // what browsers say of a key that an input method has taken

export class Composer {
  // `say(text)`, `sayFiles(chosen)`: it is to be sent. `typing()`: something has been written.
  constructor(words, { say, sayFiles, typing }) {
    this.say = say;
    this.sayFiles = sayFiles;
    this.field = make("textarea", { rows: "1", enterkeyhint: "send", autocomplete: "off", dir: "auto" });
    setLabel(this.field, words.say("write"));
    this.hint = make("span", { class: "hint", "aria-hidden": "true", text: words.say("write") });
    const send = make("button", { type: "submit", class: "send", "aria-label": words.say("send") }, icon("send"));
    const label = words.say("file.choose");
    this.attach = make("button", { type: "button", class: "attach", hidden: true, "aria-label": label }, icon("clip"));
    this.chooser = make("input", { type: "file", multiple: true, hidden: true, tabindex: "-1", "aria-label": label });
    const field = make("div", { class: "field" }, this.field, this.hint);
    this.element = make("form", { class: "composer" }, this.attach, this.chooser, field, send);
    this.chooses();
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

  // Files of these kinds can be sent, or none.
  takeFiles(kinds) {
    this.attach.hidden = kinds.length === 0;
    const accept = kinds.flatMap((each) => CHOOSES[each] ?? []).join(",");
    if (this.chooser.accept !== accept) this.chooser.accept = accept;
  }

  takeAll() {
    const text = this.field.value;
    this.field.value = "";
    this.grow();
    return text;
  }

  // ---- inside

  // By a button, or by pasting a picture of the screen.
  chooses() {
    this.attach.addEventListener("click", () => this.chooser.click());
    this.chooser.addEventListener("change", () => {
      this.sayFiles([...this.chooser.files]);
      this.chooser.value = "";
      this.field.focus();
    });
    this.field.addEventListener("paste", (event) => {
      const files = [...(event.clipboardData?.files ?? [])];
      if (this.attach.hidden || files.length === 0) return;
      event.preventDefault();
      this.sayFiles(files);
    });
  }

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
