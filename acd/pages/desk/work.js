// All that the agent has in hand: what rings, the list of work items, and which of them is in front. Shows the last
// picture that the API has given of it; nothing of it is kept here but which one is in front.

import { byId, drawEach, make, setText } from "/pages/common/dom.js";
import { keep, kept } from "/pages/common/kept.js";
import { ask } from "/pages/common/requests.js";
import { Alerts } from "/desk/alerts.js";
import { Clock } from "/desk/clock.js";
import { Conversations } from "/desk/conversations.js";
import { duration, standing, title } from "/desk/describe.js";
import { Earlier } from "/desk/earlier.js";
import { Front } from "/desk/front.js";
import { Missed } from "/desk/missed.js";
import { Offers } from "/desk/offers.js";
import { Voice } from "/desk/voice.js";

const FRONT = "acd-front";
const SECOND = 1_000;
const ORDER = ["active", "held", "wrap-up"]; // what comes in front when nothing has been chosen
const OVER = new Set(["offer-ended", "unknown-offer", "not-found"]);

export class Work {
  // `deed(request)` asks it of the API, and returns when the picture after it has been taken. `complain(error or word)`.
  // `look()`: asks for another picture.
  constructor({ words, deed, complain, look }) {
    this.words = words;
    this.deed = deed;
    this.complain = complain;
    this.look = look;
    this.agent = "";
    this.items = [];
    this.names = {};
    this.customers = new Map(); // by interaction: as the API shows them, masked
    this.clock = new Clock();
    this.chosen = null;
    this.late = new Set();
    this.wanted = null; // whose heading gets the focus when it is in front
    const agent = () => this.agent, customer = (id) => this.customers.get(id);
    const common = { words, clock: this.clock, customer };
    this.alerts = new Alerts({ words, complain });
    this.offers = new Offers({
      ...common,
      agent,
      answer: (how, item) => this.answer(how, item),
      read: (id, place) => this.conversations.show(id, place),
    });
    this.front = new Front({ ...common, agent, complain, act: (request) => this.act(request) });
    this.missed = new Missed({ words, agent, clock: this.clock, complain });
    const looked = (...how) => this.missed.look(...how), changed = () => this.draw();
    this.conversations = new Conversations({ words, agent, complain, looked, changed });
    this.voice = new Voice({ words, complain, look, deed });
    this.earlier = new Earlier({ words, agent, complain });
    setInterval(() => this.tick(), SECOND);
  }

  // The picture of an agent's work.
  take({ now, agent, items, names }) {
    if (this.agent !== agent.id) this.chosen = kept("sessionStorage", FRONT);
    this.agent = agent.id;
    this.clock.set(now);
    this.items = items;
    this.names = names;
    this.alerts.ring(this.offers.take(items, names));
    this.voice.take({ agent, items, names });
    this.missed.take(items);
    this.meet();
    this.draw();
  }

  clear() {
    this.choose(null);
    this.agent = "";
    this.items = [];
    this.customers.clear();
    this.alerts.ring(this.offers.take([], {}));
    this.conversations.clear();
    this.missed.clear();
    this.voice.pause();
    this.draw();
  }

  draw() {
    const { words, names } = this, focused = document.activeElement;
    const inside = ["offers", "work-list", "front", "beside"].some((id) => byId(id).contains(focused));
    const rows = this.mine().map((item) => ({ key: item.work.interaction_id, item }));
    const front = this.inFront();
    const other = this.front.take(front, names);
    drawEach(byId("work-list"), rows, (row) => this.row(row), (child, { item }) => {
      const id = item.work.interaction_id, [name, state] = child.firstChild.children;
      setText(name, title(words, item, names));
      const unread = this.conversations.unread.has(id) && id !== this.front.id;
      setText(state, standing(words, item, names) + (unread ? words.say("unread") : ""));
      child.firstChild.setAttribute("aria-current", String(id === this.front.id));
      setText(child.lastChild, this.whom(id));
    });
    byId("no-work").hidden = rows.length > 0;
    this.offers.draw();
    this.front.draw();
    this.alerts.draw();
    this.voice.draw();
    this.showConversation(front);
    this.missed.draw();
    this.earlier.take(front, this.agent ? rows.map(({ key }) => key) : null);
    this.drawTitle();
    this.tick();
    this.settle({ focused, inside, other });
  }

  drawTitle() {
    const ringing = this.offers.items.length, plain = this.words.say("title");
    document.title = ringing ? this.words.say("title.ringing", { count: ringing, title: plain }) : plain;
  }

  // Whoever was in a part that is gone, or has just taken something, is put where it goes on.
  settle({ focused, inside, other }) {
    const now = document.activeElement, lost = !now || now === document.body || now.closest("[hidden]") !== null;
    if (this.wanted && this.wanted === this.front.id) {
      this.wanted = null;
      byId("front-title").focus();
    } else if (inside && (lost || (other && byId("front").contains(focused)))) {
      const [offer, rest] = [byId("offer-list").querySelector("button"), this.front.item ? "front-title" : "work-title"];
      (offer ?? byId(rest)).focus();
    }
  }

  mine() {
    return this.items.filter((each) => each.work.state !== "offered");
  }

  inFront() {
    const mine = this.mine(), chosen = mine.find((each) => each.work.interaction_id === this.chosen);
    if (chosen) return chosen;
    const best = (state) => mine.filter((each) => each.work.state === state).at(-1);
    const found = ORDER.map(best).find(Boolean) ?? null;
    // What is being taken just now stays chosen: it is about to be in hand.
    if (!this.wanted) this.choose(found?.work.interaction_id ?? null);
    return found;
  }

  choose(id) {
    this.chosen = id;
    if (this.agent) keep("sessionStorage", FRONT, id);
  }

  row({ key }) {
    const timer = make("span", { "aria-hidden": "true" });
    const button = make("button", { type: "button" }, make("strong"), " ", make("span"), " ", timer);
    button.addEventListener("click", () => {
      this.choose(key);
      this.wanted = key;
      this.draw();
    });
    const whom = make("p", { class: "whom", dir: "auto", id: `whom-${key}` });
    button.setAttribute("aria-describedby", whom.id);
    return make("li", {}, button, whom);
  }

  // One of several in the same queue is known by this.
  whom(id) {
    const { known, name, number } = this.customers.get(id) ?? {};
    return [...(known ? [name, number] : []), this.conversations.about(id)].filter(Boolean).join(" · ");
  }

  showConversation(front) {
    const written = this.items.filter((each) => each.conversation && each.interaction);
    const ids = new Set(written.map((each) => each.work.interaction_id)), id = front?.work.interaction_id;
    // Beside a call is what was written before it, and is written still.
    const beside = front?.continues;
    if (beside) ids.add(beside);
    const hand = written.filter(({ work }) => work.state !== "offered").map(({ work }) => work.interaction_id);
    this.conversations.take(ids, ids.has(id) ? id : beside || null, hand);
  }

  // After every connection.
  refresh() {
    this.conversations.refresh();
    this.missed.refresh();
    this.earlier.refresh();
  }

  news(data) {
    this.conversations.news(data);
    this.draw();
  }

  tick() {
    if (!this.agent) return;
    this.offers.tick();
    this.front.tick();
    this.checkLate();
    const items = new Map(this.items.map((each) => [each.work.interaction_id, each]));
    for (const child of byId("work-list").children) {
      const item = items.get(child.dataset.key);
      if (item) setText(child.firstChild.children[2], duration(this.words, item, this.clock));
    }
  }

  // What is over by the clock is over for the server, too: it is asked, once, should it not have said so.
  checkLate() {
    const late = this.items.filter(({ work }) => work.deadline && !this.clock.left(work.deadline));
    const moments = late.map(({ work }) => `${work.offer_id} ${work.deadline}`);
    if (moments.some((each) => !this.late.has(each))) this.look();
    this.late = new Set(moments);
  }

  async answer(how, item) {
    const { offer_id: offer, interaction_id: id } = item.work;
    const body = { agent_id: this.agent };
    if (how === "accept") {
      this.wanted = id;
      this.choose(id);
    }
    const deed = () => this.deed(["POST", `/v1/offers/${encodeURIComponent(offer)}/${how}`, body]);
    try {
      if (how === "decline") await deed();
      else if (!(await this.voice.accept(item, deed))) this.wanted = null;
    } catch (error) {
      await this.look();
      // Taken by the telephone, or in another tab: that is what was wanted.
      const taken = this.mine().some((each) => each.work.offer_id === offer);
      if (!taken) this.wanted = null;
      if (!(OVER.has(error.code) && how === "accept" && taken)) this.complain(error);
    }
  }

  async act(request) {
    try {
      await this.deed(request);
      return true;
    } catch (error) {
      const looked = this.look();
      if (!error.isPassing) await looked; // without a network looking takes as long again
      this.complain(error);
      return false;
    }
  }

  // Who the customers are, each asked once; what cannot be shown now is shown another time.
  async meet() {
    const known = this.items.filter((each) => each.interaction?.customer);
    const ids = new Set(known.map((each) => each.work.interaction_id));
    for (const id of this.customers.keys()) if (!ids.has(id)) this.customers.delete(id);
    for (const id of ids) {
      if (this.customers.has(id)) continue;
      this.customers.set(id, null);
      try {
        const { customer } = await ask("GET", `/v1/interactions/${encodeURIComponent(id)}`);
        if (this.customers.has(id)) this.customers.set(id, customer);
        this.draw();
      } catch {
        this.customers.delete(id);
      }
    }
  }
}
