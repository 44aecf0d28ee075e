"""Answers that are made once for all who ask the same at the same moment, as many dashboards do with one token.

Owns for how long an answer may be given again, and how many are kept. Must not know what is in them. A moment ends with
the next commit, so that nobody is shown a state that is over; without one after `MOMENT_US`, because of what goes on by
itself: how long somebody has waited. An answer is for the very token that it was made for.
"""

from typing import Final, NamedTuple, Protocol

from acd.api.auth import Principal
from acd.runtime.view import View

MOMENT_US: Final = 100_000
"""How old the durations in an answer may be."""

MAX_SHARED: Final = 256
"""Answers that are kept."""

MAX_BYTES: Final = 16 * 1024 * 1024
"""All their bodies together."""

Question = tuple[Principal, str]
"""Whoever asks, and the address as it was sent."""


class Kept(NamedTuple):
    """An answer: its body, and the headers that are its own."""

    body: bytes
    headers: dict[str, str]


class Picture(Protocol):
    """What answers are made of."""

    @property
    def view(self) -> View:
        """The committed projection."""
        ...

    def now_us(self) -> int:
        """The engine's time."""
        ...


class SharedAnswers:
    """Those of one application, of one moment."""

    def __init__(self, picture: Picture) -> None:
        """None yet."""
        self._picture = picture
        self._view: View | None = None
        self._revision = -1
        self._until_us = 0
        self._kept: dict[Question, Kept] = {}
        self._bytes = 0
        self.moment = 0
        """Counts moments."""

    def find(self, question: Question) -> Kept | None:
        """The answer of this moment, if it has been given before."""
        picture = self._picture
        view, now_us = picture.view, picture.now_us()
        if view.revision == self._revision and view is self._view and now_us < self._until_us:
            return self._kept.get(question)
        self._view, self._revision, self._until_us = view, view.revision, now_us + MOMENT_US
        self.moment += 1
        self._kept.clear()
        self._bytes = 0
        return None

    def keep(self, question: Question, kept: Kept, moment: int) -> None:
        """What was found out at a moment, if that still is."""
        same = moment == self.moment and self._picture.view is self._view and self._view.revision == self._revision
        if same and len(self._kept) < MAX_SHARED and self._bytes + len(kept.body) <= MAX_BYTES:
            self._kept[question] = kept
            self._bytes += len(kept.body)
