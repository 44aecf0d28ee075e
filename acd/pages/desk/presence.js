// How an agent stands, in words, and what has to be asked of the API so that they stand otherwise. Knows no element of
// the page.

// What an agent is, or is on the way to once the work in hand is done.
export function towards(agent) {
  return agent.presence === "draining" ? (agent.next_presence ?? "not-ready") : agent.presence;
}

export function sentence(words, agent) {
  const target = towards(agent);
  const reason = target === "not-ready" && agent.reason ? reasonIn(words, agent.reason) : "";
  const state = reason
    ? words.say("state.because", { state: words.say(`state.${target}`), reason })
    : words.say(`state.${target}`);
  return agent.presence === "draining"
    ? words.say("state.draining", { state })
    : words.say("state.since", { state, time: words.time(agent.since) });
}

// Codes that the page has no word for are the centre's own, and are shown as they are.
export function reasonIn(words, code) {
  return words.say(`reason.${code}`, {}, code);
}

// [method, path, body] of the request after which the agent is `wanted` (ready, not-ready, signed-out); null: they are.
export function request(agent, wanted, reason) {
  const path = `/v1/agents/${encodeURIComponent(agent.id)}`;
  if (agent.presence === "signed-out") {
    if (wanted === "signed-out") return null;
    return ["POST", `${path}/sign-in`, wanted === "ready" ? { ready: true } : { ready: false, reason }];
  }
  if (wanted === "signed-out") return ["POST", `${path}/sign-out`, undefined];
  return ["PUT", `${path}/presence`, wanted === "ready" ? { presence: wanted } : { presence: wanted, reason }];
}
