// Alarms in words, and a sound for a new one if somebody wants to hear it. The engine raises and clears them: the page
// only shows which there are.

import { byId, setText } from "/pages/common/dom.js";
import { clock } from "/wallboard/rows.js";

const BEEP = { frequency: 880, seconds: 0.4, volume: 0.2 };
const IN_TIME = new Set(["longest-wait", "no-agent-ready"]);

export function alarmText(words, alarm) {
  const figure = (value) => (IN_TIME.has(alarm.alarm) ? clock(value) : String(value));
  return words.say(`alarm.${alarm.alarm}`, { value: figure(alarm.value), threshold: figure(alarm.threshold) }, alarm.alarm);
}

export class Alarms {
  constructor(words) {
    this.words = words;
    this.known = null; // before the first picture none is new
    this.audio = null;
    byId("sound").addEventListener("click", () => this.toggle());
  }

  show(queues) {
    const found = queues.flatMap((queue) => queue.alarms.map((alarm) => ({ queue, alarm })));
    const keys = new Set(found.map(({ queue, alarm }) => `${queue.id} ${alarm.alarm} ${alarm.since}`));
    if (this.known && [...keys].some((each) => !this.known.has(each))) this.beep();
    this.known = keys;
    const { words } = this, count = found.length;
    setText(byId("alarm-count"), count ? words.say("alarm-count", { count }) : words.say("no-alarms"));
    const list = byId("alarms");
    while (list.childElementCount > found.length) list.lastElementChild.remove();
    while (list.childElementCount < found.length) list.append(document.createElement("li"));
    found.forEach(({ queue, alarm }, at) => setText(list.children[at], `⚠ ${this.words.say("alarm-line", {
      queue: queue.title || queue.id, alarm: alarmText(this.words, alarm), time: this.words.time(alarm.since),
    })}`));
  }

  forget() {
    this.known = null;
    byId("alarms").replaceChildren();
    setText(byId("alarm-count"), "");
  }

  // A browser lets a page be heard only after somebody has pressed something.
  toggle() {
    const on = this.audio === null;
    if (on) {
      this.audio = new AudioContext();
      this.beep();
    } else {
      this.audio.close();
      this.audio = null;
    }
    byId("sound").setAttribute("aria-pressed", String(on));
  }

  beep() {
    if (!this.audio) return;
    const tone = new OscillatorNode(this.audio, { frequency: BEEP.frequency });
    tone.connect(new GainNode(this.audio, { gain: BEEP.volume })).connect(this.audio.destination);
    tone.start();
    tone.stop(this.audio.currentTime + BEEP.seconds);
  }
}
