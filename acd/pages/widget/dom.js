// Elements and their texts, for a part of somebody else's page. Whatever comes from elsewhere goes in as text here, never
// as markup: this is the only module of the chat window that puts words anywhere, and it knows `textContent` alone.

// What the document has by itself: an element of the shop's page hides it, if it is called so (`<form name="body">`).
export function native(name) {
  const found = Reflect.get(Document.prototype, name, document);
  return typeof found === "function" ? found.bind(document) : found;
}

// `attributes`: `text` is its text; false and null are left out, true is an attribute without a value.
export function make(tag, attributes = {}, ...children) {
  const made = native("createElement")(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name === "text") made.textContent = value;
    else if (value !== false && value !== null) made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children);
  return made;
}

// Only where it differs: what is read out to people (role=status) is not to be said again.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function setLabel(element, text) {
  if (element.getAttribute("aria-label") !== text) element.setAttribute("aria-label", text);
}

const SHAPES = {
  clip: "M8 12l6-6a3 3 0 0 1 4 4l-8 8a5 5 0 0 1-7-7l8-8",
  chat: "M4 4h16v12H9l-5 4z",
  call: "M5 4h4l2 5-3 2a12 12 0 0 0 5 5l2-3 5 2v4a2 2 0 0 1-2 2A16 16 0 0 1 3 6a2 2 0 0 1 2-2z",
  close: "M6 6l12 12M18 6L6 18",
  send: "M4 12l16-8-5 16-4-6z",
};

// A drawing that says nothing: whoever listens has the label of the button that it is on.
export function icon(name) {
  const space = "http://www.w3.org/2000/svg";
  const create = native("createElementNS"), drawing = create(space, "svg"), path = create(space, "path");
  drawing.setAttribute("viewBox", "0 0 24 24");
  drawing.setAttribute("aria-hidden", "true");
  path.setAttribute("d", SHAPES[name]);
  drawing.append(path);
  return drawing;
}
