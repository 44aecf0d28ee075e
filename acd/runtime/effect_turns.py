"""Whose effects come next, of the interactions of one channel that wait because as many are seen to as may be. Pure.

Owns the order: what people wait for on the line goes before what begins something new, each in the order in which it
came. Somebody who has picked up hears nothing until they are joined; to ring further telephones meanwhile makes more
who wait so, and those who have waited too long hang up and are offered anew, so that a channel that cannot keep up
would never catch up. Nobody starves: while both wait, every `SHARE`th is one that begins something.

Must not know channels, nor how an effect is performed.
"""

from collections import deque
from collections.abc import Iterator
from typing import Final

from acd.core.messages import (
    ConnectInteraction,
    DisconnectAgent,
    Effect,
    JoinAgent,
    ReleaseInteraction,
    RevokeOffer,
)

SHARE: Final = 4
"""Of so many turns one begins something new, while both kinds wait."""

_PRESSING: Final = ConnectInteraction | DisconnectAgent | JoinAgent | ReleaseInteraction | RevokeOffer


class EffectTurns:
    """Interactions, each with the effect for which it waits. How many there may be is for the owner to say."""

    def __init__(self) -> None:
        """Nobody waits."""
        self._pressing: deque[str] = deque()
        self._beginning: deque[str] = deque()
        self._passed_by = 0
        """Pressing ones that went before others since one of those did."""

    def __len__(self) -> int:
        """How many wait."""
        return len(self._pressing) + len(self._beginning)

    def add(self, effect: Effect) -> None:
        """One more waits, the first of whose effects is this."""
        (self._pressing if isinstance(effect, _PRESSING) else self._beginning).append(effect.interaction_id)

    def take(self) -> str:
        """The next one, which waits no more. Raises `IndexError` when nobody waits."""
        if self._pressing and (not self._beginning or self._passed_by < SHARE - 1):
            self._passed_by += bool(self._beginning)
            return self._pressing.popleft()
        self._passed_by = 0
        return self._beginning.popleft()

    def drain(self) -> Iterator[str]:
        """All of them, none of whom waits any more."""
        while self:
            yield self.take()
