"""What has come of calls, on its way to the engine: recordings, answers, durations.

Owns trying again until the engine has taken it, and the bound of what may wait. Must not know what is noted. Whatever
is noted twice is the same; what waits when the process dies is lost, and looked up by whoever noted it.
"""

import asyncio
from collections import deque
from collections.abc import Mapping
from typing import Final

import structlog

from acd.core import limits
from acd.core.messages import NoteInteraction
from acd_asterisk.desk import Desk, NotTaken

MAX_NOTES: Final = 10_000
"""Notes that may wait; beyond it the oldest is lost, and that is logged."""

FIRST_PAUSE_SECONDS: Final = 0.25
LONGEST_PAUSE_SECONDS: Final = 10.0
"""Between attempts, doubled from the first to the longest."""

_HOPELESS: Final = frozenset({"command-invalid", "command-quarantined", "engine-stopped"})

_log = structlog.get_logger(__name__)


class Notes:
    """One channel instance's notes, taken by the engine in order."""

    def __init__(self, desk: Desk) -> None:
        """Nothing waits."""
        self._desk = desk
        self._waiting: deque[tuple[str, tuple[tuple[str, str], ...]]] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, interaction_id: str, attributes: Mapping[str, str]) -> None:
        """Note it about an interaction, live or not; returns at once."""
        if len(self._waiting) >= MAX_NOTES:
            lost, _ = self._waiting.popleft()
            _log.error("too much waits to be noted", instance=self._desk.name, **self._desk.keys(lost))
        said = tuple((name, value[: limits.MAX_TEXT]) for name, value in attributes.items())
        self._waiting.append((interaction_id, said))
        if self._task is None or self._task.done():
            self._task = self._desk.spawn(self._run())

    async def _run(self) -> None:
        pause = FIRST_PAUSE_SECONDS
        while self._waiting:
            interaction_id, said = self._waiting[0]
            code = await self._tell(interaction_id, said)
            if code and code not in _HOPELESS:
                await asyncio.sleep(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
                continue
            if self._waiting and self._waiting[0] == (interaction_id, said):
                self._waiting.popleft()
            pause = FIRST_PAUSE_SECONDS

    async def _tell(self, interaction_id: str, said: tuple[tuple[str, str], ...]) -> str:
        """Why the engine did not take it; empty when it has, or has refused it for good."""
        names = ", ".join(name for name, _ in said)
        try:
            outcome = await self._desk.submit(NoteInteraction(self._desk.host.new_id(), interaction_id, said))
        except NotTaken as error:
            if error.code in _HOPELESS:
                about = self._desk.keys(interaction_id)
                _log.error("lost", instance=self._desk.name, names=names, code=error.code, **about)
            return error.code
        if outcome.refusal is not None:
            code = outcome.refusal.code
            about = self._desk.keys(interaction_id)
            _log.warning("not noted", instance=self._desk.name, names=names, code=code, **about)
        return ""
