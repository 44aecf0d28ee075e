// Follows the stream of events for as long as somebody is signed in: a ticket each time, a connection that comes again.
//
// Whoever listens reads the state anew at every connection and after events; so nothing is missed, whatever was cut off,
// and no cursor has to be kept. What comes while they read is told once more afterwards.

import { ask } from "/pages/common/requests.js";

const FIRST_PAUSE = 250, LONGEST_PAUSE = 10_000; // milliseconds
const SILENCE = 45_000; // the server says something every 15 seconds: after so long without a word it is gone
const NOTICES = new Set(["acd.heartbeat", "acd.stream-ended"]);

export class Follower {
  // `changed()` when something may have changed, and at each connection; `connected(yes)` as it comes and goes;
  // `stranger()` when nobody is signed in any more. `wanted`: which events, as the API's parameters say it.
  constructor({ changed, connected, stranger, wanted = () => ({}) }) {
    this.changed = changed;
    this.connected = connected;
    this.stranger = stranger;
    this.wanted = wanted;
    this.running = false;
    this.socket = null;
    this.timer = 0;
    this.pause = FIRST_PAUSE;
    window.addEventListener("online", () => this.running && !this.socket && this.connect());
    window.addEventListener("offline", () => this.drop(this.socket));
  }

  start() {
    this.running = true;
    this.pause = FIRST_PAUSE;
    this.connect();
  }

  stop() {
    this.running = false;
    clearTimeout(this.timer);
    this.socket?.close();
    this.socket = null;
  }

  async connect() {
    clearTimeout(this.timer);
    let ticket;
    try {
      ({ ticket } = await ask("POST", "/v1/tickets"));
    } catch (error) {
      if (error.isStranger && this.running) return this.stranger();
      return this.again();
    }
    if (!this.running || this.socket) return;
    const address = new URL("/v1/events", location.href);
    address.protocol = address.protocol === "https:" ? "wss:" : "ws:";
    address.search = new URLSearchParams({ ...this.wanted(), ticket, coalesce: "true" });
    const socket = new WebSocket(address, ["cloudevents.json"]);
    this.socket = socket;
    let silence = setTimeout(() => this.drop(socket), SILENCE);
    socket.addEventListener("message", (message) => {
      clearTimeout(silence);
      silence = setTimeout(() => this.drop(socket), SILENCE);
      if (socket === this.socket) this.hear(JSON.parse(message.data));
    });
    socket.addEventListener("close", () => {
      clearTimeout(silence);
      this.drop(socket);
    });
  }

  // It leads nowhere any more. A browser says so late, where nobody answers its goodbye: this does not wait for it.
  drop(socket) {
    if (!socket || socket !== this.socket) return;
    this.socket = null;
    socket.close();
    this.connected(false);
    this.again();
  }

  hear(event) {
    if (event.type === "acd.stream-started") {
      this.pause = FIRST_PAUSE;
      this.connected(true);
    }
    if (!NOTICES.has(event.type)) this.changed(event);
  }

  // Once more, after a pause that grows, and differs between those who were all cut off at once.
  again() {
    if (!this.running) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.connect(), this.pause * (0.5 + Math.random() / 2));
    this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
  }
}
