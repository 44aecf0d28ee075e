// In which order messages and files go: as they were written, though files go another way. What comes behind a file waits until
// that is there, and a file for all before it. Must not know sockets, requests, nor elements.

import { clean, draw } from "/chat/texts.js";

export class Turns {
  constructor(chat) {
    this.chat = chat;
  }

  // Those that have no answer yet, in order.
  get waiting() {
    return this.chat.underWay.filter((each) => !each.failed && !each.sent);
  }

  // Whether what is written now waits for one.
  get hasFile() {
    return this.waiting.some(({ file }) => file);
  }

  // What another tab of the customer's has not sent, which may have been closed or have crashed since, is said here, too: the
  // same id is the same message. What waits there behind a file is left to that tab, or to a reload.
  adopt() {
    const { keeping, conversation, entries } = this.chat, there = new Set(entries.map(({ id }) => id));
    return keeping.adopt(({ id, behind, ...each }) => !behind && each.conversation === conversation?.id && !there.has(id));
  }

  post(message) {
    const { id, text, conversation, file } = message, { waiting, chat } = this;
    if ((file ? waiting[0] : waiting.find((each) => each.file || each.id === id))?.id !== id) return;
    if (file) chat.files.send(message);
    else chat.link.send({ type: "send", id, text, conversation });
  }

  // Something is there, or is given up: if it was a file, what has waited for it goes on, and in any case the next file.
  goOn(isFile) {
    const next = isFile ? this.waiting : this.waiting.slice(0, 1).filter(({ file }) => file);
    for (const each of next) if (each.conversation) this.post(each);
  }

  // What is too large is not tried.
  sayFiles(chosen) {
    const { chat } = this;
    if (!chat.maxFile) return;
    const held = chat.files.hold(chosen, chat.maxFile, draw);
    for (const each of held) chat.put({ ...each, text: clean(each.text) || "file" });
    if (held.length < chosen.length) chat.problem = "file-too-large";
    chat.changed();
  }

  // What was not taken, as a new message: at once if the conversation goes on, else in another one.
  sayAgain(id) {
    const { chat } = this, message = chat.keeping.unsent.get(id), file = message?.file && chat.files.of(id);
    this.drop(id);
    if (file) this.sayFiles([file]);
    else if (message && !message.file) chat.say(message.text);
  }

  // There is a conversation for what has waited for one.
  begun(conversation) {
    for (const each of this.waiting.filter((each) => !each.conversation)) {
      this.chat.keeping.keep({ ...each, conversation });
      this.post({ ...each, conversation });
    }
  }

  // There is none, and why: files say so, and messages go back to where they were written.
  giveBack(code) {
    const { keeping } = this.chat, without = this.chat.underWay.filter((each) => !each.conversation && !each.sent);
    for (const each of without) each.file ? keeping.keep({ ...each, failed: code }) : keeping.drop(each.id);
    return without.filter((each) => !each.file);
  }

  // An own one is where it belongs.
  arrived({ id, kind }) {
    this.chat.files.stop(id);
    this.chat.keeping.drop(id);
    this.goOn(kind === "file");
  }

  // A file that has not been sent yet is not to be.
  drop(id) {
    this.chat.files.forget(id);
    this.chat.keeping.drop(id);
    this.goOn(true);
    this.chat.changed();
  }
}
