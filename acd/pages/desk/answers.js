// Canned answers: a list from which one is chosen while one writes. Knows nothing of messages.

import { make } from "/pages/common/dom.js";
import { ask } from "/pages/common/requests.js";

let asked = null;

// Those of the centre, [{name, text}]; none while there is no answer.
export async function cannedAnswers() {
  asked ??= ask("GET", "/v1/desk");
  try {
    return (await asked).answers;
  } catch {
    asked = null;
    return [];
  }
}

// The text with the agent's name in it; whose name is not known stays in braces, to be written over.
export function filled(text, name) {
  return text.replaceAll("{agent}", () => name);
}

let made = 0; // lists, so that each has an id of its own

export class AnswerList {
  // `chosen(answer)`: one was taken by hand.
  constructor(words, chosen) {
    this.words = words;
    this.chosen = chosen;
    this.found = [];
    this.at = 0;
    this.id = `answers-${(made += 1)}`;
    this.element = make("div", { class: "answers", id: this.id, role: "listbox" });
    this.element.hidden = true;
  }

  get isOpen() {
    return !this.element.hidden;
  }

  get current() {
    return this.isOpen ? (this.found[this.at] ?? null) : null;
  }

  // The id of the option that is chosen, for `aria-activedescendant`.
  get active() {
    return this.current ? `${this.id}-${this.at}` : "";
  }

  // Show those in which the words are; with none of them there is nothing to show.
  open(answers, sought) {
    const parts = sought.toLowerCase().split(/\s+/).filter(Boolean);
    const has = ({ name, text }) => parts.every((each) => `${name}\n${text}`.toLowerCase().includes(each));
    this.found = answers.filter(has);
    this.at = 0;
    this.element.setAttribute("aria-label", this.words.say("chat.answers"));
    this.element.replaceChildren(...this.found.map((each, index) => this.option(each, index)));
    this.element.hidden = this.found.length === 0;
    this.draw();
  }

  close() {
    this.element.hidden = true;
  }

  move(by) {
    const count = this.found.length;
    this.at = (this.at + by + count) % count;
    this.draw();
  }

  option(answer, index) {
    const inside = [make("strong", {}, answer.name), " ", make("span", {}, answer.text)];
    const made = make("div", { class: "answer", id: `${this.id}-${index}`, role: "option" }, ...inside);
    // The text field keeps the focus.
    made.addEventListener("mousedown", (event) => event.preventDefault());
    made.addEventListener("click", () => this.chosen(answer));
    return made;
  }

  draw() {
    [...this.element.children].forEach((each, index) => {
      each.setAttribute("aria-selected", String(index === this.at));
      if (index === this.at) each.scrollIntoView({ block: "nearest" });
    });
  }
}
