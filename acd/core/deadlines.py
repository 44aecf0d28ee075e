"""Deadlines: one order over everything that time will do.

Owns a lane per length of time, so that registering is appending, and one for all lengths that do not come again. Must
not know what is due.
"""

from typing import Final

from acd.core.entities import Timed
from acd.core.lane import Lane, Ticket, order

_SPARE_LANES: Final = 8
"""Empty lanes that are kept: the usual lengths come again."""

MAX_LANES: Final = 64
"""Lanes besides the one for any length: the first of the pending is looked for in each of them."""

ANY_LENGTH: Final = -1
"""Instead of a length that hardly anything else will have: the lane in which deadlines come in any order."""

Due = Ticket[Timed | None]
"""A deadline. One that is not alive may have given up its owner, so as not to keep in memory what has ended."""


class Deadlines:
    """Pending deadlines; the least (due, seq) first."""

    __slots__ = ("_first", "_lanes")

    def __init__(self) -> None:
        self._first: Due | None = None
        """The first pending deadline, if it is known."""
        self._lanes: dict[int, Lane[Timed | None]] = {}

    def register(self, due_us: int, seq: int, owner: Timed, length_us: int) -> Due:
        """A new deadline. `length_us`, or `ANY_LENGTH`, only says which lane: those of one length come in order."""
        ticket: Due = Ticket(due_us, seq, owner)
        first = self._first
        if first is not None and due_us <= first.key:
            self._first = None
        lane = self._lanes.get(length_us)
        if lane is None:
            lane = self._new_lane(length_us)
        items = lane.items
        # Lane.push, spelt out for the usual case.
        if items and items[-1].key < due_us and len(items) < lane.bound:
            items.append(ticket)
        else:
            lane.push(ticket)
        return ticket

    def first(self) -> Due | None:
        """The first pending deadline, or None."""
        first = self._first
        if first is not None and first.alive:
            return first
        first = None
        empty = 0
        for lane in self._lanes.values():
            items = lane.items
            # Lane.peek, spelt out for the usual cases: nothing pends, or the head is alive.
            ticket = items[lane.head] if items else None
            if ticket is not None and not ticket.alive:
                ticket = lane.peek()
            if ticket is None:
                empty += 1
            elif first is None or ticket.key < first.key or (ticket.key == first.key and ticket.seq < first.seq):
                first = ticket
        if empty > _SPARE_LANES:
            self._lanes = {length_us: lane for length_us, lane in self._lanes.items() if lane.items}
        self._first = first
        return first

    def pending(self) -> list[Due]:
        """Every pending deadline, in order."""
        return sorted((ticket for lane in self._lanes.values() for ticket in lane.living()), key=order)

    def _new_lane(self, length_us: int) -> Lane[Timed | None]:
        if len(self._lanes) >= MAX_LANES:
            length_us = ANY_LENGTH
        return self._lanes.setdefault(length_us, Lane())
