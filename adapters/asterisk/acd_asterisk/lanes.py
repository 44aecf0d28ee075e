"""Several WebSockets for requests, so that what takes its time on one holds up nobody on another. Pure.

Owns which one a request takes. Must not know how they are opened, nor what is asked. Asterisk carries out the requests
of one WebSocket one after another, and many wait there for a channel's own thread: with a hundred calls a second over
one, telephones ring late (`make bench ARGS=calls`).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from acd_asterisk.socket_requests import SocketRequests

MAX_LANES: Final = 6
"""WebSockets for requests, with the one on which events come."""

PATIENT_LANES: Final = 2
"""Of them those for what can wait, if there are more: what takes its time there holds up no telephone."""


class Lanes:
    """The connections of one PBX that requests may take."""

    def __init__(self, first: SocketRequests) -> None:
        """`first`: those of the WebSocket on which events come; when it has ended, nothing goes over the others."""
        self._first = first
        self._further: list[SocketRequests] = []

    def __len__(self) -> int:
        """How many there are."""
        return 1 + len(self._further)

    def free(self, *, patient: bool = False) -> SocketRequests | None:
        """The one on which the fewest are under way, of those for its kind; None when there is no room."""
        if self._first.is_closed:
            return None
        lanes = [self._first, *self._further]
        if len(lanes) > PATIENT_LANES:
            lanes = lanes[-PATIENT_LANES:] if patient else lanes[:-PATIENT_LANES]
        return min((lane for lane in lanes if lane.has_room), key=_under_way, default=None)

    @contextmanager
    def with_another(self, lane: SocketRequests) -> Iterator[None]:
        """Have this one, too, for as long as it lasts."""
        self._further.append(lane)
        try:
            yield
        finally:
            self._further.remove(lane)


def _under_way(lane: SocketRequests) -> int:
    return lane.under_way
