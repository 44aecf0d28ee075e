// One conversation in writing, from the agent's side: reads entries after the last one that it shows, says how far the
// agent has got, and shows who types. The list of work mounts `element`, and tells of what is new.

import { make, setText } from "/pages/common/dom.js";
import { ask } from "/pages/common/requests.js";
import { Composer } from "/desk/composer.js";
import { claimed } from "/desk/describe.js";
import { Attaching } from "/desk/files.js";
import { outboxOf } from "/desk/outbox.js";
import { Transcript } from "/desk/transcript.js";

const PAGE = 100, MOST_SAID = 200; // entries; letters of the last message
const TYPES = 6_000, TELLS = 4_000, AGAIN = 2_000, LONGEST = 15_000; // milliseconds

// `agent`: the id of whoever is signed in. `onError(error)`: what the pane itself can do nothing about, such as that
// nobody is signed in any more. `looked(seq)`: entries up to this one are, or were, before the agent. `changed()`: who it
// is, or what they wrote last, by which `about()` tells it from others. `news(data)`: the data of each `acd.conversation` of
// this interaction; `refresh()` after each reconnect; `close()` in the end, after which messages that wait are still sent.
export function openConversation({ agent, interactionId, words, onError = () => {}, looked = () => {}, changed = () => {} }) {
  const pane = new Conversation(agent, interactionId, words, onError);
  Object.assign(pane, { looked, changed });
  pane.refresh();
  return {
    element: pane.element,
    news: (data) => pane.news(data),
    refresh: () => pane.refresh(),
    close: () => pane.close(),
    about: () => pane.about(),
  };
}

class Conversation {
  constructor(agent, interactionId, words, onError) {
    this.agent = agent;
    this.path = `/v1/agents/${encodeURIComponent(agent)}/conversations/${encodeURIComponent(interactionId)}`;
    this.words = words;
    this.onError = onError;
    this.found = null; // the conversation, as the API says
    this.trouble = ""; // the word for why nothing can be read
    this.first = 1;
    this.last = 0;
    this.heard = 0; // the customer's last message
    this.said = ""; // what was in it
    this.told = { delivered: 0, read: 0 };
    this.names = { [agent]: agent };
    this.inviting = false;
    this.invited = false;
    this.full = false; // of messages that wait
    this.tooLarge = false; // was what was chosen last
    this.reading = this.readAgain = this.readingEarlier = this.marking = this.closed = this.shown = false;
    this.pause = AGAIN;
    this.typedAt = -Infinity;
    this.timers = {};
    this.outbox = outboxOf(agent, interactionId);
    this.build(interactionId);
  }

  build(interactionId) {
    const { agent, words, outbox } = this;
    const name = () => this.names[agent];
    this.transcript = new Transcript({
      agent,
      words,
      name,
      path: this.path,
      earlier: () => this.readEarlier(),
      looked: () => this.mark(),
      again: (item) => {
        outbox.again(item);
        this.transcript.log.focus();
      },
      takeBack: (item) => this.takeBack(item),
      drop: (item) => {
        outbox.discard(item);
        this.composer.focus();
      },
    });
    const send = (text) => this.send(text), typed = () => this.type();
    this.composer = new Composer({ agent, interactionId, words, send, typed, name });
    this.who = make("p", { class: "quiet", dir: "auto" });
    this.note = make("p", { class: "quiet note", role: "status" });
    this.rating = make("p", { class: "quiet rating" });
    this.types = make("p", { class: "quiet types" });
    this.invite = make("button", { type: "button", class: "invite" });
    this.invite.addEventListener("click", () => this.beginInviting());
    const parts = [this.who, this.transcript.element, this.types, this.rating, this.note, this.invite, this.composer.element];
    this.element = make("section", { class: "conversation" }, ...parts);
    const give = (files) => this.sendFiles(files);
    this.attaching = new Attaching({ words, composer: this.composer, panel: this.element, give });
    outbox.listen({
      changed: () => this.drawWaiting(),
      sent: (item, answer) => this.sent(item, answer),
      stranger: (error) => this.onError(error),
    });
    this.watch();
    this.drawWaiting();
    this.draw();
    this.learnName();
  }

  // Whether the agent looks at it, and in which language.
  watch() {
    this.looks = () => this.mark();
    window.addEventListener("focus", this.looks);
    document.addEventListener("visibilitychange", this.looks);
    this.sight = new IntersectionObserver((seen) => {
      this.shown = seen.at(-1).isIntersecting;
      if (this.shown) this.composer.measure();
      this.mark();
    });
    this.sight.observe(this.transcript.end);
    this.languages = new MutationObserver(() => this.redraw());
    this.languages.observe(document.documentElement, { attributeFilter: ["lang"] });
  }

  close() {
    this.closed = true;
    this.outbox.listen(null);
    this.sight.disconnect();
    this.languages.disconnect();
    this.transcript.close();
    window.removeEventListener("focus", this.looks);
    document.removeEventListener("visibilitychange", this.looks);
    Object.values(this.timers).forEach(clearTimeout);
    this.element.remove();
  }

  // ---- what is new

  news({ news, side, agent }) {
    if (this.closed) return;
    if (news === "typing") this.showTyping(side, agent);
    else if (news !== "place" && !(news === "marks" && side === "agent")) this.read();
  }

  refresh() {
    if (this.closed) return;
    this.pause = AGAIN;
    this.outbox.sendNow();
    this.read();
  }

  // All that there is after the last entry; once more when something comes meanwhile.
  async read() {
    clearTimeout(this.timers.read);
    this.readAgain = this.reading;
    if (this.reading) return;
    this.reading = true;
    try {
      while ((await this.readPage()) && !this.closed);
      this.pause = AGAIN;
    } catch (error) {
      this.fail(error);
    } finally {
      this.reading = false;
    }
    if (this.readAgain && !this.closed) await this.read();
  }

  // Whether there is more.
  async readPage() {
    const { conversation, entries, more } = await ask("GET", `${this.path}?after=${this.last}&limit=${PAGE}`);
    if (this.closed) return false;
    const isFirst = this.found === null;
    this.found = conversation;
    this.trouble = "";
    if (isFirst && more) {
      // Of a long one the end is shown; what was before it comes when it is asked for.
      this.last = conversation.seq - PAGE;
      this.first = this.last + 1;
      this.transcript.offerEarlier(true);
    } else this.take(entries);
    this.transcript.mark(conversation.customer);
    this.draw();
    this.changed();
    this.mark();
    return more;
  }

  // Entries are shown in order, and once, whichever way they come.
  take(entries) {
    const fresh = entries.filter((each) => each.seq > this.last);
    if (fresh.length === 0) return;
    this.last = fresh.at(-1).seq;
    for (const each of fresh) this.learn(each);
    this.transcript.append(fresh);
  }

  learn(entry) {
    if (entry.agent) this.names[entry.agent] = entry.name;
    if (entry.kind === "ended") this.stopTyping();
    if (entry.kind !== "message" && entry.kind !== "file") return;
    if (entry.side === "customer") {
      this.heard = entry.seq;
      this.said = entry.text.slice(0, MOST_SAID);
      this.stopTyping();
    } else if (entry.agent === this.agent) this.outbox.arrived(entry.id);
  }

  async readEarlier() {
    if (this.readingEarlier || this.first <= 1 || this.closed) return;
    this.readingEarlier = true;
    const after = Math.max(0, this.first - 1 - PAGE);
    try {
      const { entries } = await ask("GET", `${this.path}?after=${after}&limit=${this.first - 1 - after}`);
      if (this.closed) return;
      this.first = after + 1;
      this.transcript.prepend(entries);
      this.transcript.offerEarlier(this.first > 1);
    } catch (error) {
      this.fail(error);
    } finally {
      this.readingEarlier = false;
    }
  }

  fail(error) {
    if (this.closed) return;
    if (error.isStranger) return this.onError(error);
    if (error.isPassing) {
      this.trouble = "problem.offline";
      this.timers.read = setTimeout(() => this.read(), this.pause * (0.5 + Math.random() / 2));
      this.pause = Math.min(LONGEST, this.pause * 2);
    } else {
      this.trouble = "chat.not-yours";
      if (error.status !== 404) this.onError(error);
    }
    this.draw();
  }

  // ---- how far the agent has got

  get isOver() {
    return this.found?.state === "ended";
  }

  get mayWrite() {
    return !this.isOver && this.trouble !== "chat.not-yours" && Boolean(this.found?.talking.includes(this.agent));
  }

  get isLookedAt() {
    return this.shown && this.transcript.isAtEnd && document.visibilityState === "visible" && document.hasFocus();
  }

  // What has come, and, if the agent has it before them, that it is read.
  async mark() {
    if (!this.closed && this.last && this.isLookedAt) this.looked(this.last);
    if (this.closed || this.marking || !this.mayWrite || !this.heard) return;
    const kind = this.isLookedAt ? "read" : "delivered", upto = this.last;
    if (this.heard <= Math.max(this.told[kind], this.found.agent[kind])) return;
    clearTimeout(this.timers.mark);
    this.marking = true;
    let done = false;
    try {
      await ask("POST", `${this.path}/marks`, { body: { [kind]: upto } });
      this.told[kind] = this.told.delivered = upto;
      done = true;
    } catch (error) {
      if (error.isStranger) this.onError(error);
      else if (error.isPassing && !this.closed) this.timers.mark = setTimeout(() => this.mark(), AGAIN);
    } finally {
      this.marking = false;
    }
    if (done) await this.mark();
  }

  // ---- what the agent writes

  send(text) {
    this.full = this.outbox.isFull;
    if (this.full) {
      this.draw();
      return false;
    }
    if (this.mayWrite) this.outbox.add(text);
    else if (this.inviting) this.outbox.add(text, { channel: this.found.channel, visitor: this.found.visitor });
    else return false;
    this.inviting = false;
    this.draw();
    return true;
  }

  sendFiles(files) {
    if (!this.mayWrite) return;
    const fit = files.filter(({ size }) => size > 0 && size <= this.found.max_file);
    this.tooLarge = fit.length < files.length;
    for (const each of fit) if (!this.outbox.isFull) this.outbox.addFile(each);
    this.full = this.outbox.isFull;
    this.draw();
  }

  async sent(item, answer) {
    this.tooLarge = false;
    if (item.visitor) {
      this.invited = true;
      this.draw();
    } else if (!item.file && answer.seq === this.last + 1) this.take([answer]);
    else if (answer.seq > this.last) await this.read();
  }

  takeBack(item) {
    this.inviting ||= Boolean(item.visitor);
    this.outbox.discard(item);
    this.draw();
    this.composer.takeBack(item.text);
  }

  beginInviting() {
    this.inviting = true;
    this.invited = false;
    this.draw();
    this.composer.focus();
  }

  // To be seen by the customer; nothing depends on it.
  type() {
    if (!this.mayWrite || performance.now() - this.typedAt < TELLS) return;
    this.typedAt = performance.now();
    ask("POST", `${this.path}/typing`, { body: {} }).catch(() => {});
  }

  async learnName() {
    try {
      const { id, name } = await ask("GET", `/v1/agents/${encodeURIComponent(this.agent)}`);
      this.names[id] = name || id;
    } catch {
      // Then it is the id.
    }
  }

  // ---- how it looks

  showTyping(side, agent) {
    if (side === "agent" && agent === this.agent) return;
    const word = side === "customer" ? "chat.customer-types" : "chat.agent-types";
    setText(this.types, this.words.say(word, { name: this.names[agent] ?? agent }));
    clearTimeout(this.timers.types);
    this.timers.types = setTimeout(() => this.stopTyping(), TYPES);
  }

  stopTyping() {
    clearTimeout(this.timers.types);
    setText(this.types, "");
  }

  drawWaiting() {
    if (this.full && !this.outbox.isFull) {
      this.full = false;
      this.draw();
    }
    this.transcript.wait(this.outbox.items);
  }

  redraw() {
    this.stopTyping();
    this.transcript.redraw();
    this.composer.redraw();
    this.attaching.redraw();
    this.draw();
  }

  draw() {
    const { words, found } = this;
    this.element.setAttribute("aria-label", words.say("chat.title"));
    const who = claimed(found);
    setText(this.who, who && !found.vouched ? words.say("chat.claims", { who }) : who);
    setText(this.note, this.standing());
    setText(this.invite, words.say("chat.invite"));
    setText(this.rating, found?.rating ? words.say("chat.rated", { score: found.rating, comment: found.comment }) : "");
    const [writes, invites] = [this.mayWrite || this.inviting, this.isOver && !this.inviting && !this.trouble];
    // Whoever was in what is no longer there goes on from the messages.
    const held = (!writes && this.composer.element.contains(document.activeElement)) ||
      (!invites && !writes && this.invite === document.activeElement);
    this.composer.element.hidden = !writes;
    this.invite.hidden = !invites;
    if (held) this.transcript.log.focus();
    this.composer.show(this.inviting);
    this.attaching.allow(this.mayWrite ? found.file_kinds : []);
  }

  about() {
    return [claimed(this.found), this.said && `“${this.said}”`].filter(Boolean).join(" · ");
  }

  standing() {
    const { words, found } = this;
    if (this.trouble) return words.say(this.trouble);
    if (this.full) return words.say("chat.full");
    if (this.tooLarge) return words.say("chat.file-too-large");
    if (!this.found) return words.say("chat.loading");
    if (this.invited) return words.say("chat.invited");
    if (this.isOver) return words.say("chat.over");
    if (this.mayWrite) return "";
    // Beside a call, the conversation that it has gone on from may be somebody else's.
    const who = found.talking.map((each) => this.names[each] ?? each).join(", ");
    return who ? words.say("chat.elsewhere", { who }) : words.say("chat.not-accepted");
  }
}
