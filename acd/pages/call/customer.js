// A customer's call from a web page, which may be of another origin than the server's.

import { Call } from "/pages/call/call.js";
import { microphone } from "/pages/call/devices.js";
import { Problem } from "/pages/call/problems.js";

export { devices } from "/pages/call/devices.js";
export { Problem } from "/pages/call/problems.js";

const MOST_TRIES = 4; // with a token, or a ticket, that was none

export class CustomerCall extends Call {
  // `address`: of the server, with its scheme; `channel`: its name there. `store`: keeps {token, call} over
  // a reload of the page, by `get()` and `set(kept)`; without one a reload ends the call.
  constructor({ address, channel, store, ...more }) {
    // Over; a fault of ours; the token is of no use; another page has the call.
    super(more, [1000, 4400, 4401, 4409]);
    this.polite = true;
    this.server = { address, channel };
    this.store = store ?? forgetful();
    this.asking = null;
  }

  // Ask for an agent. Resolves when we stand in line; throws a Problem, and then there is no call.
  //
  // `ticket(id)`: of a web chat's page (CHAT.md, "Call instead"): a new {ticket, continues} for this id of a call, each time.
  async begin({ queue = "", name = "", number = "", attributes = {}, ticket = null } = {}) {
    this.own.audio ??= await microphone();
    const id = drawn();
    this.store.set({ ...this.store.get(), call: id });
    this.wanted = { type: "begin", id, queue, name, number, attributes };
    this.ticket = ticket;
    this.pass = "";
    this.tries = 0;
    return this.asked();
  }

  // Take up the call that this page had before it was loaded anew; false when it had none.
  async resume() {
    if (!this.store.get()?.call) return false;
    this.own.audio ??= await microphone();
    await this.asked();
    return this.state !== "over";
  }

  hangUp() {
    this.line.say({ type: "leave" });
    this.isLeaving = true;
  }

  asked() {
    return new Promise((resolve, reject) => {
      this.asking = { resolve, reject };
      this.isLeaving = false;
      this.state = "";
      this.line.start();
    });
  }

  async address() {
    if (this.wanted && this.ticket) await this.fetchTicket();
    const found = new URL("/v1/call", this.server.address);
    found.protocol = found.protocol === "https:" ? "wss:" : "ws:";
    found.search = new URLSearchParams({ channel: this.server.channel });
    return found;
  }

  // One for every attempt: each is good once.
  async fetchTicket() {
    const { id, name, number } = this.wanted;
    const { ticket, continues } = await this.ticket(id);
    this.pass = ticket;
    if (continues && this.wanted) this.wanted = { type: "begin", id, continues, name, number };
  }

  opened() {
    super.opened();
    if (this.wanted && this.pass) {
      this.line.say({ type: "hello", ticket: this.pass, call: this.wanted.id });
      this.line.say(this.wanted);
      this.pass = "";
      return;
    }
    const kept = this.store.get() ?? {};
    const call = this.wanted ? "" : (kept.call ?? "");
    this.line.say({ type: "hello", ...(kept.token ? { token: kept.token } : {}), ...(call ? { call } : {}) });
    if (this.wanted) this.line.say(this.wanted);
  }

  heard(message) {
    if (message.type === "welcome" || message.type === "token") {
      this.store.set({ ...this.store.get(), token: message.token });
      if (this.isLeaving) this.line.say({ type: "leave" });
    } else if (message.type === "error") this.refused(message);
    else super.heard(message);
  }

  // Nothing has begun.
  refused({ code, detail }) {
    this.forget();
    this.line.stop();
    this.release();
    this.asking?.reject(new Problem(code, detail));
    this.asking = null;
  }

  is(told) {
    super.is(told);
    this.wanted = null;
    if (told.state === "over") {
      this.forget();
      this.line.stop();
    } else if (this.isLeaving) this.line.say({ type: "leave" });
    this.asking?.resolve();
    this.asking = null;
  }

  closed(code, word, detail) {
    if (code === 4401) {
      // The token is of no use any more: without it we are somebody else, and have no call.
      this.store.set(this.wanted ? { call: this.wanted.id } : null);
      this.tries = (this.tries ?? 0) + 1;
      if (this.wanted && this.tries < MOST_TRIES) return this.line.start();
    }
    if (this.asking && this.wanted) return this.refused({ code: word || "refused", detail });
    super.closed(code, word, detail);
    this.asking?.reject(new Problem(word || "refused"));
    this.asking = null;
  }

  forget() {
    const { token } = this.store.get() ?? {};
    this.store.set(token ? { token } : null);
    this.wanted = null;
  }
}

function forgetful() {
  let kept = null;
  return { get: () => kept, set: (value) => (kept = value) };
}

// An id that nobody else has.
function drawn() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
}
