"""A part of a call's recording, as the channel has it: one talk, and the tape that the media process has of it, if any.

Owns its shape. Must not know processes or pages.
"""

import asyncio
from dataclasses import dataclass, field

from acd.ports.pages import Side as PageSide
from acd.ports.recording import RecordingState
from acd.ports.recording_names import Label, Side
from acd_webrtc.allowance import Allowance
from acd_webrtc.recording.settings import Mode

OFFERS_AT_ONCE = 5
OFFERS_PERIOD_US = 3_000_000
"""How often a page may offer a copy of its sound: each costs the media process a connection."""


def _allowances() -> dict[PageSide, Allowance]:
    sides: tuple[PageSide, ...] = ("customer", "agent")
    return {side: Allowance(OFFERS_AT_ONCE, period_us=OFFERS_PERIOD_US) for side in sides}


@dataclass(slots=True)
class Part:
    """`tape`: that which the media process has, or is to begin; else empty.

    `number`: of the offer's next, or present, recording.
    `is_over`: nothing more is recorded of this talk: the disk does not take it, or it is long enough.
    """

    interaction_id: str
    offer_id: str
    mode: Mode
    number: int
    tape: str = ""
    is_paused: bool = False
    is_over: bool = False
    beginning: "asyncio.Task[None] | None" = None
    resuming: "asyncio.Task[None] | None" = None
    """Ends the pause when it has lasted long enough."""
    allowances: dict[PageSide, Allowance] = field(default_factory=_allowances)

    @property
    def state(self) -> RecordingState:
        """For whoever asks."""
        if self.is_over:
            return "off"
        if self.is_paused:
            return "paused"
        return "recording" if self.tape or self.beginning is not None else "off"

    def labels(self, stamp: str) -> dict[Side, Label]:
        """Of its files, by side."""
        sides: tuple[Side, ...] = ("",) if self.mode == "mixed" else ("caller", "agent")
        return {side: Label(stamp, self.offer_id, side, self.number) for side in sides}
