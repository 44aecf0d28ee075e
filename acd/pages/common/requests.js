// Asks the API, in the name of the session whose cookie the browser sends by itself. A token is sent only where one is
// given, and kept nowhere.

const PATIENCE = 10_000; // milliseconds
const TOKEN = /^[!-~]+$/; // of anything else no header can be made, and no token is

// An answer other than success. `code` is the API's, which is stable; "offline" where there was no answer.
export class Refused extends Error {
  constructor(status, code, detail) {
    super(detail);
    this.status = status;
    this.code = code;
  }

  // Whether nobody is signed in (any more).
  get isStranger() {
    return this.status === 401;
  }

  // Whether it is worth asking again: the other end is away, stopping or has too much to do.
  get isPassing() {
    return this.code === "offline" || this.status === 429 || this.status >= 500;
  }
}

export async function ask(method, path, { token, body } = {}) {
  if (token && !TOKEN.test(token)) throw new Refused(401, "unauthorized", "A token has no such characters.");
  const headers = {};
  if (token) headers.Authorization = `Bearer ${token}`;
  if (body) headers["Content-Type"] = "application/json";
  let answer, found;
  try {
    answer = await fetch(path, {
      method,
      headers,
      body: body && JSON.stringify(body),
      credentials: "same-origin",
      cache: "no-store",
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE),
    });
    found = await answer.json();
  } catch (error) {
    throw new Refused(answer?.status ?? 0, "offline", String(error));
  }
  if (!answer.ok) throw new Refused(answer.status, String(found.code), String(found.detail));
  return found;
}
