"""What has come of recordings, on its way to the engine.

Owns trying again until the engine has taken it, and the bound of what may wait. Must not know what is noted. What is
noted twice is the same; what waits when the process dies is lost.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from acd.core.messages import NoteInteraction
from acd.errors import AcdError, CommandInvalid, CommandQuarantined
from acd.ports.channel import ChannelHost
from acd.runtime.log import Logger

MAX_NOTES: Final = 10_000
"""Beyond it the oldest is lost, and that is logged."""
STOP_SECONDS: Final = 2.0
PAUSE_SECONDS: Final = 1.0
"""Between attempts."""

_log = Logger(__name__)


class Notes:
    """One channel's, taken by the engine in order."""

    def __init__(self, name: str, host: Callable[[], ChannelHost]) -> None:
        """`host` raises `ChannelError` while there is no engine."""
        self._name = name
        self._host = host
        self._waiting: deque[tuple[str, tuple[tuple[str, str], ...]]] = deque()
        self._task: asyncio.Task[None] | None = None

    def put(self, interaction_id: str, attributes: Mapping[str, str]) -> None:
        """Note it about an interaction, live or not; returns at once."""
        if len(self._waiting) >= MAX_NOTES:
            lost, _ = self._waiting.popleft()
            _log.error("too much waits to be noted", instance=self._name, interaction_id=lost)
        self._waiting.append((interaction_id, tuple(attributes.items())))
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run(), name=f"notes of {self._name}")

    async def stop(self) -> None:
        """What is not taken within `STOP_SECONDS` is lost."""
        if self._task is not None:
            await asyncio.wait({self._task}, timeout=STOP_SECONDS)
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while self._waiting:
            first = interaction_id, said = self._waiting[0]
            try:
                outcome = await self._host().submit(NoteInteraction(self._host().new_id(), interaction_id, said))
                if outcome.refusal is not None:
                    self._lost(interaction_id, said, outcome.refusal.code)
            except (CommandInvalid, CommandQuarantined) as error:
                self._lost(interaction_id, said, type(error).__name__)
            except AcdError:
                await asyncio.sleep(PAUSE_SECONDS)
                continue
            if self._waiting and self._waiting[0] is first:
                self._waiting.popleft()

    def _lost(self, interaction_id: str, said: tuple[tuple[str, str], ...], code: str) -> None:
        names = ", ".join(name for name, _ in said)
        _log.warning("not noted", instance=self._name, interaction_id=interaction_id, names=names, code=code)
