// What a browser keeps for the page, where it keeps anything: small choices, nothing about anybody.

export function kept(storage, name) {
  try {
    return window[storage].getItem(name);
  } catch {
    return null;
  }
}

// Without a value it is kept no longer.
export function keep(storage, name, value) {
  try {
    if (value) window[storage].setItem(name, value);
    else window[storage].removeItem(name);
  } catch {
    // Not where nothing may be kept: then it is as if nothing had been chosen, next time.
  }
}
