// What a shop says by its script tag: data-channel, data-title, … Owns the names of these attributes and their defaults; must
// not know what follows from them.

const ATTRIBUTE = "data-attribute-";
const MOST = { name: 100, number: 40, attribute: 200, attributes: 10 }; // characters, and how many
const NAME = /^[A-Za-z0-9_.-]{1,64}$/;

export function settingsOf(script) {
  const said = script.dataset;
  const given = script.getAttributeNames().filter((each) => each.startsWith(ATTRIBUTE));
  return {
    channel: said.channel ?? "",
    queue: said.queue ?? "",
    language: said.lang ?? "",
    title: said.title ?? "",
    greeting: said.greeting ?? "",
    button: said.button ?? "",
    hours: said.hours ?? "",
    color: said.color ?? "",
    position: said.position === "left" ? "left" : "right",
    theme: ["dark", "auto"].includes(said.theme) ? said.theme : "light",
    consent: said.consent === "given" ? true : said.consent === "none" ? false : null,
    visitor: visitorOf({
      name: said.name,
      number: said.number,
      identity: said.identity,
      attributes: Object.fromEntries(given.map((each) => [each.slice(ATTRIBUTE.length), script.getAttribute(each)])),
    }),
  };
}

// Who the shop says the customer is, as far as the protocol takes it: what is too long is cut, what is none is left out.
// `identity`: what the shop's server has signed; it is passed on as it is, and only acd says whether it is good.
export function visitorOf({ name, number, identity, attributes } = {}) {
  const visitor = {};
  if (name) visitor.name = cut(name, MOST.name);
  if (number) visitor.number = cut(number, MOST.number);
  if (identity) visitor.identity = String(identity);
  const taken = Object.entries(attributes ?? {}).filter(([key]) => NAME.test(key)).slice(0, MOST.attributes);
  if (taken.length) {
    visitor.attributes = Object.fromEntries(taken.map(([key, value]) => [key, cut(value, MOST.attribute)]));
  }
  return visitor;
}

// Whose statement it is: the shop's own id of the customer. It decides nothing but whether this is somebody else than before.
export function accountOf({ identity = "" }) {
  try {
    const body = identity.split(".")[1].replace(/-/g, "+").replace(/_/g, "/");
    return String(JSON.parse(atob(body)).sub ?? "");
  } catch {
    return "";
  }
}

function cut(value, most) {
  const text = String(value).replace(/[\u0000-\u001f\u007f]/g, " ");
  return [...(text.toWellFormed?.() ?? text)].slice(0, most).join("");
}
