"""A part of a call's recording, and the files that are written of it. Owns their shapes. Must not know the PBX."""

import asyncio
from dataclasses import dataclass, field

from acd.ports.recording_names import Label, Side
from acd_asterisk.options.recording import Mode


@dataclass(slots=True)
class Tape:
    """One file that is being written.

    `begun`: Asterisk has said so. `tried`: it has been asked; who has not begun then may have done so all the same.
    """

    label: Label
    name: str
    begun: bool = False
    tried: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def is_unknown(self) -> bool:
        """Whether Asterisk was asked for it, and nobody knows whether it runs."""
        return self.tried.is_set() and not self.begun


@dataclass(slots=True)
class Part:
    """One part of a call's recording: one file, or one for each telephone, by name."""

    interaction_id: str
    mode: Mode
    stamp: str
    tapes: dict[str, Tape] = field(default_factory=dict)
    is_paused: bool = False
    resuming: "asyncio.Task[None] | None" = None
    """Ends the pause when it has lasted long enough."""

    def has(self, offer_id: str, side: Side) -> bool:
        """Whether this side of this offer is on a tape."""
        return any((tape.label.offer_id, tape.label.side) == (offer_id, side) for tape in self.tapes.values())
