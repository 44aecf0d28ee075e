// What a call out of the chat is let in with: asked for over the chat's connection, each once, and waited for.
//
// Must not know what is called with them (calling.js), nor the connection.

const WITHIN = 8_000; // milliseconds

export class Tickets {
  constructor() {
    this.asked = new Map(); // id of a call → what becomes of it
  }

  // `send(message)`: whether it could be sent. Throws an error with a code where it is refused.
  ask(id, named, send) {
    const asked = new Promise((resolve, reject) => {
      this.asked.set(id, { resolve, reject });
      setTimeout(() => reject(new Error("no answer")), WITHIN);
      if (!send({ type: "call", id, ...named })) reject(new Error("no connection"));
    });
    return asked.finally(() => this.asked.delete(id));
  }

  given(message) {
    this.asked.get(message.id)?.resolve(message);
  }

  refused(id, code) {
    this.asked.get(id)?.reject(Object.assign(new Error(code), { code }));
  }
}
