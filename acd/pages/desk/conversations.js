// Conversations in writing, as far as they are before the agent: one pane for each that has been, until its work item
// goes. What is in a pane is its own business (`conversation.js`).

import { byId } from "/pages/common/dom.js";
import { openConversation } from "/desk/conversation.js";

export class Conversations {
  // `looked(id, seq)`: the agent has had one before them up to this entry. `changed()`: `about(id)` may say something else.
  constructor({ words, agent, complain, looked, changed }) {
    this.words = words;
    this.agent = agent;
    this.complain = complain;
    this.looked = looked;
    this.changed = changed;
    this.panes = new Map(); // by interaction
    this.unread = new Set();
    this.shown = null;
  }

  // These are in hand or offered; `front` is before the agent, or none of them. What is in `hand` is read, to say whose it is.
  take(ids, front, hand) {
    for (const id of [...this.panes.keys()]) if (!ids.has(id)) this.drop(id);
    for (const id of this.unread) if (!ids.has(id)) this.unread.delete(id);
    for (const id of hand) this.pane(id);
    this.shown = front;
    this.unread.delete(front);
    const place = byId("conversation");
    if (front && this.pane(front).element.parentElement !== place) place.append(this.pane(front).element);
    for (const each of place.children) each.hidden = each !== this.panes.get(front)?.element;
  }

  // Who it is and what they wrote last, as far as that has been read.
  about(id) {
    return this.panes.get(id)?.about() ?? "";
  }

  // To be read in this place, before it is accepted.
  show(id, place) {
    place.append(this.pane(id).element);
  }

  pane(id) {
    const { words, changed, complain: onError } = this;
    if (!this.panes.has(id)) {
      const looked = (seq) => this.looked(id, seq);
      this.panes.set(id, openConversation({ agent: this.agent(), interactionId: id, words, onError, looked, changed }));
    }
    return this.panes.get(id);
  }

  // What the stream of events tells of one of them.
  news(data) {
    this.panes.get(data.interaction_id)?.news(data);
    if (data.news === "entries" && data.interaction_id !== this.shown) this.unread.add(data.interaction_id);
  }

  // After every connection: what was told meanwhile is not told again.
  refresh() {
    for (const pane of this.panes.values()) pane.refresh();
  }

  drop(id) {
    const pane = this.panes.get(id);
    this.panes.delete(id);
    pane.close();
    pane.element.remove();
  }

  clear() {
    for (const id of [...this.panes.keys()]) this.drop(id);
    this.unread.clear();
    this.shown = null;
  }
}
