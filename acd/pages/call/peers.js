// Connections beside the talk: with everybody else who hears us or is heard by us in this call, one each. The server says
// which there are, by `peers`; what becomes of them, the talk does not notice. Each sends a microphone track of its own, so
// that one of them can be silent while another is not.

import { Connection } from "/pages/call/connection.js";
import { Session } from "/pages/call/session.js";

export class Peers {
  // `say(message)` over the line; `track()`: what is sent, or null; `problem(code, detail)`: what is in the way;
  // `changed()`: one has come, gone, or is connected.
  constructor({ say, track, problem, changed = () => {} }) {
    Object.assign(this, { say, track, problem, changed });
    this.all = new Map();
    this.spoken = { muted: false, held: false, deaf: false };
    this.sink = "";
  }

  // Whether the message was ours.
  hear(message) {
    if (message.type === "peers") {
      this.are(message.peers);
      return true;
    }
    const peer = this.all.get(message.talk);
    if (peer && message.type === "signal") peer.signalled(message.text);
    else if (peer && message.type === "ice") peer.served(message);
    return Boolean(peer);
  }

  // How they stand together, as a talk's `media`: connected as soon as one is.
  standing() {
    const states = new Set([...this.all.values()].map((each) => each.state));
    return ["connected", "broken", "connecting"].find((each) => states.has(each)) ?? "none";
  }

  are(told) {
    const wanted = new Set(told.map((each) => each.talk));
    for (const [id, peer] of this.all) {
      if (wanted.has(id)) continue;
      peer.close();
      this.all.delete(id);
    }
    for (const each of told) {
      const known = this.all.get(each.talk), peer = known ?? new Peer(this, each);
      this.all.set(each.talk, peer);
      if (known) peer.are(each);
      else peer.begin();
    }
    this.changed();
  }

  // The socket is gone; what is heard goes on.
  cut() {
    for (const each of this.all.values()) each.cut();
  }

  close() {
    for (const each of this.all.values()) each.close();
    this.all.clear();
  }

  // Another microphone.
  async replace() {
    await Promise.all([...this.all.values()].map((each) => each.speak(true)));
  }

  // `deaf`: nobody is heard who is not to be heard on hold.
  enable(spoken) {
    this.spoken = spoken;
    for (const each of this.all.values()) each.enable();
  }

  async useLoudspeaker(deviceId) {
    this.sink = deviceId;
    for (const each of this.all.values()) await each.audio.setSinkId?.(deviceId);
  }
}

class Peer {
  constructor(peers, told) {
    Object.assign(this, { peers, told });
    this.audio = new Audio();
    if (peers.sink) this.audio.setSinkId?.(peers.sink).catch(() => {});
    this.own = null;
    this.state = "connecting";
    this.turns = Promise.resolve();
    this.wantsRestart = this.greeted = false;
    this.session = this.newSession();
    this.connection = new Connection({
      polite: told.polite,
      say: (body) => this.session.say(body),
      track: (kind, track) => kind === "audio" && this.play(track),
      state: (state) => this.is(state),
      restart: () => this.restart(),
      anew: () => this.anew(),
      failed: () => this.failed(),
    });
  }

  begin() {
    this.connection.tracks = { audio: this.mine(), video: null, screen: null };
    this.connection.make(configured(this.told));
    this.hello();
  }

  // The same as before, over another socket, or with other directions.
  are(told) {
    const before = this.told;
    this.told = told;
    if (before.speaks !== told.speaks) this.speak(false);
    this.enable();
    if (!this.greeted) this.hello();
  }

  // Once over each socket, however often we are told of it.
  hello() {
    this.greeted = true;
    this.session.hello();
  }

  cut() {
    this.greeted = false;
    this.session.cut();
  }

  newSession() {
    const { talk } = this.told;
    return new Session((text) => this.peers.say({ type: "signal", talk, text }));
  }

  anew() {
    this.session = this.newSession();
    this.hello();
    this.connection.make();
  }

  // One after the other, as the session counts what has been acted upon.
  signalled(text) {
    this.turns = this.turns.then(async () => {
      const { session } = this, body = session.hear(text);
      if (text.type === "welcome" && this.wantsRestart) this.restart();
      if (body === null) return;
      if (body.type === "renew") this.connection.make();
      else if (body.type === "over" && body.reason === "failed") this.peers.problem("no-media");
      else if (!["mute", "hold", "over"].includes(body.type)) await this.connection.hear(body);
      if (session === this.session) session.confirm();
    });
  }

  restart() {
    this.wantsRestart = true;
    this.peers.say({ type: "ice", talk: this.told.talk });
  }

  served(message) {
    if (!this.wantsRestart) return;
    this.wantsRestart = false;
    this.connection.restartIce(configured(message));
  }

  failed() {
    this.session.say({ type: "hang-up", reason: "failed" });
  }

  is(state) {
    this.state = state;
    this.peers.changed();
  }

  // A track of our own: the same microphone, silent when this connection is to be.
  mine() {
    this.own?.stop();
    const track = this.told.speaks ? this.peers.track() : null;
    this.own = track?.clone() ?? null;
    this.enable();
    return this.own;
  }

  // `replaced`: by another microphone; else by nothing, or by what there was not before.
  async speak(replaced) {
    if (replaced && !this.told.speaks) return;
    await this.connection.send("audio", this.mine());
  }

  enable() {
    const { muted, held, deaf } = this.peers.spoken;
    if (this.own) this.own.enabled = !muted && !(held && this.told.holds);
    this.audio.muted = !this.told.hears || (deaf && this.told.holds);
  }

  play(track) {
    this.audio.srcObject = new MediaStream([track]);
    this.enable();
    this.audio.play().catch((error) => error.name === "NotAllowedError" && this.peers.problem("no-sound", String(error)));
  }

  close() {
    this.own?.stop();
    this.own = null;
    this.connection.close();
    this.audio.srcObject = null;
  }
}

function configured({ servers, relay_only }) {
  return { iceServers: servers, iceTransportPolicy: relay_only ? "relay" : "all" };
}
