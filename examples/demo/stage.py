"""What a stage for the demo offers, and what was seen on it from the telephones' side.

Owns the protocol and the account of what happened, which says nothing of what the engine believes.
Must not know any stage. Times are µs since 1970.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from examples.demo.cast import PlannedCall

if TYPE_CHECKING:
    from examples.demo.pages import Pages  # which knows what a check is, and that knows this

Say = Callable[[str], None]
"""Tells the audience a line of the story."""


class Caller(Struct, frozen=True):
    """One call as the caller saw it. `ended_us` is None while it lasts; `failed`: it was refused."""

    number: str
    called_us: int
    ended_us: int | None
    failed: bool = False


class Talk(Struct, frozen=True):
    """One conversation as the agent's telephone saw it. `cut`: neither of the two hung up."""

    number: str
    agent: str
    answered_us: int
    ended_us: int | None
    cut: bool = False


class Seen(Struct, frozen=True):
    """Everything up to now. `clashes`: how often a telephone rang while its agent was busy already."""

    callers: tuple[Caller, ...] = ()
    talks: tuple[Talk, ...] = ()
    clashes: int = 0

    def talking(self, at_us: int) -> list[Talk]:
        """The conversations that were going on at a moment."""
        return [
            talk
            for talk in self.talks
            if talk.answered_us <= at_us and (talk.ended_us is None or talk.ended_us > at_us)
        ]

    def over(self, planned: int) -> bool:
        """Whether so many calls have been made, and all have ended."""
        return len(self.callers) >= planned and all(caller.ended_us is not None for caller in self.callers)


class Stage(Protocol):
    """A contact centre to play in. Opened once, closed however it ends."""

    @property
    def title(self) -> str:
        """What it is, for the head of the screen."""
        ...

    @property
    def token(self) -> str:
        """For the API."""
        ...

    @property
    def pages(self) -> Pages:
        """For whoever sits before a browser. They are open between `open` and `close`."""
        ...

    def url(self) -> str:
        """Where the API is; empty while the engine is away."""
        ...

    async def open(self, say: Say) -> None:
        """Bring everything up, telling the audience."""
        ...

    async def call(self, calls: Sequence[PlannedCall], rate: float) -> None:
        """Let these callers begin to call, so many each second. Returns at once."""
        ...

    def seen(self) -> Seen:
        """What the telephones have seen so far."""
        ...

    async def crash(self) -> str:
        """Kill the engine without warning; returns what was done, in words."""
        ...

    async def revive(self) -> str:
        """Start it again; returns what was done, in words."""
        ...

    async def verify(self) -> str:
        """Verify the journal, beside a running engine if it runs; returns what is wrong with it, or an empty text."""
        ...

    async def leave(self) -> str:
        """Stop the engine in order, and verify; returns what is wrong with it, or an empty text."""
        ...

    async def close(self) -> None:
        """End everything that was started. Idempotent."""
        ...
