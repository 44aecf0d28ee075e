// The connection to acd: it comes again by itself, after a pause that doubles, and notices when nobody is there any more.
//
// Owns when to connect and what a close means. Must not know conversations: whoever uses it says hello, and hears messages.

import { native } from "/chat/dom.js";

const PROTOCOL = "acd.chat.v1+json";
const FIRST_PAUSE = 500, LONGEST_PAUSE = 30_000, TOO_FAST_PAUSE = 5_000; // milliseconds
const PATIENCE = 10_000; // for a sign of life, once something has been said
const PING_EVERY = 25_000;
const MALFORMED = 4400, STRANGER = 4401, TOO_FAST = 4429;

export class Link {
  // `address`: of acd. `hello()`: the first message. `hear(message)`: of everything. `stranger()`: the token is none.
  // `changed()`: `state` is another: off, connecting, open, waiting (for the next attempt), refused (with `why`).
  constructor(address, channel, { hello, hear, stranger, changed }) {
    this.page = new URL("/v1/chat", address);
    this.page.search = new URLSearchParams({ channel });
    this.does = { hello, hear, stranger, changed };
    this.state = "off";
    this.why = "";
    this.isLost = false; // there was a connection, or an attempt, and there is none
    this.socket = null;
    this.pause = FIRST_PAUSE;
    this.timer = this.doubt = 0;
    this.pings = 0;
    window.addEventListener("online", () => this.wake());
    window.addEventListener("offline", () => this.drop());
    native("addEventListener")("visibilitychange", () => native("hidden") || this.wake());
    setInterval(() => native("hidden") || this.ping(), PING_EVERY);
  }

  // Connect unless that is so, or under way. What was refused is tried once more.
  start() {
    if (this.state === "off" || this.state === "refused") this.connect();
  }

  // Connect anew, with another hello.
  restart() {
    if (this.state === "off") return;
    this.leave();
    this.connect();
  }

  send(message) {
    if (this.state !== "open") return false;
    this.socket.send(JSON.stringify(message));
    this.expect();
    return true;
  }

  // ---- inside

  connect() {
    clearTimeout(this.timer);
    const address = new URL(this.page);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    const socket = new WebSocket(address, [PROTOCOL]);
    this.socket = socket;
    this.opened = false;
    this.become("connecting");
    this.expect();
    socket.addEventListener("open", () => {
      if (socket !== this.socket) return;
      this.opened = true;
      socket.send(JSON.stringify(this.does.hello()));
      this.expect();
    });
    socket.addEventListener("message", ({ data }) => socket === this.socket && this.heard(JSON.parse(data)));
    socket.addEventListener("close", ({ code }) => socket === this.socket && this.ended(code));
  }

  heard(message) {
    clearTimeout(this.doubt);
    this.doubt = 0;
    if (message.type === "welcome") {
      this.pause = FIRST_PAUSE;
      this.become("open");
    }
    this.does.hear(message);
  }

  async ended(code) {
    const opened = this.opened;
    this.leave();
    if (code === MALFORMED) return this.become("refused", "fault");
    if (code === STRANGER) this.does.stranger();
    this.again(code === TOO_FAST ? TOO_FAST_PAUSE : 0);
    if (!opened) await this.ask();
  }

  // A browser does not say why there was no connection. acd does, if it can be asked at all.
  async ask() {
    try {
      const answer = await fetch(this.page, { credentials: "omit", cache: "no-store", signal: AbortSignal.timeout(PATIENCE) });
      const found = answer.ok ? await answer.json() : null;
      if (answer.status === 404 || found?.listed === false) {
        if (this.state !== "waiting") return;
        clearTimeout(this.timer);
        this.become("refused", found ? "foreign-origin" : "unknown-channel");
      }
    } catch {
      // Nobody is there: the next attempt may find somebody.
    }
  }

  // Once more, after a pause that differs between those who were all cut off at once.
  again(least) {
    const pause = Math.max(least, this.pause * (0.5 + Math.random() / 2));
    this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), pause);
    this.become("waiting");
  }

  // The network is back, or somebody looks: at once, or see whether the other end is still there.
  wake() {
    if (this.state === "waiting") this.connect();
    else this.ping();
  }

  ping() {
    this.pings += 1;
    this.send({ type: "ping", id: `ping-${this.pings}` });
  }

  expect() {
    if (!this.doubt) this.doubt = setTimeout(() => this.drop(), PATIENCE);
  }

  // This connection is none any more, whether the browser has noticed or not.
  drop() {
    if (!this.socket) return;
    this.leave();
    this.again(0);
  }

  leave() {
    const socket = this.socket;
    this.socket = null;
    clearTimeout(this.doubt);
    this.doubt = 0;
    socket?.close();
  }

  become(state, why = "") {
    this.state = state;
    this.why = why;
    this.isLost = state === "waiting" || (state === "connecting" && this.isLost);
    this.does.changed();
  }
}
