"""Requests over the WebSocket on which events come: Asterisk 20.14, 21.9, 22.4 and later take them there.

Owns the envelope of a request and of its answer, and who waits for which. Must not know HTTP, nor what is asked.
Source: "ARI REST over WebSocket" of Asterisk's documentation. A request costs a fifth of one over HTTP, here and there;
but Asterisk carries out one after another, so that one which never ends holds up all that follow on this connection.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from itertools import count
from typing import Final
from urllib.parse import quote, urlencode

import msgspec
from msgspec import Struct

from acd_asterisk.wire import decoder

MAX_UNDER_WAY: Final = 1_024
"""Requests that wait for their answers at a time; further ones go by HTTP."""

_TYPE: Final = "RESTResponse"
_HEAD_CHARACTERS: Final = 64
"""An answer's type stands at its beginning."""

Send = Callable[[str], Awaitable[None]]


class SocketClosed(Exception):
    """The connection has ended before the answer came."""


class _Request(Struct, frozen=True, omit_defaults=True, rename={"kind": "type"}):
    kind: str
    request_id: str
    method: str
    uri: str
    content_type: str = ""
    message_body: str = ""


class _Response(Struct, frozen=True, rename={"kind": "type"}):
    kind: str
    request_id: str
    status_code: int
    message_body: str = ""


_encode: Final = msgspec.json.Encoder().encode
_decode: Final = decoder(_Response)


class SocketRequests:
    """The requests of one connection."""

    def __init__(self, send: Send) -> None:
        """`send` one text message; raises what it likes when the connection is gone."""
        self._send = send
        self._waiting: dict[str, asyncio.Future[tuple[int, bytes]]] = {}
        self._numbers = count(1)
        self._closed = False

    @property
    def under_way(self) -> int:
        """Requests that wait for their answers."""
        return len(self._waiting)

    @property
    def is_closed(self) -> bool:
        """Whether the connection has ended."""
        return self._closed

    @property
    def has_room(self) -> bool:
        """Whether one more may be under way."""
        return not self._closed and len(self._waiting) < MAX_UNDER_WAY

    async def ask(
        self, method: str, path: str, body: object = None, query: Mapping[str, str] | None = None
    ) -> tuple[int, bytes]:
        """Ask; gives status and body. Without a deadline of its own. Raises `SocketClosed`."""
        if self._closed:
            raise SocketClosed
        request_id = str(next(self._numbers))
        if query:
            path = f"{path}?{urlencode(query, quote_via=quote)}"
        request = _Request("RESTRequest", request_id, method, path)
        if body is not None:
            text = _encode(body).decode()
            request = _Request("RESTRequest", request_id, method, path, "application/json", text)
        answer: asyncio.Future[tuple[int, bytes]] = asyncio.get_running_loop().create_future()
        self._waiting[request_id] = answer
        try:
            await self._send(_encode(request).decode())
            return await answer
        finally:
            self._waiting.pop(request_id, None)
            del answer  # It knows its error, and that this frame: a circle, which would keep all that the caller knows.

    def take(self, text: str) -> bool:
        """Whether a message is an answer; then whoever waits for it has it now."""
        if _TYPE not in text[:_HEAD_CHARACTERS]:
            return False
        try:
            response = _decode(text)
        except msgspec.DecodeError:
            return False
        if response.kind != _TYPE:
            return False
        waiting = self._waiting.get(response.request_id)
        if waiting is not None and not waiting.done():
            waiting.set_result((response.status_code, response.message_body.encode()))
        return True

    def close(self) -> None:
        """The connection has ended: nobody waits any more. Idempotent."""
        self._closed = True
        for answer in self._waiting.values():
            if not answer.done():
                answer.set_exception(SocketClosed())
