// Conversations in writing that have ended and gone from the agent's hands before all of it had been before them: the
// network was away, or something else was in front, or the customer wrote and left, and no after-call work kept it here.
// They stay to be read until the agent closes them; and so does, in this tab, one to which something was written here that
// could not be sent before it went. Kept for that, by all tabs of the browser, is which ones were in hand, and how far each
// has been looked at; no word of what was written.

import { byId, drawEach, make, setText } from "/pages/common/dom.js";
import { keep, kept } from "/pages/common/kept.js";
import { ask } from "/pages/common/requests.js";
import { openConversation } from "/desk/conversation.js";
import { keptOf, waiting } from "/desk/drafts.js";
import { outboxOf } from "/desk/outbox.js";

const KEY = "acd-desk-looked-at";
const MOST = 100; // conversations
const PAGE = 100; // entries
const AGAIN = 2_000; // milliseconds
const TRIES = 5; // so often it is asked whether it has ended; one that waits in line again then is not this agent's any more
const READING = 10; // seconds: what came so short before it went was not read, though it was before the agent
const BY_OTHERS = new Set(["left", "idle", "away"]);

export class Missed {
  constructor({ words, agent, clock, complain }) {
    this.words = words;
    this.agent = agent;
    this.clock = clock;
    this.complain = complain;
    this.hand = new Set(); // all that is offered or in hand
    this.titles = new Map();
    this.last = new Map(); // as `looked` where the browser keeps nothing: until the page is reloaded
    this.asked = new Map(); // of what has gone, by interaction: what was found out, null as long as that is not known
    this.panes = new Map();
    window.addEventListener("storage", ({ key }) => key === KEY && this.settle());
  }

  // The picture of an agent's work.
  take(items) {
    const looked = this.looked();
    // What a call has gone on from is beside the call.
    this.hand = new Set(items.flatMap(({ work, continues }) => [work.interaction_id, continues]));
    for (const { work, conversation, interaction, terms } of items) {
      const id = work.interaction_id;
      if (!conversation || !interaction || work.state === "offered") continue;
      if (!looked.has(id)) this.keep(looked.set(id, 0));
      this.titles.set(id, terms.title || work.queue);
    }
    this.settle();
  }

  // The agent has had it before them up to this entry.
  look(id, seq) {
    const looked = this.looked();
    if (looked.has(id) && looked.get(id) < seq) this.keep(looked.set(id, seq));
  }

  // After every connection.
  refresh() {
    for (const pane of this.panes.values()) pane.refresh();
    for (const [id, found] of this.asked) if (!found) this.find(id);
  }

  // Nobody is signed in any more; whoever comes back finds it again.
  clear() {
    this.hand.clear();
    this.asked.clear();
    this.last.clear();
    this.draw();
  }

  // The agent has signed out.
  forget() {
    keep("localStorage", KEY, null);
  }

  // ---- what has gone

  settle() {
    if (!this.agent()) return;
    const known = new Set([...this.looked().keys(), ...waiting(this.agent())]);
    for (const id of this.asked.keys()) if (!known.has(id) || this.hand.has(id)) this.asked.delete(id);
    for (const id of known) if (!this.hand.has(id) && !this.asked.has(id)) this.find(id);
    this.draw();
  }

  // Whether there is something in it that the agent has not read.
  async find(id, tries = TRIES) {
    this.asked.set(id, null);
    let found;
    try {
      found = await this.read(id, this.looked().get(id) ?? 0);
    } catch (error) {
      if (error.isStranger) return;
      if (error.isPassing) this.findAgain(id, tries);
      else found = this.written(id, { name: "", queue: "" }); // it is another agent's, or no more
      if (found === undefined) return;
    }
    if (this.asked.get(id) !== null) return; // it is in hand again, or closed in another tab
    if (found === "waits") this.findAgain(id, tries);
    else if (found === "goes on" && tries) this.findAgain(id, tries - 1);
    else if (found && found !== "goes on") this.asked.set(id, found);
    else this.drop(id);
    this.draw();
  }

  findAgain(id, tries) {
    setTimeout(() => this.asked.get(id) === null && this.find(id, tries), AGAIN);
  }

  async read(id, after) {
    const path = `/v1/agents/${encodeURIComponent(this.agent())}/conversations/${encodeURIComponent(id)}`;
    const from = (seq) => ask("GET", `${path}?after=${seq}&limit=${PAGE}`);
    const { conversation, entries } = await from(after);
    // Of its end the conversation hears a moment later than whoever has it in hand, and first that the agent has left.
    const isElsewhere = conversation.talking.some((each) => each !== this.agent());
    if (conversation.state !== "ended") return isElsewhere ? this.written(id, conversation) : "goes on";
    if (entries.some((each) => isTheirs(each) && each.seq > conversation.agent.read)) return conversation;
    const { entries: last } = await from(Math.max(0, conversation.seq - PAGE));
    const end = last.at(-1), said = last.findLast(isTheirs);
    if (end?.kind !== "ended") return "goes on"; // its end is being kept
    const isRecent = said && this.clock.passed(said.at) < READING;
    return BY_OTHERS.has(end.text) && isRecent ? conversation : this.written(id, conversation);
  }

  // What has gone, if the agent wrote something to it that is not sent; "waits" while that is not known, null if all is there.
  written(id, conversation) {
    const { out } = keptOf(this.agent(), id);
    if (!out.length) return null;
    return out.some((each) => each.refused) ? conversation : "waits";
  }

  drop(id) {
    this.asked.delete(id);
    this.titles.delete(id);
    const looked = this.looked();
    if (looked.delete(id)) this.keep(looked);
    this.draw();
  }

  // ---- how far each has been looked at, oldest first

  looked() {
    try {
      const { agent, looked } = JSON.parse(kept("localStorage", KEY));
      return new Map(agent === this.agent() ? looked : []);
    } catch {
      return new Map(this.last);
    }
  }

  keep(looked) {
    for (const id of looked.keys()) if (looked.size > MOST) looked.delete(id);
    this.last = looked;
    keep("localStorage", KEY, JSON.stringify({ agent: this.agent(), looked: [...looked] }));
  }

  // ---- how it looks

  draw() {
    const rows = [...this.asked].filter(([, found]) => found).map(([key, found]) => ({ key, found }));
    const there = new Set(rows.map(({ key }) => key)), list = byId("missed-list");
    for (const [id, pane] of this.panes) {
      if (there.has(id)) continue;
      pane.close();
      this.panes.delete(id);
    }
    byId("missed").hidden = !rows.length;
    drawEach(list, rows, (row) => this.row(row), (child, { key, found }) => {
      const [title, , button] = child.firstChild.children;
      const who = found.name || this.words.say("chat.customer");
      setText(title, `${who} · ${this.titles.get(key) ?? found.queue}`);
      setText(button, this.words.say("missed.close"));
      button.setAttribute("aria-label", this.words.say("missed.close-name", { name: title.textContent }));
    });
  }

  row({ key }) {
    const button = make("button", { type: "button" });
    button.addEventListener("click", () => {
      const outbox = outboxOf(this.agent(), key);
      for (const each of [...outbox.items]) outbox.discard(each);
      this.drop(key);
      (byId("missed-list").querySelector("summary") ?? byId("work-title")).focus();
    });
    const { words, complain: onError } = this;
    const pane = openConversation({ agent: this.agent(), interactionId: key, words, onError });
    this.panes.set(key, pane);
    // Beside other work it is folded up: whatever is in front stays near where it was.
    const folded = byId("front").hidden ? { open: "" } : {};
    return make("li", {}, make("details", folded, make("summary"), pane.element, button));
  }
}

function isTheirs({ kind, side }) {
  return (kind === "message" || kind === "file") && side === "customer";
}
