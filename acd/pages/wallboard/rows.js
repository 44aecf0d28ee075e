// Rows of tables, kept by key: a row that is still there stays the same element, so that whoever is at one of its
// buttons stays there. Only what differs is touched.

import { setText } from "/pages/common/dom.js";

// `cells`: how many; the first is the row's heading. `fill(row, item)` puts one item into a row that `dress` has made.
export class Rows {
  constructor(body, cells, { key, fill, dress = () => {} }) {
    this.body = body;
    this.cells = cells;
    this.key = key;
    this.fill = fill;
    this.dress = dress;
    this.known = new Map();
  }

  show(items) {
    const there = document.activeElement, inside = this.body.contains(there), kept = new Map();
    // Whoever is gone goes first: or all behind them would be moved, and a press on one of their buttons lost.
    const wanted = new Set(items.map(this.key));
    for (const [key, row] of this.known) if (!wanted.has(key)) row.element.remove();
    let next = this.body.firstElementChild;
    for (const item of items) {
      const key = this.key(item), row = this.known.get(key) ?? this.make();
      kept.set(key, row);
      row.item = item;
      this.fill(row, item);
      if (row.element === next) next = next.nextElementSibling;
      else this.body.insertBefore(row.element, next);
    }
    this.known = kept;
    // A browser takes the focus from what it moves. Whose row is gone is at the table, and in nobody else's row.
    if (inside && there !== document.activeElement) (there.isConnected ? there : regionOf(this.body)).focus();
  }

  make() {
    const element = document.createElement("tr"), row = { element, cells: [], item: null };
    for (let at = 0; at < this.cells; at += 1) {
      const cell = document.createElement(at ? "td" : "th");
      if (!at) cell.scope = "row";
      element.append(cell);
      row.cells.push(cell);
    }
    this.dress(row);
    return row;
  }
}

// What a table scrolls in, and is named like it.
export function regionOf(table) {
  return table.closest(".scroll");
}

export function button(onPress) {
  const made = document.createElement("button");
  made.type = "button";
  made.addEventListener("click", onPress);
  return made;
}

// 75 → "1:15", 4000 → "1:06:40".
export function clock(seconds) {
  const whole = Math.max(0, Math.floor(seconds)), two = (number) => String(number).padStart(2, "0");
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  return hours ? `${hours}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
}

// How long ago by the server's clock, which may differ from this machine's.
export class Ages {
  constructor() {
    this.server = Date.now();
    this.here = performance.now();
  }

  set(moment) {
    this.server = Date.parse(moment);
    this.here = performance.now();
  }

  since(moment) {
    return clock((this.server + performance.now() - this.here - Date.parse(moment)) / 1000);
  }
}

export function fillAll(row, texts) {
  texts.forEach((text, at) => setText(row.cells[at], text));
}
