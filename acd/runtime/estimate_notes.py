"""Telling the engine what waits are estimated, for queues whose steps ask for it.

Owns when an estimate is worth a command, and handing it in again after a failure. Must not know how waits are
estimated (`acd.runtime.estimate`), nor what steps do with it. Looks when something has been committed, and no more
often than the clock allows; so the same commits at the same times lead to the same commands.
"""

import asyncio
from collections.abc import Iterable
from functools import partial
from typing import Final, Protocol

from acd.core import limits
from acd.core.messages import CoreSettings, NoteEstimate, Outcome
from acd.core.messages.codec import encode
from acd.core.queue_entity import UNKNOWN
from acd.core.relaxing import asks_for
from acd.core.state import EngineState
from acd.errors import AcdError, CommandQuarantined, RouterClosed
from acd.runtime.clock import Time, Timer
from acd.runtime.estimate import WaitEstimator
from acd.runtime.log import Logger
from acd.runtime.view import View

EVERY_US: Final = 1_000_000
"""Least time between two looks, and so between two commands for one queue."""

AT_ONCE: Final = 64
"""Queues that one look is for; with more that ask, each is looked at less often."""

MOST_OFF_US: Final = 5_000_000
MOST_OFF_PERCENT: Final = 10
"""An estimate that is off by more than one of these is told anew."""

_log = Logger(__name__)


class Writing(Protocol):
    """Where commands are handed in."""

    def submit(self, command: NoteEstimate, raw: bytes, origin: str) -> "asyncio.Future[Outcome]":
        """As `acd.runtime.writer.Writer`."""
        ...


class Picture(Protocol):
    """What is read; as `acd.runtime.projections.Projections`."""

    view: View

    @property
    def waits(self) -> WaitEstimator:
        """After the last outcome."""
        ...


class EstimateNotes:
    """Keeps the engine's estimates close to the runtime's. `begin` once; then `heard` after every commit."""

    def __init__(self, picture: Picture) -> None:
        self._picture = picture
        self._writer: Writing | None = None
        self._time: Time | None = None
        self._epoch = 0
        self._count = 0
        self._settings: CoreSettings | None = None
        self._asking: tuple[str, ...] = ()
        self._at = 0
        self._left = 0
        self._next_us = 0
        self._timer: Timer | None = None
        self._told: dict[str, int] = {}
        """What the engine was told last, UNKNOWN if nothing. A queue is not in it when that is not certain."""

    def begin(self, writer: Writing, time: Time, epoch: int, state: EngineState) -> None:
        """From now on; what the engine was told before is in its state."""
        self._writer, self._time, self._epoch = writer, time, epoch
        self.reread(state)

    def reread(self, state: EngineState) -> None:
        """The engine has been made anew from the journal."""
        self._told = {queue.id: UNKNOWN for queue in state.settings.queues} | dict(state.estimates)
        self._look_around()

    def heard(self, outcomes: Iterable[Outcome]) -> None:
        """These have been committed, and folded into the picture."""
        if any(outcome.events for outcome in outcomes):
            self._look_around()

    def stop(self) -> None:
        """Hand in no more. Idempotent."""
        self._writer = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _look_around(self) -> None:
        """Every queue that asks is to be looked at: now, or as soon as that is allowed again."""
        time = self._time
        if self._writer is None or time is None:
            return
        settings = self._picture.view.settings
        if settings is not self._settings:
            self._settings = settings
            # A queue that is gone may have been forgotten with its estimate, or may not.
            self._told = {queue.id: self._told[queue.id] for queue in settings.queues if queue.id in self._told}
            self._asking = tuple(queue.id for queue in settings.queues if asks_for(queue, "estimated_wait"))
        self._left = len(self._asking)
        if not self._left or self._timer is not None:
            return
        if time.now_us() >= self._next_us:
            self._look(self._writer, time)
        else:
            self._timer = time.call_at(self._next_us, self._ring)

    def _ring(self) -> None:
        self._timer = None
        if self._writer is not None and self._time is not None:
            self._look(self._writer, self._time)

    def _look(self, writer: Writing, time: Time) -> None:
        self._next_us = time.now_us() + EVERY_US
        count = min(self._left, AT_ONCE)
        self._left -= count
        try:
            for _ in range(count):
                self._at = (self._at + 1) % len(self._asking)
                self._consider(writer, self._asking[self._at])
        except RouterClosed:
            self.stop()
            return
        except AcdError as error:
            _log.info("an estimate could not be handed in; again in a moment", error=str(error))
            self._left = len(self._asking)
        except Exception:  # noqa: BLE001 - an estimate's fault must not stop whoever commits
            _log.exception("waits could not be estimated")
        if self._left:
            self._timer = time.call_at(self._next_us, self._ring)

    def _consider(self, writer: Writing, queue: str) -> None:
        band = self._picture.waits.estimate(queue)
        new_us = UNKNOWN if band is None else min(max(0, round(band.middle_s * 1_000_000)), limits.MAX_DURATION_US)
        told_us = self._told.get(queue)
        if told_us is not None and not differs(told_us, new_us):
            return
        self._count += 1
        note = NoteEstimate(f"estimate-{self._epoch}-{self._count}", queue, new_us)
        writer.submit(note, encode(note), note.ORIGIN).add_done_callback(partial(self._done, queue))
        self._told[queue] = new_us

    def _done(self, queue: str, future: "asyncio.Future[Outcome]") -> None:
        """It is durable, or not; what is not is told again, unless the engine itself cannot bear it."""
        error = None if future.cancelled() else future.exception()
        if error is None or isinstance(error, CommandQuarantined):
            return
        self._told.pop(queue, None)
        if not isinstance(error, RouterClosed):
            self._look_around()


def differs(told_us: int, new_us: int) -> bool:
    """Whether an estimate is worth telling; `UNKNOWN` differs from everything that is known."""
    if UNKNOWN in (told_us, new_us):
        return told_us != new_us
    off_us = abs(new_us - told_us)
    return off_us > MOST_OFF_US or off_us * 100 > told_us * MOST_OFF_PERCENT
