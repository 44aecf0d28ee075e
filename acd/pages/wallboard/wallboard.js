// The supervisors' page: signing in, and one picture of everything, read anew after events and no more than once a second.
// So a reload, a second tab, a lost network and a restart all show the same in the end. What it shows is bounded: the first
// rows of each list, with how many there are.

import { byId, option, setText, showOnly } from "/pages/common/dom.js";
import { Follower } from "/pages/common/events.js";
import { ask } from "/pages/common/requests.js";
import { Session } from "/pages/common/session.js";
import { SignIn } from "/pages/common/sign-in.js";
import { keep, LANGUAGES, preferred, Words } from "/pages/common/words.js";
import { Actions } from "/wallboard/actions.js";
import { Alarms } from "/wallboard/alarms.js";
import { Customers } from "/wallboard/customers.js";
import { Plots } from "/wallboard/plot.js";
import { Ages } from "/wallboard/rows.js";
import { Tables } from "/wallboard/tables.js";
import { Telephone } from "/wallboard/telephone.js";

const EVERY = 1_000, AGAIN = 2_000, SLIDE = 30_000, DAY = 60_000; // milliseconds

const words = new Words("/wallboard");
const session = new Session(leave);
const signIn = new SignIn({ session, enter, leave, say, refusals: { forbidden: "problem.no-supervisor" } });
const follower = new Follower({ changed: lookSoon, connected: connect, stranger: () => session.lost() });
const ages = new Ages();
const customers = new Customers(drawSoon);
const own = () => session.who?.telephone;
const telephone = new Telephone(words, own);
const actions = new Actions(words, () => session.lost(), own, telephone);
const tables = new Tables(words, ages, customers, act);
const alarms = new Alarms(words);
const plots = new Plots(words);
const parts = [byId("sign-in"), byId("board")];

let board = null;
let connected = false;
let problem = null; // [word, values, instead]: said again in another language
let looking = false, lookAgain = false, waiting = 0, looked = 0, dayTimer = 0;
let drawing = false;

function act(kind, item, from) {
  actions.open(kind, item, board, (id) => tables.title(id), from);
}

function say(word, values, instead) {
  problem = word ? [word, values, instead] : null;
  setText(byId("notice"), problem ? words.say(...problem) : "");
}

function complain(error) {
  if (error.isStranger && session.who) return session.lost();
  say(`problem.${error.code}`, {}, error.message);
}

function draw() {
  setText(byId("notice"), problem ? words.say(...problem) : "");
  setText(byId("connection"), session.who ? words.say(connected ? "connected" : "not-connected") : "");
  if (!board) return;
  tables.show(board);
  alarms.show(board.queues);
}

function drawSoon() {
  if (drawing) return;
  drawing = true;
  requestAnimationFrame(() => {
    drawing = false;
    if (board) tables.tick();
  });
}

function connect(is) {
  connected = is;
  draw();
  if (is) lookAtDay();
}

// At once, or when a second has passed since the last time, however much happens.
function lookSoon() {
  if (waiting || !session.who) return;
  waiting = setTimeout(() => {
    waiting = 0;
    look();
  }, Math.max(0, looked + EVERY - performance.now()));
}

async function look() {
  lookAgain = looking;
  if (looking || !session.who) return;
  looking = true;
  looked = performance.now();
  const who = session.who, queue = byId("shown").value;
  try {
    const found = await ask("GET", `/v1/wallboard?${new URLSearchParams(queue ? { queue } : {})}`);
    if (session.who !== who || queue !== byId("shown").value) lookAgain = Boolean(session.who);
    else take(found);
  } catch (error) {
    if (error.isPassing) setTimeout(lookSoon, AGAIN);
    else if (error.status === 404 && queue) forgetQueue();
    else complain(error);
  } finally {
    looking = false;
  }
  if (lookAgain) lookSoon();
}

function take(found) {
  board = found;
  ages.set(found.at);
  customers.keep(new Set(found.agents.flatMap((each) => each.work.map((item) => item.interaction_id))));
  drawQueues();
  draw();
}

// The queue that was chosen is gone: all of them, then.
function forgetQueue() {
  byId("shown").value = "";
  lookSoon();
  lookAtDay();
}

function drawQueues() {
  const list = byId("shown"), chosen = list.value, titles = board.queues.map((each) => each.title || each.id);
  const wanted = JSON.stringify([words.language, board.queues.map((each) => each.id), titles]);
  if (list.dataset.shown === wanted) return;
  list.dataset.shown = wanted;
  const there = board.queues.map((each) => option(each.id, each.title || each.id));
  if (chosen && !board.queues.some((each) => each.id === chosen)) there.push(option(chosen, chosen));
  list.replaceChildren(option("", words.say("every-queue")), ...there);
  list.value = chosen;
}

async function lookAtDay() {
  clearTimeout(dayTimer);
  if (!session.who) return;
  const queue = byId("shown").value;
  let pause = DAY;
  try {
    const day = await ask("GET", `/v1/wallboard/day?${new URLSearchParams(queue ? { queue } : {})}`);
    if (session.who && queue === byId("shown").value) plots.show(day);
    if (!day.complete) pause = AGAIN; // soon after a restart, what came last is still being read back
  } catch (error) {
    if (error.isStranger) return session.lost();
  }
  clearTimeout(dayTimer);
  dayTimer = setTimeout(lookAtDay, pause);
}

async function enter() {
  const found = await ask("GET", "/v1/wallboard");
  byId("shown").replaceChildren();
  delete byId("shown").dataset.shown;
  say(null);
  showOnly(parts, byId("board"));
  for (const id of ["sign-out", "sound"]) byId(id).hidden = false;
  take(found);
  byId("alarms-title").focus();
  follower.start();
  await lookAtDay();
}

function leave(why = "problem.session-ended") {
  follower.stop();
  telephone.close();
  clearTimeout(waiting);
  clearTimeout(dayTimer);
  waiting = 0;
  board = null;
  connected = false;
  byId("dialog").close();
  customers.keep(new Set());
  alarms.forget();
  for (const rows of [tables.queues, tables.agents, tables.waiting]) rows.show([]);
  for (const id of ["sign-out", "sound"]) byId(id).hidden = true;
  setText(byId("connection"), "");
  showOnly(parts, byId("sign-in"));
  say(why);
  byId("token").focus();
}

async function signOut() {
  try {
    await session.end();
    leave(null);
  } catch (error) {
    complain(error);
  }
}

async function speak(language) {
  await words.use(language);
  byId("language").value = language;
  if (board) drawQueues();
  telephone.draw();
  plots.again();
  draw();
}

async function begin() {
  byId("language").replaceChildren(...Object.entries(LANGUAGES).map(([code, name]) => option(code, name)));
  await speak(preferred());
  byId("language").addEventListener("change", async ({ target }) => {
    keep(target.value);
    await speak(target.value);
  });
  byId("sign-out").addEventListener("click", signOut);
  byId("shown").addEventListener("change", () => {
    looked = 0;
    lookSoon();
    lookAtDay();
  });
  setInterval(() => board && tables.tick(), EVERY);
  setInterval(lookSoon, SLIDE); // the window slides by itself
  await signIn.resume();
}

begin();
