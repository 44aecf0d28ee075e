// How a file is shown among what has been said: a picture that can be shown as one, everything else by its name, to be saved.
//
// Owns these elements. Must not know requests. A picture is fetched when it comes into sight. Where the shop's policy lets no
// picture be shown that the page has fetched (`img-src blob:`), the name alone is there, and no broken frame.

import { make, setText } from "/chat/dom.js";

const KEPT = 60_000; // milliseconds until what was saved is let go
const PLAIN = "application/octet-stream"; // no browser does anything with it but save it

let shows = true; // as far as is known

export class FileLines {
  // `get(entry)`: the bytes, as a Blob. `cancel(id)`, `again(id)`: the customer does not want it, or wants it once more.
  // `grown()`: a picture takes more room than before.
  constructor(words, { get, cancel, again, grown }) {
    this.words = words;
    this.does = { get, cancel, again, grown };
    this.sight = new IntersectionObserver((seen) => seen.forEach((each) => this.seen(each)));
    this.pictures = new WeakMap(); // place of a picture → its entry
  }

  // What is in the line of an entry. `local`: the same bytes, if they are here.
  shown(entry, local) {
    const save = make("button", { type: "button", class: "file", text: this.named(entry.text, entry.file.size) });
    save.setAttribute("aria-label", this.words.say("file.save", { name: entry.text }));
    save.addEventListener("click", () => this.save(entry, save));
    const box = make("div", { class: "attached" }, save);
    if (entry.file.width > 0 && shows) {
      const place = make("div", { class: "picture" });
      box.prepend(place);
      this.pictures.set(place, { entry, local });
      this.sight.observe(place);
    }
    return box;
  }

  // What is in the line of a file on its way; `draw(share, failed)` as it goes on.
  waiting({ id, text, file }) {
    const { words } = this;
    const name = make("p", { class: "text", dir: "auto", text: this.named(text, file.size) });
    const bar = make("progress", { max: "1", "aria-label": words.say("file.progress", { name: text }) });
    const cancel = make("button", { type: "button", class: "plain", text: words.say("file.cancel") });
    cancel.setAttribute("aria-label", words.say("file.cancel-name", { name: text }));
    cancel.addEventListener("click", () => this.does.cancel(id));
    const why = make("p", { class: "why" });
    const box = make("div", { class: "attached" }, name, bar, why, cancel);
    const draw = (share, failed) => {
      bar.hidden = Boolean(failed);
      bar.value = share;
      setText(why, failed ? words.say(`problem.${failed}`, {}, words.say("problem.file")) : "");
      setText(cancel, words.say(failed ? "file.remove" : "file.cancel"));
    };
    return { box, draw };
  }

  // ---- inside

  named(name, size) {
    const amount = size < 1_000_000 ? [Math.max(1, Math.round(size / 1_000)), "kilobyte"] : [size / 1_000_000, "megabyte"];
    const format = { style: "unit", unit: amount[1], maximumFractionDigits: 1 };
    return `${name} (${new Intl.NumberFormat(this.words.language, format).format(amount[0])})`;
  }

  async seen({ target, isIntersecting }) {
    if (!isIntersecting) return;
    this.sight.unobserve(target);
    const { entry, local } = this.pictures.get(target);
    try {
      this.show(target, entry, local ? new Blob([local], { type: entry.file.media }) : await this.does.get(entry));
    } catch {
      target.remove(); // The name is there, and says when it cannot be had.
    }
  }

  show(place, entry, blob) {
    const address = URL.createObjectURL(blob);
    const { width, height } = entry.file;
    const picture = make("img", { alt: this.words.say("file.picture", { name: entry.text }), width, height });
    picture.addEventListener("load", () => this.does.grown());
    picture.addEventListener("error", () => {
      shows = false;
      place.remove();
      URL.revokeObjectURL(address);
    });
    picture.src = address;
    place.append(picture);
  }

  async save(entry, button) {
    button.disabled = true;
    try {
      const blob = await this.does.get(entry), address = URL.createObjectURL(new Blob([blob], { type: PLAIN }));
      make("a", { href: address, download: entry.text }).click();
      setTimeout(() => URL.revokeObjectURL(address), KEPT);
      setText(button, this.named(entry.text, entry.file.size));
    } catch {
      setText(button, this.words.say("file.not-there", { name: entry.text }));
    }
    button.disabled = false;
    button.focus();
  }
}
