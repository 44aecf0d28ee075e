// What a supervisor can do with an agent, a conversation or somebody who waits: chosen, then confirmed, then done; what the
// engine refuses is said in words. Nothing is done twice.

import { byId, option, setText } from "/pages/common/dom.js";
import { ask } from "/pages/common/requests.js";
import { regionOf } from "/wallboard/rows.js";

const TALKING = new Set(["active", "held"]);
const MODES = ["listen", "whisper", "barge", "off"];

export class Actions {
  // `own()`: the agent whose telephone is the supervisor's, which rings then; null for none: they have to say whose.
  // `telephone`: that one, if it is the browser.
  constructor(words, lost, own, telephone) {
    this.words = words;
    this.lost = lost;
    this.own = own;
    this.telephone = telephone;
    this.kind = "";
    this.item = null;
    this.board = null;
    this.deed = null;
    this.from = null;
    this.dialog = byId("dialog");
    this.dialog.addEventListener("close", () => this.goBack());
    byId("close").addEventListener("click", () => this.dialog.close());
    byId("no").addEventListener("click", () => this.choose());
    byId("yes").addEventListener("click", () => this.carryOut());
    byId("work").addEventListener("change", () => this.choose());
    const on = (id, deed) => byId(id).addEventListener("click", () => {
      for (const each of ["said", "done"]) setText(byId(each), "");
      this.propose(deed.call(this));
    });
    on("make-ready", () => this.presence("ready"));
    on("make-not-ready", () => this.presence("not-ready"));
    on("make-signed-out", () => this.presence("signed-out"));
    for (const mode of MODES) on(mode, () => this.supervise(mode));
    on("end", this.end);
    on("reprioritise", this.reprioritise);
    on("move", this.move);
    on("let-go", this.letGo);
  }

  open(kind, item, board, titles, from) {
    Object.assign(this, { kind, item, board, titles, from });
    this.fill();
    setText(byId("done"), "");
    this.choose();
    this.dialog.showModal();
    byId("dialog-title").focus();
  }

  // To where it was opened; to the table, if that row is gone meanwhile.
  goBack() {
    if (!this.from) return;
    const table = byId(this.kind === "agent" ? "agents" : "waiting");
    (this.from.isConnected ? this.from : regionOf(table)).focus();
    this.from = null;
  }

  fill() {
    const { kind, item, board, words } = this;
    const talks = kind === "agent" ? item.work.filter((each) => TALKING.has(each.state)) : [];
    byId("agent-choices").hidden = kind !== "agent";
    byId("work-choices").hidden = talks.length === 0;
    byId("line-choices").hidden = kind !== "waiting";
    byId("telephone").parentElement.hidden = Boolean(this.own());
    byId("reason").replaceChildren(...board.reasons.map((code) => option(code, words.say(`reason.${code}`, {}, code))));
    byId("work").replaceChildren(...talks.map((each) => option(each.interaction_id, words.say("which-one", {
      queue: this.titles(each.queue), channel: words.say(`channel.${each.channel}`, {}, each.channel), id: each.interaction_id,
    }))));
    if (kind === "waiting") {
      byId("priority").value = String(item.priority);
      const others = board.queues.filter((each) => each.id !== item.queue);
      byId("target").replaceChildren(...others.map((each) => option(each.id, each.title || each.id)));
      byId("move").disabled = others.length === 0;
    }
    this.name = kind === "agent" ? item.name || item.id
      : words.say("waiting-one", { position: item.position, queue: this.titles(item.queue) });
    setText(byId("dialog-title"), this.name);
    setText(byId("dialog-about"), kind === "waiting" ? item.interaction_id : item.id);
  }

  // Back to the choices.
  choose() {
    const asked = this.deed;
    this.deed = null;
    byId("choices").hidden = false;
    byId("confirm").hidden = true;
    setText(byId("said"), "");
    if (asked) byId("dialog-title").focus();
  }

  propose(deed) {
    if (!deed) return;
    this.deed = deed;
    setText(byId("question"), deed.question);
    byId("choices").hidden = true;
    byId("confirm").hidden = false;
    byId("yes").focus();
  }

  async carryOut() {
    const { deed } = this, yes = byId("yes");
    if (!deed || yes.getAttribute("aria-busy") === "true") return;
    yes.setAttribute("aria-busy", "true");
    try {
      const order = () => ask(deed.method, deed.path, { body: deed.body });
      await (deed.heard ? this.telephone.hear(...deed.heard, order, deed.telephone) : order());
      this.choose();
      const remark = deed.heard ? this.telephone.remark : "";
      setText(byId("done"), [this.words.say("done", { what: withoutAsking(deed.question) }), remark].filter(Boolean).join(" "));
    } catch (error) {
      this.choose();
      if (error.isStranger) this.lost();
      else setText(byId("said"), this.words.say(error.word ?? `problem.${error.code}`, {}, error.message));
    } finally {
      yes.removeAttribute("aria-busy");
    }
  }

  presence(wanted) {
    const path = `/v1/agents/${encodeURIComponent(this.item.id)}`, reason = byId("reason").value, values = { name: this.name };
    if (wanted === "signed-out") {
      return { question: this.words.say("ask.signed-out", values), method: "POST", path: `${path}/sign-out` };
    }
    values.reason = this.words.say(`reason.${reason}`, {}, reason);
    const body = wanted === "ready" ? { presence: wanted } : { presence: wanted, reason };
    return { question: this.words.say(`ask.${wanted}`, values), method: "PUT", path: `${path}/presence`, body };
  }

  supervise(mode) {
    const telephone = this.own() ?? byId("telephone").value.trim(), interaction = byId("work").value;
    if (!telephone) {
      setText(byId("said"), this.words.say("problem.no-telephone"));
      byId("telephone").focus();
      return null;
    }
    return {
      question: this.words.say(`ask.${mode}`, { name: this.name, telephone }),
      method: "PUT",
      path: `/v1/interactions/${encodeURIComponent(interaction)}/supervision/${encodeURIComponent(telephone)}`,
      body: { mode },
      heard: mode === "off" ? null : [interaction, this.name, mode],
      telephone,
    };
  }

  end() {
    const path = `/v1/interactions/${encodeURIComponent(byId("work").value)}/end`;
    const question = this.words.say("ask.end", { name: this.name });
    return { question, method: "POST", path, body: { by: "system", reason: "supervisor" } };
  }

  reprioritise() {
    const priority = Number(byId("priority").value);
    if (!byId("priority").value || !Number.isInteger(priority) || Math.abs(priority) > 1000) {
      setText(byId("said"), this.words.say("problem.bad-priority"));
      byId("priority").focus();
      return null;
    }
    const question = this.words.say("ask.priority", { name: this.name, priority });
    return { question, method: "PUT", path: `${this.path()}/priority`, body: { priority } };
  }

  move() {
    const queue = byId("target").value;
    const question = this.words.say("ask.move", { name: this.name, queue: this.titles(queue) });
    return { question, method: "POST", path: `${this.path()}/move`, body: { queue, reason: "supervisor" } };
  }

  letGo() {
    const question = this.words.say("ask.let-go", { name: this.name });
    return { question, method: "DELETE", path: `${this.path()}?reason=supervisor` };
  }

  path() {
    return `/v1/interactions/${encodeURIComponent(this.item.interaction_id)}`;
  }
}

// What was asked, as something that has been done: up to its question mark.
function withoutAsking(question) {
  return question.replace(/\s*[?？][^?？]*$/, "");
}
