// The agents' page: signing in, and how one stands. What is shown is what the API says; it is read anew after every
// event, so that a reload, a second tab and a lost network all show the same in the end.

import { byId, option, setText, showOnly } from "/pages/common/dom.js";
import { Follower } from "/pages/common/events.js";
import { ask } from "/pages/common/requests.js";
import { Session } from "/pages/common/session.js";
import { keep, LANGUAGES, preferred, Words } from "/pages/common/words.js";
import { reasonIn, request, sentence, towards } from "/desk/presence.js";

const PRESENCES = ["ready", "not-ready", "signed-out"];
const AGAIN = 2_000; // milliseconds

const words = new Words("/desk");
const session = new Session(leave);
const follower = new Follower({ changed: look, connected: show, stranger: () => session.lost() });
const parts = [byId("sign-in"), byId("desk")];

let reasons = [];
let agent = null;
let connected = false;
let problem = null; // [word, values, instead]: said again in another language
let looking = false, lookAgain = false;
let deed = 0; // counts what was asked for, so that an older picture is not taken for its outcome

function say(word, values, instead) {
  problem = word ? [word, values, instead] : null;
  draw();
}

// What went wrong, in the page's words where it has some, else in the API's.
function complain(error) {
  if (error.isStranger && session.who) return session.lost();
  say(`problem.${error.code}`, {}, error.message);
}

function draw() {
  setText(byId("notice"), problem ? words.say(...problem) : "");
  if (!agent) return;
  setText(byId("who"), agent.name || agent.id);
  setText(byId("state"), sentence(words, agent));
  setText(byId("connection"), words.say(connected ? "connected" : "not-connected"));
  for (const each of PRESENCES) byId(each).setAttribute("aria-pressed", String(each === towards(agent)));
}

function drawReasons() {
  const list = byId("reason"), chosen = list.value;
  list.replaceChildren(...reasons.map((code) => option(code, reasonIn(words, code))));
  if (reasons.includes(chosen)) list.value = chosen;
}

function show(is) {
  connected = is;
  draw();
}

// Read how the agent stands; once more when something happens meanwhile.
async function look() {
  lookAgain = looking;
  if (looking || !session.who) return;
  looking = true;
  const who = session.who, before = deed;
  try {
    const found = await ask("GET", `/v1/agents/${encodeURIComponent(who.agent)}`);
    if (session.who && session.who.agent === who.agent && before === deed) agent = found;
    else lookAgain = Boolean(session.who);
    draw();
  } catch (error) {
    if (error.isPassing) setTimeout(look, AGAIN);
    else complain(error);
  } finally {
    looking = false;
  }
  if (lookAgain) await look();
}

async function become(wanted) {
  const wish = agent && request(agent, wanted, byId("reason").value);
  if (!wish) return;
  const [method, path, body] = wish;
  deed += 1;
  say(null);
  try {
    agent = await ask(method, path, { body });
  } finally {
    deed += 1;
  }
  draw();
}

// One deed at a time: a button that was pressed twice is pressed once.
function deeds(button, deed) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try {
      await deed();
    } catch (error) {
      complain(error);
    } finally {
      button.removeAttribute("aria-busy");
    }
  });
}

async function enter() {
  if (!session.who.agent) {
    await session.end();
    leave("problem.no-agent");
    return;
  }
  const id = encodeURIComponent(session.who.agent);
  [{ reasons }, agent] = await Promise.all([ask("GET", "/v1/desk"), ask("GET", `/v1/agents/${id}`)]);
  drawReasons();
  say(null);
  showOnly(parts, byId("desk"));
  byId("who").focus();
  follower.start();
}

function leave(why = "problem.session-ended") {
  follower.stop();
  agent = null;
  connected = false;
  showOnly(parts, byId("sign-in"));
  for (const id of ["who", "state", "connection"]) setText(byId(id), "");
  say(why);
  byId("token").focus();
}

async function signIn(event) {
  event.preventDefault();
  const field = byId("token"), button = byId("enter"), token = field.value.trim();
  if (button.disabled || !token) return;
  button.disabled = true;
  say(null);
  try {
    field.value = "";
    await session.begin(token);
    await enter();
  } catch (error) {
    await refuse(error, "problem.wrong-token");
  } finally {
    button.disabled = false;
  }
}

// Nobody is signed in, for this reason; `stranger` is said where the API knows nobody.
async function refuse(error, stranger) {
  if (session.who) await session.end().catch(() => session.forget());
  leave(null);
  say(error.isStranger ? stranger : `problem.${error.code}`, {}, error.message);
}

async function signOut() {
  await become("signed-out");
  await session.end();
  leave(null);
}

async function speak(language) {
  await words.use(language);
  byId("language").value = language;
  drawReasons();
  draw();
}

async function begin() {
  byId("language").replaceChildren(...Object.entries(LANGUAGES).map(([code, name]) => option(code, name)));
  await speak(preferred());
  byId("language").addEventListener("change", async ({ target }) => {
    keep(target.value);
    await speak(target.value);
  });
  byId("sign-in").addEventListener("submit", signIn);
  for (const each of PRESENCES) deeds(byId(each), () => become(each));
  deeds(byId("sign-out"), signOut);
  await resume();
}

async function resume() {
  try {
    if (await session.resume()) await enter();
    else leave(null);
  } catch (error) {
    if (!error.isPassing) return refuse(error, "problem.session-ended");
    // The engine is away, or has just begun: whoever was signed in still is.
    say(`problem.${error.code}`, {}, error.message);
    setTimeout(resume, AGAIN);
  }
}

begin();
