"""Strategies that go by a fixed order of the agents, whatever their idle time, load or fit.

Owns one pool of tickets per class. Must not know requirements, queues or offers.
"""

from collections.abc import Iterator

from acd.core.cursor import Cursor
from acd.core.entities import Agent
from acd.core.lane import Ticket
from acd.core.pools.pool import Bucket
from acd.core.pools.rows import Rows


class Ring:
    """Tickets by their agents' rows, which are numbered by (position, agent id): round from where the cursor stands."""

    __slots__ = ("_cursor", "_entry", "_rows", "_tickets")

    def __init__(self, cursor: Cursor) -> None:
        """A `cursor` that nobody moves stands before the first row for ever."""
        self._cursor = cursor
        self._entry = RingBucket(self)
        self._rows = Rows()
        self._tickets: dict[int, Ticket[Agent]] = {}
        """The last ticket of every row that is in `_rows`. Dead ones go when they are come across."""

    def bucket(self, _agent: Agent, _items: int, _load: int, _fit: int) -> Bucket:
        """As `Pool.bucket`: one for all, which keeps nothing itself."""
        return self._entry

    def enlist(self, bucket: Bucket) -> None:
        """As `Pool.enlist`: `best` looks at the rows, so there is nothing to see to."""

    def stand(self, ticket: Ticket[Agent]) -> None:
        """Take a ticket in; whatever was there of its agent is dead."""
        row = ticket.owner.row
        if row not in self._tickets:
            self._rows.add(row)
        self._tickets[row] = ticket

    def best(self) -> Ticket[Agent] | None:
        """As `Pool.best`."""
        row = self._cursor.row
        return self._first(row) or (self._first(0) if row else None)

    def ordered(self) -> Iterator[Ticket[Agent]]:
        """As `Pool.ordered`."""
        row = self._cursor.row
        yield from self._living(row)
        for ticket in self._living(0):
            if ticket.owner.row >= row:
                return
            yield ticket

    def _first(self, row: int) -> Ticket[Agent] | None:
        """The first living ticket at the row or after it; the dead before it are let go."""
        tickets = self._tickets
        while (row := self._rows.first_from(row)) >= 0:
            ticket = tickets[row]
            if ticket.alive:
                return ticket
            del tickets[row]
            self._rows.discard(row)
        return None

    def _living(self, row: int) -> Iterator[Ticket[Agent]]:
        """Every living ticket at the row or after it."""
        while (row := self._rows.first_from(row)) >= 0:
            ticket = self._tickets[row]
            if ticket.alive:
                yield ticket
            row += 1


class RingBucket(Bucket):
    """The way into a ring. It is never listed, so that nobody appends to it past `add`."""

    __slots__ = ("_ring",)

    def __init__(self, ring: Ring) -> None:
        super().__init__(ring, 0)
        self._ring = ring

    def add(self, ticket: Ticket[Agent]) -> None:
        """As `Bucket.add`."""
        self._ring.stand(ticket)
