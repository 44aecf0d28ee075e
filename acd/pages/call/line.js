// The socket of a call, which comes again when it breaks. What is said over it is `call.js`'s business.
//
// A browser notices only late that a network is gone: so the server is asked every few seconds whether it is there, and
// at once when the browser says that the network has changed.

const FIRST_PAUSE = 250, LONGEST_PAUSE = 8_000; // milliseconds
const ASK_EVERY = 10_000, ANSWER_WITHIN = 5_000, ANSWER_SOON = 2_500;
const PROTOCOL = "acd.call.v1+json";

export class Line {
  // `address()`: where to connect, each time anew, may be a promise; it throws what is in the way for good.
  // `opened()`, `heard(message)`, `cut()`: as it comes and goes; `closed(code, word, detail)`: for good, after one of `final`.
  constructor({ address, opened, heard, cut, closed, final }) {
    Object.assign(this, { address, opened, heard, cut, closed, final });
    this.socket = null;
    this.running = false;
    this.pause = FIRST_PAUSE;
    this.timer = this.asking = this.silence = 0;
    this.word = this.detail = "";
    this.changed = () => this.look();
  }

  get isOpen() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  start() {
    if (this.running) return;
    this.running = true;
    window.addEventListener("online", this.changed);
    navigator.connection?.addEventListener?.("change", this.changed);
    this.connect();
  }

  // Nothing more is said or heard.
  stop() {
    this.running = false;
    clearTimeout(this.timer);
    this.quiet();
    window.removeEventListener("online", this.changed);
    navigator.connection?.removeEventListener?.("change", this.changed);
    const socket = this.socket;
    this.socket = null;
    socket?.close();
  }

  say(message) {
    if (this.isOpen) this.socket.send(JSON.stringify(message));
  }

  // Whether it is still there is to be known soon.
  look() {
    if (!this.running) return;
    if (this.isOpen) return this.ask(ANSWER_SOON);
    if (this.socket) return;
    this.pause = FIRST_PAUSE;
    this.connect();
  }

  // As if the network had gone.
  lose() {
    const socket = this.socket;
    this.socket = null;
    this.quiet();
    if (!socket) return;
    socket.close();
    this.cut();
    this.again();
  }

  async connect() {
    clearTimeout(this.timer);
    if (!this.running || this.socket || this.connecting) return;
    this.connecting = true;
    let address;
    try {
      address = await this.address();
    } catch (error) {
      if (this.running) typeof error.code === "string" ? this.end(0, error.code) : this.again();
      return;
    } finally {
      this.connecting = false;
    }
    if (!this.running) return;
    const socket = new WebSocket(address, [PROTOCOL]);
    this.socket = socket;
    this.word = this.detail = "";
    this.ask(ANSWER_WITHIN, true);
    socket.addEventListener("open", () => {
      if (socket !== this.socket) return;
      this.quiet();
      this.opened();
      this.asking = setInterval(() => this.ask(ANSWER_WITHIN), ASK_EVERY);
    });
    socket.addEventListener("message", (event) => socket === this.socket && this.take(JSON.parse(event.data)));
    socket.addEventListener("close", (event) => socket === this.socket && this.gone(event.code));
  }

  take(message) {
    clearTimeout(this.silence);
    this.silence = 0;
    this.pause = FIRST_PAUSE;
    if (message.type === "closing") [this.word, this.detail] = [message.code, message.detail];
    else if (message.type !== "pong") this.heard(message);
  }

  gone(code) {
    this.socket = null;
    this.quiet();
    this.cut();
    if (this.final.includes(code)) this.end(code, this.word);
    else this.again();
  }

  end(code, word) {
    this.stop();
    this.closed(code, word, this.detail);
  }

  again() {
    if (!this.running) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), this.pause * (0.5 + Math.random() / 2));
    this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
  }

  ask(within, connecting = false) {
    if (!connecting) this.say({ type: "ping" });
    if (!this.silence) this.silence = setTimeout(() => this.lose(), within);
  }

  quiet() {
    clearInterval(this.asking);
    clearTimeout(this.silence);
    this.asking = this.silence = 0;
  }
}
