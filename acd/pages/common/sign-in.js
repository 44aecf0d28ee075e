// The form in which people sign in, and whoever was signed in before the page was loaded. Must not know what a page
// shows to whom, only that it has a form with a field for the token, and shows it again when told to leave.

import { byId } from "/pages/common/dom.js";

const AGAIN = 2_000; // milliseconds

export class SignIn {
  // `enter()` shows the page to `session.who`; `leave(why)` shows the form; `say(word, values, instead)` what is wrong,
  // nothing for null. `refusals`: by the API's code the page's own word for it.
  constructor({ session, enter, leave, say, refusals = {} }) {
    this.session = session;
    this.enter = enter;
    this.leave = leave;
    this.say = say;
    this.refusals = refusals;
    byId("sign-in").addEventListener("submit", (event) => this.submit(event));
  }

  async resume() {
    try {
      if (await this.session.resume()) await this.enter();
      else this.leave(null);
    } catch (error) {
      if (!error.isPassing) return this.refuse(error, "problem.session-ended");
      // The engine is away, or has just begun: whoever was signed in still is.
      this.say(`problem.${error.code}`, {}, error.message);
      setTimeout(() => this.resume(), AGAIN);
    }
  }

  async submit(event) {
    event.preventDefault();
    const field = byId("token"), button = byId("enter"), token = field.value.trim();
    if (button.disabled || !token) return;
    button.disabled = true;
    this.say(null);
    let stranger = "problem.wrong-token";
    try {
      field.value = "";
      await this.session.begin(token);
      stranger = "problem.no-cookie"; // who has begun a session is known, unless the browser does not say who asks
      await this.enter();
    } catch (error) {
      await this.refuse(error, stranger);
    } finally {
      button.disabled = false;
    }
  }

  // Nobody is signed in, for this reason; `stranger` is said where the API knows nobody.
  async refuse(error, stranger) {
    if (this.session.who) await this.session.end().catch(() => this.session.forget());
    this.leave(null);
    this.say(error.isStranger ? stranger : (this.refusals[error.code] ?? `problem.${error.code}`), {}, error.message);
  }
}
