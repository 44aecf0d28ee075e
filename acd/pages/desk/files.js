// Pictures and files at the agents' desk: choosing, dropping and pasting them, sending one, and how one is shown. Knows
// neither the order in which things are sent (`outbox.js`) nor what else is said.

import { make, setText } from "/pages/common/dom.js";
import { Refused } from "/pages/common/requests.js";

const STALLED = 20_000; // milliseconds without a byte that goes on
const ANSWERS = 60_000; // until the last part has been written down
const TIMED_OUT = 408;
const TOGETHER = 10; // files that are chosen at once
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
};

// The button beside the field, and what is dropped over the conversation or pasted into the field. `give(files)`: these
// are to be sent.
export class Attaching {
  constructor({ words, composer, panel, give }) {
    this.words = words;
    this.give = give;
    this.button = make("button", { type: "button", class: "attach" });
    this.chooser = make("input", { type: "file", multiple: "", tabindex: "-1" });
    this.chooser.hidden = true;
    composer.submit.before(this.button, this.chooser);
    this.button.addEventListener("click", () => this.chooser.click());
    this.chooser.addEventListener("change", () => {
      this.take(this.chooser.files);
      this.chooser.value = "";
      composer.focus();
    });
    composer.field.addEventListener("paste", (event) => this.pasted(event));
    for (const each of ["dragover", "dragleave", "drop"]) panel.addEventListener(each, (event) => this.dragged(event, panel));
    this.allow([]);
    this.redraw();
  }

  // Files of these kinds may be sent now.
  allow(kinds) {
    this.button.hidden = kinds.length === 0;
    this.chooser.accept = kinds.flatMap((each) => CHOOSES[each] ?? []).join(",");
  }

  redraw() {
    setText(this.button, this.words.say("chat.attach"));
    this.chooser.setAttribute("aria-label", this.words.say("chat.attach"));
  }

  take(files) {
    const chosen = [...files].slice(0, TOGETHER);
    if (chosen.length > 0 && !this.button.hidden) this.give(chosen);
  }

  pasted(event) {
    const files = event.clipboardData?.files ?? [];
    if (this.button.hidden || files.length === 0) return;
    event.preventDefault();
    this.take(files);
  }

  // A browser would leave the page for a file that is let go over it.
  dragged(event, panel) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    event.dataTransfer.dropEffect = this.button.hidden ? "none" : "copy";
    panel.classList.toggle("over", !this.button.hidden && event.type === "dragover");
    if (event.type === "drop") this.take(event.dataTransfer.files);
  }
}

// Send the file of an item; raises `Refused` as every request does. `item.share` is how much of it has gone, which
// `item.progressed` is told; `item.abort()` ends it.
export function upload(path, item) {
  const request = new XMLHttpRequest(), address = new URL(path, location.href);
  address.search = new URLSearchParams({ id: item.id, name: item.text });
  item.abort = () => request.abort();
  return new Promise((done, failed) => {
    let timer = 0;
    const wait = (patience) => {
      clearTimeout(timer);
      timer = setTimeout(item.abort, patience);
    };
    const fail = () => failed(new Refused(0, "offline", "no answer"));
    request.open("POST", address);
    request.setRequestHeader("Content-Type", "application/octet-stream");
    request.upload.addEventListener("progress", ({ loaded, total }) => {
      item.share = total ? loaded / total : 0;
      item.progressed?.(item.share);
      wait(loaded < total ? STALLED : ANSWERS);
    });
    request.addEventListener("load", () => (request.status === TIMED_OUT ? fail() : answered(request, done, failed)));
    for (const each of ["error", "abort"]) request.addEventListener(each, fail);
    request.addEventListener("loadend", () => {
      clearTimeout(timer);
      item.abort = null;
      item.share = 0;
    });
    wait(STALLED);
    request.send(item.file);
  });
}

function answered({ status, responseText }, done, failed) {
  try {
    const found = JSON.parse(responseText);
    if (status === 200) done(found);
    else failed(new Refused(status, String(found.code), String(found.detail)));
  } catch (error) {
    failed(new Refused(status, "offline", String(error)));
  }
}

// An entry's file: a picture that can be shown, and its name, by which it is saved. `href`: where its bytes are.
export function shown(entry, href, words) {
  const { width, height, size } = entry.file;
  const name = make("a", { class: "file", href, download: entry.text }, named(entry.text, size, words));
  const box = make("div", { class: "attached" });
  if (width > 0) {
    const alt = words.say("chat.picture", { name: entry.text });
    const picture = make("img", { src: href, alt, width, height, loading: "lazy", decoding: "async" });
    const place = make("a", { class: "picture", href, target: "_blank", rel: "noopener noreferrer" }, picture);
    picture.addEventListener("error", () => place.remove());
    box.append(place);
  }
  box.append(name);
  return box;
}

// A file that has not gone yet; `cancel()`: it is not to.
export function waiting(item, words, cancel) {
  const bar = make("progress", { max: 1, "aria-label": words.say("chat.file-progress", { name: item.text }) });
  bar.value = item.share ?? 0;
  item.progressed = (share) => (bar.value = share);
  const stop = make("button", { type: "button" }, words.say("chat.file-cancel"));
  stop.setAttribute("aria-label", words.say("chat.file-cancel-name", { name: item.text }));
  stop.addEventListener("click", cancel);
  bar.hidden = Boolean(item.refused);
  const name = make("p", { class: "text", dir: "auto" }, named(item.text, item.file.size, words));
  return make("div", { class: "attached" }, name, bar, stop);
}

function named(name, size, words) {
  const [amount, unit] = size < 1_000_000 ? [Math.max(1, Math.round(size / 1_000)), "kilobyte"] : [size / 1_000_000, "megabyte"];
  const format = { style: "unit", unit, maximumFractionDigits: 1 };
  return `${name} (${new Intl.NumberFormat(words.language, format).format(amount)})`;
}
