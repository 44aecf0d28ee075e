// Microphones, cameras, screens and loudspeakers: asked for, chosen, and errors of browsers as codes (problems.js).

import { Problem } from "/pages/call/problems.js";

const SOUND = { echoCancellation: true, noiseSuppression: true, autoGainControl: true };
const CODES = {
  NotAllowedError: "permission-refused",
  SecurityError: "permission-refused",
  NotFoundError: "no-{}",
  OverconstrainedError: "no-{}",
  DevicesNotFoundError: "no-{}",
  NotReadableError: "{}-busy",
  AbortError: "{}-busy",
};

export async function microphone(deviceId) {
  return track("microphone", { audio: { ...SOUND, ...exact(deviceId) } });
}

export async function camera(deviceId) {
  return track("camera", { video: { width: { ideal: 1280 }, ...exact(deviceId) } });
}

export async function screen() {
  if (!navigator.mediaDevices?.getDisplayMedia) throw new Problem("no-screen");
  return got("screen", navigator.mediaDevices.getDisplayMedia({ video: true }));
}

// Those there are, by kind: "audioinput", "audiooutput", "videoinput". Names are empty before a permission is given.
export async function devices(kind) {
  if (!navigator.mediaDevices) throw new Problem("insecure");
  const found = await navigator.mediaDevices.enumerateDevices();
  return found.filter((each) => each.kind === kind).map((each) => ({ id: each.deviceId, name: each.label }));
}

// Have an <audio> play by this loudspeaker; false where the browser has no choice.
export async function loudspeaker(audio, deviceId) {
  if (!audio.setSinkId) return false;
  try {
    await audio.setSinkId(deviceId);
    return true;
  } catch (error) {
    throw new Problem(error.name === "NotFoundError" ? "no-loudspeaker" : "permission-refused", String(error));
  }
}

function exact(deviceId) {
  return deviceId ? { deviceId: { exact: deviceId } } : {};
}

async function track(what, wanted) {
  if (!navigator.mediaDevices?.getUserMedia) throw new Problem("insecure");
  return got(what, navigator.mediaDevices.getUserMedia(wanted));
}

async function got(what, promise) {
  try {
    return (await promise).getTracks()[0];
  } catch (error) {
    throw new Problem((CODES[error.name] ?? "{}-busy").replace("{}", what), String(error));
  }
}
