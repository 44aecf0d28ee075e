// The window's own words, in the language of the page around it.

import { native } from "/chat/dom.js";

const LANGUAGES = ["en", "zh"];

export class Words {
  constructor() {
    this.language = "en";
    this.found = {};
  }

  // As the shop says, else as its page is, else as the browser prefers, else English.
  async load(asked) {
    const wanted = [asked, native("documentElement").lang, ...navigator.languages, "en"];
    this.language = wanted.map((each) => each.slice(0, 2).toLowerCase()).find((each) => LANGUAGES.includes(each));
    const answer = await fetch(new URL(`words.${this.language}.json`, import.meta.url));
    this.found = await answer.json();
  }

  // The word, with values for what it has in braces; `instead` where there is none of this name.
  say(name, values = {}, instead = name) {
    const text = Object.hasOwn(this.found, name) ? this.found[name] : instead;
    return text.replace(/\{(\w+)\}/g, (whole, key) => (Object.hasOwn(values, key) ? values[key] : whole));
  }

  // The time of day, with the date if it is not of today.
  time(moment) {
    const at = new Date(moment), date = at.toDateString() === new Date().toDateString() ? {} : { month: "short", day: "numeric" };
    return new Intl.DateTimeFormat(this.language, { ...date, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
  }

  // How long a wait may take, in words that do not promise seconds.
  wait(seconds) {
    const minutes = Math.ceil(seconds / 60);
    return minutes <= 1 ? this.say("wait.short") : this.say("wait.minutes", { minutes: String(minutes) });
  }
}
