// Ids that are drawn, and texts as acd takes them.

const CONTROLS = /[\u0000-\u0008\u000b-\u001f\u007f]/g; // all but tabs and ends of lines

export function draw() {
  return [...crypto.getRandomValues(new Uint8Array(12))].map((each) => each.toString(16).padStart(2, "0")).join("");
}

// What is no text for acd goes: control characters, which come along when something is pasted, and halves of characters.
export function clean(text) {
  return (text.toWellFormed?.() ?? text).replace(CONTROLS, "").trim();
}
