"""What a running `acd serve` reads anew when it gets SIGHUP: secrets and certificates, nothing that decides.

Owns the order: one after another, and one round at a time. Must not know what is read. Whoever has something to read
adds a function; what it cannot read it leaves as it is, and raises.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final

import structlog

from acd.cli.notifying import Notifier
from acd.errors import AcdError

MAX_RELOADED: Final = 1_024
"""Things that one process reads anew."""

_log = structlog.get_logger(__name__)

Again = Callable[[], Awaitable[None]]
"""Reads something anew and puts it into force, or raises and leaves everything as it was."""


class Reloading:
    """The list of what is read anew."""

    def __init__(self, notifier: Notifier) -> None:
        """`notifier` tells the service manager that it happens, and that it is over."""
        self._notifier = notifier
        self._all: list[tuple[str, Again]] = []
        self._asked = asyncio.Event()

    def add(self, what: str, again: Again) -> None:
        """From now on `again` is called whenever somebody asks. `what`: for the log, like `api.tokens`."""
        if len(self._all) >= MAX_RELOADED:
            raise ValueError(f"more than {MAX_RELOADED} things to read anew")
        self._all.append((what, again))

    def ask(self) -> None:
        """Read everything anew soon. Once is enough for all who ask before it has begun."""
        self._asked.set()

    async def run(self, status: Callable[[], str]) -> None:
        """Do so whenever asked; never returns. `status`: what the service manager is told afterwards."""
        while True:
            await self._asked.wait()
            self._asked.clear()
            self._notifier.reloading()
            await self.read_anew()
            self._notifier.ready(status())

    async def read_anew(self) -> None:
        """Everything once, whatever becomes of the others; what went wrong is in the log, with its problems."""
        for what, again in tuple(self._all):
            try:
                await again()
            except AcdError as error:
                _log.error("could not be read anew; what was in force stays", what=what, reason=str(error))
            except Exception as error:  # noqa: BLE001 - a reload must never end a running engine
                _log.error("could not be read anew; what was in force stays", what=what, error=type(error).__name__)
            else:
                _log.info("read anew", what=what)
        if not self._all:
            _log.info("nothing here is read anew")
