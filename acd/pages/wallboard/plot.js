// The day as three drawings: how many waited, the service level, answered and abandoned calls. Drawn here, with no
// library; what they show is said in words below each, and for screen readers in its label.

import { byId, setText } from "/pages/common/dom.js";

const SPACE = "http://www.w3.org/2000/svg";
const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [720, 260, 84, 10, 14, 36];
const DAY = 24 * 3600 * 1000, HOUR = 3600 * 1000, BIN = 15 * 60 * 1000; // milliseconds

function draw(kind, attributes, parent) {
  const made = document.createElementNS(SPACE, kind);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, String(value));
  parent.append(made);
  return made;
}

// Quarters of an hour: counts are added up, of those who wait the most is taken.
export function bins(day) {
  const begin = Math.ceil((Date.parse(day.ends_at) - DAY) / BIN) * BIN, end = Date.parse(day.ends_at), found = [];
  for (let at = begin; at <= end; at += BIN) found.push({ at, entered: 0, answered: 0, inTime: 0, abandoned: 0, waiting: 0 });
  for (const point of day.points) {
    const bin = found[Math.floor((Date.parse(point.at) - begin) / BIN)];
    if (!bin) continue;
    bin.entered += point.entered;
    bin.answered += point.answered;
    bin.inTime += point.in_time;
    bin.abandoned += point.abandoned;
    bin.waiting = Math.max(bin.waiting, point.most_waiting);
  }
  return found;
}

// A round number that is at least as much.
export function roundUp(most) {
  const step = 10 ** Math.floor(Math.log10(Math.max(1, most)));
  return [1, 2, 5, 10].map((each) => each * step).find((each) => each >= most);
}

class Plot {
  constructor(id, words) {
    this.svg = byId(id);
    this.said = byId(`${id}-words`);
    this.words = words;
    this.svg.setAttribute("viewBox", `0 0 ${WIDTH} ${HEIGHT}`);
  }

  begin(all, top, unit) {
    this.svg.replaceChildren();
    const [first, last] = [all[0].at, all.at(-1).at + BIN];
    this.x = (at) => LEFT + ((at - first) / (last - first)) * (WIDTH - LEFT - RIGHT);
    this.y = (value) => HEIGHT - BOTTOM - (value / top) * (HEIGHT - TOP - BOTTOM);
    for (const value of [0, top / 2, top]) {
      draw("line", { class: "grid", x1: LEFT, x2: WIDTH - RIGHT, y1: this.y(value), y2: this.y(value) }, this.svg);
      if (Number.isInteger(value)) this.text(LEFT - 5, this.y(value) + 7, `${value}${unit}`, "end");
    }
    for (let at = Math.ceil(first / (4 * HOUR)) * 4 * HOUR; at < last; at += 4 * HOUR) {
      draw("line", { class: "grid", x1: this.x(at), x2: this.x(at), y1: TOP, y2: HEIGHT - BOTTOM }, this.svg);
      if (this.x(at) < WIDTH - 40) this.text(this.x(at), HEIGHT - 9, this.clock(at), "middle");
    }
  }

  // Midnight and noon are of whoever looks.
  clock(at) {
    return new Intl.DateTimeFormat(this.words.language, { hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
  }

  text(x, y, text, anchor) {
    setText(draw("text", { x, y, "text-anchor": anchor }, this.svg), text);
  }

  bar(bin, from, to, name) {
    const width = Math.max(1, this.x(bin.at + BIN) - this.x(bin.at) - 1);
    draw("rect", { class: name, x: this.x(bin.at), width, y: this.y(to), height: this.y(from) - this.y(to) }, this.svg);
  }

  say(text) {
    setText(this.said, text);
    this.svg.setAttribute("aria-label", text);
  }
}

export class Plots {
  constructor(words) {
    this.words = words;
    this.day = null;
    [this.waits, this.level, this.calls] = ["plot-waiting", "plot-level", "plot-calls"].map((id) => new Plot(id, words));
  }

  show(day) {
    this.day = day;
    const all = bins(day);
    this.showWaiting(all);
    this.showLevel(all);
    this.showCalls(all);
  }

  again() {
    if (this.day) this.show(this.day);
  }

  showWaiting(all) {
    const { waits, words } = this, most = all.reduce((best, bin) => (bin.waiting > best.waiting ? bin : best));
    waits.begin(all, roundUp(most.waiting), "");
    const corners = all.flatMap((bin) => [[bin.at, bin.waiting], [bin.at + BIN, bin.waiting]]);
    const points = corners.map(([at, value]) => `${waits.x(at)},${waits.y(value)}`).join(" ");
    draw("polyline", { class: "line", points }, waits.svg);
    const values = { count: most.waiting, time: waits.clock(most.at) };
    waits.say(most.waiting ? words.say("said.waiting", values) : words.say("said.nobody"));
  }

  showLevel(all) {
    const { level, words } = this, decided = all.filter((bin) => bin.answered + bin.abandoned > 0);
    level.begin(all, 100, " %");
    for (const bin of decided) {
      const share = (100 * bin.inTime) / (bin.answered + bin.abandoned);
      const [y1, y2] = [level.y(share), level.y(share)];
      draw("line", { class: "line", x1: level.x(bin.at), x2: level.x(bin.at + BIN), y1, y2 }, level.svg);
    }
    const sum = (name) => decided.reduce((total, bin) => total + bin[name], 0);
    const count = sum("answered") + sum("abandoned"), share = Math.floor((100 * sum("inTime")) / count);
    level.say(count ? words.say("said.level", { level: share, count }) : words.say("said.no-calls"));
  }

  showCalls(all) {
    const { calls, words } = this;
    calls.begin(all, roundUp(Math.max(...all.map((bin) => bin.answered + bin.abandoned))), "");
    for (const bin of all) {
      if (bin.answered) calls.bar(bin, 0, bin.answered, "good");
      if (bin.abandoned) calls.bar(bin, bin.answered, bin.answered + bin.abandoned, "poor");
    }
    const sum = (name) => all.reduce((total, bin) => total + bin[name], 0);
    calls.say(words.say("said.calls", { answered: sum("answered"), abandoned: sum("abandoned") }));
  }
}
