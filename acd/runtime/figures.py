"""What has been counted per queue since the view began.

Owns the counters and what they mean. Must not know HTTP or Prometheus. They begin at zero when a
view begins: at the first row of the journal, or at the snapshot that the view was made of.
"""

from typing import Final

OFFER_OUTCOMES: Final = ("accepted", "declined", "expired", "revoked", "rescinded")
INTERACTION_OUTCOMES: Final = ("answered", "abandoned", "cancelled", "completed", "overflowed", "failed")

SERVICE_LEVEL_US: Final = 20_000_000
"""Within this time an answer counts towards the service level, unless the queue says otherwise."""


class QueueFigures:
    """Counters of one queue; all only ever grow.

    `entered`: interactions that were enqueued, or moved in; `moved_out`: those that left for another queue.
    `answered`: those that an agent accepted, once each however often they were re-queued. `abandoned`, `cancelled`,
    `completed`, `overflowed` (let go by the queue), `failed` (callbacks given up): how they ended. `offers`, and of
    these `accepted`, `declined`, `expired`, `revoked`, `rescinded`. `level_decided`: interactions that were answered
    or abandoned, whichever came first; `level_met`: those of them that were answered within the threshold.
    `waited_us`: sum of the waits of the answered ones. `talked_us`: sum of the conversations of the completed ones,
    holds included.
    """

    __slots__ = (
        "abandoned",
        "accepted",
        "answered",
        "cancelled",
        "completed",
        "declined",
        "entered",
        "expired",
        "failed",
        "level_decided",
        "level_met",
        "moved_out",
        "offers",
        "overflowed",
        "rescinded",
        "revoked",
        "talked_us",
        "waited_us",
    )

    def __init__(self) -> None:
        """All at zero."""
        self.entered = 0
        self.answered = 0
        self.abandoned = 0
        self.cancelled = 0
        self.completed = 0
        self.moved_out = 0
        self.offers = 0
        self.accepted = 0
        self.declined = 0
        self.expired = 0
        self.revoked = 0
        self.rescinded = 0
        self.level_decided = 0
        self.level_met = 0
        self.waited_us = 0
        self.overflowed = 0
        self.failed = 0
        self.talked_us = 0

    def service_level(self) -> float | None:
        """Answered within the threshold ÷ (answered + abandoned), 0 to 1; None before the first of either.

        The strictest of the usual definitions: whoever leaves early counts against it, whoever still waits does not.
        """
        return self.level_met / self.level_decided if self.level_decided else None

    def as_dict(self) -> dict[str, int]:
        """Every counter by name."""
        return {name: getattr(self, name) for name in self.__slots__}
