"""Following the stream of events over connections that come and go.

Owns the cursor and what every way to be closed means. Must not know the engine. The server tells nothing twice to
whoever comes back with a cursor; so all that there is to do is to remember it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from datetime import datetime
from typing import Any, Final

import aiohttp
import msgspec
from msgspec import Struct

from acd.client.pauses import Pauses
from acd.errors import ApiProblem, StreamLost

SILENCE_SECONDS: Final = 45.0
"""The server says something every 15 seconds; after so long without a word the connection is dead."""

MAX_MESSAGE: Final = 4 * 1024 * 1024
"""Bytes of one message."""

PROTOCOL: Final = "cloudevents.json"

_PREFIX: Final = "acd."
_LOST: Final = frozenset({4404, 4410})
"""Close codes: events after the cursor cannot be had."""

_REFUSED: Final = {1008: 400, 4401: 401}
"""Close codes that connecting again does not help against, as HTTP's statuses."""


class StreamEvent(Struct, frozen=True):
    """One event. `kind`: `offer-made`. `cursor`: give it to `events` to go on after it. `data`: as EVENTS.md says."""

    kind: str
    cursor: str
    subject: str
    time: datetime
    data: dict[str, Any]
    queue: str = ""


class _Message(Struct, frozen=True):
    type: str
    cursor: str
    time: datetime
    subject: str = ""
    queue: str = ""
    data: dict[str, Any] | None = None


_decode: Final = msgspec.json.Decoder(_Message).decode


async def follow(
    session: Callable[[], aiohttp.ClientSession],
    url: str,
    query: Mapping[str, str],
    after: str,
    on_connection: Callable[[bool], None],
) -> AsyncGenerator[StreamEvent, None]:
    """Every event once. Raises as `Client.events`. `on_connection` is told of one that is there, or lost."""
    place = _Place(after, on_connection)
    pauses = Pauses()
    while True:
        try:
            async with aclosing(_connection(session(), url, query, place)) as events:
                async for event in events:
                    pauses.reset()
                    yield event
        except aiohttp.WSServerHandshakeError as error:
            if error.status < 500 and error.status != 429:  # noqa: PLR2004 - those pass
                raise ApiProblem(
                    error.status, "refused", "The stream is refused; EVENTS.md says why that can be."
                ) from None
        except (aiohttp.ClientError, TimeoutError, OSError):
            pass  # whatever it was, the next connection goes on from the cursor
        place.connected(there=False)
        await asyncio.sleep(pauses.next_seconds())


class _Place:
    """How far one has got."""

    def __init__(self, cursor: str, tell: Callable[[bool], None]) -> None:
        self.cursor = cursor
        self._tell = tell
        self._there: bool | None = None

    def connected(self, *, there: bool) -> None:
        """Tell it, if it is news."""
        if there != self._there:
            self._there = there
            self._tell(there)


async def _connection(
    session: aiohttp.ClientSession, url: str, query: Mapping[str, str], place: _Place
) -> AsyncGenerator[StreamEvent, None]:
    """What one connection brings; the place follows. Raises what cannot be helped by another one."""
    asked = {**query, "after": place.cursor} if place.cursor else dict(query)
    async with session.ws_connect(
        url, params=asked, protocols=(PROTOCOL,), max_msg_size=MAX_MESSAGE, autoclose=True
    ) as ws:
        ended: dict[str, Any] = {}
        while True:
            received = await ws.receive(SILENCE_SECONDS)
            if received.type != aiohttp.WSMsgType.TEXT:
                break
            place.connected(there=True)
            message = _decode(received.data)
            kind = message.type.removeprefix(_PREFIX)
            if kind == "stream-ended":
                ended = message.data or {}
                continue
            place.cursor = message.cursor
            if kind not in ("stream-started", "heartbeat"):
                yield StreamEvent(
                    kind, message.cursor, message.subject, message.time, message.data or {}, message.queue
                )
        code = ws.close_code or 0
        detail = str(ended.get("detail", "The stream has ended."))
        if code in _LOST:
            raise StreamLost(place.cursor, detail)
        if code in _REFUSED:
            raise ApiProblem(_REFUSED[code], str(ended.get("code", "refused")), detail)
