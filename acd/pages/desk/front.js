// The work item that the agent has before them: what is known, what can be done, advice that is asked for, notes of how
// it ended. Shows what it is given; whatever is pressed is asked of the API by others.

import { byId, drawEach, make, option, setText } from "/pages/common/dom.js";
import { controls, duration, facts, isTalk, standing, title } from "/desk/describe.js";
import { drawFacts } from "/desk/facts.js";
import { Handing } from "/desk/handing.js";

const NAMES = [
  "hold", "resume", "transfer", "consult", "record-pause", "record-resume", "want-wrap-up", "leave", "not-reached", "end",
  "done", "extend",
];
// Where the focus goes when a control has done what it is for, and is there no more.
const NEXT = { hold: "resume", resume: "hold", "record-pause": "record-resume", "record-resume": "record-pause" };
const EXTENSION = "30s";

export class Front {
  // `act(request)`: [method, path, body] is asked of the API; true if that went well. `customer(id)`: who it is.
  constructor({ words, clock, agent, act, complain, customer }) {
    this.words = words;
    this.clock = clock;
    this.agent = agent;
    this.act = act;
    this.customer = customer;
    this.item = null;
    this.names = {};
    this.handing = new Handing({ words, complain, chosen: (...all) => this.hand(...all) });
    for (const name of NAMES) byId(name).addEventListener("click", () => this.press(byId(name), () => this.does(name)));
    byId("disposition").addEventListener("change", () => this.dispose(byId("disposition").value));
  }

  get id() {
    return this.item?.work.interaction_id ?? null;
  }

  // Returns whether it is another one than before.
  take(item, names) {
    const other = (item?.work.offer_id ?? null) !== (this.item?.work.offer_id ?? null);
    this.item = item;
    this.names = names;
    if (other || !item || !controls(item).has(this.handing.how)) this.handing.close();
    return other;
  }

  draw() {
    const { item, words, names } = this, focused = document.activeElement;
    byId("front").hidden = !item;
    if (!item) return;
    const can = controls(item), inside = byId("controls").contains(focused);
    setText(byId("front-title"), title(words, item, names));
    setText(byId("front-state"), standing(words, item, names));
    drawFacts(byId("facts"), facts(words, item, this.customer(this.id)));
    for (const name of NAMES) byId(name).hidden = !can.has(name);
    byId("controls").hidden = !can.size;
    this.drawRecording();
    this.drawConsults();
    this.drawDisposition();
    this.handing.draw();
    this.tick();
    if (inside && focused.hidden) {
      const next = NEXT[focused.id];
      byId(next && !byId(next).hidden ? next : "front-title").focus();
    }
  }

  // Once a second.
  tick() {
    if (this.item) setText(byId("front-timer"), duration(this.words, this.item, this.clock));
  }

  drawRecording() {
    const { recording } = this.item, shown = recording === "recording" || recording === "paused";
    setText(byId("recording"), shown ? this.words.say(`recording.${recording}`) : "");
  }

  drawConsults() {
    const { words, names } = this, rows = this.item.consults.map((each) => ({ key: each.id, each }));
    drawEach(byId("consults"), rows, (row) => this.consult(row), (child, { each }) => {
      const who = each.agent ? names[each.agent] || each.agent : each.queue;
      const state = words.say(`consult.${each.state}`, {}, each.state);
      setText(child.children[0], words.say("consult.standing", { who, state }));
      for (const button of child.children[1].children) {
        button.hidden = button.dataset.how !== "end" && each.state !== "active";
        setText(button, words.say(`consult-${button.dataset.how}`));
      }
    });
  }

  consult({ key }) {
    const buttons = make("div", { class: "row" });
    for (const how of ["transfer", "conference", "end"]) {
      const button = make("button", { type: "button", "data-how": how });
      const path = `/v1/agents/${encodeURIComponent(this.agent())}/consults/${encodeURIComponent(key)}`;
      const request = how === "end" ? ["POST", `${path}/end`, {}] : ["POST", `${path}/merge`, { how }];
      button.addEventListener("click", () => this.press(button, () => this.act(request)));
      buttons.append(button);
    }
    return make("li", { class: "consult" }, make("p"), buttons);
  }

  drawDisposition() {
    const { work, terms } = this.item, list = byId("disposition"), { words } = this;
    byId("disposing").hidden = !terms.dispositions.length || !(isTalk(this.item) || work.state === "wrap-up");
    setText(byId("disposition-label"), words.say(terms.disposition_required ? "disposition-required" : "disposition"));
    const wanted = ["", ...terms.dispositions], codes = [...list.options].map((each) => each.value);
    if (wanted.join("\n") !== codes.join("\n")) {
      list.replaceChildren(...wanted.map((code) => option(code, code ? words.say(`disposition.${code}`, {}, code) : "–")));
    }
    if (document.activeElement !== list || list.getAttribute("aria-busy") !== "true") list.value = work.disposition;
  }

  // One deed of a button at a time.
  async press(button, deed) {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try {
      await deed();
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  does(name) {
    if (name === "transfer" || name === "consult") return this.handing.open(name, this.agent(), this.item.numbers);
    const interaction = `/v1/interactions/${encodeURIComponent(this.id)}`, work = this.path();
    return this.act({
      hold: ["POST", `${work}/hold`],
      resume: ["POST", `${work}/resume`],
      "record-pause": ["POST", `${interaction}/recording/pause`],
      "record-resume": ["POST", `${interaction}/recording/resume`],
      "want-wrap-up": ["POST", `${work}/request-wrap-up`],
      leave: ["POST", `${work}/leave`, {}],
      "not-reached": ["POST", `/v1/callbacks/${encodeURIComponent(this.id)}/fail`, {}],
      end: ["POST", `${interaction}/end`, { by: "agent" }],
      done: ["POST", `${work}/end-wrap-up`],
      extend: ["POST", `${work}/extend-wrap-up`, { by: EXTENSION }],
    }[name]);
  }

  hand(how, target, withContext) {
    const body = how === "consult" || target.to_number ? target : { ...target, with_context: withContext };
    return this.act(["POST", `${this.path()}/${how}`, body]);
  }

  async dispose(code) {
    const list = byId("disposition");
    if (!code) return this.draw(); // What has been said stays, until something else is.
    await this.press(list, () => this.act(["PUT", `${this.path()}/disposition`, { code }]));
    if (!this.item) return undefined;
    const now = list.value; // Whoever goes on choosing while one is being set means the last one.
    if (now && now !== code && document.activeElement === list) return this.dispose(now);
    return this.drawDisposition();
  }

  path() {
    return `/v1/agents/${encodeURIComponent(this.agent())}/work/${encodeURIComponent(this.id)}`;
  }
}
