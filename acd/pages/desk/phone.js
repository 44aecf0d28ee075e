// An agent's telephone in the page, by SIP over WebSocket (JsSIP) at the PBX that the API names. It is registered as
// long as it is open, in one tab of a browser at a time. Shows no element of the page: what is the matter is a code.
//
//   const phone = openPhone({ agent: "anna", onState: ({ state, code }) => …, onCall: (call) => … });
//   await phone.answer(offer);   // of an offer, whether its call rings already or is about to
//   phone.mute(true); phone.keypad("42#"); phone.hangUp(); phone.close();
//
// `state`: starting, elsewhere (another tab has it: takeOver()), registering, registered, trouble (`code` says which,
// and it is tried again), none (this agent has another telephone), closed.
// A call is {id, offer, supervises (the conversation that a supervisor hears by it), number, name, state: ringing |
// answering | talking | ended, muted, code}; each change is told.
// Where an offer is asked for, a call's id will do, too.

import JsSIP from "/pages/vendor/jssip.js";
import { ask } from "/pages/common/requests.js";
import { chosenDevices, keepDevices } from "/desk/devices.js";
import { microphone, PhoneCall, PhoneProblem } from "/desk/phone-call.js";

export { PhoneProblem };

const EXPIRES = 60; // seconds of a registration: so soon it is noticed that a connection is dead
const AGAIN = 5_000, MUCH_LATER = 30_000; // milliseconds
const EXPECTED = 15_000; // milliseconds for which a call may be late whose offer is answered already

export function openPhone(options) {
  const phone = new Phone(options);
  phone.run();
  return phone;
}

class Phone {
  constructor({ agent, onState = () => {}, onCall = () => {} }) {
    this.agent = agent;
    this.onState = onState;
    this.onCall = onCall;
    this.calls = new Set();
    this.expected = new Map(); // offer → {settle, timer}: answered before it rang
    this.devices = chosenDevices();
    this.state = "starting";
    this.code = "";
    this.closing = new AbortController();
    this.waiting = null;
    this.stealing = false;
    this.ua = null;
    this.settings = null;
    this.timer = 0;
    this.round = 0; // counts what was begun, so that a late answer is not taken for another's
  }

  // ---- for the page

  close() {
    if (this.closing.signal.aborted) return;
    this.closing.abort();
    this.waiting?.abort();
    this.end();
    this.tell("closed");
  }

  // Take the telephone from another tab of this browser.
  takeOver() {
    if (this.state !== "elsewhere") return;
    this.stealing = true;
    this.waiting?.abort();
  }

  // Without an offer: whichever call rings. Resolves when the two can talk; a PhoneProblem says why not.
  async answer(offer = "") {
    const call = this.find(["ringing", "answering"], offer);
    if (call) return call.answer();
    if (!offer || this.state !== "registered") throw new PhoneProblem(this.code || "no-call");
    return new Promise((resolve, reject) => {
      this.drop(offer);
      const timer = setTimeout(() => this.drop(offer), EXPECTED);
      const settle = (problem) => (problem ? reject(problem) : resolve());
      this.expected.set(offer, { settle, timer });
    });
  }

  decline(offer = "") {
    this.one(["ringing"], offer).decline();
  }

  hangUp(offer = "") {
    this.one(["ringing", "answering", "talking"], offer).hangUp();
  }

  mute(on = true, offer = "") {
    this.one(["talking"], offer).mute(on);
  }

  keypad(digits, offer = "") {
    this.one(["talking"], offer).keypad(digits);
  }

  play(offer = "") {
    return this.one(["talking"], offer).play();
  }

  restart(offer = "") {
    return this.one(["talking"], offer).restart();
  }

  stats(offer = "") {
    return this.one(["talking"], offer).stats();
  }

  // What there is to speak into and to listen by: [{kind: "audioinput" | "audiooutput", id, name}].
  async listDevices() {
    const found = (await navigator.mediaDevices?.enumerateDevices()) ?? [];
    return found
      .filter((each) => each.kind !== "videoinput" && each.deviceId)
      .map((each) => ({ kind: each.kind, id: each.deviceId, name: each.label }));
  }

  // Empty ids are the browser's own choice. Kept for the next time, in this browser.
  async choose({ input = this.devices.input, output = this.devices.output }) {
    this.devices = { input, output };
    keepDevices(this.devices);
    for (const call of this.calls) await call.use(this.devices);
  }

  // ---- one tab of several

  async run() {
    if (!navigator.locks || !navigator.mediaDevices) return this.tell("trouble", "insecure-page");
    addEventListener("online", this.online = () => this.reconnect());
    addEventListener("pagehide", this.leave = () => this.end());
    addEventListener("beforeunload", this.warn = (event) => this.find(["talking"]) && event.preventDefault());
    const name = `acd.phone.${this.agent}`;
    const hold = (lock) => (lock ? this.hold() : false);
    const has = await navigator.locks.request(name, { ifAvailable: true }, hold).catch(() => null);
    if (has !== false) this.end();
    while (!this.closing.signal.aborted) {
      this.tell("elsewhere");
      this.waiting = new AbortController();
      const how = this.stealing ? { steal: true } : { signal: this.waiting.signal };
      this.stealing = false;
      // It is rejected when another tab has taken it, or when this one is to take it from another.
      await navigator.locks.request(name, how, hold).catch(() => null);
      this.end();
    }
  }

  // Registered until the page, or another tab, ends it.
  async hold() {
    const signal = this.closing.signal;
    this.begin();
    await new Promise((resolve) => {
      if (signal.aborted) resolve();
      signal.addEventListener("abort", resolve);
    });
    return true;
  }

  // ---- registering

  async begin() {
    const round = ++this.round;
    clearTimeout(this.timer);
    this.tell("registering");
    try {
      const { browser } = await ask("GET", `/v1/agents/${encodeURIComponent(this.agent)}/phone`);
      if (round !== this.round) return;
      if (!browser) return this.tell("none", "no-browser-phone");
      for (const track of (await microphone(this.devices.input)).getTracks()) track.stop();
      if (round === this.round) this.register(browser);
    } catch (error) {
      if (round !== this.round) return;
      this.tell("trouble", error instanceof PhoneProblem ? error.code : nameOf(error));
      this.later(AGAIN, () => this.begin());
    }
  }

  register(settings) {
    this.settings = settings;
    const ua = new JsSIP.UA({
      sockets: [new JsSIP.WebSocketInterface(settings.url)],
      uri: settings.uri,
      authorization_user: settings.user,
      password: settings.password,
      register_expires: EXPIRES,
      session_timers: false,
      no_answer_timeout: 3_600,
      connection_recovery_min_interval: 1,
      connection_recovery_max_interval: 15,
      user_agent: "acd",
    });
    this.ua = ua;
    const own = (then) => (event) => this.ua === ua && then(event);
    ua.on("registered", own(() => this.registered()));
    ua.on("unregistered", own(() => this.tell("registering")));
    ua.on("disconnected", own(({ error }) => error && this.tell("trouble", "pbx-unreachable")));
    ua.on("registrationFailed", own((event) => this.refused(event)));
    ua.on("newRTCSession", own((event) => this.rung(event)));
    ua.start();
    // Credentials of TURN end; those of a call that has begun do not matter any more.
    if (settings.fresh_seconds) this.freshen(settings.fresh_seconds * 1_000);
  }

  registered() {
    this.tell("registered");
    // After a lost connection: where the PBX thinks that this page is, nobody is any more.
    for (const call of this.calls) call.restart();
  }

  refused({ response, cause }) {
    if (cause === JsSIP.C.causes.CONNECTION_ERROR) return this.tell("trouble", "pbx-unreachable");
    if (cause === JsSIP.C.causes.REQUEST_TIMEOUT) {
      this.tell("trouble", "pbx-unreachable");
      return this.reconnect();
    }
    const status = response?.status_code ?? 0;
    this.tell("trouble", status === 401 || status === 403 || status === 407 ? "wrong-password" : "not-registered");
    // Somebody has to mend it; the password may be another one by then.
    this.later(MUCH_LATER, () => (this.calls.size ? this.ua?.register() : this.again()));
  }

  // The network has come back, or the connection is dead: a new one, at once. Calls go on.
  reconnect() {
    const transport = this.ua?.transport;
    if (!transport) return;
    transport.disconnect();
    this.tell("registering");
    transport.connect();
  }

  again() {
    this.end();
    this.begin();
  }

  freshen(milliseconds) {
    clearTimeout(this.fresh);
    this.fresh = setTimeout(async () => {
      const round = this.round;
      const found = await ask("GET", `/v1/agents/${encodeURIComponent(this.agent)}/phone`).catch(() => null);
      if (round !== this.round) return;
      if (found?.browser) this.settings = found.browser;
      this.freshen(found?.browser ? milliseconds : AGAIN);
    }, milliseconds);
  }

  // ---- calls

  rung({ originator, session, request }) {
    if (originator !== "remote") return;
    const call = new PhoneCall(session, request, {
      changed: (each) => this.changed(each),
      devices: this.devices,
      servers: this.settings.ice_servers ?? [],
      isConnected: () => Boolean(this.ua?.isConnected()),
    });
    this.calls.add(call);
    this.onCall({ ...call.shown });
    const expected = this.expected.get(call.offer);
    if (expected) {
      clearTimeout(expected.timer);
      this.expected.delete(call.offer);
      call.answer().then(() => expected.settle(), expected.settle);
    } else if (call.wantsAnswer) call.answer().catch(() => {});
  }

  changed(call) {
    if (call.isOver) this.calls.delete(call);
    this.onCall({ ...call.shown });
  }

  drop(offer) {
    const found = this.expected.get(offer);
    if (!found) return;
    clearTimeout(found.timer);
    this.expected.delete(offer);
    found.settle(new PhoneProblem("no-call"));
  }

  find(states, offer = "") {
    return [...this.calls].find((each) => states.includes(each.shown.state) && (!offer || each.is(offer)));
  }

  one(states, offer) {
    const call = this.find(states, offer);
    if (!call) throw new PhoneProblem("no-call");
    return call;
  }

  // ---- ending

  // Unregisters, and ends what calls there are: without this page nobody hears them.
  end() {
    this.round += 1;
    clearTimeout(this.timer);
    clearTimeout(this.fresh);
    const ua = this.ua;
    this.ua = null;
    for (const offer of [...this.expected.keys()]) this.drop(offer);
    for (const call of [...this.calls]) call.hangUp();
    ua?.stop();
    if (!this.closing.signal.aborted) return;
    removeEventListener("online", this.online);
    removeEventListener("pagehide", this.leave);
    removeEventListener("beforeunload", this.warn);
  }

  later(milliseconds, then) {
    clearTimeout(this.timer);
    this.timer = setTimeout(then, milliseconds);
  }

  tell(state, code = "") {
    if (this.closing.signal.aborted && state !== "closed") return;
    if (this.state === state && this.code === code) return;
    this.state = state;
    this.code = code;
    this.onState({ state, code });
  }
}

// The API's own codes for what is to be expected from it; the rest is one thing for the page.
function nameOf(error) {
  if (error.isStranger) return "signed-out";
  return error.isPassing ? "server-unreachable" : "phone-refused";
}
