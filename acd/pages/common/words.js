// The page's own words, in the language of whoever reads it. They are in files beside the page, one for each language;
// an element with `data-word` has the word of that name as its text.

import { setText } from "/pages/common/dom.js";

const CHOSEN = "acd-language";
const DAY = 24 * 3600 * 1_000; // milliseconds
export const LANGUAGES = { en: "English", zh: "中文" };

export class Words {
  // `folder`: where the page's `words.LANGUAGE.json` are.
  constructor(folder) {
    this.folder = folder;
    this.language = "";
    this.found = {};
  }

  async use(language) {
    const answer = await fetch(`${this.folder}/words.${language}.json`);
    this.found = await answer.json();
    this.language = language;
    document.documentElement.lang = language;
    for (const each of document.querySelectorAll("[data-word]")) setText(each, this.say(each.dataset.word));
    document.title = this.say("title");
  }

  // The word, with values for what it has in braces; `instead` where there is none of this name.
  say(name, values = {}, instead = name) {
    const text = Object.hasOwn(this.found, name) ? this.found[name] : instead;
    return text.replace(/\{(\w+)\}/g, (whole, key) => (Object.hasOwn(values, key) ? values[key] : whole));
  }

  // The time of day, by 24 hours; with the date if it is not of the last 24 hours.
  time(moment) {
    const at = new Date(moment), old = Date.now() - at > DAY;
    const date = old ? { month: "2-digit", day: "2-digit" } : {};
    return new Intl.DateTimeFormat(this.language, { ...date, hour: "2-digit", minute: "2-digit", hourCycle: "h23" }).format(at);
  }
}

// The language that was chosen on this machine, else the first of the browser's that there is, else English.
export function preferred() {
  const wanted = [kept(), ...navigator.languages].map((each) => (each ?? "").slice(0, 2).toLowerCase());
  return wanted.find((each) => Object.hasOwn(LANGUAGES, each)) ?? "en";
}

export function keep(language) {
  try {
    localStorage.setItem(CHOSEN, language);
  } catch {
    // Not where nothing may be kept: then it is the browser's language again next time.
  }
}

function kept() {
  try {
    return localStorage.getItem(CHOSEN);
  } catch {
    return null;
  }
}
