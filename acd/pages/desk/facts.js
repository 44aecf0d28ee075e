// Names and values, one beside the other.

import { drawEach, make, setText } from "/pages/common/dom.js";

// `facts`: [key, name, value] of each.
export function drawFacts(list, facts) {
  const rows = facts.map(([key, name, value]) => ({ key, name, value }));
  const made = () => make("div", {}, make("dt"), make("dd"));
  drawEach(list, rows, made, (child, { name, value }) => {
    setText(child.children[0], name);
    setText(child.children[1], value);
  });
}
