"""Tickets and lanes: places in an order that can be given up in O(1).

Owns the one container that idle agents, waiting interactions and deadlines share. Must not know
what its tickets stand for. Tickets, like all short-lived records of the core, are Structs because one is made in
60 ns; a class with slots takes 290.
"""

from bisect import insort
from collections.abc import Iterator
from typing import Generic, TypeVar

from msgspec import Struct

T = TypeVar("T")

_SMALL = 64
"""Below this length a lane is not worth compacting."""

_FEW = 8
"""Dead heads that are kept. What they alone still hold is freed with them, so that many at once would be a pause."""

_SHORT = 1_024
"""Up to this length taking heads out of a list costs next to nothing."""


class Ticket(Struct, Generic[T], order=True):
    """A place, ordered by (key, seq), of one owner. Clearing `alive` takes it out of every lane it stands in.

    No two owners share a place, so that tickets compare by it, as they are.
    """

    key: int
    seq: int
    owner: T
    alive: bool = True


def order(ticket: Ticket[T]) -> tuple[int, int]:
    """The sort key of a ticket."""
    return (ticket.key, ticket.seq)


class Lane(Generic[T]):
    """Tickets in order. Appending at the end and taking the head are O(1) amortised.

    Dead tickets are dropped at the head as they come up, and everywhere when the lane has grown to twice its
    length after the last compaction. A ticket older than the last (a restored place) is inserted where it belongs.
    """

    __slots__ = ("bound", "head", "items")

    def __init__(self) -> None:
        self.items: list[Ticket[T]] = []
        self.head = 0
        self.bound = _SMALL

    def push(self, ticket: Ticket[T]) -> bool:
        """Add a ticket; True if it became the head of the living, or may have."""
        items = self.items
        if len(items) >= self.bound:
            self._compact()
            items = self.items
        if not items:
            items.append(ticket)
            return True
        last = items[-1]
        key = ticket.key
        if key > last.key or (key == last.key and ticket.seq > last.seq):
            items.append(ticket)
            return False
        insort(items, ticket, lo=self.head)
        return items[self.head] is ticket

    def peek(self) -> Ticket[T] | None:
        """The first living ticket, or None."""
        items = self.items
        head = self.head
        size = len(items)
        while head < size:
            ticket = items[head]
            if ticket.alive:
                if head > _FEW and (size < _SHORT or head * 2 > size):
                    del items[:head]
                    head = 0
                self.head = head
                return ticket
            head += 1
        items.clear()
        self.head = 0
        return None

    def living(self) -> Iterator[Ticket[T]]:
        """Every living ticket in order. The lane must not change meanwhile."""
        items = self.items
        for index in range(self.head, len(items)):
            if items[index].alive:
                yield items[index]

    def _compact(self) -> None:
        self.items = [ticket for ticket in self.items[self.head :] if ticket.alive]
        self.head = 0
        self.bound = max(_SMALL, 2 * len(self.items))
