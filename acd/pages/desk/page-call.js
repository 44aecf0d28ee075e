// One call between browsers on the agent's desk: joined, seen, heard; told again as `voice.js` has calls of both kinds.
// Whether it is on hold is the engine's word, by the work item; sound and microphone follow it by signalling.

import { AgentCall } from "/pages/call/agent.js";
import { ask } from "/pages/common/requests.js";
import { chosenDevices } from "/desk/devices.js";

const EVENTS = ["state", "media", "online", "held", "muted", "video", "quality", "problem"];
const TOUCHES = ["pointerdown", "keydown"];
const WORDS = {
  "permission-refused": "phone.microphone-denied",
  "no-microphone": "phone.microphone-missing",
  "microphone-busy": "phone.microphone-busy",
  insecure: "phone.insecure-page",
  "no-sound": "phone.sound-blocked",
};
const RATE_EVERY = 2; // samples

export class PageCall {
  // `mark(muted)`: this tab talks in it, muted or not; or null: it does not any more.
  constructor({ agent, item, deed, look, changed, mark }) {
    Object.assign(this, { agent, deed, look, changed, mark });
    this.kind = "page";
    this.key = this.interaction = item.work.interaction_id;
    this.item = item;
    this.who = "";
    this.audio = new Audio();
    this.call = null;
    this.release = null; // lets another tab have it
    this.state = "apart";
    this.problem = "";
    this.muted = false;
    this.touched = () => this.play().catch(() => {});
    this.forget();
  }

  forget() {
    this.told = ""; // as the server has it: offered, waiting, talking
    this.media = "none";
    this.online = true;
    this.theyMuted = false;
    this.isSilent = false;
    this.bytes = this.samples = 0;
    this.heard = null;
    this.remote = new Map();
  }

  // ---- as it is shown

  get offer() {
    return this.item.work.offer_id;
  }

  get isOffered() {
    return this.item.work.state === "offered";
  }

  get held() {
    return this.item.work.state === "held" || Boolean(this.call?.held);
  }

  // It was joined, and has been left since.
  get isOver() {
    return this.state === "ended" || this.state === "apart";
  }

  get word() {
    if (this.problem || !this.call) return this.problem;
    if (this.media === "broken") return "phone.media-lost";
    if (!this.online) return "call.offline";
    return this.isSilent ? "phone.no-audio" : "";
  }

  get pictures() {
    const own = this.call?.own.video;
    return new Map([...this.remote, ...(own ? [["own", own]] : [])]);
  }

  get sends() {
    return new Set(["video", "screen"].filter((kind) => this.call?.own[kind]));
  }

  get can() {
    if (this.isOffered) return new Set();
    if (this.state === "apart") return new Set(["join", "hang-up"]);
    const play = this.problem === WORDS["no-sound"] ? ["play"] : [];
    return new Set([...play, "mute", ...(this.told === "talking" && this.call?.talk ? ["camera", "screen"] : []), "hang-up"]);
  }

  // ---- what is done with it

  // The work item of this call, as it stands.
  take(item) {
    this.item = item;
    if (this.state === "ended") this.state = "apart";
  }

  // Take part, with the microphone. `how`: what is done about another tab that does already. False, and `problem` says
  // why, where that cannot be.
  async join(how, muted = this.muted) {
    if (this.call) return true;
    const call = new AgentCall({ agent: this.agent, interaction: this.interaction, audio: this.audio });
    this.forget();
    Object.assign(this, { call, muted, problem: "", state: "joining" });
    this.changed();
    const release = await claim(`acd-call.${this.interaction}`, how, () => this.apart(call, "call.replaced"));
    if (!release || this.call !== call) {
      release?.();
      return this.apart(call, "");
    }
    this.release = release;
    try {
      call.mute(muted);
      await speak(call);
      if (this.call !== call) throw new Error("left meanwhile");
      for (const name of EVENTS) call.addEventListener(name, ({ detail }) => this.call === call && this.hear(name, detail));
      await call.join();
    } catch (problem) {
      return this.apart(call, WORDS[problem.code] ?? "phone.microphone-busy");
    }
    useLoudspeaker(call);
    this.mark(muted);
    this.changed();
    return true;
  }

  // Not in this tab (any more); the call itself goes on. Always false.
  apart(call, problem) {
    call.leave();
    if (this.call !== call) return false;
    this.part();
    this.state = "apart";
    this.problem = problem;
    this.changed();
    return false;
  }

  leave() {
    this.call?.leave();
    this.part();
    this.state = "ended";
  }

  part() {
    this.call = null;
    this.release?.();
    this.release = null;
    this.forget();
    this.mark(null);
    for (const touch of TOUCHES) document.removeEventListener(touch, this.touched, true);
  }

  async does(name, value) {
    const { call } = this;
    if (name === "join") return this.join({ steal: true });
    if (name === "hang-up") return this.hangUp();
    if (!call) return undefined;
    if (name === "mute") this.mute(value);
    else if (name === "play") await this.play();
    else await this.send(name === "camera" ? "video" : "screen", value);
    return this.changed();
  }

  mute(muted) {
    this.muted = muted;
    this.call.mute(muted);
    this.mark(muted);
  }

  async send(kind, wanted) {
    const { call } = this;
    try {
      if (!wanted) await call.stopSending(kind);
      else if (kind === "video") await call.sendCamera();
      else await call.sendScreen();
    } catch (problem) {
      const refused = problem.code === "permission-refused";
      throw Object.assign(problem, { word: `call.${kind}-${refused ? "denied" : "unavailable"}` });
    }
    // The browser itself has a button that ends it.
    call.own[kind]?.addEventListener("ended", () => setTimeout(() => this.changed()));
  }

  // For both, or, where others talk with the customer, for this agent; over the API, as that needs no socket.
  async hangUp() {
    const { work, interaction, part } = this.item, id = encodeURIComponent(this.interaction);
    const alone = part === "owner" && !interaction.participants.length;
    const leave = `/v1/agents/${encodeURIComponent(this.agent)}/work/${id}/leave`;
    try {
      await this.deed(["POST", ...(alone ? [`/v1/interactions/${id}/end`, { by: "agent" }] : [leave, {}])]);
    } catch (error) {
      if (!error.isStranger || !work) throw error;
      // Nobody is signed in any more: then at least nobody is heard here.
      this.call?.hangUp();
      this.leave();
      this.changed();
    }
  }

  async play() {
    await this.audio.play();
    if (this.problem === WORDS["no-sound"]) this.problem = "";
    for (const touch of TOUCHES) document.removeEventListener(touch, this.touched, true);
    this.changed();
  }

  async use({ input }) {
    const { call } = this;
    if (!call) return;
    try {
      await call.useMicrophone(input);
    } catch (problem) {
      throw Object.assign(problem, { word: WORDS[problem.code] });
    }
    useLoudspeaker(call);
  }

  // ---- what is told

  hear(name, detail) {
    if (name === "state") this.stands(detail);
    else if (name === "media") this.flows(detail.state);
    else if (name === "online") {
      this.online = detail.online;
      if (detail.online && this.problem === "call.signed-out") this.problem = "";
    } else if (name === "muted" && detail.kind === "audio") this.theyMuted = detail.muted;
    else if (name === "video") {
      if (detail.track) this.remote.set(detail.kind, detail.track);
      else this.remote.delete(detail.kind);
    } else if (name === "quality") this.rate(detail);
    else if (name === "problem") this.fails(detail.code);
    this.changed();
  }

  stands({ state, reason }) {
    this.told = state;
    if (state === "over") {
      const { call } = this;
      if (reason === "replaced") return this.apart(call, "call.replaced");
      this.leave();
      this.look();
    } else if (state === "waiting") this.state = "waits";
    else this.flows(this.media);
  }

  flows(media) {
    this.media = media;
    if (media === "none") {
      this.remote.clear();
      this.theyMuted = false;
    }
    if (this.told === "talking" && (media === "connected" || media === "broken")) this.state = "talking";
    else if (this.state !== "waits" || this.told !== "waiting") this.state = "joining";
    // Whoever is connected anew has not been told.
    if (media === "connected" && this.muted) this.call.mute(true);
  }

  fails(code) {
    if (code === "replaced") return; // told as its state, too
    this.problem = WORDS[code] ?? (["signed-out", "gone", "no-media"].includes(code) ? `call.${code}` : "call.failed");
    // The first touch of the page makes up for it.
    if (code === "no-sound") for (const touch of TOUCHES) document.addEventListener(touch, this.touched, true);
  }

  rate({ bytesReceived }) {
    this.isSilent = this.media === "connected" && bytesReceived === this.bytes;
    this.bytes = bytesReceived;
    if (this.samples++ % RATE_EVERY === 0) this.ask();
  }

  // How well both hear each other, as the server has it; what cannot be shown now is shown another time.
  async ask() {
    const found = await ask("GET", `/v1/agents/${encodeURIComponent(this.agent)}/calls`).catch(() => null);
    const heard = found?.calls.find((each) => each.interaction_id === this.interaction)?.heard;
    if (!heard) return;
    const score = (side) => heard.find((each) => each.side === side)?.score ?? null;
    this.heard = [score("agent"), score("customer")];
    this.changed();
  }
}

// One tab of this browser talks in a call. Gives what lets another one have it; null where that is another already.
// `lost()`: another one has taken it.
function claim(name, how, lost) {
  return new Promise((claimed) => {
    const held = (lock) => {
      if (!lock) return claimed(null);
      return new Promise((release) => claimed(release));
    };
    navigator.locks.request(name, how, held).catch(lost);
  });
}

async function speak(call) {
  const { input } = chosenDevices();
  try {
    await call.useMicrophone(input);
  } catch (problem) {
    // A headset that was pulled out: any other microphone is better than none.
    if (!input || problem.code !== "no-microphone") throw problem;
    await call.useMicrophone("");
  }
}

// Where that cannot be, the browser's own choice plays.
function useLoudspeaker(call) {
  call.useLoudspeaker(chosenDevices().output).catch(() => {});
}
