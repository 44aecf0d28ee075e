// Notes that an agent has written and nobody has answered yet: drafts, and what is on its way to the server, by
// interaction. Kept for this tab alone (sessionStorage) until the server has it, so that no reload, cut or end of the work
// loses it, and gone when the agent signs out. Each has an id of its own: the same id is the same note there.

import { ask } from "/pages/common/requests.js";

const PREFIX = "acd-note:";
const FIRST_PAUSE = 500, LONGEST_PAUSE = 15_000; // milliseconds
const NOTHING = { draft: "", as: "", out: [] };

const known = new Map(stored()); // what was written in a tab that may keep nothing lasts until it is reloaded
let owner = "", heard = null, busy = false, timer = 0, pause = FIRST_PAUSE;

// Whoever looks is told: `changed(id)`, `saved(id, note)`, `stranger(error)`.
export function listen(listener) {
  heard = listener;
}

// This agent is signed in: what waits is sent; of anybody else nothing is kept.
export function resume(agent) {
  owner = agent;
  for (const key of [...known.keys()]) if (!key.startsWith(keyOf(""))) drop(key);
  send();
}

// The agent has signed out: nothing more is sent, and nothing is kept.
export function forget() {
  owner = "";
  clearTimeout(timer);
  for (const key of [...known.keys()]) drop(key);
}

export function keptOf(id) {
  return known.get(keyOf(id)) ?? NOTHING;
}

export function keepDraft(id, draft) {
  keep(id, { draft });
}

// The draft is a note from now on. A tab that has been duplicated has the same draft: it is the same note there.
export function add(id, text) {
  const { draft, as, out } = keptOf(id), note = as && text === clean(draft) ? as : drawn();
  keep(id, { draft: "", out: [...out, { id: note, text, refused: null }] });
  heard?.changed(id);
  pause = FIRST_PAUSE;
  send();
}

// These are in hand. A draft about anything else is done: it is a note now, as it is.
export function settle(ids) {
  const own = keyOf(""), mine = new Set(ids);
  for (const [key, { draft }] of [...known]) {
    const id = key.startsWith(own) ? decodeURIComponent(key.slice(own.length)) : null;
    if (id === null || mine.has(id) || !draft) continue;
    if (draft.trim()) add(id, clean(draft));
    else keep(id, { draft: "" });
  }
}

// What is no text for acd goes: control characters, which come along when something is pasted.
export function clean(text) {
  return text.replace(/[\u0000-\u0008\u000b-\u001f\u007f]/g, "").trim();
}

// What was refused goes back to where it can be written otherwise.
export function takeBack(id, item) {
  const { draft, out } = keptOf(id);
  keep(id, { draft: [draft, item.text].filter(Boolean).join("\n"), out: out.filter((each) => each.id !== item.id) });
  heard?.changed(id);
}

export function sendNow() {
  pause = FIRST_PAUSE;
  send();
}

window.addEventListener("online", sendNow);

async function send() {
  if (busy || !owner) return;
  clearTimeout(timer);
  busy = true;
  try {
    for (let next = first(); next && owner; next = first()) await post(next);
  } catch (error) {
    if (error.isStranger) heard?.stranger(error);
    else later();
  } finally {
    busy = false;
  }
}

// [interaction, note] that waits and has not been refused.
function first() {
  const own = keyOf("");
  for (const [key, { out }] of known) {
    const item = key.startsWith(own) && out.find((each) => !each.refused);
    if (item) return [decodeURIComponent(key.slice(own.length)), item];
  }
  return null;
}

async function post([id, item]) {
  const agent = owner, work = `/v1/agents/${encodeURIComponent(agent)}/work/${encodeURIComponent(id)}`;
  let refused = null, note = null;
  try {
    note = await ask("POST", `${work}/notes`, { body: { id: item.id, text: item.text } });
  } catch (error) {
    if (error.isPassing || error.isStranger) throw error;
    refused = { code: error.code, detail: error.message };
  }
  if (owner !== agent) return;
  pause = FIRST_PAUSE;
  const rest = keptOf(id).out.filter((each) => each.id !== item.id);
  keep(id, { out: refused ? [...rest, { ...item, refused }] : rest });
  if (note) heard?.saved(id, note);
  heard?.changed(id);
}

function later() {
  if (!owner) return;
  timer = setTimeout(send, pause * (0.5 + Math.random() / 2));
  pause = Math.min(LONGEST_PAUSE, pause * 2);
}

function keep(id, change) {
  const key = keyOf(id), value = { ...keptOf(id), ...change };
  if (change.draft !== undefined) value.as = change.draft ? drawn() : "";
  if (!value.draft && value.out.length === 0) return drop(key);
  known.set(key, value);
  attempt(() => sessionStorage.setItem(key, JSON.stringify(value)));
}

function drop(key) {
  known.delete(key);
  attempt(() => sessionStorage.removeItem(key));
}

function keyOf(id) {
  return `${PREFIX}${encodeURIComponent(owner)}:${encodeURIComponent(id)}`;
}

function stored() {
  const found = [];
  attempt(() => {
    for (const key of Object.keys(sessionStorage).filter((each) => each.startsWith(PREFIX))) {
      found.push([key, { ...NOTHING, ...JSON.parse(sessionStorage.getItem(key)) }]);
    }
  });
  return found;
}

// Where nothing may be kept, or there is no room, it is not kept.
function attempt(deed) {
  try {
    deed();
  } catch {
    // As above.
  }
}

// Not `randomUUID`, which there is over TLS only.
function drawn() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((each) => each.toString(16).padStart(2, "0")).join("");
}
