// The window: a button on the shop's page, and what opens above it. Owns every element of both, in a shadow tree that the
// shop's styles do not reach, with a style sheet that no policy of the shop's forbids. What is shown follows from the chat as
// it stands: `draw` may be called at any time, and changes only what is different.

import { CallBar } from "/chat/callbar.js";
import { Composer } from "/chat/composer.js";
import { icon, make, native, setLabel, setText } from "/chat/dom.js";
import { LeftMessage, Rating } from "/chat/forms.js";
import { Log } from "/chat/log.js";

const SMALL = "(max-width: 30rem)"; // as in the style sheet: then the window is the whole screen

export class Panel {
  // `does`: what the customer can do: say, sayFiles, typing, sayAgain, drop, leave, rate, leaveMessage, startAnother, looked;
  // `file`: the bytes of one; of a call: call, mute, hangUp, play.
  constructor(settings, words, sheet, does) {
    this.words = words;
    this.settings = settings;
    this.does = does;
    this.isOpen = false;
    this.host = make("div", { class: "acd-chat", "data-position": settings.position, "data-theme": settings.theme });
    this.root = this.host.attachShadow({ mode: "open" });
    this.root.adoptedStyleSheets = [sheet];
    this.make();
    this.color();
    native("body").append(this.host);
    native("addEventListener")("visibilitychange", () => this.looked());
  }

  // `focuses`: the keyboard goes along; not where nobody has asked for it.
  open({ focuses = true } = {}) {
    if (this.isOpen) return;
    this.isOpen = true;
    this.panel.hidden = false;
    this.panel.setAttribute("aria-modal", String(matchMedia(SMALL).matches));
    this.launch.setAttribute("aria-expanded", "true");
    this.looked();
    if (focuses) (this.composer.element.hidden ? this.title : this.composer.field).focus();
    this.log.toEnd();
  }

  close() {
    if (!this.isOpen) return;
    const had = this.root.activeElement !== null;
    this.isOpen = false;
    this.panel.hidden = true;
    this.launch.setAttribute("aria-expanded", "false");
    this.looked();
    if (had) (this.launch.hidden ? this.before : this.launch)?.focus();
  }

  // Whether somebody sees what comes.
  looked() {
    this.does.looked(this.isOpen && !native("hidden"));
  }

  draw(chat, link, calling) {
    const { words } = this, { conversation, lives } = chat;
    const had = this.root.activeElement, { isAtEnd } = this.log;
    this.drawLaunch(this.isOpen && !native("hidden") ? 0 : chat.unread, calling);
    this.calls.draw(chat, link, calling);
    const isClosed = Boolean(chat.closed) || chat.isUnanswered;
    const isOver = Boolean(conversation?.ended) && !chat.isUnanswered;
    const takes = isClosed && chat.takesMessages;
    this.log.draw(chat);
    setText(this.greeting, this.settings.greeting || words.say("greeting"));
    this.greeting.hidden = Boolean(conversation) || chat.underWay.length > 0 || isClosed || link.state === "refused";
    this.drawStatus(chat, link);
    setText(this.typing, chat.someoneTypes ? words.say("typing", { who: nameOf(chat) || words.say("agent") }) : "");
    setText(this.problem, chat.problem ? words.say(`problem.${chat.problem}`, {}, words.say("problem")) : "");
    this.composer.element.hidden = isClosed || isOver || (link.state === "refused" && !lives);
    this.composer.limit(chat.maxText);
    this.composer.takeFiles(chat.maxFile ? chat.fileKinds : []);
    this.left.limit(chat.maxText);
    this.left.explain(words.say("left.why"));
    this.left.element.hidden = !takes;
    const mayRate = isOver && !conversation.rating && chat.entries.some(({ kind }) => kind === "joined");
    this.rating.element.hidden = !mayRate;
    this.thanks.hidden = !(isOver && conversation.rating);
    this.another.hidden = !(isOver || isClosed) || calling.isOn;
    setText(this.another, words.say(isOver ? "another" : "try-again"));
    this.end.hidden = !lives;
    if (!lives) this.asking.hidden = true;
    this.putBack(chat, takes);
    if (isAtEnd) this.log.toEnd();
    const lost = had && this.isOpen && !isShown(this.root.activeElement ?? had);
    if (lost) (this.composer.element.hidden ? this.title : this.composer.field).focus();
  }

  // ---- inside

  make() {
    const { words } = this;
    const title = this.settings.title || words.say("title");
    const closed = { type: "button", class: "launch", "aria-expanded": "false", "aria-controls": "panel" };
    this.launch = make("button", closed, icon("chat"));
    this.launch.hidden = this.settings.button === "none";
    this.badge = make("span", { class: "badge", "aria-hidden": "true", hidden: true });
    this.launch.append(this.badge);
    this.news = make("p", { class: "unseen", role: "status" });
    this.title = make("h2", { id: "title", tabindex: "-1", text: title });
    this.end = make("button", { type: "button", class: "plain", hidden: true, text: words.say("end") });
    const shut = make("button", { type: "button", class: "shut", "aria-label": words.say("close") }, icon("close"));
    this.greeting = make("p", { class: "greeting" });
    this.status = make("p", { class: "status", role: "status" });
    this.typing = make("p", { class: "typing", "aria-live": "off" });
    this.problem = make("p", { class: "problem", role: "alert" });
    this.thanks = make("p", { class: "quiet", role: "status", hidden: true, text: words.say("rate.thanks") });
    this.another = make("button", { type: "button", class: "another", hidden: true });
    this.log = new Log(words, this.does);
    this.composer = new Composer(words, this.does);
    this.rating = new Rating(words, this.does.rate);
    this.left = new LeftMessage(words, this.does.leaveMessage);
    this.calls = new CallBar(words, this.does);
    this.asking = this.makeAsking();
    this.panel = make(
      "section",
      { class: "panel", id: "panel", role: "dialog", "aria-labelledby": "title", hidden: true },
      make("header", {}, this.title, this.end, shut),
      this.status,
      this.calls.element,
      this.asking,
      make("div", { class: "middle" }, this.greeting, this.log.element, this.left.element, this.rating.element, this.thanks),
      ...[this.typing, this.problem, this.another, this.composer.element],
    );
    this.root.append(this.panel, this.launch, this.news);
    this.launch.addEventListener("click", () => (this.isOpen ? this.close() : this.open()));
    shut.addEventListener("click", () => this.close());
    this.another.addEventListener("click", () => this.does.startAnother());
    this.end.addEventListener("click", () => this.askWhetherToEnd());
    this.panel.addEventListener("keydown", (event) => this.pressed(event));
    for (const each of ["dragover", "dragleave", "drop"]) this.panel.addEventListener(each, (event) => this.dragged(event));
    native("addEventListener")("focusin", ({ target }) => target === this.host || (this.before = target));
  }

  // The end is asked for twice: a conversation that has ended does not come back.
  makeAsking() {
    const { words } = this;
    const yes = make("button", { type: "button", class: "main", text: words.say("end.yes") });
    const no = make("button", { type: "button", class: "plain", text: words.say("end.no") });
    yes.addEventListener("click", () => {
      this.asking.hidden = true;
      this.does.leave();
      this.title.focus();
    });
    no.addEventListener("click", () => {
      this.asking.hidden = true;
      this.end.focus();
    });
    this.yes = yes;
    return make("div", { class: "asking", role: "group", "aria-label": words.say("end.ask"), hidden: true },
      make("span", { text: words.say("end.ask") }), yes, no);
  }

  askWhetherToEnd() {
    this.asking.hidden = false;
    this.yes.focus();
  }

  drawLaunch(unread, { isOn }) {
    const { words, launch, badge } = this;
    const own = this.settings.button && this.settings.button !== "none" ? this.settings.button : words.say("open");
    const label = isOn ? words.say("open.calling", { label: own }) : own;
    launch.classList.toggle("calling", isOn);
    const count = unread > 99 ? "99+" : String(unread);
    setLabel(launch, unread ? words.say("open.unread", { label, count }) : label);
    badge.hidden = !unread;
    badge.dataset.count = count;
    setText(this.news, unread ? words.say("unread", { count }) : "");
  }

  drawStatus(chat, link) {
    const sentence = this.sentence(chat, link);
    setText(this.status, sentence);
    this.status.hidden = !sentence;
    this.status.classList.toggle("bad", link.state === "refused" || link.isLost);
  }

  sentence(chat, link) {
    const { words } = this;
    if (link.state === "refused") return words.say(`refused.${link.why}`, { origin: location.origin });
    if (link.isLost) return words.say(chat.underWay.length ? "reconnecting.unsent" : "reconnecting");
    if (chat.closed || chat.isUnanswered) {
      const why = words.say(`closed.${chat.closed || "queue-closed"}`);
      return [why, this.settings.hours].filter(Boolean).join(" ");
    }
    if (chat.lives) return this.standing(chat);
    return chat.isBeginning || (link.state === "connecting" && chat.underWay.length) ? words.say("connecting") : "";
  }

  standing(chat) {
    const { words } = this;
    if (chat.agents > 0) return words.say("talking", { who: nameOf(chat) || words.say("agent") });
    if (chat.conversation.later) return words.say("left.kept");
    if (!chat.place) return words.say("waiting");
    const { position, expected_seconds: expected } = chat.place;
    const values = { position: String(position), wait: expected === null ? "" : words.wait(expected) };
    return words.say(expected === null ? "place" : "place.wait", values);
  }

  // What was written and not taken, where it can be sent from.
  putBack(chat, takesMessage) {
    if (!chat.draft) return;
    const { draft } = chat;
    chat.draft = "";
    if (takesMessage) this.left.fill(draft);
    else this.composer.putBack(draft);
  }

  // Files that are let go over the window are sent; a browser would leave the shop's page for them.
  dragged(event) {
    if (!event.dataTransfer?.types.includes("Files")) return;
    event.preventDefault();
    const takes = !this.composer.element.hidden && !this.composer.attach.hidden;
    event.dataTransfer.dropEffect = takes ? "copy" : "none";
    this.panel.classList.toggle("over", takes && event.type === "dragover");
    if (takes && event.type === "drop") this.does.sayFiles([...event.dataTransfer.files]);
  }

  pressed(event) {
    // What is typed here is none of the shop's shortcuts.
    event.stopPropagation();
    if (event.isComposing) return;
    if (event.key === "Escape") this.close();
    if (event.key === "Tab" && matchMedia(SMALL).matches) this.keepFocus(event);
  }

  // Where the window hides the page, what is behind it is not for the keyboard either.
  keepFocus(event) {
    const reached = this.panel.querySelectorAll("button, input, textarea, [tabindex='0']");
    const all = [...reached].filter(isShown);
    const first = all[0], last = all.at(-1), at = this.root.activeElement;
    const next = event.shiftKey && (at === first || at === this.title) ? last : !event.shiftKey && at === last ? first : null;
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  // A shop's own colour, with letters on it that can be read.
  color() {
    const { color } = this.settings;
    if (!color || !CSS.supports("color", color)) return;
    this.host.style.setProperty("--acd-chat-accent", color);
    const probe = make("span");
    probe.style.color = color;
    native("body").append(probe);
    const parts = getComputedStyle(probe).color.match(/[\d.]+/g)?.slice(0, 3).map(Number) ?? [0, 0, 0];
    probe.remove();
    this.host.style.setProperty("--acd-chat-on-accent", brightness(parts) > 0.18 ? "#000000" : "#ffffff");
  }
}

function isShown(element) {
  return element.getClientRects().length > 0;
}

// Who talked last, if customers may know the name.
function nameOf(chat) {
  return chat.entries.findLast(({ kind, side }) => kind === "joined" || side === "agent")?.name ?? "";
}

// Relative luminance (WCAG 2), of red, green and blue from 0 to 255.
function brightness(parts) {
  const [red, green, blue] = parts.map((each) => {
    const share = each / 255;
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
  });
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
}
