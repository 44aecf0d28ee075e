"""Whose a recording is, from the moment it is asked for until its end is told.

Owns that memory, and who waits for an end. Must not know the PBX.
Ids that no file can be called by are known only there.
"""

import asyncio
from collections import OrderedDict
from typing import Final

from acd.ports.recording_names import Label

MAX_KNOWN: Final = 20_000
"""Recordings that are remembered; the oldest is forgotten first."""


class Known:
    """The recordings of this process, by name."""

    def __init__(self) -> None:
        """None."""
        self._tapes: OrderedDict[str, tuple[str, Label]] = OrderedDict()
        """Interaction and label."""
        self._ends: dict[str, asyncio.Event] = {}
        """Of those of which somebody waits for the end."""

    def add(self, name: str, interaction_id: str, label: Label) -> None:
        """Another one."""
        self._tapes[name] = (interaction_id, label)
        if len(self._tapes) > MAX_KNOWN:
            self.forget(next(iter(self._tapes)))

    def find(self, name: str) -> tuple[str, Label] | None:
        """Interaction and label; None when it is not known, or no more."""
        return self._tapes.get(name)

    def owner_of(self, name: str) -> str:
        """Its interaction; empty when it is not known."""
        found = self._tapes.get(name)
        return "" if found is None else found[0]

    def forget(self, name: str) -> None:
        """Its end has been told, or never will be. Idempotent."""
        self._tapes.pop(name, None)
        if (end := self._ends.pop(name, None)) is not None:
            end.set()

    async def until_forgotten(self, interaction_id: str) -> None:
        """Wait for the ends of all that record an interaction's talk as a whole. O(recordings)."""
        names = [name for name, (owner, label) in self._tapes.items() if owner == interaction_id and not label.side]
        for end in [self._ends.setdefault(name, asyncio.Event()) for name in names]:
            await end.wait()
