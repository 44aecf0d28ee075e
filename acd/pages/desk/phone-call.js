// One call of an agent's telephone in the page: ringing, answered, over; its microphone, keys and figures. Knows SIP
// only as far as JsSIP shows it, and nothing of registering (phone.js). Holding and moving calls are the API's.

const OFFER = "X-ACD-Offer", SUPERVISES = "X-ACD-Supervision";
const GATHERING = 800; // milliseconds without a further candidate: no silent STUN server keeps a caller waiting
const FLAT = 4_000; // milliseconds without a way for the media before another one is looked for
const SILENT = 5_000; // milliseconds after answering within which something has to be heard
const DIGITS = /^[0-9A-D*#]{1,32}$/;

// `code`: why something could not be done; stable, for words of the page's own.
export class PhoneProblem extends Error {
  constructor(code, detail = "") {
    super(detail || code);
    this.code = code;
  }
}

// The microphone, or a PhoneProblem that says why not.
export async function microphone(device = "") {
  if (!navigator.mediaDevices?.getUserMedia) throw new PhoneProblem("insecure-page");
  const audio = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
  if (device) audio.deviceId = { exact: device };
  try {
    return await navigator.mediaDevices.getUserMedia({ audio });
  } catch (error) {
    // A headset that was pulled out: any other microphone is better than none.
    if (device && ["OverconstrainedError", "NotFoundError"].includes(error.name)) return microphone();
    if (["NotAllowedError", "SecurityError"].includes(error.name)) throw new PhoneProblem("microphone-denied");
    if (["NotFoundError", "OverconstrainedError"].includes(error.name)) throw new PhoneProblem("microphone-missing");
    throw new PhoneProblem("microphone-busy", String(error));
  }
}

export class PhoneCall {
  // `changed()` is called whenever `shown` has changed. `devices`: {input, output} as chosen; `servers`: for ICE;
  // `isConnected()`: whether anything can be sent to the PBX.
  constructor(session, request, { changed, devices, servers, isConnected }) {
    this.session = session;
    this.isConnected = isConnected;
    this.changed = changed;
    this.devices = devices;
    this.servers = servers;
    this.offer = decoded(request.getHeader(OFFER));
    this.wantsAnswer = asksForAnswer(request);
    this.shown = {
      id: session.id,
      offer: this.offer,
      supervises: decoded(request.getHeader(SUPERVISES)),
      number: session.remote_identity?.uri?.user ?? "",
      name: session.remote_identity?.display_name ?? "",
      state: "ringing",
      muted: false,
      code: "",
    };
    this.audio = new Audio();
    this.audio.autoplay = true;
    this.stream = null;
    this.timers = new Set();
    session.on("peerconnection", ({ peerconnection }) => this.wire(peerconnection));
    session.on("icecandidate", ({ candidate, ready }) => this.gathered(candidate, ready));
    session.on("confirmed", () => this.talks());
    session.on("ended", ({ cause }) => this.over(cause));
    session.on("failed", ({ cause }) => this.over(cause));
  }

  get isOver() {
    return this.shown.state === "ended";
  }

  show(change) {
    if (this.isOver) return;
    this.shown = { ...this.shown, ...change };
    this.changed(this);
  }

  // Whether this is its id, or that of its offer.
  is(name) {
    return this.shown.id === name || (name !== "" && this.offer === name);
  }

  // Resolves when the two can talk; a PhoneProblem says why not. Without a microphone it goes on ringing, and may be
  // answered once there is one.
  answer() {
    this.answered ??= this.begin().finally(() => {
      if (this.shown.state === "ringing") this.answered = null;
    });
    return this.answered;
  }

  async begin() {
    if (this.shown.state !== "ringing") throw new PhoneProblem("call-over");
    this.show({ state: "answering", code: "" });
    const done = new Promise((resolve, reject) => {
      this.settle = (problem) => (problem ? reject(problem) : resolve());
    });
    done.catch(() => {});
    try {
      this.stream = await microphone(this.devices.input);
    } catch (problem) {
      this.show({ state: "ringing", code: problem.code });
      throw this.isOver ? new PhoneProblem("call-over") : problem;
    }
    try {
      if (this.isOver) {
        this.stop(this.stream);
        throw new PhoneProblem("call-over");
      }
      this.session.answer({
        mediaStream: this.stream,
        pcConfig: { iceServers: this.servers, rtcpMuxPolicy: "require", bundlePolicy: "max-bundle" },
      });
    } catch (error) {
      const problem = error instanceof PhoneProblem ? error : new PhoneProblem("call-failed", String(error));
      this.show({ code: problem.code });
      this.hangUp();
      throw problem;
    }
    return done;
  }

  hangUp() {
    try {
      this.session.terminate(this.session.isEstablished() ? {} : { status_code: 480 });
    } catch {
      this.over("");
    }
  }

  decline() {
    if (this.shown.state !== "ringing") throw new PhoneProblem("call-over");
    this.session.terminate({ status_code: 603 });
  }

  mute(on) {
    this.require("talking");
    if (on) this.session.mute({ audio: true });
    else this.session.unmute({ audio: true });
    this.show({ muted: on });
  }

  // Keys are sent within the media (RFC 4733), as telephones do.
  keypad(digits) {
    this.require("talking");
    if (!DIGITS.test(digits)) throw new PhoneProblem("no-digits");
    this.session.sendDTMF(digits, { duration: 120, interToneGap: 80, transportType: "RFC2833" });
  }

  // Be heard by the agent, after a click, where the browser plays nothing before one.
  async play() {
    await this.audio.play();
    if (this.shown.code === "sound-blocked") this.show({ code: "" });
  }

  // Other devices than those it was answered with.
  async use({ input, output }) {
    this.devices = { input, output };
    await this.sound();
    const sender = this.session.connection?.getSenders().find((each) => each.track?.kind === "audio");
    if (!sender || this.isOver) return;
    const stream = await microphone(input), [track] = stream.getAudioTracks();
    track.enabled = !this.shown.muted;
    await sender.replaceTrack(track);
    this.stop(this.stream);
    this.stream = stream;
  }

  async sound() {
    // One that has been pulled out: the browser's own choice, then.
    await this.audio.setSinkId?.(this.devices.output).catch(() => this.audio.setSinkId(""));
  }

  // Look for another way for the media, and tell the PBX by which connection this page is reached now; the call goes on
  // meanwhile. Not while there is none: JsSIP takes a request that cannot be sent for the end of the call.
  restart() {
    if (this.shown.state !== "talking" || !this.isConnected()) return false;
    return this.session.renegotiate({ rtcOfferConstraints: { iceRestart: true } });
  }

  // What came and went so far, of getStats (W3C webrtc-stats).
  async stats() {
    const found = { bytesReceived: 0, bytesSent: 0, packetsLost: 0, jitter: 0, level: 0, energy: 0, roundTrip: null };
    for (const each of (await this.session.connection?.getStats())?.values() ?? []) {
      if (each.type === "inbound-rtp" && each.kind === "audio") {
        found.bytesReceived += each.bytesReceived;
        found.packetsLost += each.packetsLost;
        found.jitter = each.jitter;
        found.level = each.audioLevel ?? 0;
        found.energy = each.totalAudioEnergy ?? 0;
      } else if (each.type === "outbound-rtp" && each.kind === "audio") found.bytesSent += each.bytesSent;
      else if (each.type === "remote-inbound-rtp") found.roundTrip = each.roundTripTime ?? null;
    }
    return found;
  }

  require(state) {
    if (this.shown.state !== state) throw new PhoneProblem("no-call");
  }

  wire(connection) {
    connection.addEventListener("track", ({ track }) => {
      // In a stream of our own: the other end's has another name after every agreement, and the track leaves it then.
      this.audio.srcObject = new MediaStream([track]);
      this.sound();
      this.audio.play().catch(() => this.show({ code: "sound-blocked" }));
    });
    let flat = 0;
    connection.addEventListener("iceconnectionstatechange", () => {
      const state = connection.iceConnectionState;
      clearTimeout(flat);
      if (state === "connected" || state === "completed") {
        if (this.shown.code === "media-lost") this.show({ code: "" });
      } else if (state === "failed" || state === "disconnected") {
        this.show({ code: "media-lost" });
        flat = this.after(state === "failed" ? 0 : FLAT, () => this.restart());
      }
    });
  }

  gathered(candidate, ready) {
    clearTimeout(this.deadline);
    if (candidate.type === "relay") ready();
    else this.deadline = this.after(GATHERING, ready);
  }

  talks() {
    this.show({ state: "talking" });
    this.settle?.();
    this.after(SILENT, async () => {
      if ((await this.stats()).bytesReceived === 0) this.show({ code: "no-audio" });
    });
  }

  over(cause) {
    if (this.isOver) return;
    for (const each of this.timers) clearTimeout(each);
    this.stop(this.stream);
    this.audio.srcObject = null;
    this.show({ state: "ended" });
    this.settle?.(new PhoneProblem(this.shown.code || "call-over", String(cause ?? "")));
  }

  stop(stream) {
    for (const track of stream?.getTracks() ?? []) track.stop();
  }

  after(milliseconds, then) {
    const timer = setTimeout(() => {
      this.timers.delete(timer);
      if (!this.isOver) then();
    }, milliseconds);
    this.timers.add(timer);
    return timer;
  }
}

// Ids that the engine did not choose itself may have any characters, so the header has them percent-encoded.
function decoded(header) {
  try {
    return decodeURIComponent(header ?? "");
  } catch {
    return "";
  }
}

// Whether the PBX asks the telephone to pick up by itself, as `auto_answer` of the configuration has it.
function asksForAnswer(request) {
  return /answer-after=0/.test(request.getHeader("Call-Info") ?? "") ||
    /info=alert-autoanswer/.test(request.getHeader("Alert-Info") ?? "");
}
