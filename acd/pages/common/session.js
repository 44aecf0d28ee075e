// Who is signed in with this browser. The cookie itself is out of reach here: the page knows whose it is, and asks for
// another while it is still good. All tabs share it, and tell each other when somebody signs in: whoever was signed in
// before is not any more, and what their tabs show would be asked for in the name of another.

import { ask, Refused } from "/pages/common/requests.js";

const PATH = "/v1/session";
const SOONEST = 1_000, AGAIN = 15_000; // milliseconds
const TABS = "acd-session";

export class Session {
  // `ended()` is called when somebody who was signed in is not any more, whoever signed them out.
  constructor(ended) {
    this.ended = ended;
    this.timer = 0;
    this.who = null;
    this.release = ""; // of the pages, as the server had them at first
    this.tabs = new BroadcastChannel(TABS);
    this.tabs.addEventListener("message", ({ data }) => this.isOther(data) && this.lost());
    // Timers stand still in a laptop that is shut.
    document.addEventListener("visibilitychange", () => document.hidden || !this.who || this.renew());
  }

  // Whoever was signed in before the page was loaded; null for nobody.
  async resume() {
    try {
      return this.is(await ask("GET", PATH));
    } catch (error) {
      if (error instanceof Refused && (error.isStranger || error.status === 429)) return null;
      throw error;
    }
  }

  // Where the server has other pages by now, this one begins anew: nothing is under way yet.
  async begin(token) {
    this.forget();
    const who = await ask("POST", PATH, { token });
    this.tabs.postMessage({ name: who.name, agent: who.agent });
    if (this.release && who.release !== this.release) {
      location.reload();
      await new Promise(() => {});
    }
    return this.is(who);
  }

  // Whoever cannot be signed out now, because there is no answer, still is signed in.
  async end() {
    try {
      await ask("DELETE", PATH);
    } catch (error) {
      if (!error.isStranger) throw error;
    }
    this.forget();
  }

  // To be called when an answer says that nobody is signed in.
  lost() {
    if (!this.who) return;
    this.forget();
    this.ended();
  }

  isOther(who) {
    return this.who !== null && (who.name !== this.who.name || who.agent !== this.who.agent);
  }

  is(who) {
    if (this.isOther(who)) return this.lost();
    this.release ||= who.release;
    this.who = who;
    // A session that is about to end for good is not replaced any more: then this only finds out that it has.
    this.after(Math.max(SOONEST, (who.left_seconds ?? 0) * 500));
    return who;
  }

  async renew() {
    clearTimeout(this.timer);
    try {
      const who = await ask("POST", PATH);
      if (this.who) this.is(who);
    } catch (error) {
      if (error.isStranger) this.lost();
      else if (this.who) this.after(AGAIN);
    }
  }

  after(milliseconds) {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.renew(), milliseconds);
  }

  forget() {
    clearTimeout(this.timer);
    this.who = null;
  }
}
