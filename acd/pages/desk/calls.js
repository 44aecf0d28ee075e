// The calls that are in this page, with what can be done about them: the same for both kinds. Shows what it is given
// (`voice.js` says in which shape), whatever else the agent has before them, and whoever is signed in.

import { byId, drawEach, make, setText } from "/pages/common/dom.js";
import { title } from "/desk/describe.js";

const BUTTONS = ["pick-up", "decline", "join", "play", "mute", "keypad", "camera", "screen", "hang-up"];
const CLASSES = { "pick-up": "accept", join: "accept", decline: "decline", "hang-up": "decline" };
const SENT = { camera: "video", screen: "screen" };
const KEYS = [..."123456789*0#"];
const MUTE = { keys: "Alt+Shift+M", code: "KeyM" };
const GOOD = 4, FAIR = 3.5; // of 4.5: "satisfied" and "many dissatisfied" of ITU-T G.107, Annex B
const MOST_SENT = 32;

export class CallRows {
  constructor({ words, complain }) {
    this.words = words;
    this.complain = complain;
    this.calls = [];
    document.addEventListener("keydown", (event) => this.press(event));
  }

  draw(calls, items, names) {
    const list = byId("call-list"), had = list.contains(document.activeElement);
    this.calls = calls;
    byId("calls").hidden = !calls.length;
    const rows = calls.map((call) => ({ key: call.key, call, item: itemOf(call, items) }));
    drawEach(list, rows, (row) => this.made(row), (child, { call, item }) => this.drawRow(child, call, item, names));
    if (had && !list.contains(document.activeElement)) byId(byId("front").hidden ? "work-title" : "front-title").focus();
  }

  made({ key }) {
    const buttons = make("div", { class: "row", role: "group" });
    for (const name of BUTTONS) {
      const button = make("button", { type: "button", "data-name": name, class: CLASSES[name] ?? "" });
      if (name === "mute") button.setAttribute("aria-keyshortcuts", MUTE.keys);
      if (name === "keypad") button.setAttribute("aria-expanded", "false");
      button.addEventListener("click", () => this.pressed(button, key));
      buttons.append(button);
    }
    const state = make("p", { class: "state", role: "status" }), word = make("p", { class: "problem", role: "alert" });
    const keypad = make("div", { class: "keypad", role: "group", hidden: "" }, make("p", { class: "quiet", role: "status" }));
    for (const digit of KEYS) {
      const each = make("button", { type: "button" }, digit);
      each.addEventListener("click", () => this.dial(keypad, key, digit));
      keypad.append(each);
    }
    keypad.addEventListener("keydown", (event) => this.typed(event, keypad, key));
    const pictures = make("div", { class: "pictures" });
    return make("li", { class: "call" }, make("h3"), state, word, make("p", { class: "quiet" }), buttons, keypad, pictures);
  }

  drawRow(child, call, item, names) {
    const { words } = this, [heading, state, word, heard, buttons, keypad, pictures] = child.children;
    const name = item ? title(words, item, names) : call.who || words.say("call.somebody");
    setText(heading, name);
    setText(state, this.standing(call, item));
    setText(word, call.word ? words.say(call.word) : "");
    setText(heard, this.quality(call));
    const focused = buttons.contains(document.activeElement) && document.activeElement;
    for (const button of buttons.children) this.drawButton(button, call, name);
    buttons.setAttribute("aria-label", name);
    keypad.setAttribute("aria-label", words.say("keypad"));
    if (!call.can.has("keypad")) this.open(child, false);
    this.drawPictures(pictures, call);
    if (focused?.hidden) [...buttons.children].find((each) => !each.hidden)?.focus();
  }

  drawButton(button, call, name) {
    const { words } = this, what = button.dataset.name, on = this.isOn(call, what);
    button.hidden = !call.can.has(what);
    if (on !== null) button.setAttribute("aria-pressed", String(on));
    setText(button, words.say(`call.${what}`));
    button.setAttribute("aria-label", words.say("call.does", { does: words.say(`call.${what}`), what: name }));
  }

  // Of buttons that stay pressed.
  isOn(call, name) {
    if (name === "mute") return call.muted;
    return name in SENT ? call.sends.has(SENT[name]) : null;
  }

  standing(call, item) {
    const { words } = this, held = call.held || item?.work.state === "held";
    const said = [words.say(held && call.state === "talking" ? "work.held" : `call.${call.state}`)];
    if (call.muted && call.state !== "apart") said.push(words.say("call.muted"));
    if (call.theyMuted) said.push(words.say("call.they-muted"));
    return said.join(" · ");
  }

  quality({ heard }) {
    const [we, they] = (heard ?? []).map((score) => score !== null && this.words.say(grade(score), { score: score.toFixed(1) }));
    return we && they ? this.words.say("call.heard", { we, they }) : "";
  }

  drawPictures(place, call) {
    const rows = [...call.pictures].map(([key, track]) => ({ key, track }));
    const made = () => make("video", { autoplay: "", playsinline: "" });
    drawEach(place, rows, made, (video, { key, track }) => {
      video.muted = true; // the sound is by another element
      video.setAttribute("aria-label", this.words.say(`call.picture-${key}`));
      video.className = key;
      if (video.srcObject?.getVideoTracks()[0] !== track) video.srcObject = new MediaStream([track]);
      video.play().catch(() => {});
    });
  }

  // ---- pressing

  call(key) {
    return this.calls.find((each) => each.key === key);
  }

  async pressed(button, key) {
    const name = button.dataset.name, call = this.call(key);
    if (!call || button.getAttribute("aria-busy") === "true") return;
    if (name === "keypad") return this.open(button.closest("li"), button.getAttribute("aria-expanded") !== "true");
    const on = this.isOn(call, name);
    button.setAttribute("aria-busy", "true");
    try {
      await call.does(name, on === null ? undefined : !on);
    } catch (problem) {
      this.complain(problem.word ?? problem);
    } finally {
      button.removeAttribute("aria-busy");
    }
  }

  press(event) {
    if (event.code !== MUTE.code || !event.altKey || !event.shiftKey || event.ctrlKey || event.metaKey) return;
    const button = byId("call-list").querySelector('[data-name="mute"]:not([hidden])');
    if (!button) return;
    event.preventDefault();
    if (!event.repeat) button.click();
  }

  open(child, wanted) {
    const [, , , , buttons, keypad] = child.children, button = buttons.querySelector('[data-name="keypad"]');
    if (keypad.hidden !== wanted) return;
    keypad.hidden = !wanted;
    button.setAttribute("aria-expanded", String(wanted));
    setText(keypad.firstChild, "");
    if (wanted) keypad.children[1].focus();
  }

  typed(event, keypad, key) {
    if (event.key === "Escape") {
      this.open(keypad.parentElement, false);
      keypad.previousElementSibling.querySelector('[data-name="keypad"]').focus();
    } else if (KEYS.includes(event.key) && !event.altKey && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      this.dial(keypad, key, event.key);
    }
  }

  async dial(keypad, key, digit) {
    try {
      await this.call(key)?.does("keypad", digit);
      setText(keypad.firstChild, (keypad.firstChild.textContent + digit).slice(-MOST_SENT));
    } catch (problem) {
      this.complain(problem.word ?? problem);
    }
  }
}

const itemOf = ({ offer, interaction }, items) =>
  items.find(({ work }) => (interaction ? work.interaction_id === interaction : offer && work.offer_id === offer));

const grade = (score) => `call.${score >= GOOD ? "good" : score >= FAIR ? "fair" : "poor"}`;
