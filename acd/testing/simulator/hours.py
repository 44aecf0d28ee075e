"""Whether queues keep their business hours, once nothing goes wrong any more.

Owns the comparison of calendars with the durable truth. Must not know how the runtime keeps hours. A supervisor may
open or close a queue against its calendar, which speaks again when it changes: only what follows a change is judged.
"""

from collections.abc import Mapping
from typing import Final

from msgspec import Struct

from acd.runtime.calendars import Calendar, Status, status_at
from acd.testing.simulator.auditor import Auditor
from acd.testing.simulator.referee import Referee

GRACE_US: Final = 40_000_000
"""How long a queue may take to follow its calendar: a restart, and a slow disk."""


class _Kept(Struct):
    """What the calendar of a queue says now, and since when, if it has changed while somebody watched."""

    status: Status
    changed_us: int = -1


class HoursWatch:
    """`watch` again and again, from when faults rest and supervisors do nothing."""

    def __init__(self, calendars: Mapping[str, Calendar], auditor: Auditor, referee: Referee) -> None:
        """`calendars`: of each queue that has one."""
        self._calendars = calendars
        self._auditor = auditor
        self._referee = referee
        self._kept: dict[str, _Kept] = {}

    def watch(self, now_us: int) -> str:
        """What is still to be seen; empty when every calendar has changed and its queue has followed.

        `now_us`: the engine's clock. Raises `Violation` when one has not followed in time.
        """
        waiting = [queue for queue in sorted(self._calendars) if not self._follows(queue, now_us)]
        return f"the hours of {', '.join(waiting)} have not changed yet" if waiting else ""

    def _follows(self, queue: str, now_us: int) -> bool:
        kept = self._kept.get(queue)
        if kept is None:
            kept = self._kept[queue] = _Kept(status_at(self._calendars[queue], now_us))
        if now_us >= kept.status.until_us:
            # Which may be a midnight only.
            status = status_at(self._calendars[queue], now_us)
            changed = status.is_open != kept.status.is_open
            kept.status, kept.changed_us = status, now_us if changed else kept.changed_us
        if kept.changed_us < 0:
            return False
        agrees = (self._auditor.closed(queue) is None) == kept.status.is_open
        late = not agrees and now_us - kept.changed_us > GRACE_US
        says = "open" if kept.status.is_open else "closed"
        self._referee.require(not late, f"{queue} should be {says} by its calendar, and has not followed")
        return agrees
