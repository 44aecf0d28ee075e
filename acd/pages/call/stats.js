// What `getStats` says of how the other is heard, in the form in which the server takes it; and a little more for whoever
// shows or tests it.

export async function sampled(connection) {
  const report = [...(await connection.getStats()).values()];
  const heard = report.find((each) => each.type === "inbound-rtp" && each.kind === "audio");
  if (!heard) return null;
  const transport = report.find((each) => each.type === "transport" && each.selectedCandidatePairId);
  const pair = report.find((each) => each.id === transport?.selectedCandidatePairId);
  const local = report.find((each) => each.id === pair?.localCandidateId);
  const remote = report.find((each) => each.type === "remote-inbound-rtp" && each.kind === "audio");
  const roundTrip = pair?.currentRoundTripTime ?? remote?.roundTripTime;
  return {
    sample: {
      packetsReceived: heard.packetsReceived ?? 0,
      packetsLost: heard.packetsLost ?? 0,
      jitter: Math.min(10, heard.jitter ?? 0),
      ...(roundTrip === undefined ? {} : { roundTripTime: Math.min(10, roundTrip) }),
      packetsDiscarded: heard.packetsDiscarded ?? 0,
      jitterBufferDelay: heard.jitterBufferDelay ?? 0,
      jitterBufferEmittedCount: heard.jitterBufferEmittedCount ?? 0,
    },
    bytesReceived: heard.bytesReceived ?? 0,
    audioLevel: heard.audioLevel ?? 0,
    totalAudioEnergy: heard.totalAudioEnergy ?? 0,
    path: local?.candidateType ?? "",
  };
}
