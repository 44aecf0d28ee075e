// The three tables: queues, agents, who waits. They say what the API says; what is marked by colour is said in words, too.

import { byId, setText } from "/pages/common/dom.js";
import { alarmText } from "/wallboard/alarms.js";
import { button, clock, fillAll, Rows } from "/wallboard/rows.js";

const ICONS = { ready: "●", busy: "▶", "not-ready": "◼", "signed-out": "○" };

export class Tables {
  // `act(kind, item, from)`: somebody wants to do something with an agent or with somebody who waits.
  constructor(words, ages, customers, act) {
    this.words = words;
    this.ages = ages;
    this.customers = customers;
    this.board = null;
    const body = (id) => byId(id).tBodies[0];
    this.queues = new Rows(body("queues"), 11, { key: (each) => each.id, fill: this.queue.bind(this), dress: numbers });
    this.agents = new Rows(body("agents"), 5, {
      key: (each) => each.id, fill: this.agent.bind(this), dress: this.actions("agent", 4, act),
    });
    this.waiting = new Rows(body("waiting"), 7, {
      key: (each) => each.interaction_id, fill: this.waits.bind(this), dress: this.actions("waiting", 6, act),
    });
  }

  actions(kind, cell, act) {
    return (row) => {
      row.button = button(() => act(kind, row.item, row.button));
      row.cells[cell].append(row.button);
    };
  }

  show(board) {
    this.board = board;
    this.titles = new Map(board.queues.map((each) => [each.id, each.title || each.id]));
    this.queues.show(board.queues);
    this.agents.show(board.agents);
    this.waiting.show(board.waiting);
    const { words } = this, by = board.agents_by_state;
    setText(byId("window"), words.say("window", { minutes: Math.round(board.window_seconds / 60) }));
    setText(byId("queues-more"), this.more("more-queues", board.queues.length, board.queues_total));
    setText(byId("agents-more"), words.say("agents-count", {
      ready: by.ready, busy: by.busy, away: by["not-ready"], out: by["signed-out"],
    }) + this.more("more-agents", board.agents.length, board.agents_total));
    setText(byId("waiting-more"), words.say("waiting-count", { count: board.waiting_total })
      + this.more("more-waiting", board.waiting.length, board.waiting_total));
  }

  // What grows by itself, once a second.
  tick() {
    for (const row of this.agents.known.values()) this.agent(row, row.item);
    for (const row of this.waiting.known.values()) this.waits(row, row.item);
    for (const row of this.queues.known.values()) this.queue(row, row.item);
  }

  more(word, shown, total) {
    return shown < total ? ` ${this.words.say(word, { shown, total })}` : "";
  }

  title(queue) {
    return this.titles.get(queue) ?? queue;
  }

  queue(row, each) {
    const { words } = this, alarms = new Set(each.alarms.map((alarm) => alarm.alarm));
    const name = each.closed === null ? each.title || each.id
      : words.say("closed", { queue: each.title || each.id, reason: each.closed || words.say("no-reason") });
    const said = each.alarms.map((alarm) => `⚠ ${alarmText(words, alarm)}`);
    const level = each.service_level === null ? "–" : `${Math.floor(each.service_level * 100 + 1e-9)} %`;
    fillAll(row, [
      [name, ...said].join("\n"),
      each.ringing ? words.say("waiting-ringing", { waiting: each.waiting, ringing: each.ringing }) : String(each.waiting),
      each.oldest_enqueued_at === null ? "–" : this.ages.since(each.oldest_enqueued_at),
      each.estimated_wait ? clock(each.estimated_wait.middle_seconds) : "–",
      level, String(each.offered), String(each.answered), String(each.abandoned),
      String(each.agents_ready), String(each.agents_busy), String(each.agents_not_ready),
    ]);
    row.element.classList.toggle("alarmed", alarms.size > 0);
    [["waiting", 1], ["longest-wait", 2], ["service-level", 4], ["no-agent-ready", 8]].forEach(([kind, cell]) =>
      row.cells[cell].classList.toggle("alarmed", alarms.has(kind)));
  }

  agent(row, each) {
    const { words } = this, name = each.name || each.id;
    let state = `${ICONS[each.state] ?? ""} ${words.say(`state.${each.state}`, {}, each.state)}`;
    if (each.reason && each.presence === "not-ready") state += ` (${words.say(`reason.${each.reason}`, {}, each.reason)})`;
    if (each.presence === "draining") {
      state += ` → ${words.say(`state.${each.next_presence ?? "not-ready"}`, {}, each.next_presence ?? "")}`;
    }
    fillAll(row, [name, state, this.ages.since(each.since), each.work.map((item) => this.work(item)).join("\n")]);
    setText(row.button, words.say("act"));
    row.button.setAttribute("aria-label", words.say("act-on", { name }));
  }

  work(item) {
    const { words } = this, plain = words.say(`work.${item.state}`, {}, item.state);
    const written = !["voice", "video"].includes(item.channel);
    return words.say("work", {
      channel: words.say(`channel.${item.channel}`, {}, item.channel),
      queue: this.title(item.queue),
      state: written ? words.say(`work.${item.state}.written`, {}, plain) : plain,
      time: this.ages.since(item.since),
      customer: item.has_customer ? this.customers.of(item.interaction_id) : "–",
    });
  }

  waits(row, each) {
    const { words } = this;
    fillAll(row, [
      String(each.position), this.title(each.queue), words.say(`channel.${each.channel}`, {}, each.channel),
      this.ages.since(each.enqueued_at), String(each.priority), words.say(`waits.${each.state}`, {}, each.state),
    ]);
    setText(row.button, words.say("act"));
    const place = { position: each.position, queue: this.title(each.queue) };
    row.button.setAttribute("aria-label", words.say("act-on-waiting", place));
  }
}

function numbers(row) {
  row.cells.slice(1).forEach((cell) => cell.classList.add("number"));
}
