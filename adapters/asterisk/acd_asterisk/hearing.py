"""Whether events still come: after a silence one that says nothing is asked for, and has to be heard.

Owns when to ask, and when to believe that nothing is heard. Must not know how to connect, nor what an event means.

Asterisk can keep a WebSocket open, answer its pings and the requests over it, and have its application belong to
nobody. Read in 22's `res/stasis/app.c` (`app_update`): who registers an application that another connection has lets
go of the lock to say so to that one; when that one ends in this very moment, nobody has the application afterwards, and
no error is told. Likewise when two register in the same moment and one of them ends later. Both come after an Asterisk
that stood still, which does at once what was asked of it meanwhile; and after a connection that was cut.
"""

import asyncio
import time
from contextlib import suppress
from math import inf
from typing import Final

import structlog

from acd_asterisk.ari import AriClient, AriUnauthorized, AriUnavailable
from acd_asterisk.event_socket import EventSocket

SILENCE_SECONDS: Final = 2.0
"""Without any event for so long, one is asked for: never where calls come and go all the time."""

ECHO_SECONDS: Final = 2.0
"""So long after Asterisk has taken what was asked, an event has to be there, whichever: all come in order."""

LONGEST_ECHO_SECONDS: Final = 8.0
"""Each connection that was given up in vain has twice the time: where events are that late, giving up helps nobody."""

TRIES: Final = 2
"""So often Asterisk has to answer: one that stood still after its first answer is not deaf."""

MAX_IN_VAIN: Final = 4
"""Connections in a row on which nothing was heard, after which the next one is kept all the same: there is something
else to it (a program that changes the event filter, say), and who looks every minute serves more than who is away."""

KEPT_SECONDS: Final = 60.0
"""For so long; then another one is tried."""

_NOT_FOUND: Final = 404
_NOBODYS: Final = "Application not found"

_log = structlog.get_logger(__name__)


class Deaf(AriUnavailable):
    """The connection stands, and no events come over it."""


class Hearing:
    """Whether events come to one application, over one connection after another."""

    def __init__(self, name: str, client: AriClient, app: str) -> None:
        """Nothing is asked yet."""
        self._name = name
        self._client = client
        self._app = app
        self._patience = ECHO_SECONDS
        self._in_vain = 0
        self._kept_until = -inf
        self._is_possible = True
        self.silences = 0
        """Connections that were found to be deaf."""

    @property
    def is_in_vain(self) -> bool:
        """Whether a connection is kept over which no events come."""
        return time.monotonic() < self._kept_until

    async def check(self, socket: EventSocket) -> None:
        """Ask for an event until one is heard. Without an answer nothing is known, and nothing said.

        Raises:
            Deaf: there is none, and another connection may be of use.
            AriUnauthorized: nobody may ask any more; there are other credentials by now.
        """
        if not socket.may_fall_silent:
            return
        for _ in range(TRIES):
            socket.news.clear()
            status = await self._ask()
            if status == _NOT_FOUND:
                break
            if status is None or await self._hears(socket):
                return
        if self.is_in_vain:
            return
        self.silences += 1
        self._in_vain += 1
        self._patience = min(2 * self._patience, LONGEST_ECHO_SECONDS)
        if self._in_vain >= MAX_IN_VAIN:
            self._kept_until = time.monotonic() + KEPT_SECONDS
            _log.error("the PBX sends no events over any connection; the next one is kept", instance=self._name)
        raise Deaf("the PBX answers, and sends no events: it has the application down as nobody's")

    async def watch(self, socket: EventSocket) -> None:
        """Check after every silence, for ever, where that can be. Raises `Deaf`, `AriUnauthorized`."""
        while socket.may_fall_silent:
            socket.news.clear()
            await asyncio.sleep(SILENCE_SECONDS)
            if socket.news.is_set():
                self._trust()
            else:
                await self.check(socket)

    async def _hears(self, socket: EventSocket) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(self._patience):
                await socket.news.wait()
        if socket.news.is_set():  # At the last moment, too: we may be the ones who are late.
            self._trust()
        return socket.news.is_set()

    def _trust(self) -> None:
        self._patience, self._in_vain, self._kept_until = ECHO_SECONDS, 0, -inf

    async def _ask(self) -> int | None:
        """The status of an answer that means something."""
        try:
            answer = await self._client.say_to(self._app)
        except AriUnauthorized:
            raise
        except AriUnavailable:
            return None
        if answer.is_success or (answer.status == _NOT_FOUND and answer.message == _NOBODYS):
            return answer.status
        if self._is_possible:
            self._is_possible = False
            _log.warning(
                "the PBX refuses an event of our own, so that it goes unnoticed when it sends none any more",
                instance=self._name,
                status=answer.status,
                reason=answer.message,
            )
        return None
