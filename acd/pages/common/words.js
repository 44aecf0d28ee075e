// The page's own words, in the language of whoever reads it. They are in files beside the page, one for each language;
// an element with `data-word` has the word of that name as its text.

import { setText } from "/pages/common/dom.js";

const CHOSEN = "acd-language";
const DAY = 24 * 3600 * 1_000, AGAIN = 2_000; // milliseconds
const PROBLEM = "problem.", OTHER = "problem.other";
export const LANGUAGES = { en: "English", zh: "中文" };

export class Words {
  // `folder`: where the page's `words.LANGUAGE.json` are.
  constructor(folder) {
    this.folder = folder;
    this.language = "";
    this.found = {};
    this.turn = 0; // the last language that was asked for counts, however long its words are on the way
  }

  // Where its words cannot be had: those that are there stay; at first, others than none.
  async use(language) {
    const turn = (this.turn += 1);
    let used = language, found = await this.read(used);
    while (!found && !this.language && turn === this.turn) {
      for (const each of Object.keys(LANGUAGES)) if (!found) found = await this.read((used = each));
      if (!found) await new Promise((done) => setTimeout(done, AGAIN));
    }
    if (!found || turn !== this.turn) return;
    this.found = found;
    this.language = used;
    document.documentElement.lang = used;
    for (const each of document.querySelectorAll("[data-word]")) setText(each, this.say(each.dataset.word));
    document.title = this.say("title");
  }

  async read(language) {
    try {
      const answer = await fetch(`${this.folder}/words.${language}.json`);
      return answer.ok ? await answer.json() : null;
    } catch {
      return null;
    }
  }

  // The word, with values for what it has in braces; `instead` where there is none of this name. A problem that has no
  // word of its own has a common one: what the API says of it is for developers, and English.
  say(name, values = {}, instead = name) {
    if (name.startsWith(PROBLEM) && !Object.hasOwn(this.found, name) && Object.hasOwn(this.found, OTHER)) {
      return this.say(OTHER, { code: name.slice(PROBLEM.length) });
    }
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
