// What the browser keeps of a chat: who the visitor is (a token), which conversation it is, and what could not be sent yet.
//
// Nothing is stored before it may be: until the customer begins a chat, or the shop says that they have consented, all of it
// is in memory alone. Every message has an entry of its own, so that two tabs never write over each other's. Where the shop
// has filled up what all its tabs share, this tab's own storage has it, for a reload. There are no cookies. Must not know
// what the texts are for.

const UNSENT = ":unsent:";
const ALL_TABS = "localStorage", THIS_TAB = "sessionStorage";
const LIFE = 4 * 3_600_000; // milliseconds: of a token, where this computer's clock is of no use

export class Keeping {
  // `name`: of this chat, among all that the shop's pages keep. `consent`: true or false if the shop has said so, else null.
  // `changed(state)`: another tab has stored something.
  constructor(name, consent, changed) {
    this.name = name;
    this.consent = consent;
    this.state = {};
    this.unsent = new Map();
    this.draft = "";
    this.stores = false;
    this.changed = changed;
    window.addEventListener("storage", (event) => this.heard(event));
    if (consent === false) this.wipe();
    else this.load();
    if (consent === true) this.allow();
  }

  // The customer begins, or the shop says that they agree; whoever said no before is not overruled by beginning.
  allow() {
    if (this.consent === false || this.stores) return;
    this.stores = true;
    this.write(this.name, this.state);
    for (const each of this.unsent.values()) if (!each.file) this.write(this.name + UNSENT + each.id, each);
  }

  agree(consent) {
    this.consent = consent;
    if (consent) this.allow();
    else this.wipe();
  }

  set(changes) {
    this.state = { ...this.state, ...changes };
    // What has just been given is good: if it seems to have expired, it is this computer's clock that is hours ahead.
    if (changes.expires && Date.parse(changes.expires) <= Date.now()) this.state.expires = new Date(Date.now() + LIFE).toJSON();
    if (this.stores) this.write(this.name, this.state);
  }

  keep(message) {
    this.unsent.set(message.id, message);
    if (this.stores && !message.file) this.write(this.name + UNSENT + message.id, message);
  }

  // When something is written: never before what waits already, though the clock has been set back.
  get moment() {
    return Math.max(Date.now(), ...[...this.unsent.values()].map(({ at }) => at + 1));
  }

  // What other tabs have written and could not send, as far as it `fits`; all that is unsent is in order then.
  adopt(fits) {
    const fresh = this.messages().filter((each) => !each.failed && !this.unsent.has(each.id) && fits(each));
    if (fresh.length) this.unsent = new Map(inOrder([...this.unsent.values(), ...fresh]).map((each) => [each.id, each]));
    return fresh;
  }

  drop(id) {
    this.unsent.delete(id);
    this.remove(this.name + UNSENT + id);
  }

  // Another visitor from now on. What was written stays, to be sent again.
  forgetVisitor() {
    this.state = {};
    if (this.stores) this.write(this.name, this.state);
  }

  // Nothing of anybody's. Consent, and its lack, stay.
  forgetAll() {
    this.wipe();
    this.state = {};
    this.unsent.clear();
    this.draft = "";
    if (this.consent === true) this.allow();
  }

  // ---- inside

  load() {
    const state = this.read(this.name), messages = this.messages();
    if (state && Date.parse(state.expires) > Date.now()) {
      this.stores = true;
      this.state = state;
      for (const each of messages) this.unsent.set(each.id, each);
      return;
    }
    // Too long ago to be sent without being asked: the customer finds it where they wrote it.
    this.draft = messages.map((each) => each.text).join("\n");
    this.wipe();
  }

  wipe() {
    this.stores = false;
    this.remove(this.name);
    for (const key of this.keys()) this.remove(key);
  }

  heard(event) {
    if (event.key !== this.name || this.consent === false) return;
    const state = within(ALL_TABS, (storage) => JSON.parse(storage.getItem(this.name)));
    if (state) this.stores = true;
    else this.wipe(); // taken back there is taken back here
    if (state?.token) this.changed(state);
  }

  messages() {
    return inOrder(this.keys().map((key) => this.read(key)).filter((each) => each?.id));
  }

  keys() {
    const all = [ALL_TABS, THIS_TAB].flatMap((where) => within(where, (storage) => Object.keys(storage)) ?? []);
    return [...new Set(all)].filter((key) => key.startsWith(this.name + UNSENT));
  }

  read(key) {
    const [own, shared] = [THIS_TAB, ALL_TABS].map((where) => within(where, (storage) => JSON.parse(storage.getItem(key))));
    return own ?? shared;
  }

  // Nowhere, where neither can be: it is still in memory.
  write(key, value) {
    const text = JSON.stringify(value), put = (storage) => (storage.setItem(key, text), true);
    if (within(ALL_TABS, put)) within(THIS_TAB, (storage) => storage.removeItem(key));
    else within(THIS_TAB, put);
  }

  remove(key) {
    for (const where of [ALL_TABS, THIS_TAB]) within(where, (storage) => storage.removeItem(key));
  }
}

// What the browser does for this page; null where it keeps nothing for it, or has no room.
function within(where, deed) {
  try {
    return deed(window[where]);
  } catch {
    return null;
  }
}

function inOrder(messages) {
  return messages.sort((one, other) => one.at - other.at);
}
