// Two forms: what the customer thought of it, and a message for when somebody can be reached.

import { make, setText } from "/chat/dom.js";

const SCORES = [1, 2, 3, 4, 5];
const MOST = { comment: 1_000, name: 100, contact: 200 }; // characters
let drawn = 0;

function field(words, name, tag, attributes) {
  const id = `acd-${name}-${(drawn += 1)}`;
  const input = make(tag, { id, ...attributes });
  return [make("label", { for: id, text: words.say(name) }), input];
}

export class Rating {
  // `rate(score, comment)`: it is to be told.
  constructor(words, rate) {
    const marks = SCORES.map((score) => this.mark(words, score));
    const [label, comment] = field(words, "comment", "textarea", { rows: "2", maxlength: MOST.comment, dir: "auto" });
    const ends = ["rate.worst", "rate.best"].map((each) => make("span", { text: words.say(each) }));
    this.element = make(
      "form",
      { class: "form rating", hidden: true },
      make(
        "fieldset",
        {},
        make("legend", { text: words.say("rate") }),
        make("div", { class: "scores" }, ...marks),
        make("p", { class: "ends", "aria-hidden": "true" }, ...ends),
      ),
      label,
      comment,
      make("button", { type: "submit", class: "main", text: words.say("rate.send") }),
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      const chosen = this.element.querySelector("input:checked");
      if (chosen) rate(Number(chosen.value), comment.value.trim());
    });
  }

  mark(words, score) {
    const input = make("input", { type: "radio", name: "score", value: String(score), required: true });
    input.setAttribute("aria-label", words.say("rate.score", { score: String(score) }));
    return make("label", { class: "score" }, input, make("span", { "aria-hidden": "true", text: String(score) }));
  }
}

export class LeftMessage {
  // `leave({name, contact, text})`: it is to be kept for later.
  constructor(words, leave) {
    const all = { required: true, dir: "auto" };
    const [nameLabel, name] = field(words, "left.name", "input", { maxlength: MOST.name, autocomplete: "name", dir: "auto" });
    const [contactLabel, contact] = field(words, "left.contact", "input", { maxlength: MOST.contact, ...all });
    const [textLabel, text] = field(words, "left.text", "textarea", { rows: "4", ...all });
    this.text = text;
    this.why = make("p", { class: "quiet" });
    this.element = make(
      "form",
      { class: "form left", hidden: true, "aria-label": words.say("left") },
      this.why,
      ...[nameLabel, name, contactLabel, contact, textLabel, text],
      make("button", { type: "submit", class: "main", text: words.say("left.send") }),
    );
    this.element.addEventListener("submit", (event) => {
      event.preventDefault();
      if (!text.value.trim() || !contact.value.trim()) return;
      leave({ name: name.value.trim(), contact: contact.value.trim(), text: text.value.trim() });
    });
  }

  limit(most) {
    this.text.maxLength = most - MOST.name - MOST.contact - 10; // who it is from comes first, in the same message
  }

  fill(text) {
    if (text && !this.text.value) this.text.value = text;
  }

  explain(sentence) {
    setText(this.why, sentence);
  }
}
