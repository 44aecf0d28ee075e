// Messages that neither get lost nor come twice, over sockets that break: the page's end of `acd_webrtc.session`.
//
// Texts go out by `send`, as soon as the other end has said welcome; what it has not confirmed goes out again over the
// next socket. `hear` gives what is new in a text, or null.

export class Session {
  constructor(send) {
    this.send = send;
    this.number = 0; // not known before the first welcome
    this.sent = 0;
    this.got = 0;
    this.waiting = [];
    this.welcome = false;
    this.polite = false;
  }

  // A socket is there: say where we are. Nothing else goes out before the answer.
  hello() {
    this.welcome = false;
    this.send(this.number ? { type: "hello", session: this.number, got: this.got } : { type: "hello" });
  }

  // The socket is gone.
  cut() {
    this.welcome = false;
  }

  say(body) {
    const text = { type: "message", number: ++this.sent, got: this.got, body };
    this.waiting.push(text);
    if (this.welcome) this.send(text);
  }

  hear(text) {
    if (text.type === "welcome") {
      this.number = text.session;
      this.polite = text.polite;
      this.confirmed(text.got);
      this.welcome = true;
      for (const each of this.waiting) this.send(each);
      return null;
    }
    this.confirmed(text.got);
    if (text.type !== "message" || text.number !== this.got + 1) return null;
    this.got = text.number;
    return text.body;
  }

  // Say that everything so far has been acted upon.
  confirm() {
    if (this.welcome) this.send({ type: "got", got: this.got });
  }

  confirmed(got) {
    while (this.waiting.length && this.waiting[0].number <= got) this.waiting.shift();
  }
}
