"""What the engine holds in memory of a queue.

Owns that mutable record and what can be read off one alone. Must not know agents, interactions or how they are matched.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from acd.core import limits
from acd.core.cursor import Cursor
from acd.core.ordering import slope
from acd.core.reaching import reach_after
from acd.core.wrapping import granted_us

if TYPE_CHECKING:
    from acd.core.classes import Class
    from acd.core.messages import QueueSettings
    from acd.core.state import AlarmState

UNKNOWN: Final = -1
"""Instead of an estimated wait."""


class Queue:
    """A queue: its settings and how many wait in it."""

    __slots__ = (
        "adhoc",
        "alarms",
        "calls_first",
        "closed",
        "counts_staff",
        "cursor",
        "disposition_required",
        "estimate_us",
        "first_reach",
        "grants_us",
        "id",
        "keeps_us",
        "live",
        "offer_timeout_us",
        "offset_us",
        "plain",
        "reaching",
        "retired",
        "settings",
        "standing",
        "stays",
        "step_us",
        "strategy",
        "takes",
        "unanswered",
    )

    def __init__(self, settings: QueueSettings) -> None:
        self.id = settings.id
        self.retired = False
        self.closed: str | None = None
        """Why it takes nobody, or None while it is open."""
        self.unanswered = 0
        """Interactions that are queued or offered."""
        self.live = 0
        """Interactions that are not forgotten yet, and wrap-ups on those that were transferred elsewhere."""
        self.reaching = 0
        """Interactions whose customers are called just now."""
        self.estimate_us = UNKNOWN
        """How long whoever comes in now will wait, as it was noted last."""
        self.alarms: dict[str, AlarmState] = {}
        """Those that are raised, by kind."""
        self.standing: list[tuple[int, int]] | None = None
        """Its line as sorted (key, seq), if any of its steps asks for positions; else None."""
        self.plain: dict[str, Class] = {}
        self.adhoc: dict[tuple[object, ...], Class] = {}
        self.cursor: Cursor | None = None
        """Whose turn it is; only while the strategy is round-robin."""
        self.configure(settings)

    def configure(self, settings: QueueSettings) -> None:
        """Take over the settings. Keys of interactions are the caller's to renew."""
        self.settings = settings
        # What every interaction asks for is at hand.
        self.strategy = settings.strategy
        self.offer_timeout_us = settings.offer_timeout_us
        self.disposition_required = settings.disposition_required
        self.offset_us, self.step_us = slope(settings)
        self.first_reach = reach_after(settings.level_delays_us, 0)
        self.grants_us = granted_us(settings, wanted=False)
        """The after-call work that it grants unasked, as `granted_us` has it."""
        self.keeps_us = 0 if settings.when_overdue.kind == "wait" else settings.max_wait_us
        """How long it keeps an unanswered interaction; 0: for as long as it takes."""
        begins = settings.steps or settings.max_wait_us or settings.affinity_us or settings.dedicated_attribute
        self.stays = bool(begins) or self.first_reach != limits.MAX_LEVEL
        """Whether anything may begin when an interaction enters that prefers nobody."""
        self.calls_first = settings.callback_first == "customer"
        self.counts_staff = settings.when_unstaffed.kind != "wait"
        """Whether it makes a difference that nobody who could serve an interaction is signed in."""
        self.close(self.closed)
        self.cursor = (self.cursor or Cursor()) if settings.strategy == "round-robin" else None

    def close(self, reason: str | None) -> None:
        """From now on it is closed for this reason, or open (None)."""
        self.closed = reason
        self.takes = self.settings.max_waiting if reason is None else 0
        """With fewer unanswered it takes whoever comes in, unless it is unstaffed; else `entry.find_way` knows."""

    def key_us(self, place_at_us: int, priority: int) -> int:
        """The key of an interaction in this queue's line."""
        return place_at_us + self.offset_us - priority * self.step_us
