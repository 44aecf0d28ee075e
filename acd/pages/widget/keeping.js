// What the browser keeps of a chat: who the visitor is (a token), which conversation it is, and what could not be sent yet.
//
// Nothing is stored before it may be: until the customer begins a chat, or the shop says that they have consented, all of it
// is in memory alone. Every message has an entry of its own, so that two tabs never write over each other's. There are no
// cookies. Must not know what the texts are for.

const UNSENT = ":unsent:";

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
    if (this.stores) this.write(this.name, this.state);
  }

  keep(message) {
    this.unsent.set(message.id, message);
    if (this.stores && !message.file) this.write(this.name + UNSENT + message.id, message);
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
    const state = this.read(this.name), messages = this.keys().map((key) => this.read(key)).filter((each) => each?.id);
    messages.sort((one, other) => one.at - other.at);
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
    const state = this.read(this.name);
    this.stores = state !== null; // taken back there is taken back here
    if (state?.token) this.changed(state);
  }

  keys() {
    try {
      return Object.keys(localStorage).filter((key) => key.startsWith(this.name + UNSENT));
    } catch {
      return []; // The browser keeps nothing for this page: then it is all in memory.
    }
  }

  read(key) {
    try {
      return JSON.parse(localStorage.getItem(key));
    } catch {
      return null;
    }
  }

  write(key, value) {
    try {
      localStorage.setItem(key, JSON.stringify(value));
    } catch {
      // Full, or not allowed: it is still in memory.
    }
  }

  remove(key) {
    try {
      localStorage.removeItem(key);
    } catch {
      // Then there is nothing to remove.
    }
  }
}
