// Texts of messages as nodes: an address of the web can be followed, everything else stays text. What is shown is what
// was written, to the letter.

import { make } from "/pages/common/dom.js";

// Only what an address is made of: behind one in a Chinese sentence the next word follows without a space.
const ADDRESS = /(?<![A-Za-z0-9])https?:\/\/[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=%]+/gi;
const SCHEMES = new Set(["http:", "https:"]);

export function nodes(text) {
  const found = [];
  let from = 0;
  for (const match of text.matchAll(ADDRESS)) {
    const address = ended(match[0]), link = linked(address);
    if (!link) continue;
    found.push(text.slice(from, match.index), link);
    from = match.index + address.length;
  }
  return [...found, text.slice(from)];
}

// Without the sentence's own signs at the end.
function ended(address) {
  const shorter = address.replace(/[.,:;!?'*]+$/, "");
  const brackets = shorter.endsWith(")") && !shorter.includes("(");
  return brackets || shorter.endsWith("]") ? ended(shorter.slice(0, -1)) : shorter;
}

function linked(address) {
  let url;
  try {
    url = new URL(address);
  } catch {
    return null;
  }
  // A name before the host is there to deceive.
  if (!SCHEMES.has(url.protocol) || url.username || url.password) return null;
  return make("a", { href: url.href, target: "_blank", rel: "noopener noreferrer" }, address);
}
