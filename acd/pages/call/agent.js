// An agent's part in a call: on a page of the server's own address, by the session's cookie, or elsewhere by tickets.

import { Call } from "/pages/call/call.js";
import { microphone } from "/pages/call/devices.js";
import { Problem } from "/pages/call/problems.js";

export { devices } from "/pages/call/devices.js";
export { Problem } from "/pages/call/problems.js";

export class AgentCall extends Call {
  // Of the agent who is signed in, and this interaction. `ticket()`: for pages that have a token instead of a session.
  constructor({ agent, interaction, address = location.origin, ticket, ...more }) {
    // Over; a fault of ours; another page has the call. Whoever is signed out may sign in again.
    super(more, [1000, 4400, 4409]);
    this.polite = false;
    this.path = `/v1/agents/${encodeURIComponent(agent)}/calls`;
    this.interaction = interaction;
    this.server = address;
    this.ticket = ticket;
  }

  // Take part. Throws a Problem when there is no microphone; the offer is accepted by its own route, before or after.
  async join() {
    this.own.audio ??= await microphone();
    this.line.start();
  }

  hold(held) {
    this.setHeld(held);
    this.sayHeld();
  }

  sayHeld() {
    if (this.held) this.session?.say({ type: "hold", held: true });
    else this.session?.say({ type: "hold", held: false });
  }

  hangUp() {
    this.session?.say({ type: "hang-up" });
  }

  async address() {
    const found = new URL(this.path, this.server);
    if (!this.ticket) await this.look(found);
    found.protocol = found.protocol === "https:" ? "wss:" : "ws:";
    const ticket = this.ticket ? { ticket: await this.ticket() } : {};
    found.search = new URLSearchParams({ interaction: this.interaction, ...ticket });
    return found;
  }

  // A browser does not say why a socket was refused; so it is asked before.
  async look(address) {
    const answer = await fetch(address, { credentials: "same-origin", cache: "no-store", signal: AbortSignal.timeout(5_000) });
    if (answer.status === 401 && !this.isStranger) this.problem("signed-out"); // whoever signs in again is heard again
    this.isStranger = answer.status === 401;
    if (!answer.ok) throw new Error(`status ${answer.status}`);
    const { calls } = await answer.json();
    if (!calls.some((each) => each.interaction_id === this.interaction)) throw new Problem("gone");
  }
}
