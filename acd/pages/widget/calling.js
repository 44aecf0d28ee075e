// The customer's call out of the chat window: begun at a click, taken up again after a reload, with what is to be shown of it.
//
// What a call is, is in /pages/call, of which nothing is loaded before the click. Must not know any element of the page.

import { native } from "/chat/dom.js";

const STEP = 1_000, ASK_AGAIN = 1_000, ASK_FOR = 60_000, LEAVE_WITHIN = 3_000; // milliseconds
const BAD = { loss: 0.05, jitter: 0.08, roundTrip: 0.6 }; // of packets; seconds
const PASSING = new Set(["agent-asked", "no-ticket", "unavailable", "conversation-over"]); // by another attempt, a little later
const KEPT = ":call";

export class Calling {
  // `chat`: whose conversation the call goes on from. `address`: of acd. `changed()`: something is to be shown.
  constructor(address, chat, keeping, settings, changed) {
    Object.assign(this, { address, chat, keeping, settings, changed });
    this.audio = native("createElement")("audio");
    this.call = null;
    this.memory = null;
    this.turn = 0;
    this.clear("");
  }

  // asking (for the microphone), calling, waiting, talking; "" when there is no call.
  clear(state) {
    this.state = state;
    this.agent = this.problem = this.over = "";
    this.recording = "off";
    this.place = null;
    this.since = 0;
    this.isMuted = this.isHeld = this.isCut = this.isPoor = this.isSilent = this.needsClick = false;
    this.heard = null;
    clearInterval(this.clock);
  }

  get isOn() {
    return this.state !== "";
  }

  get seconds() {
    return this.since ? Math.max(0, Math.floor((Date.now() - this.since) / 1_000)) : 0;
  }

  // ---- what the customer does

  async begin() {
    if (this.isOn || !this.chat.callChannel) return;
    const turn = (this.turn += 1);
    this.keeping.allow();
    this.clear("asking");
    this.changed();
    try {
      const call = await this.made(this.chat.callChannel);
      if (turn !== this.turn) return; // left meanwhile
      this.call = call;
      await this.ask(Date.now() + ASK_FOR);
    } catch (error) {
      if (turn === this.turn) this.failed(error);
    }
  }

  // Whether there was a call that this tab had before it was loaded anew.
  get wasCalling() {
    return Boolean(this.kept?.call);
  }

  async resume() {
    const { channel, since = 0 } = this.kept, turn = (this.turn += 1);
    this.clear("calling");
    this.since = since;
    this.changed();
    try {
      const call = await this.made(channel);
      if (turn !== this.turn) return;
      this.call = call;
      if (!(await call.resume()) && call === this.call) this.ended("lost");
    } catch (error) {
      if (turn === this.turn) this.failed(error);
    }
  }

  // Whoever called has gone: their call ends, and nothing of it is left in this tab.
  drop() {
    if (this.isOn) this.hangUp();
    this.forget();
  }

  hangUp() {
    if (this.state === "waiting" || this.state === "talking") return this.call.hangUp();
    // It may have begun, without that we know of it.
    const { call } = this;
    call?.hangUp();
    setTimeout(() => call?.leave(), LEAVE_WITHIN);
    this.turn += 1;
    this.call = null;
    this.forget();
    this.clear("");
    this.changed();
  }

  mute() {
    this.isMuted = !this.isMuted;
    this.call?.mute(this.isMuted);
    this.changed();
  }

  // Browsers play nothing before the person has clicked somewhere.
  async play() {
    await this.audio.play();
    this.needsClick = false;
    this.changed();
  }

  // ---- inside

  async made(channel) {
    const { CustomerCall } = await import("/pages/call/customer.js");
    const store = { get: () => (call === this.call ? this.kept : null), set: (kept) => call === this.call && this.keep(kept) };
    this.keep({ ...this.kept, channel });
    const call = new CustomerCall({ address: this.address, channel, audio: this.audio, store });
    const on = (name, heard) => call.addEventListener(name, ({ detail }) => {
      if (call !== this.call) return; // left already
      heard(detail);
      this.changed();
    });
    on("state", (told) => this.told(told));
    on("place", ({ position, seconds }) => (this.place = position ? { position, seconds } : null));
    on("online", ({ online }) => (this.isCut = !online));
    on("media", ({ state }) => (this.isSilent = state === "broken" || state === "connecting"));
    on("recording", ({ state }) => (this.recording = state));
    on("held", ({ held }) => (this.isHeld = held));
    on("quality", ({ sample }) => this.rate(sample));
    on("problem", ({ code }) => (code === "no-sound" ? (this.needsClick = true) : (this.problem = code)));
    return call;
  }

  // While an agent is being asked to write, nobody else is asked to talk: then once more.
  async ask(until) {
    const { queue, visitor } = this.settings, { call } = this;
    for (;;) {
      try {
        this.become("asking");
        await call.begin({ queue, ...visitor, ticket: (id) => this.ticket(id, call) });
        return;
      } catch (error) {
        if (!PASSING.has(error.code) || Date.now() > until || call !== this.call || !this.isOn) throw error;
      }
      this.become("calling");
      await new Promise((resolve) => setTimeout(resolve, ASK_AGAIN));
      if (call !== this.call || !this.isOn) return;
    }
  }

  // The microphone is there.
  async ticket(id, call) {
    if (call !== this.call) throw Object.assign(new Error("left"), { code: "left" });
    if (this.state === "asking") this.become("calling");
    return this.chat.ticket(id);
  }

  told({ state, agent, reason }) {
    if (state === "over") return this.ended(reason);
    this.agent = agent;
    if (state === "talking" && !this.since) {
      this.since = Date.now();
      this.keep({ ...this.kept, since: this.since });
    }
    if (state === "talking") this.place = null;
    this.become(state);
    clearInterval(this.clock);
    if (state === "talking") this.clock = setInterval(() => this.changed(), STEP);
  }

  become(state) {
    this.state = state;
    this.changed();
  }

  ended(reason) {
    const { problem } = this;
    this.call = null;
    this.forget();
    this.clear("");
    this.over = reason;
    this.problem = problem === "no-media" ? problem : "";
    this.changed();
  }

  failed(error) {
    if (!this.isOn) return;
    console.warn("acd: no call", error);
    this.call?.leave();
    this.call = null;
    this.forget();
    this.clear("");
    this.problem = error.code ?? "no-call";
    this.changed();
  }

  // Between two samples, since everything is counted from the beginning.
  rate(sample) {
    const before = this.heard;
    this.heard = sample;
    if (!before) return;
    const got = sample.packetsReceived - before.packetsReceived, lost = sample.packetsLost - before.packetsLost;
    const loss = got + lost > 0 ? lost / (got + lost) : 0;
    this.isPoor = loss > BAD.loss || sample.jitter > BAD.jitter || (sample.roundTripTime ?? 0) > BAD.roundTrip;
  }

  // ---- over a reload of the page: of this tab alone, and only where something may be stored

  get kept() {
    if (!this.keeping.stores) return this.memory;
    try {
      return JSON.parse(sessionStorage.getItem(this.keeping.name + KEPT));
    } catch {
      return this.memory;
    }
  }

  keep(kept) {
    const { channel, since } = this.memory ?? this.kept ?? {};
    this.memory = kept && { channel, since, ...kept };
    try {
      if (this.memory && this.keeping.stores) sessionStorage.setItem(this.keeping.name + KEPT, JSON.stringify(this.memory));
      else sessionStorage.removeItem(this.keeping.name + KEPT);
    } catch {
      // The browser keeps nothing for this page: then it is in memory.
    }
  }

  forget() {
    this.memory = null;
    this.keep(null);
  }
}
