"""One call that is being recorded, in the media process: its files, what is written, and what a pause keeps out.

Owns these. Must not know packets or sockets. Times are seconds of one clock, which is given.
"""

from pathlib import Path
from typing import Final

from acd.ports.recording_names import Side
from acd_webrtc.recording.timeline import GUARD_SECONDS, RATE, Samples, Track
from acd_webrtc.recording.wavefile import WavFile
from acd_webrtc.recording.wire import Begin, Ended, Leg

LEGS: Final[tuple[Leg, ...]] = ("caller", "agent")


class Tape:
    """From its beginning to `end`. `fault`: why nothing more is written, empty while it is."""

    def __init__(self, folder: Path, order: Begin, now: float) -> None:
        """Open its files. Raises `OSError`."""
        self.id = order.tape
        self.fault = ""
        self._longest = order.longest
        self._began = now
        self._paused_at: float | None = now if order.paused else None
        self._left_out = 0.0
        """Seconds of pauses that are over."""
        self._from = now
        """What was said before is not written."""
        self._heard: set[Leg] = set()
        self._files: dict[Side, tuple[WavFile, Track]] = {}
        try:
            for side, name in order.files:
                self._files[side] = (WavFile(folder, name), Track())
        except OSError:
            for file, _ in self._files.values():
                file.remove()
            raise

    def put(self, leg: Leg, said: float, samples: Samples) -> None:
        """What one side said at that moment."""
        if self._paused_at is not None or said < self._from or self.fault:
            return
        self._heard.add(leg)
        at = round((said - self._began - self._left_out) * RATE)
        for side, (_, track) in self._files.items():
            if side in ("", leg):
                track.put(leg, at, samples)

    def left(self, leg: Leg) -> None:
        """A side's connection is gone; another may come."""
        for _, track in self._files.values():
            track.forget(leg)

    def pause(self, now: float) -> None:
        """Nothing of what is said from now on is written. Idempotent."""
        if self._paused_at is None:
            self._paused_at = now

    def resume(self, now: float) -> None:
        """Go on. Idempotent."""
        if self._paused_at is not None:
            self._left_out += now - self._paused_at
            self._from = now + GUARD_SECONDS
            self._paused_at = None

    def is_over(self, now: float) -> bool:
        """Whether it ends by itself."""
        return bool(self.fault) or self._seconds(now) >= self._longest

    def write(self, now: float) -> None:
        """Bring to the disk what is due. What it does not take, is the end of this tape."""
        place = round(self._seconds(now) * RATE)
        for file, track in self._files.values():
            try:
                file.write(track.take(place))
            except OSError as error:
                self.fault = _reason(error)

    def end(self, now: float) -> Ended:
        """Everything is written, and the files have their names."""
        place = round(min(self._seconds(now), self._longest) * RATE)
        for file, track in self._files.values():
            try:
                if not self.fault:
                    file.write(track.finish(place))
            except OSError as error:
                self.fault = _reason(error)
            try:
                file.close()
            except OSError as error:
                self.fault = _reason(error)
        states = tuple((side, self._state(side)) for side in self._files)
        seconds = max(file.seconds for file, _ in self._files.values())
        return Ended(self.id, round(seconds, 1), states, self.fault)

    def _state(self, side: Side) -> str:
        wanted = set(LEGS) if not side else {side}
        if self.fault or not self._heard & wanted:
            return "failed"
        return "" if self._heard >= wanted else "partial"

    def _seconds(self, now: float) -> float:
        """How much has been recorded."""
        until = now if self._paused_at is None else self._paused_at
        return max(0.0, until - self._began - self._left_out)


def _reason(error: OSError) -> str:
    return error.strerror or type(error).__name__
