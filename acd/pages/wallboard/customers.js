// Whom an agent is talking to, masked by the server: asked for once for each conversation that is shown, a few at a time,
// and forgotten with it.

import { ask } from "/pages/common/requests.js";

const AT_ONCE = 4, AGAIN = 10_000; // milliseconds
const UNKNOWN = "–", PENDING = "…";

export class Customers {
  constructor(changed) {
    this.changed = changed;
    this.known = new Map();
    this.wanted = [];
    this.asking = 0;
  }

  of(interaction) {
    if (!this.known.has(interaction)) {
      this.known.set(interaction, PENDING);
      this.wanted.push(interaction);
      this.next();
    }
    return this.known.get(interaction);
  }

  // Only these are shown now.
  keep(interactions) {
    for (const each of this.known.keys()) if (!interactions.has(each)) this.known.delete(each);
    this.wanted = this.wanted.filter((each) => interactions.has(each));
  }

  async next() {
    while (this.asking < AT_ONCE && this.wanted.length) {
      const interaction = this.wanted.shift();
      this.asking += 1;
      this.look(interaction).finally(() => {
        this.asking -= 1;
        this.changed();
        this.next();
      });
    }
  }

  async look(interaction) {
    let said = UNKNOWN;
    try {
      const { customer } = await ask("GET", `/v1/interactions/${encodeURIComponent(interaction)}`);
      said = [customer?.name, customer?.number].filter(Boolean).join(" ") || UNKNOWN;
    } catch (error) {
      if (error.isPassing) setTimeout(() => this.known.delete(interaction), AGAIN);
    }
    if (this.known.has(interaction)) this.known.set(interaction, said);
  }
}
