// Calls between browsers (WEBRTC.md) in which the agent talks: joined when an offer is accepted, after a reload of this
// tab, and when one comes into the agent's hands otherwise; in one tab of the browser at a time.

import { keep, kept } from "/pages/common/kept.js";
import { PageCall } from "/desk/page-call.js";

const HERE = "acd-calls"; // interactions in which this tab talks, and whether muted: after a reload it does so again

export class PageCalls {
  constructor({ complain, look, deed, changed, agent }) {
    Object.assign(this, { complain, look, deed, changed, agent });
    this.there = new Map(); // by interaction
    this.before = null; // what was in hand in the last picture; null before the first
  }

  get calls() {
    return [...this.there.values()].filter((each) => !each.isOver || (each.state === "apart" && !each.isOffered));
  }

  take(items) {
    const carried = items.filter((each) => each.voice === "page" && each.work.state !== "wrap-up" && each.interaction);
    const mine = new Set(carried.map((each) => each.work.interaction_id)), held = new Set();
    for (const id of [...this.there.keys()]) if (!mine.has(id)) this.drop(id);
    const here = read();
    for (const item of carried) {
      const { interaction_id: id, state } = item.work, known = this.there.get(id);
      if (state === "offered") {
        if (known?.isOver) this.drop(id);
        continue;
      }
      held.add(id);
      const call = known ?? this.made(item);
      call.take(item);
      if (known) continue;
      if (here.has(id)) call.join({ steal: true }, here.get(id));
      else if (this.before && !this.before.has(id)) call.join({ ifAvailable: true });
    }
    this.before = held;
    write(new Map([...read()].filter(([id]) => mine.has(id))));
  }

  // The microphone first: whoever may not have it does not accept.
  async accept(item, accept) {
    const id = item.work.interaction_id;
    this.drop(id);
    const call = this.made(item);
    if (!(await call.join({ steal: true }))) {
      this.drop(id);
      this.complain(call.problem);
      return false;
    }
    try {
      await accept();
    } catch (error) {
      // Accepted in another tab, from which this one has taken the call: then it goes on here.
      if (!this.before?.has(id)) {
        this.drop(id);
        throw error;
      }
    }
    return true;
  }

  made(item) {
    const id = item.work.interaction_id;
    const call = new PageCall({
      agent: this.agent(),
      item,
      deed: this.deed,
      look: this.look,
      changed: () => this.changed(),
      mark: (muted) => this.mark(id, muted),
    });
    this.there.set(id, call);
    return call;
  }

  async use(devices) {
    for (const each of this.there.values()) await each.use(devices);
  }

  drop(id) {
    this.there.get(id)?.leave();
    this.there.delete(id);
  }

  close() {
    for (const id of [...this.there.keys()]) this.drop(id);
    this.before = null;
  }

  // `muted` is null where this tab does not talk in it any more.
  mark(id, muted) {
    const here = read();
    if (muted === null) here.delete(id);
    else here.set(id, muted);
    write(here);
  }
}

function read() {
  try {
    return new Map(JSON.parse(kept("sessionStorage", HERE) ?? "[]"));
  } catch {
    return new Map();
  }
}

function write(here) {
  keep("sessionStorage", HERE, here.size ? JSON.stringify([...here]) : "");
}
