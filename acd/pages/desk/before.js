// What there was with a customer before, while they ring: the newest conversations of every channel, folded up, below the
// buttons of the offer. Whoever is not asked any more is shown nothing; what cannot be had keeps nobody from accepting.

import { drawEach, make, setText } from "/pages/common/dom.js";
import { ask } from "/pages/common/requests.js";
import { Entry } from "/desk/earlier.js";

const MOST = 3; // the rest is shown once the offer has been accepted

export class Before {
  constructor({ words, agent }) {
    this.words = words;
    this.agent = agent;
    this.key = "";
    this.turn = 0;
    this.rows = [];
    this.failed = false;
    this.title = make("p", { class: "quiet" });
    this.state = make("p", { class: "quiet", role: "status" });
    this.list = make("ul", { class: "plain earlier-list" });
    this.again = make("button", { type: "button" });
    this.again.addEventListener("click", () => this.load());
    this.element = make("div", { role: "group" }, this.title, this.list, this.state, this.again);
    this.element.take = (item) => this.take(item);
  }

  // This offer, as it is now: whose it is may become known while it rings.
  take({ work, interaction }) {
    const known = interaction && !interaction.parent ? (interaction.customer?.reference ?? "") : "";
    const key = known && `${work.interaction_id} ${known}`;
    if (key !== this.key) {
      this.key = key;
      this.id = work.interaction_id;
      this.turn += 1;
      this.rows = [];
      this.failed = false;
      if (key) this.load();
    }
    this.draw();
  }

  path() {
    return `/v1/agents/${encodeURIComponent(this.agent())}/work/${encodeURIComponent(this.id)}/earlier`;
  }

  async load() {
    const turn = this.turn;
    try {
      const { earlier } = await ask("GET", `${this.path()}?limit=${MOST}`);
      if (turn !== this.turn) return;
      this.rows = earlier;
      this.failed = false;
    } catch (error) {
      if (turn !== this.turn) return;
      this.failed = error.status !== 404; // else it rings no more
    }
    this.draw();
  }

  draw() {
    const { words } = this;
    this.element.hidden = !this.rows.length && !this.failed;
    this.element.setAttribute("aria-label", words.say("earlier.title"));
    setText(this.title, words.say("earlier.title"));
    setText(this.state, this.failed ? words.say("earlier.failed") : "");
    setText(this.again, words.say("earlier.again"));
    this.again.hidden = !this.failed;
    const rows = this.rows.map((each) => ({ key: each.id, each }));
    drawEach(this.list, rows, ({ each }) => make("li", {}, new Entry(each, this).element), (child, { each }) => {
      child.firstChild.redraw(each);
    });
  }
}
