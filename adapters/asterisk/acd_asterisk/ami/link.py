"""One connection to AMI for ever: open, look everything up, hand on events in order, and begin again.

Owns when to try, when to wait, and what to say about it. Must not know what an event means, nor what is looked up.
What arrives while things are looked up waits, and is handed on afterwards.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from typing import Final, Literal

import structlog

from acd_asterisk.ami.connection import Manager
from acd_asterisk.ami.errors import AmiUnauthorized, AmiUnavailable
from acd_asterisk.ami.wire import Message
from acd_asterisk.options.password import PasswordUnavailable

FIRST_PAUSE_SECONDS: Final = 0.1
LONGEST_PAUSE_SECONDS: Final = 2.0
"""Between attempts to connect, doubled from the first to the longest."""

CREDENTIALS_PAUSE_SECONDS: Final = 5.0
"""Between attempts when the password is wrong: it takes a person to mend that."""

_LEAST_SHARE: Final = 0.5
"""A pause is drawn between this share of it and the whole, so that many do not come at once."""

State = Literal["connecting", "looking", "live", "unauthorized"]

_log = structlog.get_logger(__name__)


class Link:
    """`state` is `live` when events flow and everything has been looked up."""

    def __init__(
        self,
        name: str,
        make: Callable[[], Manager],
        *,
        look: Callable[[Manager], Awaitable[None]],
        handle: Callable[[Message], None],
        lost: Callable[[], None],
    ) -> None:
        """`make` a connection, `look` things up by it after every connect, `handle` each event; `lost` ends that."""
        self._name = name
        self._make = make
        self._look = look
        self._handle = handle
        self._lost = lost
        self._manager: Manager | None = None
        self.state: State = "connecting"
        self.error = ""
        self.connects = 0
        self.live = asyncio.Event()
        """Set while it is."""

    @property
    def is_live(self) -> bool:
        """Whether what has been looked up is kept true by events."""
        return self.state == "live"

    @property
    def manager(self) -> Manager:
        """The connection, for actions. Raises `AmiUnavailable` without one."""
        if self._manager is None:
            raise AmiUnavailable(self.error or "not connected")
        return self._manager

    async def run(self) -> None:
        """Connect and connect again, until cancelled."""
        pause = FIRST_PAUSE_SECONDS
        while True:
            try:
                manager = self._make()
                await manager.open()
            except PasswordUnavailable as error:
                self._complain("unauthorized", f"channels.{self._name}.ami.{error}")
                await _pause(CREDENTIALS_PAUSE_SECONDS)
            except AmiUnauthorized as error:
                self._complain("unauthorized", str(error))
                await _pause(CREDENTIALS_PAUSE_SECONDS)
            except AmiUnavailable as error:
                self._complain("connecting", str(error))
                await _pause(pause)
                pause = min(2 * pause, LONGEST_PAUSE_SECONDS)
            else:
                was_live = await self._serve(manager)
                pause = FIRST_PAUSE_SECONDS if was_live else min(2 * pause, LONGEST_PAUSE_SECONDS)
                await _pause(pause)

    async def _serve(self, manager: Manager) -> bool:
        """Use a connection until it ends; returns whether it had come to life."""
        self.connects += 1
        self._manager, self.state = manager, "looking"
        work = asyncio.create_task(self._work(manager))
        ended = asyncio.create_task(manager.ended.wait())
        try:
            await asyncio.wait((work, ended), return_when=asyncio.FIRST_COMPLETED)
            fault = work.exception() if work.done() and not work.cancelled() else None
            if fault is not None and not isinstance(fault, AmiUnavailable):
                _log.error("a fault while looking things up over AMI", instance=self._name, exc_info=fault)
            reason = manager.reason or str(fault or "")
        finally:
            was_live = self.is_live
            for task in (work, ended):
                task.cancel()
            await asyncio.gather(work, ended, return_exceptions=True)
            manager.close()
            self._manager, self.state = None, "connecting"
            self.live.clear()
            self._lost()
        self._complain("connecting", f"the connection was lost: {reason}")
        return was_live

    async def _work(self, manager: Manager) -> None:
        await self._look(manager)
        self.state, self.error = "live", ""
        self.live.set()
        _log.info("connected to AMI", instance=self._name, connects=self.connects)
        while True:
            self._handle(await manager.next())

    def _complain(self, state: State, reason: str) -> None:
        if (state, reason) != (self.state, self.error):
            _log.warning("no connection to AMI", instance=self._name, state=state, reason=reason)
        self.state, self.error = state, reason


async def _pause(seconds: float) -> None:
    await asyncio.sleep(seconds * random.uniform(_LEAST_SHARE, 1.0))  # noqa: S311 - not a secret
