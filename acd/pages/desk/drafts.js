// What an agent has written and nobody has answered yet, by conversation: the draft, and messages that wait. It is kept
// for this tab alone (sessionStorage), so that no reload loses it, and goes when the agent signs out.

const PREFIX = "acd-desk:";
const MOST = 100; // conversations with a draft
const NOTHING = { draft: "", out: [] };

// What was written in a tab that may keep nothing lasts until it is reloaded.
const known = new Map(stored());

export function keptOf(agent, interactionId) {
  return known.get(keyOf(agent, interactionId)) ?? NOTHING;
}

// Keep `change` ({draft} or {out}) beside what there is.
export function keep(agent, interactionId, change) {
  const key = keyOf(agent, interactionId), value = { ...keptOf(agent, interactionId), ...change };
  if (!value.draft && value.out.length === 0) return drop(key);
  known.set(key, value);
  if (known.size > MOST) {
    const oldest = [...known].find(([each, { out }]) => each !== key && out.length === 0);
    if (oldest) drop(oldest[0]);
  }
  attempt(() => sessionStorage.setItem(key, JSON.stringify(value)));
}

// Conversations of this agent in which messages wait.
export function waiting(agent) {
  const own = keyOf(agent, "");
  return [...known]
    .filter(([key, { out }]) => key.startsWith(own) && out.length > 0)
    .map(([key]) => decodeURIComponent(key.slice(own.length)));
}

// Everything, or everything that is not this agent's.
export function forgetAll({ but = "" } = {}) {
  for (const key of [...known.keys()]) if (!but || !key.startsWith(keyOf(but, ""))) drop(key);
}

function drop(key) {
  known.delete(key);
  attempt(() => sessionStorage.removeItem(key));
}

function keyOf(agent, interactionId) {
  return `${PREFIX}${encodeURIComponent(agent)}:${encodeURIComponent(interactionId)}`;
}

function stored() {
  const found = [];
  attempt(() => {
    for (let index = 0; index < sessionStorage.length; index += 1) {
      const key = sessionStorage.key(index);
      if (key.startsWith(PREFIX)) found.push([key, { ...NOTHING, ...JSON.parse(sessionStorage.getItem(key)) }]);
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
