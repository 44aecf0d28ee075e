"""What happens between pages, as commands and attributes of the engine's.

Owns these pure functions. Must not know sockets or time.
"""

import hashlib
from typing import Final

from acd.core.messages import EndInteraction, RequeueInteraction
from acd.ports.pages import Heard, Side
from acd_webrtc.quality import Figures, Spread
from acd_webrtc.signals import Reason

PAGE_ATTRIBUTE: Final = "web."
"""What attributes begin with that a page says: nothing that a page says can be taken for the engine's own."""

QUALITY_ATTRIBUTE: Final = "call."
"""And those that say how well both sides heard each other: `call.score.customer`."""

AGENT_LOST: Final = "agent-page-lost"
CUSTOMER_LOST: Final = "page-lost"

_ID_DIGITS: Final = 24


def interaction_id(visitor: str, key: str) -> str:
    """The call's: the same for what is said again, also after a restart, and to be had by nobody else."""
    return f"call-{hashlib.sha256(f'{visitor}:{key}'.encode()).hexdigest()[:_ID_DIGITS]}"


def end_of_talk(
    command_id: str, interaction: str, reason: Reason, by: Side | None
) -> EndInteraction | RequeueInteraction | None:
    """What follows from the end of a talk; None: nothing, the engine ended it itself.

    Who hangs up ends the call. So does a customer who is gone; an agent who is gone is no fault of the customer's, who
    keeps their place. When no media can be had between the two, another agent would not help.
    """
    match reason:
        case "ended":
            return None
        case "hung-up" | "declined":
            return EndInteraction(command_id, interaction, by=by or "system", reason=reason)
        case "failed":
            return EndInteraction(command_id, interaction, by="system", reason="media-failed")
        case "lost" | "unjoined" | "unanswered" | "overrun":
            if by == "agent":
                return RequeueInteraction(command_id, interaction, reason=AGENT_LOST)
            return EndInteraction(command_id, interaction, by=by or "system", reason=CUSTOMER_LOST)


def heard(side: Side, figures: Figures) -> Heard:
    """A side's figures, as means."""
    return Heard(
        side,
        figures.seconds,
        _mean(figures.mos),
        figures.loss_percent if figures.packets else None,
        _mean(figures.jitter_ms),
        _mean(figures.round_trip_ms),
    )


def quality_attributes(sides: tuple[Heard, ...]) -> tuple[tuple[str, str], ...]:
    """Attributes of the interaction, as far as anything is known."""
    found: list[tuple[str, str]] = []
    for each in sides:
        figures = (("score", each.score, 2), ("loss", each.loss, 1), ("jitter", each.jitter, 0))
        for figure, value, digits in (*figures, ("round_trip", each.round_trip, 0)):
            if value is not None:
                found.append((f"{QUALITY_ATTRIBUTE}{figure}.{each.side}", f"{value:.{digits}f}"))
    return tuple(found)


def _mean(spread: Spread | None) -> float | None:
    return None if spread is None else spread.mean
