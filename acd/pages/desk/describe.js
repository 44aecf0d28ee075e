// What a work item is, in words, and what can be done about it. Knows no element of the page, and asks nothing.

import { figures } from "/desk/clock.js";

const MOST_CONSULTS = 4;
// Attributes that have a place of their own on the page, or are notes of acd's for machines: ids, files, figures.
const OWN = /^(recording(\..*)?|continues|chat\.rating|call\.(instead|before|beside|(score|loss|jitter|round_trip)\..*))$/;
const FROM = /^(web|menu)\.(.+)$/; // so begins what a customer's page says, and what was pressed or entered in a menu
const SPOKEN = new Set(["voice", "video"]);

export const isTalk = ({ work }) => work.state === "active" || work.state === "held";

// Names of the controls that make sense now; the API has the last word.
export function controls(item) {
  const { work, part, interaction, terms, recording, conversation, consults } = item;
  if (work.state === "wrap-up") return new Set(["done", ...(terms.extendable_to ? ["extend"] : [])]);
  if (!isTalk(item) || part === "none" || !interaction) return new Set();
  const owner = part === "owner", advice = Boolean(interaction.parent), alone = !interaction.participants.length;
  return new Set([
    ...(conversation || advice ? [] : [work.state === "held" ? "resume" : "hold"]),
    ...(owner && alone && !advice ? ["transfer"] : []),
    ...(owner && !advice && !conversation && consults.length < MOST_CONSULTS ? ["consult"] : []),
    ...({ recording: ["record-pause"], paused: ["record-resume"] }[recording] ?? []),
    ...(terms.wrap_up === "optional" && !work.wants_wrap_up ? ["want-wrap-up"] : []),
    ...(alone ? [] : ["leave"]),
    ...(owner && interaction.kind === "callback" ? ["not-reached"] : []),
    ...(owner ? ["end"] : []),
  ]);
}

export function title(words, item, names) {
  const queue = item.terms.title || item.work.queue;
  const channel = words.say(`channel.${item.work.channel}`, {}, item.work.channel);
  const { parent, asking, kind } = item.interaction ?? {};
  if (parent) return words.say("item.consult", { queue, who: names[asking] || asking || "" });
  return words.say(kind === "callback" ? "item.callback" : "item.plain", { queue, channel });
}

export function standing(words, item, names) {
  const { work, part, interaction } = item;
  const spoken = words.say(`work.${work.state}`);
  // Some languages have another word for it where nobody speaks.
  const state = SPOKEN.has(work.channel) ? spoken : words.say(`work.${work.state}.written`, {}, spoken);
  if (work.state === "wrap-up" || !interaction) return state;
  const others = [interaction.agent, ...interaction.participants].filter((each) => each && part !== "none");
  if (others.length < 2) return state;
  return words.say("work.together", { state, who: others.map((each) => names[each] || each).join(", ") });
}

// How long it has been so, or is to be so yet.
export function duration(words, item, clock) {
  const { state, since, deadline } = item.work;
  if (state === "wrap-up" && deadline) return words.say("time.left", { time: figures(clock.left(deadline)) });
  const time = figures(clock.passed(since));
  return state === "held" ? words.say("time.all", { time }) : time; // it counts from the beginning, not from the hold
}

// [key, name, value] of what is known: of the customer, of the wait, and what other systems have said.
export function facts(words, item, customer) {
  const { interaction, work } = item, found = [];
  if (!interaction) return found;
  if (customer?.known) {
    const who = [customer.name, customer.number].filter(Boolean).join(" · ");
    if (who) found.push([" customer", words.say("fact.customer"), who]);
  }
  found.push([" queue", words.say("fact.queue"), item.terms.title || work.queue]);
  if (interaction.waited_seconds !== null) {
    found.push([" waited", words.say("fact.waited"), figures(interaction.waited_seconds)]);
  }
  if (interaction.offers_made > 1) {
    found.push([" offers", words.say("fact.offers"), String(interaction.offers_made - 1)]);
  }
  for (const [name, value] of Object.entries(interaction.attributes)) {
    if (!OWN.test(name)) found.push([name, attribute(words, name), value]);
  }
  return found;
}

// Who a conversation's customer is, as far as their page says.
export const claimed = (conversation) => [conversation?.name, conversation?.number].filter(Boolean).join(" · ");

// What a page says anybody can make it say: whoever reads it is told where it is from.
function attribute(words, name) {
  const [, from, rest] = FROM.exec(name) ?? [];
  if (!from) return words.say(`attribute.${name}`, {}, name);
  return words.say(`attribute.${from}`, { name: words.say(`attribute.${rest}`, {}, rest) });
}
