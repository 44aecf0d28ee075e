// A supervisor's part in a call between browsers: this page is their telephone. What they do there (listen, whisper, join
// in) is asked for over the API; by this they hear it, and are heard as far as that goes.
//
// Events, with their fields in `detail`: state {state, reason} (joining, talking, over), mode {mode}, problem {code, detail}.

import { microphone } from "/pages/call/devices.js";
import { Line } from "/pages/call/line.js";
import { Peers } from "/pages/call/peers.js";
import { Problem } from "/pages/call/problems.js";

export { Problem } from "/pages/call/problems.js";

export class SupervisorCall extends EventTarget {
  // `agent`: as whom they hear, by their token.
  constructor({ agent, interaction }) {
    super();
    const path = `/v1/interactions/${encodeURIComponent(interaction)}/supervision/${encodeURIComponent(agent)}`;
    this.interaction = interaction;
    this.state = "joining";
    this.mode = "";
    this.muted = false;
    this.own = null;
    this.peers = new Peers({
      say: (message) => this.line.say(message),
      track: () => this.own,
      problem: (code, detail) => this.tell("problem", { code, detail }),
      changed: () => this.stands(),
    });
    this.line = new Line({
      address: () => this.address(path),
      opened: () => {},
      heard: (message) => this.heard(message),
      cut: () => this.peers.cut(),
      closed: (code, word, detail) => this.over(code === 1000 ? detail || word : word),
      final: [1000, 4400, 4409],
    });
    this.leaving = () => this.leave();
  }

  // The microphone, before anything is asked for. Throws a Problem.
  async prepare() {
    this.own ??= await microphone();
  }

  // It has been asked for: hear it.
  join() {
    window.addEventListener("pagehide", this.leaving);
    this.line.start();
  }

  mute(muted) {
    this.muted = muted;
    this.peers.enable({ muted, held: false, deaf: false });
  }

  // No more; the two go on.
  leave() {
    this.line.say({ type: "part" });
    this.over("left");
  }

  async play() {
    await Promise.all([...this.peers.all.values()].map((each) => each.audio.play()));
  }

  async address(path) {
    const found = new URL(path, location.origin);
    const answer = await fetch(found, { credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(5_000) });
    if ([401, 403, 404].includes(answer.status)) throw new Problem("gone");
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    found.protocol = found.protocol === "https:" ? "wss:" : "ws:";
    return found;
  }

  heard(message) {
    if (this.peers.hear(message)) return;
    if (message.type === "supervision") {
      this.mode = message.mode;
      this.tell("mode", { mode: this.mode });
    } else if (message.type === "call" && message.state === "over") this.over(message.reason);
  }

  stands() {
    if (this.state === "over") return;
    const state = this.peers.standing() === "connected" ? "talking" : "joining";
    if (state === this.state) return;
    this.state = state;
    this.tell("state", { state, reason: "" });
  }

  over(reason) {
    if (this.state === "over") return;
    this.state = "over";
    window.removeEventListener("pagehide", this.leaving);
    this.line.stop();
    this.peers.close();
    this.own?.stop();
    this.tell("state", { state: "over", reason });
  }

  tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail }));
  }
}
