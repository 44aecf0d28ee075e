// A chat by telnet, as an external channel of the ACD: customers on one TCP port, agents' desks on another.
//
//     npm install
//     node chat.js --customers 7001 --desks 7002          ACD_TOKEN in the environment, if the API wants one
//
// A customer connects, waits, and talks by typing. An agent connects and types `login anna`, then
// `answer OFFER`, `decline OFFER`, `say CONVERSATION text`, `end CONVERSATION`. A desk is told `ring OFFER`, `stop OFFER`,
// `joined CONVERSATION`, `left CONVERSATION`, `asking CONVERSATION` (for advice), `said CONVERSATION text`.
//
// `Link` is the part that every channel needs; copy it. `Chat` is what this one does. CHANNELS.md has the protocol.

import { randomUUID } from "node:crypto";
import { createServer } from "node:net";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { decode, encode } from "@msgpack/msgpack";
import WebSocket from "ws";

const SUPERSEDED = 4409;
const FIRST_PAUSE = 100, LONGEST_PAUSE = 5_000, BUSY_PAUSE = 500; // milliseconds
const SILENCE = 30_000; // a ping comes every ten seconds: whoever says nothing for this long is gone
const MAX_LINE = 4_000;
const MAX_CUSTOMERS = 10_000;

/** An order that cannot be carried out; the message is a word for the engine. */
class Impossible extends Error {}

/** The connection to the ACD: connects for ever, answers orders, and keeps commands until their outcome is known. */
class Link {
  /** `carryOut` does what is ordered, or throws `Impossible`. `refused` hears of commands that were not taken. */
  constructor(url, token, carryOut, refused) {
    this.url = url;
    this.headers = token ? { Authorization: `Bearer ${token}` } : {};
    this.carryOut = carryOut;
    this.refused = refused;
    this.pending = new Map();
    this.comparing = [];
    this.socket = null; // only once it has been welcomed
    this.pause = FIRST_PAUSE;
    this.run = randomUUID().slice(0, 13);
    this.count = 0;
  }

  /** Hand in a command, now or as soon as there is a connection; however often it is sent, under one id. */
  command(type, fields) {
    const message = { type, id: `${this.run}-${++this.count}`, ...fields };
    this.pending.set(message.id, message);
    this.send(message);
  }

  /** Whether such a command about this interaction has no outcome yet. */
  isPending(type, interaction) {
    return [...this.pending.values()].some((each) => each.type === type && each.interaction_id === interaction);
  }

  /** Connect, again and again, until another process has become this channel. */
  connect() {
    const socket = new WebSocket(this.url, ["acd.channel.v1+msgpack"], {
      headers: this.headers,
      perMessageDeflate: false,
    });
    let silence = setTimeout(() => socket.terminate(), SILENCE);
    socket.on("ping", () => {
      clearTimeout(silence);
      silence = setTimeout(() => socket.terminate(), SILENCE);
    });
    socket.on("open", () => socket.send(encode({ type: "hello", software: "javascript chat 1" })));
    socket.on("message", (packed) => this.take(socket, decode(packed)));
    socket.on("error", (error) => say(`not connected: ${error.code ?? error.message}`));
    socket.on("close", (code, reason) => {
      clearTimeout(silence);
      this.socket = null;
      say(`cut off: ${code} ${reason}`);
      if (code === SUPERSEDED) process.exit(0);
      setTimeout(() => this.connect(), this.pause);
      this.pause = Math.min(LONGEST_PAUSE, this.pause * 2);
    });
  }

  take(socket, message) {
    if (message.type === "welcome") {
      say(`connected as ${message.channel}`);
      this.socket = socket;
      this.pause = FIRST_PAUSE;
      this.comparing = [];
      // What has no outcome may have been carried out or not: the same again, under the same ids.
      for (const command of this.pending.values()) this.send(command);
    } else if (message.type === "outcome") {
      this.outcome(message);
    } else if (message.number !== undefined) {
      this.order(message);
    }
  }

  outcome({ id, accepted, code, again }) {
    const command = this.pending.get(id);
    if (command === undefined) return;
    if (again) {
      setTimeout(() => this.pending.has(id) && this.send(command), BUSY_PAUSE);
      return;
    }
    this.pending.delete(id);
    if (!accepted) this.refused(command, code);
  }

  order(message) {
    let order = message;
    if (order.type === "reconcile") {
      this.comparing.push(...order.interactions);
      if (order.more) return;
      order = { ...order, interactions: this.comparing };
      this.comparing = [];
    }
    try {
      this.carryOut(order);
      this.send({ type: "done", number: order.number });
    } catch (error) {
      if (!(error instanceof Impossible)) throw error;
      this.send({ type: "failed", number: order.number, reason: error.message });
    }
  }

  send(message) {
    this.socket?.send(encode(message));
  }
}

/** A customer, or an agent who asks for advice; whose desks ring, and who talks, both as offer → agent. */
class Conversation {
  constructor(name, customer, asking = "") {
    this.name = name;
    this.customer = customer;
    this.asking = asking;
    this.ringing = new Map();
    this.talking = new Map();
    this.answered = new Set();
    this.ended = new Set(); // offers that have stopped ringing by themselves
  }
}

/** Everybody who is there, and what the ACD wants of them. */
class Chat {
  constructor(url, token, queue) {
    this.link = new Link(url, token, (order) => this.carryOut(order), (command, code) => this.refused(command, code));
    this.queue = queue;
    this.conversations = new Map();
    this.desks = new Map();
  }

  // ---- what the ACD wants: every order twice is as good as once

  carryOut(order) {
    const found = this.conversations.get(order.interaction_id);
    switch (order.type) {
      case "reconcile":
        return this.compare(order.interactions);
      case "release":
        return this.release(order.interaction_id);
      case "consult":
        return this.consult(order.interaction_id, order.parent_id, order.agent_id);
      case "revoke":
        return found && this.silence(found, order.offer_id);
      case "announce":
        return found && write(found.customer, `* ${order.name}`);
      case "disconnect":
        if (found) {
          this.silence(found, order.offer_id);
          this.letGo(found, order.offer_id);
        }
        return;
    }
    if (found === undefined) {
      // Whoever has just left needs nothing more: the ACD hears of it in this moment.
      if (this.link.isPending("end", order.interaction_id)) return;
      throw new Impossible("no-such-conversation");
    }
    switch (order.type) {
      case "park":
        return this.park(found);
      case "offer":
        return this.ring(found, order.offer_id, order.agent_id);
      case "join":
        this.release(order.consult_id);
        return this.talk(found, order.offer_id, order.agent_id);
      case "connect":
        return this.talk(found, order.offer_id, order.agent_id);
    }
    throw new Impossible("unknown-order");
  }

  /** A customer whom nobody takes is sent away; the rest is put right by what the ACD orders next. */
  refused(command, code) {
    say(`${command.type} ${command.id}: ${code}`);
    if (command.type === "enqueue" && code !== "duplicate-interaction") this.release(command.interaction_id);
  }

  compare(wishes) {
    const wanted = new Set(wishes.map((wish) => wish.interaction_id));
    for (const name of [...this.conversations.keys()]) {
      // Nobody can desire a customer before the ACD has heard of them.
      if (!wanted.has(name) && !this.link.isPending("enqueue", name)) this.release(name);
    }
    for (const wish of wishes) {
      const name = wish.interaction_id;
      if (!this.conversations.has(name) && this.conversations.has(wish.parent)) {
        this.consult(name, wish.parent, wish.asking);
      }
      const found = this.conversations.get(name);
      if (found) this.heal(found, wish.state, new Map(wish.offers.map((each) => [each.offer_id, each.agent_id])));
      else if (!this.link.isPending("end", name)) {
        this.link.command("end", { interaction_id: name, by: "system", reason: "lost" });
      }
    }
  }

  heal(found, state, offers) {
    for (const offer of [...found.ringing.keys()]) {
      if (state !== "offered" || !offers.has(offer)) this.silence(found, offer);
    }
    for (const offer of [...found.talking.keys()]) {
      if (state !== "connected" || !offers.has(offer)) this.letGo(found, offer);
    }
    for (const [offer, agent] of offers) {
      if (state === "connected") this.talk(found, offer, agent);
      else if (found.answered.has(offer)) this.link.command("accept", { offer_id: offer, agent_id: agent });
      else if (found.ended.has(offer)) this.link.command("fail-offer", { offer_id: offer, reason: "unreachable" });
      else this.ring(found, offer, agent);
    }
  }

  park(found) {
    for (const offer of [...found.ringing.keys()]) this.silence(found, offer);
    for (const offer of [...found.talking.keys()]) this.letGo(found, offer);
  }

  ring(found, offer, agent) {
    if (found.ringing.has(offer) || found.talking.has(offer) || found.ended.has(offer)) return;
    if (this.desks.has(agent)) {
      found.ringing.set(offer, agent);
      this.tell(agent, `ring ${offer}`);
    } else {
      found.ended.add(offer);
      this.link.command("fail-offer", { offer_id: offer, reason: "unreachable" });
    }
  }

  silence(found, offer) {
    found.answered.delete(offer);
    const agent = found.ringing.get(offer);
    if (found.ringing.delete(offer)) this.tell(agent, `stop ${offer}`);
  }

  talk(found, offer, agent) {
    found.ringing.delete(offer);
    found.answered.delete(offer);
    if (found.talking.has(offer)) return;
    found.talking.set(offer, agent);
    this.tell(agent, `joined ${found.name}`);
    write(found.customer, `* ${agent} is with you`);
  }

  letGo(found, offer) {
    const agent = found.talking.get(offer);
    if (!found.talking.delete(offer)) return;
    this.tell(agent, `left ${found.name}`);
    write(found.customer, `* ${agent} has left${found.talking.size ? "" : "; please wait"}`);
  }

  consult(name, parent, asking) {
    if (!this.conversations.has(parent)) throw new Impossible("no-such-conversation");
    if (this.conversations.has(name)) return;
    this.conversations.set(name, new Conversation(name, null, asking));
    this.tell(asking, `asking ${name}`);
  }

  release(name) {
    const found = this.conversations.get(name);
    if (!this.conversations.delete(name)) return;
    this.park(found);
    if (found.asking) this.tell(found.asking, `left ${name}`);
    write(found.customer, "* goodbye");
    found.customer?.end();
  }

  // ---- what people do

  customer(socket) {
    if (this.conversations.size >= MAX_CUSTOMERS) {
      socket.destroy();
      return;
    }
    const found = new Conversation(`chat-${randomUUID().slice(0, 18)}`, socket);
    this.conversations.set(found.name, found);
    write(socket, `* welcome to ${found.name}; please wait`);
    this.link.command("enqueue", { interaction_id: found.name, queue: this.queue });
    read(socket, (line) => this.spread(found, "", line), () => {
      if (this.conversations.get(found.name) !== found) return;
      found.customer = null;
      this.release(found.name);
      this.link.command("end", { interaction_id: found.name, by: "customer" });
    });
  }

  desk(socket) {
    let agent = "";
    const typed = (line) => {
      const [, word, name, text] = /^(\S*) ?(\S*) ?(.*)$/.exec(line);
      if (word === "login") {
        agent = name;
        this.desks.set(agent, socket);
        write(socket, `hello ${agent}`);
      } else if (agent) {
        this.act(agent, word, name, text);
      }
    };
    read(socket, typed, () => {
      if (this.desks.get(agent) !== socket) return;
      this.desks.delete(agent);
      this.lost(agent);
    });
  }

  act(agent, word, name, text) {
    const isOffer = word === "answer" || word === "decline";
    const found = this.conversations.get(isOffer ? name.slice(0, name.lastIndexOf(".")) : name);
    if (found === undefined) {
      this.tell(agent, `no ${name}`);
    } else if (isOffer && found.ringing.get(name) === agent) {
      if (word === "answer") found.answered.add(name);
      this.link.command(word === "answer" ? "accept" : "decline", { offer_id: name, agent_id: agent });
    } else if (word === "say" && (found.asking === agent || [...found.talking.values()].includes(agent))) {
      this.spread(found, agent, text);
    } else if (word === "end" && [...found.talking.values()].includes(agent)) {
      this.link.command("end", { interaction_id: name, by: "agent" });
    }
  }

  /** Everybody in it reads what one of them has said; `author` is empty for the customer. */
  spread(found, author, text) {
    for (const agent of new Set([...found.talking.values(), found.asking])) {
      if (agent && agent !== author) this.tell(agent, `said ${found.name} ${author || "customer"}: ${text}`);
    }
    if (author) write(found.customer, `${author}: ${text}`);
  }

  /** A desk is gone: it rings no more, and whoever it talked with waits again. */
  lost(agent) {
    for (const found of this.conversations.values()) {
      for (const [offer, rung] of [...found.ringing]) {
        if (rung !== agent) continue;
        this.silence(found, offer);
        found.ended.add(offer);
        this.link.command("fail-offer", { offer_id: offer, reason: "unreachable" });
      }
      const talking = [...found.talking.values()];
      if (talking.length === 1 && talking[0] === agent && !found.asking) {
        this.link.command("requeue", { interaction_id: found.name, reason: "desk-lost" });
      }
    }
  }

  tell(agent, line) {
    write(this.desks.get(agent), line);
  }
}

/** A line for whoever is there to read it. */
function write(socket, line) {
  if (socket?.writable) socket.write(`${line}\n`);
}

/** What is typed, until the other end is gone or types without end. */
function read(socket, typed, gone) {
  let unfinished = 0;
  socket.on("data", (chunk) => {
    const end = chunk.lastIndexOf(10);
    unfinished = end < 0 ? unfinished + chunk.length : chunk.length - end;
    if (unfinished > MAX_LINE) socket.destroy();
  });
  const typing = createInterface({ input: socket });
  typing.on("line", (line) => typed(line.trim()));
  // Both are told of a line that breaks; unheard, it would end the process.
  for (const each of [typing, socket]) each.on("error", () => socket.destroy());
  socket.on("close", gone);
}

/** For whoever watches: no customer's name, number or words. */
function say(text) {
  console.log(text);
}

const { values: given } = parseArgs({
  options: {
    url: { type: "string", default: "ws://127.0.0.1:8420/v1/channels/web" },
    queue: { type: "string", default: "sales" },
    customers: { type: "string", default: "7001" },
    desks: { type: "string", default: "7002" },
  },
});
const chat = new Chat(given.url, process.env.ACD_TOKEN, given.queue);
const customers = createServer((socket) => chat.customer(socket));
const desks = createServer((socket) => chat.desk(socket));
customers.listen(Number(given.customers), "127.0.0.1", () =>
  desks.listen(Number(given.desks), "127.0.0.1", () => {
    say(`ready: customers ${customers.address().port} desks ${desks.address().port}`);
    chat.link.connect();
  }),
);
