// The microphone and the loudspeaker for calls in this page: what there is, what the agent has chosen, kept in this
// browser for every call. Knows no call: whoever has one is told of a choice.

import { byId, option, setText } from "/pages/common/dom.js";
import { keep, kept } from "/pages/common/kept.js";

const CHOSEN = "acd.phone.devices";
const LISTS = { input: ["microphone", "audioinput"], output: ["loudspeaker", "audiooutput"] };

// { input, output }: ids; empty ones are the browser's own choice.
export function chosenDevices() {
  try {
    const { input = "", output = "" } = JSON.parse(kept("localStorage", CHOSEN) ?? "{}");
    return { input: String(input), output: String(output) };
  } catch {
    return { input: "", output: "" };
  }
}

export function keepDevices(devices) {
  keep("localStorage", CHOSEN, JSON.stringify(devices));
}

export class Devices {
  // `chosen({ input, output })`: calls are to use these from now on.
  constructor({ words, chosen }) {
    this.words = words;
    this.chosen = chosen;
    this.found = [];
    this.canChooseOutput = "setSinkId" in HTMLMediaElement.prototype;
    for (const [kind, [id]] of Object.entries(LISTS)) {
      byId(id).addEventListener("change", () => this.choose(kind, byId(id).value));
    }
    navigator.mediaDevices?.addEventListener?.("devicechange", () => this.look());
    byId("devices").addEventListener("toggle", () => byId("devices").open && this.look());
  }

  // They have names once the microphone has been allowed; so it is looked again after every call has begun.
  async look() {
    const found = (await navigator.mediaDevices?.enumerateDevices().catch(() => [])) ?? [];
    this.found = found.filter((each) => each.deviceId);
    this.draw();
  }

  show(wanted) {
    if (byId("devices").hidden !== wanted) return;
    byId("devices").hidden = !wanted;
    if (wanted) this.look();
  }

  draw() {
    const now = chosenDevices();
    byId("loudspeaker-choice").hidden = !this.canChooseOutput;
    for (const [kind, [id, wanted]] of Object.entries(LISTS)) {
      const list = byId(id), of = this.found.filter((each) => each.kind === wanted && each.deviceId !== "default");
      const name = (each, index) => each.label || this.words.say(`${id}.numbered`, { number: index + 1 });
      const rows = of.map((each, index) => [each.deviceId, name(each, index)]);
      const all = [["", this.words.say("device.default")], ...rows], values = (each) => JSON.stringify(each);
      const same = values([...list.options].map((each) => each.value)) === values(all.map(([value]) => value));
      if (!same) list.replaceChildren(...all.map((row) => option(...row)));
      else for (const [index, [, text]] of all.entries()) setText(list.options[index], text);
      list.value = of.some((each) => each.deviceId === now[kind]) ? now[kind] : "";
    }
  }

  choose(kind, id) {
    const devices = { ...chosenDevices(), [kind]: id };
    keepDevices(devices);
    this.chosen(devices);
  }
}
