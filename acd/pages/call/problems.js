// What can be in the way of a call, as codes that do not change; what is shown for them is up to the page.
//
//   insecure             the browser gives a microphone to pages over https only
//   permission-refused   the person, or the browser's settings, let the page have no microphone (camera, screen)
//   no-microphone        there is none (no-camera: no camera)
//   microphone-busy      another program has it, or it does not work
//   no-media             the two browsers found no way to each other, not even through TURN
//   replaced             the call goes on in another tab
//   signed-out           nobody is signed in any more; the two hear each other all the same, and who signs in again goes on
//   gone                 the call is none of the agent's any more
//   no-sound             the browser plays no sound before the person has clicked somewhere
//   refused              the server did not take what was said; a fault of ours
//   …                    whatever else the server refuses with: queue-closed, too-many-calls, too-often, …

export class Problem extends Error {
  constructor(code, detail = "") {
    super(detail || code);
    this.code = code;
    this.detail = detail;
  }
}
