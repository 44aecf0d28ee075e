// Elements and their texts. Whatever comes from elsewhere goes in as text here, never as markup: this is the only
// module that puts words into the page, and it knows `textContent` and nothing else.

export function byId(id) {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no element ${id}`);
  return found;
}

// Only where it differs: what is read out to people (role=status) is not to be said again.
export function setText(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

export function option(value, text) {
  const made = document.createElement("option");
  made.value = value;
  made.textContent = text;
  return made;
}

// One of several parts of the page is shown, the others are not there for anybody, whether they see or listen.
export function showOnly(parts, shown) {
  for (const each of parts) each.hidden = each !== shown;
}

// An element with attributes, and with elements and texts in it.
export function make(tag, attributes = {}, ...inside) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...inside);
  return made;
}

// The children are those of `rows`, in their order, by `row.key`; those that are there already stay, with the focus.
export function drawEach(parent, rows, made, drawn) {
  const wanted = new Set(rows.map((row) => row.key));
  for (const each of [...parent.children]) if (!wanted.has(each.dataset.key)) each.remove();
  const there = new Map([...parent.children].map((each) => [each.dataset.key, each]));
  rows.forEach((row, index) => {
    const child = there.get(row.key) ?? made(row);
    child.dataset.key = row.key;
    if (parent.children[index] !== child) parent.insertBefore(child, parent.children[index] ?? null);
    drawn(child, row);
  });
}
