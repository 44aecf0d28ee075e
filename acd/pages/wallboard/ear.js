// Calls between browsers that a supervisor hears by this page. Shows nothing: tells of each as `desk/phone.js` does of its
// calls, {id, supervises, state: answering | talking | ended, muted, code}.

import { SupervisorCall } from "/pages/call/supervisor.js";

const CODES = {
  insecure: "insecure-page",
  "permission-refused": "microphone-denied",
  "no-microphone": "microphone-missing",
  "microphone-busy": "microphone-busy",
  "no-sound": "sound-blocked",
  "no-media": "no-audio",
};

export class Ear {
  // `onCall(call)`: each change of one.
  constructor(onCall) {
    this.onCall = onCall;
    this.calls = new Map(); // interaction → {call, code}
  }

  // `order()`: asks the API for it, once there is a microphone. A problem's `word` says why there is none.
  async hear(agent, interaction, order) {
    if (this.calls.has(interaction)) return order();
    const call = new SupervisorCall({ agent, interaction }), one = { call, code: "" };
    try {
      await call.prepare();
      await order();
    } catch (problem) {
      call.over("left");
      const code = CODES[problem.code];
      throw code ? Object.assign(problem, { word: `phone.${code}` }) : problem;
    }
    this.calls.set(interaction, one);
    for (const name of ["state", "mode"]) call.addEventListener(name, () => this.tell(one));
    call.addEventListener("problem", ({ detail }) => {
      one.code = CODES[detail.code] ?? "call-failed";
      this.tell(one);
    });
    call.join();
    return this.tell(one);
  }

  mute(muted, id) {
    this.on(id, (one) => one.call.mute(muted));
  }

  async play(id) {
    const one = this.calls.get(id);
    await one?.call.play();
    if (one) one.code = "";
    if (one) this.tell(one);
  }

  hangUp(id) {
    this.on(id, (one) => one.call.leave());
  }

  close() {
    for (const { call } of [...this.calls.values()]) call.leave();
  }

  on(id, deed) {
    const one = this.calls.get(id);
    if (!one) return;
    deed(one);
    this.tell(one);
  }

  tell({ call, code }) {
    const { interaction } = call, isOver = call.state === "over";
    if (isOver) this.calls.delete(interaction);
    const state = isOver ? "ended" : call.state === "talking" ? "talking" : "answering";
    this.onCall({ id: interaction, supervises: interaction, state, mode: call.mode, muted: call.muted, code });
  }
}
