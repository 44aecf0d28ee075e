// Calls of the agent's telephone, where it is the browser: one tab of several has it (`phone.js`). Who has another
// telephone has nothing here. Picking up accepts the offer, at the PBX; and what has been accepted elsewhere, in another
// tab or by another system, is picked up.

import { ask } from "/pages/common/requests.js";

const AGAIN = 5_000; // milliseconds
const NONE = new Set(["", "none", "closed"]);

export class PhoneCalls {
  constructor({ complain, look, changed, agent }) {
    Object.assign(this, { complain, look, changed, agent });
    this.phone = null;
    this.round = 0; // counts signing in and out, so that a late answer is not taken for another's
    this.asking = false;
    this.isPaused = true;
    this.shown = new Map(); // by their keys
    this.picked = new Set(); // offers that were picked up by themselves, once each
  }

  // "" where there is nothing to show.
  get state() {
    return !this.phone || NONE.has(this.phone.state) ? "" : this.phone.state;
  }

  get code() {
    return this.phone?.code ?? "";
  }

  // Whether this tab is the one that rings, or would be.
  get isHere() {
    return Boolean(this.state) && this.state !== "elsewhere";
  }

  get calls() {
    return [...this.shown.values()];
  }

  take(items) {
    this.isPaused = false;
    if (!this.phone && !this.asking) this.open(this.agent());
    const active = new Set(items.filter((each) => each.work.state === "active").map((each) => each.work.offer_id));
    for (const call of this.shown.values()) {
      if (call.state !== "ringing" || !active.has(call.offer) || this.picked.has(call.offer)) continue;
      this.picked.add(call.offer);
      this.phone.answer(call.key).catch(() => {}); // What is in the way is shown with the call.
    }
    for (const offer of this.picked) if (!active.has(offer)) this.picked.delete(offer);
  }

  async open(agent) {
    const round = ++this.round;
    this.asking = true;
    try {
      const { browser } = await ask("GET", `/v1/agents/${encodeURIComponent(agent)}/phone`);
      if (round !== this.round || !browser) return;
      const { openPhone } = await import("/desk/phone.js"); // and all of SIP, for those alone who need it
      if (round !== this.round) return;
      this.asking = false;
      this.phone = openPhone({
        agent,
        onState: () => round === this.round && this.changed(),
        onCall: (call) => round === this.round && this.told(call),
      });
      this.changed();
    } catch (error) {
      if (round !== this.round) return;
      if (error.isPassing) setTimeout(() => round === this.round && this.open(agent), AGAIN);
      else if (!error.isStranger) this.complain("phone.phone-refused");
    }
  }

  // Resolves to true when the two can talk. It goes on ringing where there is no microphone.
  async accept({ work }) {
    try {
      await this.phone.answer(work.offer_id);
      await this.look();
      return true;
    } catch (problem) {
      this.complain(`phone.${problem.code ?? "call-failed"}`);
      return false;
    }
  }

  takeOver() {
    this.phone?.takeOver();
  }

  async use(devices) {
    try {
      await this.phone?.choose(devices);
    } catch (problem) {
      throw Object.assign(problem, { word: `phone.${problem.code ?? "microphone-busy"}` });
    }
  }

  pause() {
    this.isPaused = true;
    if (!this.shown.size) this.close();
  }

  close() {
    this.round += 1;
    this.asking = false;
    this.phone?.close();
    this.phone = null;
    this.shown.clear();
    this.picked.clear();
  }

  told(call) {
    const { id: key, offer, number, name, state, muted, code } = call;
    if (state === "ended") this.shown.delete(key);
    else {
      this.shown.set(key, {
        key,
        kind: "phone",
        offer,
        interaction: "",
        who: [name, number].filter(Boolean).join(" · "),
        state: state === "answering" ? "joining" : state,
        muted,
        held: false,
        theyMuted: false,
        word: code ? `phone.${code}` : "",
        heard: null,
        pictures: new Map(),
        sends: new Set(),
        can: new Set(CAN[state]),
        does: (name, value) => this.does(key, name, value),
      });
    }
    this.changed();
    if (state === "ended" && this.isPaused && !this.shown.size) this.close();
  }

  async does(key, name, value) {
    const { phone } = this;
    try {
      if (name === "pick-up") await phone.answer(key);
      else if (name === "decline") phone.decline(key);
      else if (name === "hang-up") phone.hangUp(key);
      else if (name === "mute") phone.mute(value, key);
      else if (name === "keypad") phone.keypad(value, key);
      else if (name === "play") await phone.play(key);
    } catch (problem) {
      throw Object.assign(problem, { word: `phone.${problem.code ?? "call-failed"}` });
    }
  }
}

const CAN = {
  ringing: ["pick-up", "decline"],
  answering: ["hang-up"],
  talking: ["mute", "keypad", "hang-up"],
};
