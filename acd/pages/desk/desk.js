// The agents' page: signing in, how one stands, and work. What is shown is what the API says; it is read anew after every
// event, so that a reload, a second tab and a lost network all show the same in the end.

import { byId, option, setText, showOnly } from "/pages/common/dom.js";
import { Follower } from "/pages/common/events.js";
import { ask } from "/pages/common/requests.js";
import { Session } from "/pages/common/session.js";
import { SignIn } from "/pages/common/sign-in.js";
import { keep, LANGUAGES, preferred, Words } from "/pages/common/words.js";
import * as noteBox from "/desk/note-box.js";
import * as outbox from "/desk/outbox.js";
import { reasonIn, request, sentence, towards } from "/desk/presence.js";
import { Work } from "/desk/work.js";

const PRESENCES = ["ready", "not-ready", "signed-out"];
const AGAIN = 2_000; // milliseconds

const words = new Words("/desk");
const session = new Session(leave);
const signIn = new SignIn({ session, enter, leave, say });
const follower = new Follower({
  changed: hear,
  connected: show,
  stranger: () => session.lost(),
  wanted: () => ({ agent: session.who.agent, conversations: "true" }),
});
const work = new Work({ words, deed: carryOut, complain, look });
const parts = [byId("sign-in"), byId("desk")], forWork = [byId("sound"), byId("notify")];

let reasons = [];
let agent = null;
let connected = false;
let problem = null; // [word, values, instead]: said again in another language
let looking = null, looks = 0; // the reading under way, and how often something has asked for one
let deed = 0; // counts what was asked for, so that an older picture is not taken for its outcome

function say(word, values, instead) {
  problem = word ? [word, values, instead] : null;
  draw();
}

// What went wrong, in the page's words where it has some, else in the API's; or one of these words.
function complain(error) {
  if (typeof error === "string") return say(error);
  if (error.isStranger && session.who) return session.lost();
  say(error.word ?? `problem.${error.code}`, {}, error.message);
}

// What somebody asked for and had no answer to is not asked again by itself: that it is not known is said until the next deed.
function unanswered(error) {
  if (error.code === "offline") error.word = "problem.outcome-unknown";
  return error;
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

// What could not be asked while there was no connection can be asked now.
function show(is) {
  connected = is;
  if (is && problem?.[0] === "problem.offline") problem = null;
  if (is) work.refresh();
  draw();
}

function hear(event) {
  if (event.type === "acd.conversation") work.news(event.data);
  else look();
}

// Read how things stand. Returns when that has been done at least once since.
function look() {
  looks += 1;
  looking ??= Promise.resolve().then(read);
  return looking;
}

async function read() {
  try {
    for (let done = 0; done !== looks && session.who; ) {
      const who = session.who, before = deed;
      done = looks;
      const found = await ask("GET", `/v1/agents/${encodeURIComponent(who.agent)}/work`);
      if (session.who?.agent !== who.agent) continue;
      if (before === deed) take(found);
      else done = 0;
    }
  } catch (error) {
    if (error.isPassing) setTimeout(look, AGAIN);
    else complain(error);
  } finally {
    looking = null; // Whoever asks from now on begins another reading.
  }
}

function take(found) {
  agent = found.agent;
  draw();
  work.take(found);
}

// Ask it of the API: [method, path, body]; and read what has become of it. Returns the answer.
async function carryOut([method, path, body]) {
  let answer;
  deed += 1;
  say(null);
  try {
    answer = await ask(method, path, { body });
  } catch (error) {
    throw unanswered(error);
  } finally {
    deed += 1;
  }
  await look();
  return answer;
}

async function become(wanted) {
  const wish = agent && request(agent, wanted, byId("reason").value);
  if (wish) await carryOut(wish);
}

// One deed at a time: a button that was pressed twice is pressed once.
function deeds(button, deed) {
  button.addEventListener("click", async () => {
    if (button.getAttribute("aria-busy") === "true") return;
    button.setAttribute("aria-busy", "true");
    try {
      await deed();
    } catch (error) {
      complain(unanswered(error));
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
  const [desk, found] = await Promise.all([ask("GET", "/v1/desk"), ask("GET", `/v1/agents/${id}/work`)]);
  ({ reasons } = desk);
  work.earlier.allow(desk);
  drawReasons();
  say(null);
  showOnly(parts, byId("desk"));
  for (const each of forWork) each.hidden = false;
  noteBox.resume(session.who.agent);
  take(found);
  outbox.resume(session.who.agent);
  byId("who").focus();
  follower.start();
}

function leave(why = "problem.session-ended") {
  follower.stop();
  agent = null;
  connected = false;
  work.clear();
  showOnly(parts, byId("sign-in"));
  for (const each of forWork) each.hidden = true;
  for (const id of ["who", "state", "connection"]) setText(byId(id), "");
  say(why);
  byId("token").focus();
}

// The session ends whatever the engine says of the work: nobody leaves a desk that others use signed in.
async function signOut() {
  let refused = null;
  try {
    await become("signed-out");
  } catch (error) {
    refused = error;
  }
  await session.end();
  leave(null);
  work.voice.close();
  outbox.forget();
  work.missed.forget();
  noteBox.forget();
  if (refused && !refused.isStranger) complain(refused);
}

async function speak(language) {
  await words.use(language);
  byId("language").value = language;
  drawReasons();
  draw();
  work.draw();
}

async function begin() {
  byId("language").replaceChildren(...Object.entries(LANGUAGES).map(([code, name]) => option(code, name)));
  await speak(preferred());
  byId("language").addEventListener("change", async ({ target }) => {
    keep(target.value);
    await speak(target.value);
  });
  for (const each of PRESENCES) deeds(byId(each), () => become(each));
  deeds(byId("sign-out"), signOut);
  await signIn.resume();
}

begin();
