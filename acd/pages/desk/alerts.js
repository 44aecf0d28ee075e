// That somebody rings, for whoever does not look: a sound, made here, and a notification of the browser's. Both only
// for whoever has asked for them with a button. Nothing about the customer is in either.

import { byId, setText } from "/pages/common/dom.js";
import { keep, kept } from "/pages/common/kept.js";

const SOUND = "acd-sound", NOTES = "acd-notifications", ON = "on", WAITS = "waits";
const EVERY = 2_000; // milliseconds
const TONES = [[0, 660], [0.18, 880]]; // seconds, hertz
const LASTS = 0.16, LOUD = 0.2;

export class Alerts {
  constructor({ words, complain }) {
    this.words = words;
    this.complain = complain;
    this.offers = []; // [{ id, title }]
    this.context = null;
    this.timer = 0;
    this.turn = null; // to sound: WAITS for it, or what lets another tab have it
    this.notes = new Map();
    byId("sound").addEventListener("click", () => this.chooseSound(!this.wantsSound));
    byId("notify").addEventListener("click", () => this.chooseNotes(!this.wantsNotes));
    // A page that has not been touched may make no sound: the first touch makes up for it.
    for (const touch of ["pointerdown", "keydown"]) document.addEventListener(touch, () => this.wake(), true);
  }

  get wantsSound() {
    return kept("localStorage", SOUND) === ON;
  }

  get wantsNotes() {
    return kept("localStorage", NOTES) === ON && globalThis.Notification?.permission === "granted";
  }

  draw() {
    const sounds = this.context?.state === "running";
    byId("sound").setAttribute("aria-pressed", String(this.wantsSound));
    byId("notify").setAttribute("aria-pressed", String(this.wantsNotes));
    setText(byId("sound"), this.words.say(this.wantsSound && !sounds ? "sound-waits" : "sound"));
  }

  // These ring now, and no others.
  ring(offers) {
    const before = new Set(this.offers.map((each) => each.id)), now = new Set(offers.map((each) => each.id));
    this.offers = offers;
    for (const [id, note] of this.notes) {
      if (now.has(id)) continue;
      note.close();
      this.notes.delete(id);
    }
    for (const each of offers) if (!before.has(each.id)) this.note(each);
    if (!offers.length) {
      clearInterval(this.timer);
      this.timer = 0;
    } else if (!this.timer) {
      this.timer = setInterval(() => this.sound(), EVERY);
      this.sound();
    }
  }

  async chooseSound(wanted) {
    keep("localStorage", SOUND, wanted ? ON : "");
    if (wanted) await this.wake();
    else this.rest();
    if (wanted) this.play();
    this.draw();
  }

  async chooseNotes(wanted) {
    const may = wanted && (await globalThis.Notification?.requestPermission());
    keep("localStorage", NOTES, may === "granted" ? ON : "");
    if (wanted && may !== "granted") this.complain("problem.notifications-denied");
    this.draw();
  }

  async wake() {
    if (!this.wantsSound || this.context?.state === "running") return;
    this.context ??= new AudioContext();
    await this.context.resume();
    this.draw();
    this.takeTurn();
  }

  rest() {
    this.context?.close();
    this.context = null;
    if (typeof this.turn === "function") this.turn();
    this.turn = null;
  }

  // Of several tabs one sounds, where the browser lets them agree on it; when it goes, the next one does.
  takeTurn() {
    if (this.turn || !navigator.locks) return;
    this.turn = WAITS;
    navigator.locks.request(SOUND, () => {
      if (!this.context) return undefined;
      return new Promise((done) => { this.turn = done; });
    });
  }

  sound() {
    if (this.wantsSound && this.turn !== WAITS) this.play();
  }

  play() {
    if (this.context?.state !== "running") return;
    for (const [after, hertz] of TONES) {
      const tone = this.context.createOscillator(), volume = this.context.createGain();
      const at = this.context.currentTime + after;
      tone.frequency.value = hertz;
      volume.gain.setValueAtTime(0, at);
      volume.gain.linearRampToValueAtTime(LOUD, at + 0.02);
      volume.gain.linearRampToValueAtTime(0, at + LASTS);
      tone.connect(volume).connect(this.context.destination);
      tone.start(at);
      tone.stop(at + LASTS);
    }
  }

  note({ id, title }) {
    if (!this.wantsNotes || (!document.hidden && document.hasFocus())) return;
    try {
      const note = new Notification(this.words.say("notify.title"), { body: title, tag: id, requireInteraction: true });
      note.addEventListener("click", () => {
        window.focus();
        note.close();
      });
      this.notes.set(id, note);
    } catch {
      // Some browsers have notifications for other kinds of pages only.
    }
  }
}
