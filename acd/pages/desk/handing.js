// To whom: the form in which an agent chooses a queue or another agent, to hand the customer on or to ask for advice; or
// writes a telephone number, where the customer's channel dials some. Which number may be dialled is the server's to say.

import { byId, make, option, setText } from "/pages/common/dom.js";
import { ask } from "/pages/common/requests.js";

const PAUSE = 250; // milliseconds after a letter

export class Handing {
  // `chosen(how, target, withContext)`: "transfer" or "consult", to { to_queue }, { to_agent } or { to_number }.
  constructor({ words, complain, chosen }) {
    this.words = words;
    this.complain = complain;
    this.chosen = chosen;
    this.how = "";
    this.agent = "";
    this.numbers = false;
    this.timer = 0;
    this.found = { queues: [], agents: [], more: false };
    byId("search").addEventListener("input", () => this.lookSoon());
    byId("target").addEventListener("change", () => this.prefer("number"));
    byId("number").addEventListener("input", () => this.prefer("target"));
    byId("handing").addEventListener("submit", (event) => this.submit(event));
    byId("handing-cancel").addEventListener("click", () => this.close(true));
    byId("handing").addEventListener("keydown", (event) => event.key === "Escape" && this.close(true));
  }

  open(how, agent, numbers = false) {
    this.how = how;
    this.agent = agent;
    this.numbers = numbers && how === "transfer";
    for (const id of ["search", "number"]) byId(id).value = "";
    byId("target").replaceChildren();
    byId("handing").hidden = false;
    this.draw();
    byId("search").focus();
    this.look(); // and whoever leaves meanwhile can come again
  }

  // `back`: the focus goes to where the form was opened.
  close(back = false) {
    clearTimeout(this.timer);
    byId("handing").hidden = true;
    if (back && this.how) byId(this.how).focus();
    this.how = "";
  }

  // One or the other: what was chosen last counts, and the `other` is emptied.
  prefer(other) {
    byId(other).value = "";
    this.draw();
  }

  draw() {
    if (!this.how) return;
    const number = byId("number").value.trim();
    const consult = this.how === "consult";
    setText(byId("handing-title"), this.words.say(consult ? "consult-title" : "transfer-title"));
    setText(byId("handing-go"), this.words.say(consult ? "consult-go" : "transfer-go"));
    byId("context-choice").hidden = consult || number !== "";
    byId("number-choice").hidden = !this.numbers;
    byId("target").required = number === "";
    byId("handing-go").disabled = !byId("target").value && !number;
    setText(byId("more-targets"), this.found.more ? this.words.say("more-targets") : "");
  }

  lookSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), PAUSE);
  }

  async look() {
    const search = byId("search").value, query = new URLSearchParams({ search });
    try {
      const found = await ask("GET", `/v1/agents/${encodeURIComponent(this.agent)}/targets?${query}`);
      if (search === byId("search").value) this.show(found);
    } catch (error) {
      this.complain(error);
    }
  }

  show(found) {
    const list = byId("target"), chosen = list.value, { words } = this;
    this.found = found;
    const queues = found.queues.map(({ id, title, closed }) =>
      option(`to_queue ${id}`, closed === null ? title || id : words.say("target.closed", { what: title || id })),
    );
    const agents = found.agents.map(({ id, name, presence }) =>
      option(`to_agent ${id}`, words.say("target.agent", { who: name || id, state: words.say(`state.${presence}`) })),
    );
    const groups = Object.entries({ "targets.queues": queues, "targets.agents": agents });
    const shown = groups.filter(([, options]) => options.length);
    list.replaceChildren(...shown.map(([name, options]) => make("optgroup", { label: words.say(name) }, ...options)));
    list.value = chosen;
    this.draw();
  }

  async submit(event) {
    event.preventDefault();
    const button = byId("handing-go"), number = this.numbers ? byId("number").value.trim() : "";
    const [kind, ...id] = number ? ["to_number", number] : byId("target").value.split(" ");
    if (!kind || button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try {
      if (!(await this.chosen(this.how, { [kind]: id.join(" ") }, byId("with-context").checked))) return;
      this.close(this.how === "consult"); // The customer who was handed over is not before the agent any more.
    } finally {
      button.removeAttribute("aria-busy");
    }
  }
}
