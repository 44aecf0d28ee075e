// One customer's conversation: what is shown of it, what is on its way, and how nothing is lost (CHAT.md, "How nothing is
// lost", rules 1 to 4).
//
// Must not know any element of the page, nor sockets. An entry is shown if its number is one more than the last. What the
// customer writes is kept until an answer says what became of it, and is said again, with the same id, on every connection.

import { accountOf, visitorOf } from "/chat/settings.js";
import { clean, draw } from "/chat/texts.js";
import { Tickets } from "/chat/tickets.js";
import { Turns } from "/chat/turns.js";

const TYPING_EVERY = 3_000, TYPING_FOR = 6_000, BUSY_PAUSE = 10_000, MARK_AFTER = 150; // milliseconds
const UNREACHABLE = new Set(["queue-closed", "queue-full", "queue-unstaffed"]);
const BUSY = new Set(["too-many-conversations", "unavailable"]);
const NOT_VOUCHED = new Set(["identity-invalid", "identity-expired", "no-identity"]);
const LEAVE = ""; // acd answers it without an id
const OWN_ENDS = new Set(["left", "idle", "away", "completed", "called"]);

export class Chat {
  // `changed()`: something is to be shown. `link` and `files` are given afterwards: they need what this one does.
  constructor(settings, keeping, changed) {
    this.settings = settings;
    this.keeping = keeping;
    this.changed = changed;
    this.link = this.files = null;
    this.turns = new Turns(this);
    this.conversation = null; // as acd tells it, with `entries`
    this.passed = ""; // the one that has ended, and is not to be seen any more
    this.asks = new Map(); // begin, leave, rate that have no answer yet
    this.place = null;
    this.problem = ""; // a code: what was asked for last was not done
    this.closed = ""; // a code: nobody can be reached, and this is why
    if (this.isSomebodyElse) keeping.forgetAll();
    this.draft = keeping.draft; // what is to be put back where the customer writes
    this.maxText = 4_000;
    this.maxFile = 0; // bytes; 0: there are no files here, or nobody has said yet
    this.fileKinds = [];
    this.takesMessages = false;
    this.callChannel = ""; // by which the customer may call instead
    this.tickets = new Tickets();
    this.seen = false; // somebody looks
    this.typingUntil = this.typedAt = 0;
    this.timers = {};
    const begin = keeping.state.begin;
    if (begin && (keeping.unsent.size || begin.left)) this.asks.set(begin.id, begin);
  }

  // ---- what the customer does

  say(written) {
    const text = clean(written);
    if (text) this.put({ id: draw(), text });
  }

  put(said) {
    this.problem = this.closed = "";
    this.keeping.allow();
    if (!this.lives) this.begin({});
    // What is written before a conversation has begun waits for that, to be none but its own.
    const about = { at: this.keeping.moment, behind: this.turns.hasFile };
    const message = { ...said, ...about, conversation: this.isBeginning ? "" : this.conversation.id };
    this.keeping.keep(message);
    if (message.conversation) this.post(message);
    this.changed();
  }

  // A message for when somebody can be reached.
  leaveMessage({ name, contact, text }) {
    this.problem = "";
    this.keeping.allow();
    // It may be a mail address or anything else: the agent reads it where the message is.
    const left = [contact && `${name || ""} <${contact}>`.trim(), text].filter(Boolean).join("\n\n");
    this.begin({ left: clean([...left].slice(0, this.maxText).join("")), ...(name ? { name: clean(name) } : {}) });
    this.changed();
  }

  typing() {
    if (!this.lives || Date.now() - this.typedAt < TYPING_EVERY) return;
    this.typedAt = Date.now();
    this.link.send({ type: "typing" });
  }

  leave() {
    this.ask({ type: "leave", ...this.named }, LEAVE);
  }

  rate(score, comment) {
    this.problem = "";
    this.ask({ type: "rate", id: draw(), score, comment, ...this.named });
  }

  // Another conversation, which begins when the customer writes.
  startAnother() {
    this.passed = this.conversation?.id ?? "";
    this.conversation = this.place = null;
    this.problem = this.closed = "";
    this.changed();
  }

  // What a call of this id is let in with, once (calling.js). Throws an error with a code where that is refused.
  ticket(id) {
    return this.tickets.ask(id, this.lives ? this.named : {}, (message) => this.link.send(message));
  }

  // Who the shop says the customer is, from now on; whether that is somebody else than the one whose chat it was.
  meet(visitor) {
    this.settings.visitor = { ...this.settings.visitor, ...visitorOf(visitor) };
    const isElse = this.isSomebodyElse;
    if (isElse) this.forget();
    return isElse;
  }

  // Whoever was here has gone: nothing of their chat is left in this browser.
  forget() {
    this.keeping.forgetAll();
    this.asks.clear();
    this.conversation = this.place = null;
    this.passed = this.problem = this.closed = this.draft = "";
    this.link.restart();
    this.changed();
  }

  look(seen) {
    this.seen = seen;
    if (!seen) return;
    for (const each of this.turns.adopt()) this.post(each);
    this.mark();
  }

  // ---- how it stands

  get lives() {
    return this.conversation !== null && !this.conversation.ended;
  }

  get entries() {
    return this.conversation?.entries ?? [];
  }

  // To which conversation belongs what is said: on another connection there may be another one.
  get named() {
    return this.conversation ? { conversation: this.conversation.id } : {};
  }

  // Written, and not among the entries yet.
  get underWay() {
    return [...this.keeping.unsent.values()];
  }

  // Those that have no answer yet, in order.
  get waiting() {
    return this.turns.waiting;
  }

  get unread() {
    const from = this.conversation?.customer.read ?? 0;
    return this.entries.filter((each) => each.side === "agent" && each.seq > from).length;
  }

  get agents() {
    return this.entries.reduce((count, { kind }) => count + (kind === "joined") - (kind === "left"), 0);
  }

  // Over, without that anybody was ever there: the queue took the customer and let them go.
  get isUnanswered() {
    const ended = this.conversation?.ended;
    return Boolean(ended) && !OWN_ENDS.has(ended) && !this.entries.some(({ kind }) => kind === "joined");
  }

  get isBeginning() {
    return [...this.asks.values()].some(({ type }) => type === "begin");
  }

  get someoneTypes() {
    return this.lives && Date.now() < this.typingUntil;
  }

  // ---- the connection's side

  hello() {
    const { token } = this.keeping.state, known = this.conversation;
    return {
      type: "hello",
      ...(token ? { token } : {}),
      ...(token && known ? { conversation: known.id, after: known.entries.length } : {}),
    };
  }

  // The token is no longer good: somebody new, who has written the same, to no conversation yet.
  stranger() {
    this.files.stopAll();
    for (const each of this.waiting) this.keeping.keep({ ...each, conversation: "" });
    this.keeping.forgetVisitor();
    this.conversation = this.place = null;
    for (const [id, ask] of this.asks) if (ask.type !== "begin") this.asks.delete(id);
  }

  // Another tab has stored who it is. The same visitor has another token by now; another one is joined, so that all tabs show
  // one conversation, unless this tab is in the middle of its own. Of two who have none, everybody joins the same.
  joinTab(state) {
    const own = this.keeping.state, theirs = Boolean(state.conversation), mine = Boolean(own.conversation);
    if (state.who === own.who) {
      this.keeping.state = state;
      return;
    }
    if (this.lives || this.keeping.unsent.size || this.isBeginning) return;
    if (own.token && (theirs === mine ? state.who > own.who : mine)) return;
    this.keeping.state = state;
    this.conversation = this.place = null;
    if (this.link.state === "off") this.link.start();
    else this.link.restart();
    this.changed();
  }

  hear(message) {
    switch (message.type) {
      case "welcome": return this.welcome(message);
      case "token": return this.keeping.set({ token: message.token, expires: message.expires_at });
      case "conversation": return this.show(message);
      case "entry": return this.take(message);
      case "sent": return this.sent(message.id);
      case "done": return this.done(message);
      case "error": return this.refused(message);
      case "marks":
        if (this.conversation) Object.assign(this.conversation, { customer: message.customer, agent: message.agent });
        return this.changed();
      case "place":
        this.place = message.position ? message : null;
        return this.changed();
      case "typing": return this.agentTypes();
      case "ticket": return this.tickets.given(message);
      default: // What a later release says besides is none of ours.
    }
  }

  // ---- inside

  begin(more) {
    if (this.isBeginning) return;
    const { queue } = this.settings, { identity: _, ...visitor } = this.settings.visitor;
    const begin = { type: "begin", id: draw(), ...(queue ? { queue } : {}), ...visitor, ...more };
    this.keeping.set({ begin, account: accountOf(this.settings.visitor) });
    this.ask(begin);
  }

  ask(message, id = message.id) {
    this.asks.set(id, message);
    this.link.start();
    this.link.send(this.introduced(message));
    this.changed();
  }

  // Two customers of one browser have nothing of each other's.
  get isSomebodyElse() {
    const { account } = this.keeping.state, now = accountOf(this.settings.visitor);
    return Boolean(account && now && account !== now);
  }

  // A beginning with what the shop has signed about the customer, as it is by now: it is good for a short time, and
  // stored nowhere.
  introduced(message) {
    const { identity } = this.settings.visitor;
    return message.type === "begin" && identity ? { ...message, identity } : message;
  }

  // Whoever is not vouched for is a customer all the same. The shop's developers are told.
  beginUnvouched(begin, detail) {
    const { identity: _, ...visitor } = this.settings.visitor;
    this.settings.visitor = visitor;
    console.warn(`acd: the chat begins without data-identity. ${detail}`);
    const again = { ...begin, id: draw() };
    this.keeping.set({ begin: again });
    this.ask(again);
  }

  post(message) {
    this.turns.post(message);
  }

  welcome({ token, expires_at: expires, conversation, max_text: most, messages = false, call = "", ...more }) {
    this.keeping.set({ token, expires, who: this.keeping.state.who ?? draw() });
    this.maxText = most;
    this.takesMessages = messages;
    this.callChannel = call;
    this.maxFile = more.max_file ?? 0;
    this.fileKinds = more.file_kinds ?? [];
    if (!conversation) this.conversation = this.place = null;
    this.turns.adopt();
    const { waiting } = this, asked = [...this.asks.values()];
    for (const each of asked) if (each.type === "begin") this.link.send(this.introduced(each));
    if (waiting.some((each) => !each.conversation)) this.begin({});
    // What is said goes before its conversation's end.
    for (const each of waiting) if (each.conversation) this.post(each);
    for (const each of asked) if (each.type !== "begin") this.link.send(each);
    this.changed();
  }

  show(told) {
    if (told.id === this.passed) return;
    const { type: _, ...conversation } = told;
    if (this.conversation?.id === told.id && !told.anew) {
      this.conversation = { ...conversation, entries: this.entries };
    } else {
      this.conversation = { ...conversation, entries: [] };
      this.place = null;
      this.asks.delete(LEAVE);
      this.keeping.set({ conversation: told.id });
    }
    if (told.ended) this.asks.delete(LEAVE);
    else this.closed = "";
    this.mark();
    this.changed();
  }

  take(entry) {
    if (entry.conversation !== this.conversation?.id || entry.seq <= this.entries.length) return;
    if (entry.seq > this.entries.length + 1) return this.link.restart(); // acd leaves no gap; then it is told anew
    this.entries.push(entry);
    if (entry.id) this.turns.arrived(entry);
    if (entry.side === "agent") this.typingUntil = 0;
    if (entry.kind === "ended") {
      this.conversation.ended = entry.text;
      this.place = null;
      this.asks.delete(LEAVE);
    }
    this.mark();
    this.changed();
  }

  // How far this page has got: in one message for what comes together.
  mark() {
    clearTimeout(this.timers.mark);
    this.timers.mark = setTimeout(() => {
      const upto = this.entries.length, had = this.conversation?.customer;
      if (!had || (this.seen ? had.read : had.delivered) >= upto) return;
      this.link.send({ type: "mark", ...(this.seen ? { read: upto } : { delivered: upto }) });
    }, MARK_AFTER);
  }

  sent(id) {
    const message = this.keeping.unsent.get(id);
    if (!message) return;
    // It is kept there, so not here any more; it is shown as it is until it comes as an entry.
    this.keeping.drop(id);
    this.keeping.unsent.set(id, { ...message, sent: true });
    this.turns.goOn(message.file);
    this.changed();
  }

  done({ id, conversation }) {
    const ask = this.asks.get(id);
    if (!ask) return;
    this.asks.delete(id);
    if (ask.type === "begin") this.begun(conversation);
    this.changed();
  }

  // What has waited for it is said.
  begun(conversation) {
    this.keeping.set({ begin: null });
    this.turns.begun(conversation);
  }

  refused({ id, code, detail }) {
    this.tickets.refused(id, code);
    const ask = this.asks.get(id), message = this.keeping.unsent.get(id);
    if (ask?.type === "begin" && BUSY.has(code)) {
      this.problem = "busy";
      clearTimeout(this.timers.busy);
      this.timers.busy = setTimeout(() => this.asks.has(id) && this.link.send(this.introduced(ask)), BUSY_PAUSE);
    } else if (ask) {
      this.asks.delete(id);
      if (ask.type === "begin" && NOT_VOUCHED.has(code)) this.beginUnvouched(ask, detail);
      else if (ask.type === "begin") this.notBegun(ask, code);
      else if (code !== "already-rated") this.problem = code;
    } else if (message) {
      this.keeping.keep({ ...message, failed: code });
      this.turns.goOn(message.file);
    }
    this.changed();
  }

  // Nobody takes it. What the customer has written goes back to where they wrote it.
  notBegun(begin, code) {
    this.keeping.set({ begin: null });
    if (UNREACHABLE.has(code)) this.closed = code;
    else this.problem = code;
    const back = this.turns.giveBack(code);
    this.draft = [begin.left ?? "", this.draft, ...back.map((each) => each.text)].filter(Boolean).join("\n");
  }

  agentTypes() {
    this.typingUntil = Date.now() + TYPING_FOR;
    clearTimeout(this.timers.typing);
    this.timers.typing = setTimeout(() => this.changed(), TYPING_FOR + 50);
    this.changed();
  }
}
