// One RTCPeerConnection and its negotiation: perfect negotiation as in the W3C's WebRTC, 10.7, trickle ICE, ICE restarts.
//
// The agent's page makes the first offer, with a place for sound, one for a camera and one for a screen; so both sides
// know which is which, and nobody meets an offer of the other's at the beginning. From then on either may offer. Whose
// connection is at the other end, its fingerprint says: where that changes, a page was loaded anew, and so is this one.

const TOGETHER = { bundlePolicy: "max-bundle" }; // and never another: a connection keeps to the one it was made with
const PLACES = ["audio", "video", "screen"];
const PATIENCE = 3_000, MOST_PATIENCE = 45_000; // milliseconds: until ICE is started anew, and until that is given up

export class Connection {
  // `say(body)` to the other page; `track(kind, track)`, `state(word)`, `restart()`: servers are wanted, then
  // `restartIce`; `anew()`: this connection is of no use, and the other page has to make another, too; `failed()`.
  constructor({ polite, say, track, state, restart, anew, failed }) {
    Object.assign(this, { polite, say, track, state, restart, anew, failed });
    this.tracks = { audio: null, video: null, screen: null };
    this.turns = Promise.resolve();
    this.pc = null;
  }

  // Begin, or begin anew: the other page is another one.
  make(configuration) {
    this.configuration = configuration ?? this.configuration;
    this.close();
    const pc = new RTCPeerConnection({ ...this.configuration, ...TOGETHER });
    this.pc = pc;
    this.making = this.ignoring = this.answering = false;
    pc.addEventListener("negotiationneeded", () => pc === this.pc && this.offer());
    pc.addEventListener("icecandidate", ({ candidate }) => {
      if (pc === this.pc && candidate?.candidate) this.say({ type: "candidate", ...described(candidate) });
    });
    pc.addEventListener("track", ({ track, transceiver }) => {
      const kind = PLACES[pc.getTransceivers().indexOf(transceiver)];
      if (pc === this.pc && kind) this.track(kind, track);
    });
    pc.addEventListener("connectionstatechange", () => pc === this.pc && this.changed());
    pc.addEventListener("iceconnectionstatechange", () => pc === this.pc && this.changed());
    if (this.polite) return;
    for (const kind of PLACES) {
      const track = this.tracks[kind];
      pc.addTransceiver(track ?? (kind === "audio" ? "audio" : "video"), { direction: track ? "sendrecv" : "recvonly" });
    }
  }

  close() {
    clearTimeout(this.patience);
    clearTimeout(this.mostPatience);
    this.patience = this.mostPatience = 0;
    const pc = this.pc;
    this.pc = null;
    pc?.close();
  }

  // What is sent from now on, or nothing.
  async send(kind, track) {
    this.tracks[kind] = track;
    const place = this.pc?.getTransceivers()[PLACES.indexOf(kind)];
    if (place) await fill(place, track);
  }

  // Signalling is another one, and this connection stays: whatever was under way is forgotten.
  takenUp(configuration) {
    return this.inTurn(async (pc) => {
      if (pc.signalingState === "have-local-offer") await pc.setLocalDescription({ type: "rollback" });
      if (!this.polite) this.restartIce(configuration);
    });
  }

  restartIce(configuration) {
    this.configuration = configuration;
    if (!this.pc) return;
    this.pc.setConfiguration({ ...configuration, ...TOGETHER });
    this.pc.restartIce();
  }

  async offer() {
    const pc = this.pc;
    if (this.polite && !pc.remoteDescription) return; // the agent's page begins
    try {
      this.making = true;
      await pc.setLocalDescription();
      if (pc === this.pc && pc.localDescription.type === "offer") this.say({ type: "offer", sdp: pc.localDescription.sdp });
    } catch (error) {
      if (pc === this.pc && pc.signalingState !== "closed") console.warn("acd: no offer could be made", error);
    } finally {
      this.making = false;
    }
  }

  // What the other page, or the server for it, says of descriptions and candidates; one after the other.
  hear(body) {
    return this.inTurn(async (pc) => {
      if (body.type === "offer") await this.hearOffer(pc, body.sdp);
      else if (body.type === "answer") await this.hearAnswer(pc, body.sdp);
      else if (body.type === "candidate") await this.hearCandidate(pc, body);
      else if (body.type === "refused" && pc.signalingState === "have-local-offer") {
        await pc.setLocalDescription({ type: "rollback" });
      }
    });
  }

  async hearOffer(pc, sdp) {
    const ready = !this.making && (pc.signalingState === "stable" || this.answering);
    this.ignoring = !ready && !this.polite;
    if (this.ignoring) return;
    if (isAnother(pc, sdp)) {
      if (!this.polite) return this.anew();
      this.make();
      pc = this.pc;
    }
    await pc.setRemoteDescription({ type: "offer", sdp });
    const places = pc.getTransceivers();
    for (const [index, kind] of PLACES.entries()) {
      if (places[index]) await fill(places[index], this.tracks[kind]);
    }
    await pc.setLocalDescription();
    this.say({ type: "answer", sdp: pc.localDescription.sdp });
  }

  async hearAnswer(pc, sdp) {
    if (pc.signalingState !== "have-local-offer") return;
    if (isAnother(pc, sdp)) return this.anew();
    this.answering = true;
    try {
      await pc.setRemoteDescription({ type: "answer", sdp });
    } finally {
      this.answering = false;
    }
  }

  async hearCandidate(pc, { type: _, ...candidate }) {
    try {
      await pc.addIceCandidate(candidate);
    } catch (error) {
      if (!this.ignoring) console.warn("acd: a candidate was of no use", error.name);
    }
  }

  changed() {
    const state = this.pc.iceConnectionState;
    const works = state === "connected" || state === "completed";
    const broken = state === "disconnected" || state === "failed" || this.pc.connectionState === "failed";
    if (works && this.pc.connectionState !== "failed") {
      clearTimeout(this.patience);
      clearTimeout(this.mostPatience);
      this.patience = this.mostPatience = 0;
    } else if (broken) {
      this.mostPatience ||= setTimeout(() => this.failed(), MOST_PATIENCE);
      this.patience ||= setTimeout(() => this.mend(), state === "failed" ? 0 : PATIENCE);
    }
    this.state(works ? "connected" : broken ? "broken" : "connecting");
  }

  // Once more, and again after a while, as long as it does not work.
  mend() {
    this.patience = setTimeout(() => this.mend(), 2 * PATIENCE);
    this.restart();
  }

  inTurn(step) {
    const turn = this.turns.then(async () => {
      const pc = this.pc;
      if (!pc) return;
      try {
        await step(pc);
      } catch (error) {
        if (pc !== this.pc || pc.signalingState === "closed") return;
        console.warn("acd: the connection is made anew", error);
        this.anew();
      }
    });
    this.turns = turn;
    return turn;
  }
}

// What is sent there. Whatever the other side sends is always taken.
async function fill(place, track) {
  if (place.stopped) return;
  if (place.sender.track !== track) await place.sender.replaceTrack(track);
  const direction = track ? "sendrecv" : "recvonly";
  if (place.direction !== direction) place.direction = direction;
}

function isAnother(pc, sdp) {
  const before = pc.currentRemoteDescription;
  return before !== null && fingerprint(before.sdp) !== fingerprint(sdp);
}

function fingerprint(sdp) {
  return /^a=fingerprint:(.*)$/m.exec(sdp)?.[1].trim().toLowerCase() ?? "";
}

function described(candidate) {
  const { candidate: text, sdpMid, sdpMLineIndex, usernameFragment } = candidate.toJSON();
  return { candidate: text, sdpMid, sdpMLineIndex, usernameFragment };
}
