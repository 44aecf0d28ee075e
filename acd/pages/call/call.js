// A call between two browsers, as either page has it: `CustomerCall` (customer.js) and `AgentCall` (agent.js) say what is
// their own. WEBRTC.md has examples.
//
// Calls are EventTargets; whoever uses them brings the <audio>, shows what events say, and words for the codes of
// `Problem` (problems.js). Events have their fields in `detail`:
//
//   state {state, agent, reason}   waiting, offered, talking, over (and why: left, hung-up, completed, page-lost, …)
//   media {state}                  connecting, connected, broken, or none
//   online {online}                whether the server hears us; the two hear each other all the same
//   held {held}                    whether the agent holds the customer
//   muted {kind, muted}            what the other side has muted: audio, video, screen
//   video {kind, track}            the other's camera ("video") or "screen"; null when it shows none any more
//   place {position, seconds}      in line; 0 in none, null when nobody knows
//   announced {name}               something to be told to whoever waits
//   recording {state}              whether what is said is recorded on the server: recording, paused, off; to be shown
//   quality {sample, …}            how the other is heard, every few seconds (stats.js)
//   problem {code, detail}         what is in the way, and was not an answer to something that was asked here

import { Connection } from "/pages/call/connection.js";
import { Copy } from "/pages/call/copy.js";
import { camera, loudspeaker, microphone, screen } from "/pages/call/devices.js";
import { Line } from "/pages/call/line.js";
import { Peers } from "/pages/call/peers.js";
import { Session } from "/pages/call/session.js";
import { sampled } from "/pages/call/stats.js";

const SAMPLE_EVERY = 5_000; // milliseconds

export class Call extends EventTarget {
  // `final`: close codes after which there is no coming back.
  constructor({ audio, sampleEvery = SAMPLE_EVERY }, final) {
    super();
    this.audio = audio;
    this.sampleEvery = sampleEvery;
    this.state = "";
    this.held = false;
    this.muted = { audio: false, video: false, screen: false };
    this.own = { audio: null, video: null, screen: null };
    this.talk = null;
    this.session = null;
    this.connection = null;
    this.wantsRestart = false;
    this.recording = "off";
    this.copy = new Copy({ say: (message) => this.line.say(message), track: () => this.own.audio });
    this.peers = new Peers({
      say: (message) => this.line.say(message),
      track: () => this.own.audio,
      problem: (code, detail) => this.problem(code, detail),
      changed: () => this.heardBeside(),
    });
    this.turns = Promise.resolve();
    this.line = new Line({
      address: () => this.address(),
      opened: () => this.opened(),
      heard: (message) => this.heard(message),
      cut: () => this.cut(),
      closed: (code, word, detail) => this.closed(code, word, detail),
      final,
    });
  }

  // ---- what people do

  // Whether we are heard, or seen; the other side is told.
  mute(muted, kind = "audio") {
    this.muted[kind] = muted;
    this.enable();
    this.session?.say({ type: "mute", kind, muted });
  }

  // Speak by another microphone. Throws a Problem, and then nothing has changed.
  async useMicrophone(deviceId) {
    await this.use("audio", await microphone(deviceId));
  }

  async useLoudspeaker(deviceId) {
    await this.peers.useLoudspeaker(deviceId);
    return loudspeaker(this.audio, deviceId);
  }

  // Throw a Problem, and then nothing has changed; `stopSending` takes them back.
  async sendCamera(deviceId) {
    await this.use("video", await camera(deviceId));
  }

  async sendScreen() {
    const track = await screen();
    track.addEventListener("ended", () => this.own.screen === track && this.stopSending("screen"));
    await this.use("screen", track);
  }

  async stopSending(kind) {
    await this.use(kind, null);
  }

  // How the other is heard now: bytes, level, path (host, srflx, relay); null while there is nothing.
  async heardNow() {
    return this.connection?.pc ? sampled(this.connection.pc) : null;
  }

  // Find other ways to the other side, as after a change of network; what there is goes on meanwhile.
  restart() {
    this.wantsRestart = true;
    if (this.line.isOpen) this.line.say({ type: "ice" });
  }

  // Leave the page without ending the call: it can be taken up again.
  leave() {
    this.line.stop();
    this.noTalk();
    this.release();
  }

  // ---- the line

  opened() {
    this.tell("online", { online: true });
  }

  cut() {
    this.session?.cut();
    this.peers.cut();
    this.copy.cut();
    this.tell("online", { online: false });
  }

  closed(code, word, detail) {
    this.noTalk();
    this.release();
    if (code === 4409) this.problem("replaced");
    else if (code === 4400) this.problem("refused", word);
    else if (word && code !== 1000) this.problem(word);
    const reason = code === 4409 ? "replaced" : (code === 1000 && detail) || word || "lost";
    if (this.state !== "over") this.is({ state: "over", reason });
  }

  heard(message) {
    if (message.type === "call") this.is(message);
    else if (message.type === "talk") this.beginTalk(message);
    else if (this.peers.hear(message)) return;
    else if (message.type === "signal") this.turns = this.turns.then(() => this.signalled(message));
    else if (message.type === "ice") this.served(message);
    else if (message.type === "place") this.tell("place", { position: message.position, seconds: message.expected_seconds });
    else if (message.type === "recording") this.recorded(message);
    else if (message.type === "tape") this.copy.heard(message);
    else if (message.type === "announced") this.tell("announced", { name: message.name });
  }

  is({ state, agent = "", reason = "" }) {
    if (state === "over" || (state !== "talking" && this.talk)) this.noTalk();
    if (state === this.state && agent === this.agent) return;
    Object.assign(this, { state, agent, reason });
    this.tell("state", { state, agent, reason });
    if (state === "over") this.release();
  }

  // ---- the talk

  beginTalk({ talk, pair, servers, relay_only }) {
    this.configuration = { iceServers: servers, iceTransportPolicy: relay_only ? "relay" : "all" };
    if (this.talk?.id === talk) {
      this.session.hello();
      return;
    }
    const isKept = this.talk?.pair === pair && this.connection;
    this.peers.close(); // until we are told of them
    this.isRecorded("off"); // until it is said of this talk, too
    this.copy.close();
    this.talk = { id: talk, pair };
    this.newSession();
    if (isKept) {
      // The engine was started anew. The two hear each other; only signalling begins again.
      this.connection.takenUp(this.configuration);
      for (const [kind, muted] of Object.entries(this.muted)) if (muted) this.session.say({ type: "mute", kind, muted });
      this.sayHeld();
      return;
    }
    this.connection?.close();
    this.setHeld(false);
    this.connection = new Connection({
      polite: this.polite,
      say: (body) => this.session?.say(body),
      track: (kind, track) => this.play(kind, track),
      state: (state) => this.tell("media", { state }),
      restart: () => this.restart(),
      anew: () => this.anew(),
      failed: () => this.mediaFailed(),
    });
    this.connection.tracks = { ...this.own };
    this.connection.make(this.configuration);
    this.sampling = setInterval(() => this.sample(), this.sampleEvery);
  }

  newSession() {
    const { id } = this.talk;
    this.session = new Session((text) => this.line.say({ type: "signal", talk: id, text }));
    this.session.hello();
  }

  // This connection is of no use: both pages make another.
  anew() {
    this.newSession();
    this.connection.make(this.configuration);
  }

  // Where there is no talk, whoever is heard beside it is all there is.
  heardBeside() {
    const state = this.peers.standing();
    if (!this.talk && state !== this.beside) this.tell("media", { state });
    this.beside = this.talk ? "" : state;
  }

  noTalk() {
    clearInterval(this.sampling);
    this.peers.close();
    this.isRecorded("off");
    this.copy.close();
    this.connection?.close();
    if (this.connection) this.tell("media", { state: "none" });
    this.connection = this.session = this.talk = null;
    this.wantsRestart = false;
    if (this.audio) this.audio.srcObject = null;
    this.setHeld(false);
  }

  // One after the other: what the session says that it has got, has been acted upon.
  async signalled({ talk, text }) {
    if (talk !== this.talk?.id) return;
    const session = this.session;
    const body = session.hear(text);
    if (text.type === "welcome" && this.wantsRestart) this.restart();
    if (body === null) return;
    if (body.type === "renew") this.connection.make(this.configuration);
    else if (body.type === "mute") this.tell("muted", { kind: body.kind, muted: body.muted });
    else if (body.type === "hold") this.setHeld(body.held);
    else if (body.type === "over") return; // what becomes of the call is told as its state
    else {
      if (body.type === "refused") this.problem("refused", `${body.code}: ${body.detail}`);
      await this.connection.hear(body);
    }
    if (session === this.session) session.confirm();
  }

  // Servers with new credentials, which were asked for to begin ICE anew.
  served({ servers, relay_only }) {
    this.configuration = { iceServers: servers, iceTransportPolicy: relay_only ? "relay" : "all" };
    if (!this.wantsRestart || !this.connection) return;
    this.wantsRestart = false;
    this.connection.restartIce(this.configuration);
  }

  mediaFailed() {
    this.problem("no-media");
    this.session?.say({ type: "hang-up", reason: "failed" });
  }

  // ---- the recording on the server

  recorded({ talk, state, tape }) {
    if (talk !== this.talk?.id) return;
    this.isRecorded(state);
    this.copy.wanted(tape, this.configuration);
  }

  isRecorded(state) {
    if (state === this.recording) return;
    this.recording = state;
    this.tell("recording", { state });
  }

  // ---- sound and pictures

  async use(kind, track) {
    const before = this.own[kind];
    this.own[kind] = track;
    this.enable();
    await this.connection?.send(kind, track);
    if (kind === "audio") await Promise.all([this.copy.replace(track), this.peers.replace()]);
    before?.stop();
  }

  play(kind, track) {
    if (kind === "audio") {
      if (!this.audio) return;
      this.audio.srcObject = new MediaStream([track]);
      this.audio.muted = this.held;
      this.audio.play().catch((error) => error.name === "NotAllowedError" && this.problem("no-sound", String(error)));
      return;
    }
    // Before its first picture it is muted, and may be taken away again without a word.
    if (!track.muted) this.tell("video", { kind, track });
    track.addEventListener("mute", () => this.tell("video", { kind, track: null }));
    track.addEventListener("unmute", () => this.tell("video", { kind, track }));
  }

  setHeld(held) {
    const changed = held !== this.held;
    this.held = held;
    this.enable();
    if (this.audio) this.audio.muted = held;
    if (changed) this.tell("held", { held });
  }

  // The agent's own affair.
  sayHeld() {}

  enable() {
    for (const [kind, track] of Object.entries(this.own)) {
      if (track) track.enabled = !this.muted[kind] && !this.held;
    }
    this.peers.enable({ muted: this.muted.audio, held: this.held, deaf: this.held && this.polite });
  }

  release() {
    for (const kind of Object.keys(this.own)) {
      this.own[kind]?.stop();
      this.own[kind] = null;
    }
  }

  async sample() {
    const found = await this.heardNow();
    if (!found || !this.talk) return;
    this.tell("quality", found);
    this.line.say({ type: "quality", talk: this.talk.id, ...found.sample });
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }

  problem(code, detail = "") {
    this.tell("problem", { code, detail });
  }
}
