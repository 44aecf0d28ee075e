// What the agent is asked to take: shown with the time that is left, announced, accepted and declined, also by keys.

import { byId, drawEach, make, setText } from "/pages/common/dom.js";
import { Before } from "/desk/before.js";
import { figures } from "/desk/clock.js";
import { facts, title } from "/desk/describe.js";
import { drawFacts } from "/desk/facts.js";

const KEYS = { KeyA: "accept", KeyD: "decline" }; // with Alt and Shift
const SHORTCUTS = { accept: "Alt+Shift+A", decline: "Alt+Shift+D" };

export class Offers {
  // `answer(how, item)`: accept or decline this one. `customer(id)`: who it is, as far as that is known. `read(id, place)`:
  // show what has been written already. `agent()`: who is asked.
  constructor({ words, clock, agent, answer, customer, read }) {
    this.words = words;
    this.agent = agent;
    this.clock = clock;
    this.answer = answer;
    this.customer = customer;
    this.read = read;
    this.items = [];
    this.names = {};
    this.known = new Set();
    this.fresh = false;
    document.addEventListener("keydown", (event) => this.press(event));
  }

  // Returns the offers, for whoever rings.
  take(items, names) {
    this.items = items.filter((each) => each.work.state === "offered");
    this.names = names;
    this.announce(new Set(items.map((each) => each.work.offer_id)));
    return this.items.map((each) => ({ id: each.work.offer_id, title: title(this.words, each, names) }));
  }

  draw() {
    const list = byId("offer-list"), { words } = this;
    byId("offers").hidden = !this.items.length;
    setText(byId("shortcuts"), words.say("shortcuts", SHORTCUTS));
    const rows = this.items.map((item) => ({ key: item.work.offer_id, item }));
    drawEach(list, rows, (row) => this.made(row), (child, { item }) => {
      const heading = title(words, item, this.names), [name, known, written, foot] = child.children;
      const buttons = foot.lastChild;
      setText(name, heading);
      written.hidden = !item.conversation;
      setText(written.firstChild, words.say("read-first"));
      drawFacts(known, facts(words, item, this.customer(item.work.interaction_id)));
      for (const [index, how] of ["accept", "decline"].entries()) {
        const button = buttons.children[index];
        setText(button, words.say(how));
        button.setAttribute("aria-label", words.say(`${how}-what`, { what: heading }));
      }
      child.lastChild.take(item);
    });
    this.tick();
    // Into sight, on a small screen; where it is in sight, nothing moves.
    if (this.fresh) byId("offers").scrollIntoView({ block: "nearest" });
    this.fresh = false;
  }

  made({ key, item }) {
    const buttons = make("div", { class: "row" });
    for (const how of ["accept", "decline"]) {
      const button = make("button", { type: "button", class: how, "aria-keyshortcuts": SHORTCUTS[how] });
      button.addEventListener("click", () => this.pressed(button, how, key));
      buttons.append(button);
    }
    const bar = make("progress", { "aria-hidden": "true" });
    const known = make("dl", { class: "facts" }), left = make("p", { class: "left" });
    const written = make("details", {}, make("summary"), make("div"));
    written.addEventListener("toggle", () => written.open && this.read(item.work.interaction_id, written.lastChild));
    const before = new Before({ words: this.words, agent: this.agent });
    const foot = make("div", { class: "foot" }, left, bar, buttons);
    return make("li", { class: "offer" }, make("h4"), known, written, foot, before.element);
  }

  // Once a second.
  tick() {
    for (const child of byId("offer-list").children) {
      const item = this.items.find((each) => each.work.offer_id === child.dataset.key);
      if (!item) continue;
      const { deadline, offered_at: began } = item.work, left = this.clock.left(deadline);
      const [text, bar] = child.children[3].children;
      setText(text, this.words.say("offer.left", { time: figures(left) }));
      bar.max = Math.max(1, Math.ceil((Date.parse(deadline) - Date.parse(began)) / 1_000));
      bar.value = left;
    }
  }

  async pressed(button, how, offer) {
    const item = this.items.find((each) => each.work.offer_id === offer), buttons = button.parentElement.children;
    if (!item || [...buttons].some((each) => each.getAttribute("aria-busy") === "true")) return;
    button.setAttribute("aria-busy", "true");
    await this.answer(how, item);
    button.removeAttribute("aria-busy");
  }

  press(event) {
    const how = KEYS[event.code], list = byId("offer-list");
    if (!how || !event.altKey || !event.shiftKey || event.ctrlKey || event.metaKey || !list.children.length) return;
    event.preventDefault();
    if (event.repeat) return;
    const child = [...list.children].find((each) => each.contains(document.activeElement)) ?? list.children[0];
    child.querySelector(`.${how}`).click();
  }

  // Read out at once; what is gone and is not in hand is said, too.
  announce(all) {
    const now = new Set(this.items.map((each) => each.work.offer_id));
    const fresh = this.items.filter((each) => !this.known.has(each.work.offer_id));
    const gone = [...this.known].filter((each) => !now.has(each));
    this.known = now;
    this.fresh = fresh.length > 0;
    if (!fresh.length && !gone.length) return;
    const said = fresh.map((each) => {
      const seconds = this.clock.left(each.work.deadline);
      return this.words.say("announce.offer", { what: title(this.words, each, this.names), seconds });
    });
    const over = gone.some((each) => !all.has(each)) ? this.words.say("announce.over") : "";
    setText(byId("announcement"), said.join(" ") || over);
  }
}
