// The server's time, as far as the page knows it, and durations in figures. Knows no element of the page.

export class Clock {
  constructor() {
    this.ahead = 0; // milliseconds
  }

  // The server has just said how late it is. What its answer took to arrive makes it seem a little earlier.
  set(moment) {
    this.ahead = Date.parse(moment) - Date.now();
  }

  // Whole seconds that are left, never less than none.
  left(moment) {
    return Math.max(0, Math.ceil((Date.parse(moment) - Date.now() - this.ahead) / 1_000));
  }

  passed(moment) {
    return Math.max(0, Math.floor((Date.now() + this.ahead - Date.parse(moment)) / 1_000));
  }
}

// 75 → 1:15, 3675 → 1:01:15
export function figures(seconds) {
  const parts = [Math.floor(seconds / 60) % 60, Math.floor(seconds) % 60];
  if (seconds >= 3600) parts.unshift(Math.floor(seconds / 3600));
  return parts.map((part, index) => (index ? String(part).padStart(2, "0") : part)).join(":");
}
