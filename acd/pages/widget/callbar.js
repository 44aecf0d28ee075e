// The strip of the window that belongs to the call: the button that begins one, then how it stands, mute and hang up. Owns
// these elements; must not know how a call comes about.

import { icon, make, setText } from "/chat/dom.js";

export class CallBar {
  // `does`: call, mute, hangUp, play.
  constructor(words, does) {
    this.words = words;
    this.begin = make("button", { type: "button", class: "plain call", text: words.say("call") });
    this.begin.prepend(icon("call"));
    this.standing = make("span", { class: "standing", role: "status" });
    this.time = make("span", { class: "time", "aria-hidden": "true" });
    this.recorded = make("p", { class: "recorded", role: "status", hidden: true });
    this.mute = make("button", { type: "button", class: "plain", "aria-pressed": "false", text: words.say("call.mute") });
    this.leave = make("button", { type: "button", class: "hang-up", text: words.say("call.hang-up") });
    this.play = make("button", { type: "button", class: "main", hidden: true, text: words.say("call.sound") });
    this.trouble = make("p", { class: "problem", role: "alert" });
    this.over = make("p", { class: "quiet", role: "status" });
    this.going = make("div", { class: "going", role: "group", "aria-label": words.say("call.group"), hidden: true },
      make("p", { class: "how" }, this.standing, this.time),
      this.recorded,
      make("div", { class: "deeds" }, this.play, this.mute, this.leave));
    this.element = make("div", { class: "calls", hidden: true }, this.going, this.trouble, this.over, this.begin);
    this.begin.addEventListener("click", () => does.call());
    this.mute.addEventListener("click", () => does.mute());
    this.leave.addEventListener("click", () => does.hangUp());
    this.play.addEventListener("click", () => does.play());
  }

  draw(chat, link, calling) {
    const { words } = this, { isOn } = calling;
    const had = this.element.getRootNode().activeElement;
    const mayCall = Boolean(chat.callChannel) && !isOn && link.state === "open" && !chat.conversation?.later;
    const trouble = this.said(calling), over = isOn || trouble ? "" : this.ended(calling);
    const toLeave = had === this.begin && isOn, toBegin = (had === this.leave || had === this.mute) && !isOn && mayCall;
    this.element.hidden = !(isOn || mayCall || trouble || over);
    this.going.hidden = !isOn;
    this.begin.hidden = !mayCall;
    setText(this.begin.lastChild, words.say(calling.over || calling.problem ? "call.again" : "call"));
    setText(this.standing, isOn ? this.sentence(calling) : "");
    setText(this.time, calling.state === "talking" ? clock(calling.seconds) : "");
    this.recorded.hidden = calling.recording === "off";
    setText(this.recorded, this.recorded.hidden ? "" : words.say(`call.recording.${calling.recording}`));
    this.mute.hidden = calling.state !== "talking";
    this.mute.setAttribute("aria-pressed", String(calling.isMuted));
    this.play.hidden = !calling.needsClick;
    setText(this.trouble, trouble);
    setText(this.over, over);
    this.over.hidden = !over;
    if (toLeave) this.leave.focus();
    if (toBegin) this.begin.focus();
  }

  // ---- inside

  sentence({ state, agent, place, isHeld }) {
    const { words } = this;
    if (state === "asking") return words.say("call.asking");
    if (state === "talking") return words.say(isHeld ? "call.held" : "call.talking", { who: agent || words.say("agent") });
    if (state !== "waiting" || !place) return words.say("call.calling");
    const wait = place.seconds === null ? "" : words.wait(place.seconds);
    return words.say(wait ? "call.place.wait" : "call.place", { position: String(place.position), wait });
  }

  // What is in the way, in one sentence.
  said({ state, problem, isCut, isSilent, isPoor, needsClick }) {
    const { words } = this;
    if (state === "talking" && needsClick) return words.say("problem.no-sound");
    if (state && isCut) return words.say("call.cut");
    if (state === "talking" && isSilent) return words.say("call.silent");
    if (state === "talking" && isPoor) return words.say("call.poor");
    if (state || !problem) return "";
    return words.say(`problem.${problem}`, {}, words.say(`closed.${problem}`, {}, words.say("call.failed")));
  }

  ended({ over }) {
    return over ? this.words.say(`ended.call-${over}`, {}, this.words.say("call.over")) : "";
  }
}

function clock(seconds) {
  const two = (number) => String(number).padStart(2, "0");
  return `${two(Math.floor(seconds / 60))}:${two(seconds % 60)}`;
}
