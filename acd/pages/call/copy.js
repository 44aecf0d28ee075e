// A copy of what is said into this page, for the recording on the server: a connection of its own, beside the call's. What
// becomes of it, the call does not notice. The same track is sent by both, so muting and holding keep it out of both.
//
// The server knocks at no door of ours: candidates stay here, and its own are in its answer.

const FIRST_PAUSE = 2_000, LONGEST_PAUSE = 30_000; // milliseconds between attempts
const ANSWER_WITHIN = 20_000, HEAL_WITHIN = 8_000;

export class Copy {
  // `say(message)` over the line; `track()`: what is sent, or null.
  constructor({ say, track }) {
    Object.assign(this, { say, track });
    this.tape = "";
    this.pc = null;
    this.asked = false;
    this.pause = FIRST_PAUSE;
    this.timer = 0;
  }

  // Where a copy is wanted; nowhere while it is "". The same again over the same line is no news: of two offers in one
  // breath the first one's answer would be taken for the second's.
  wanted(tape, configuration) {
    this.configuration = configuration;
    if (tape !== this.tape) {
      this.close();
      this.tape = tape;
      this.pause = FIRST_PAUSE;
    }
    if (tape && !this.asked && this.pc?.connectionState !== "connected") this.connect();
  }

  // The line is gone, and with it what was asked over it.
  cut() {
    this.asked = false;
  }

  // Another microphone.
  async replace(track) {
    await this.sender?.replaceTrack(track);
  }

  close() {
    clearTimeout(this.timer);
    const { pc } = this;
    this.pc = this.sender = null;
    this.tape = "";
    this.asked = false;
    pc?.close();
  }

  async connect() {
    clearTimeout(this.timer);
    this.asked = true;
    this.pc?.close();
    const pc = new RTCPeerConnection(this.configuration), track = this.track();
    this.pc = pc;
    this.sender = pc.addTransceiver(track ?? "audio", { direction: "sendonly" }).sender;
    pc.addEventListener("connectionstatechange", () => pc === this.pc && this.changed());
    this.again(ANSWER_WITHIN);
    try {
      await pc.setLocalDescription();
    } catch (error) {
      if (pc === this.pc) console.warn("acd: no copy could be offered", error);
      return;
    }
    if (pc === this.pc) this.say({ type: "tape", tape: this.tape, sdp: pc.localDescription.sdp });
  }

  async heard({ tape, sdp }) {
    const { pc } = this;
    if (tape !== this.tape || pc?.signalingState !== "have-local-offer") return;
    try {
      await pc.setRemoteDescription({ type: "answer", sdp });
    } catch (error) {
      if (pc === this.pc) console.warn("acd: the copy's answer was of no use", error);
    }
  }

  changed() {
    const { connectionState } = this.pc;
    if (connectionState === "connected") {
      clearTimeout(this.timer);
      this.pause = FIRST_PAUSE;
    } else if (connectionState === "failed") this.again(0);
    else if (connectionState === "disconnected") this.again(HEAL_WITHIN);
  }

  // By another connection, unless this one has come about by then.
  again(within) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.tape && this.pc?.connectionState !== "connected") this.connect();
    }, within + this.pause);
    this.pause = Math.min(LONGEST_PAUSE, 2 * this.pause);
  }
}
