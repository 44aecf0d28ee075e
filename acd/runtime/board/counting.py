"""From committed events to the series of every queue.

Owns what each event counts as, and who waits where, which follows from events alone: so the same events give the same
series, told as they happen or told again from the journal after a crash. Must not know files, nor who asks.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from msgspec import Struct

from acd.core.messages import (
    CustomerCalled,
    CustomerReached,
    Event,
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionDue,
    InteractionFailed,
    InteractionMoved,
    InteractionOverflowed,
    InteractionQueued,
    InteractionRequeued,
    InteractionScheduled,
    InteractionTransferred,
    OfferAccepted,
    OfferMade,
    QueueRemoved,
)
from acd.runtime.board.series import Series
from acd.runtime.figures import SERVICE_LEVEL_US

MAX_QUEUES: Final = 2_000
"""Queues whose day is kept; those beyond are not counted. Each takes some 40 kB at most."""


class Standing(Struct):
    """A live interaction: where, whether it waits without an offer, and whether an agent ever took it."""

    queue: str
    waits: bool = False
    answered: bool = False


class Counting:
    """All queues of one domain. `service_level_us`: thresholds by queue, as the configuration in force has them."""

    def __init__(
        self,
        service_level_us: Callable[[], Mapping[str, int]],
        series: dict[str, Series] | None = None,
        live: dict[str, Standing] | None = None,
    ) -> None:
        """Goes on from what was kept, if anything."""
        self.series: dict[str, Series] = {} if series is None else series
        self.live: dict[str, Standing] = {} if live is None else live
        self._service_level_us = service_level_us
        self._at_us = 0
        self._folds: Mapping[type[Event], Callable[[Any], None]] = {
            InteractionQueued: self._queued,
            InteractionMoved: self._moved,
            InteractionAbandoned: self._abandoned,
            OfferAccepted: self._accepted,
            QueueRemoved: self._removed,
            **dict.fromkeys((OfferMade, InteractionScheduled, CustomerCalled), self._aside),
            **dict.fromkeys((InteractionRequeued, InteractionTransferred, InteractionDue, CustomerReached), self._back),
            **dict.fromkeys(
                (InteractionCompleted, InteractionCancelled, InteractionOverflowed, InteractionFailed), self._ended
            ),
        }

    def begin(self, live: Iterable[tuple[str, Standing]], at_us: int) -> None:
        """With these, who are there already; whoever was counted before as waiting does no more."""
        for series in self.series.values():
            series.wait(at_us, -series.waiting)
        self.live = dict(live)
        for row in self.live.values():
            if row.waits and (found := self.of(row.queue)) is not None:
                found.wait(at_us, 1)

    def take(self, at_us: int, event: Event) -> None:
        """One event, in order."""
        fold = self._folds.get(type(event))
        if fold is not None:
            self._at_us = at_us
            fold(event)

    def of(self, queue: str) -> Series | None:
        """A queue's series; None when there are too many."""
        found = self.series.get(queue)
        if found is None and len(self.series) < MAX_QUEUES:
            found = self.series[queue] = Series()
        return found

    # ---- pieces

    def _count(self, queue: str, name: str) -> None:
        series = self.of(queue)
        if series is not None:
            series.count(self._at_us, name)

    def _let_wait(self, row: Standing, *, waits: bool) -> None:
        if row.waits != waits:
            row.waits = waits
            series = self.of(row.queue)
            if series is not None:
                series.wait(self._at_us, 1 if waits else -1)

    def _queued(self, event: InteractionQueued) -> None:
        row = self.live[event.interaction_id] = Standing(event.queue)
        self._count(event.queue, "entered")
        self._let_wait(row, waits=True)

    def _moved(self, event: InteractionMoved) -> None:
        self._count(event.to_queue, "entered")
        row = self.live.get(event.interaction_id)
        if row is not None:
            waits = row.waits
            self._let_wait(row, waits=False)
            row.queue = event.to_queue
            self._let_wait(row, waits=waits)

    def _aside(self, event: OfferMade | InteractionScheduled | CustomerCalled) -> None:
        row = self.live.get(event.interaction_id)
        if row is not None:
            self._let_wait(row, waits=False)

    def _back(self, event: InteractionRequeued | InteractionTransferred | InteractionDue | CustomerReached) -> None:
        row = self.live.get(event.interaction_id)
        if row is not None:
            self._let_wait(row, waits=True)

    def _accepted(self, event: OfferAccepted) -> None:
        row = self.live.get(event.interaction_id)
        if row is None:
            return
        self._let_wait(row, waits=False)
        if not row.answered:
            row.answered = True
            self._count(row.queue, "answered")
            if event.waited_us <= self._service_level_us().get(row.queue, SERVICE_LEVEL_US):
                self._count(row.queue, "in_time")

    def _abandoned(self, event: InteractionAbandoned) -> None:
        row = self.live.get(event.interaction_id)
        if row is not None:
            self._count(row.queue, "abandoned")
            self._ended(event)

    def _ended(self, event: Any) -> None:  # noqa: ANN401 - any of the ends
        row = self.live.pop(event.interaction_id, None)
        if row is not None:
            self._let_wait(row, waits=False)

    def _removed(self, event: QueueRemoved) -> None:
        self.series.pop(event.queue, None)
