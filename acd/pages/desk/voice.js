// The agent's calls that are in this page: by their telephone in the browser (`voice-phone.js`), and between browsers
// (`voice-page.js`). The one interface to both: what the desk asks, what is shown of them, and that they end with the
// sign-out. Both kinds have calls of the same shape:
//
//   key, kind               "phone" or "page"
//   offer, interaction      what of the work it is; "" where it is none
//   who                     number or name of whoever calls, where there is no work item
//   state                   ringing, apart (not in this tab), joining, waits, talking, ended
//   muted, held, theyMuted
//   word                    what is in the way, as a word of the page; "" for nothing
//   heard                   [score of what we hear, of what they hear]; null where nobody knows
//   pictures                Map: "video", "screen" and "own" to tracks
//   sends                   Set of "video" and "screen"
//   can                     Set of what can be done: names of `does(name, value)`

import { byId, setText } from "/pages/common/dom.js";
import { CallRows } from "/desk/calls.js";
import { Devices } from "/desk/devices.js";
import { PageCalls } from "/desk/voice-page.js";
import { PhoneCalls } from "/desk/voice-phone.js";

const TABS = "acd-voice";

export class Voice {
  // `complain(error or word)`; `look()`: asks for another picture of the work; `deed(request)`: asks it of the API.
  constructor({ words, complain, look, deed }) {
    this.words = words;
    this.complain = complain;
    this.agent = "";
    this.items = [];
    this.names = {};
    this.isIn = false;
    const common = { complain, look, deed, changed: () => this.draw(), agent: () => this.agent };
    this.phone = new PhoneCalls(common);
    this.pages = new PageCalls(common);
    this.rows = new CallRows({ words, complain });
    this.devices = new Devices({ words, chosen: (devices) => this.use(devices) });
    this.tabs = new BroadcastChannel(TABS);
    this.tabs.addEventListener("message", ({ data }) => data !== this.agent && this.end());
    byId("take-phone").addEventListener("click", () => this.phone.takeOver());
  }

  // The picture of an agent's work.
  take({ agent, items, names }) {
    if (this.agent !== agent.id) {
      this.end();
      this.agent = agent.id;
    }
    if (!this.isIn) this.tabs.postMessage(agent.id); // whoever it was before has no calls in this browser any more
    this.isIn = true;
    this.items = items;
    this.names = names;
    this.phone.take(items);
    this.pages.take(items);
    this.draw();
  }

  // Take an offer; true if that went well. Nobody is accepted who could not be heard: so what speaks comes first, and
  // `accept()`, which asks it of the API, only then. Throws what the API refuses.
  async accept(item, accept) {
    if (item.voice === "page") return this.pages.accept(item, accept);
    if (item.voice === "phone" && this.phone.isHere) return this.phone.accept(item);
    await accept();
    return true;
  }

  // The session is over, without the agent having ended it: calls go on until they end, and nothing new begins.
  pause() {
    this.isIn = false;
    this.items = [];
    this.phone.pause();
    this.draw();
  }

  // The agent has signed out: nobody speaks from here any more, nor from another tab.
  close() {
    this.end();
    this.tabs.postMessage("");
  }

  end() {
    this.agent = "";
    this.isIn = false;
    this.items = [];
    this.phone.close();
    this.pages.close();
    this.draw();
  }

  async use(devices) {
    for (const each of [this.phone, this.pages]) {
      try {
        await each.use(devices);
      } catch (problem) {
        this.complain(problem.word ?? "phone.microphone-busy");
      }
    }
  }

  draw() {
    const { words } = this, { state, code } = this.phone, calls = [...this.phone.calls, ...this.pages.calls];
    const phone = state ? words.say(code ? `phone.${code}` : `phone.${state}`, {}, words.say(`phone.${state}`)) : "";
    setText(byId("phone"), phone);
    byId("phone").classList.toggle("late", state === "trouble");
    byId("take-phone").hidden = state !== "elsewhere";
    this.rows.draw(calls, this.items, this.names);
    this.devices.show(Boolean(state) || calls.length > 0);
    this.devices.draw();
  }
}
