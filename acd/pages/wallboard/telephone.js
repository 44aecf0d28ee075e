// The supervisor's telephone, where it is the browser: this page is it as long as a conversation is heard by it, and no
// longer, so that it is in nobody's way who has the desk open, too. What was asked for here is picked up by itself; what
// else rings meanwhile is asked about. Whoever has another telephone has nothing here, but for calls between browsers:
// those are heard by this page, whatever telephone there is (`ear.js`).

import { byId, drawEach, make, setText } from "/pages/common/dom.js";
import { ask } from "/pages/common/requests.js";
import { Ear } from "/wallboard/ear.js";

const BUTTONS = ["pick-up", "decline", "play", "mute", "hang-up"];
const CAN = { ringing: ["pick-up", "decline"], answering: ["hang-up"], talking: ["mute", "hang-up"] };
const IDLE = 60_000; // milliseconds within which the PBX rings, or has given it up

export class Telephone {
  // `own()`: the agent whose telephone is the supervisor's; null for none.
  constructor(words, own) {
    this.words = words;
    this.own = own;
    this.phone = null;
    this.ear = new Ear((call) => this.told(call, this.ear));
    this.calls = new Map();
    this.heard = new Map(); // conversation → {name, mode}: asked for here
    this.waiting = new Set(); // those who want to know whether it can ring here
    this.pending = 0;
    this.idle = 0;
    this.round = 0; // counts what was begun, so that a late answer is not taken for another's
  }

  // `order()`: asks the API for it, when the telephone can ring, wherever it is. A problem's `word` says what is in the
  // way of that: then nobody is rung who could not hear. `agent`: by whose telephone.
  async hear(interaction, name, mode, order, agent) {
    const before = this.heard.get(interaction);
    this.pending += 1;
    try {
      const path = `/v1/interactions/${encodeURIComponent(interaction)}/supervision/${encodeURIComponent(agent)}`;
      const { by } = await ask("GET", path), isPage = by === "page", isOwn = agent === this.own();
      if (isPage && !isOwn) throw Object.assign(new Error("not here"), { word: "phone.not-here" });
      if (isOwn && !isPage) await this.ready();
      if (isOwn) this.heard.set(interaction, { name, mode });
      await (isPage ? this.ear.hear(agent, interaction, order) : order());
    } catch (problem) {
      if (before) this.heard.set(interaction, before);
      else this.heard.delete(interaction);
      throw problem;
    } finally {
      this.pending -= 1;
      this.rest();
      this.draw();
    }
  }

  // What is to be said of it beside what was done.
  get remark() {
    return this.phone?.state === "elsewhere" ? this.words.say("phone.elsewhere") : "";
  }

  close() {
    this.round += 1;
    clearTimeout(this.idle);
    this.phone?.close();
    this.phone = null;
    this.ear.close();
    this.calls.clear();
    this.heard.clear();
    for (const each of [...this.waiting]) each();
    this.draw();
  }

  async ready() {
    if (!this.phone && !(await this.open())) return;
    await new Promise((resolve, reject) => {
      const look = () => {
        const { state, code } = this.phone ?? { state: "closed" };
        if (state === "starting" || state === "registering") return;
        this.waiting.delete(look);
        if (state === "trouble") reject(Object.assign(new Error(code), { code, word: `phone.${code}` }));
        else resolve();
      };
      this.waiting.add(look);
      look();
    });
  }

  // False: the supervisor has no telephone in the browser.
  async open() {
    const agent = this.own(), round = ++this.round;
    if (!agent) return false;
    const { browser } = await ask("GET", `/v1/agents/${encodeURIComponent(agent)}/phone`);
    if (!browser || round !== this.round) return false;
    const { openPhone } = await import("/desk/phone.js"); // and all of SIP, for those alone who need it
    if (round !== this.round) return false;
    this.phone = openPhone({
      agent,
      onState: () => round === this.round && [...this.waiting].forEach((each) => each()),
      onCall: (call) => round === this.round && this.told(call, this.phone),
    });
    return true;
  }

  // `by`: the telephone, or the page.
  told(call, by) {
    if (call.state === "ended") {
      this.calls.delete(call.id);
      this.heard.delete(call.supervises);
    } else this.calls.set(call.id, { ...call, by });
    // What is in the way of picking up is shown with the call.
    const isNew = call.state === "ringing" && !call.code && this.heard.has(call.supervises);
    if (isNew) this.phone.answer(call.id).catch(() => {});
    this.rest();
    this.draw();
  }

  // Nothing is heard any more, and nothing about to be.
  rest() {
    clearTimeout(this.idle);
    if (!this.phone || this.pending || this.calls.size) return;
    if (!this.heard.size) this.close();
    else this.idle = setTimeout(() => this.close(), IDLE);
  }

  // ---- what is shown

  draw() {
    const rows = [...this.calls.values()].map((call) => ({ key: call.id, call }));
    byId("calls").hidden = !rows.length;
    drawEach(byId("call-list"), rows, ({ key }) => this.made(key), (child, { call }) => this.drawCall(child, call));
  }

  made(id) {
    const buttons = make("div", { class: "row", role: "group" });
    for (const name of BUTTONS) {
      const button = make("button", { type: "button", "data-name": name });
      button.addEventListener("click", () => this.press(id, name));
      buttons.append(button);
    }
    const state = make("p", { role: "status" }), problem = make("p", { class: "problem", role: "alert" });
    return make("li", {}, make("h3"), state, problem, buttons);
  }

  drawCall(child, call) {
    const { words } = this, [heading, state, problem, buttons] = child.children, heard = this.heard.get(call.supervises);
    const name = heard ? words.say(`heard.${heard.mode}`, heard)
      : [call.name, call.number].filter(Boolean).join(" · ") || words.say("call.somebody");
    const can = new Set([...(CAN[call.state] ?? []), ...(call.code === "sound-blocked" ? ["play"] : [])]);
    setText(heading, name);
    setText(state, [words.say(`call.${call.state}`), call.muted ? words.say("call.muted") : ""].filter(Boolean).join(" · "));
    setText(problem, call.code ? words.say(`phone.${call.code}`) : "");
    buttons.setAttribute("aria-label", name);
    for (const button of buttons.children) {
      const what = button.dataset.name;
      button.hidden = !can.has(what);
      setText(button, words.say(`call.${what}`));
      if (what === "mute") button.setAttribute("aria-pressed", String(call.muted));
    }
  }

  press(id, name) {
    const call = this.calls.get(id), phone = call?.by, quietly = () => {}; // a problem is shown with the call
    if (!call) return;
    if (name === "pick-up") phone.answer(id).catch(quietly);
    else if (name === "play") phone.play(id).catch(quietly);
    else if (name === "decline") phone.decline(id);
    else if (name === "mute") phone.mute(!call.muted, id);
    else phone.hangUp(id);
  }
}
