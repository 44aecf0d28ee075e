"""Event sockets: one connection each, and all of them together.

Owns what is written to a socket and when, and how many there may be. Must not know where events come from beyond
`acd.runtime.events`, nor who may see what. An event's frame is the same bytes for everybody who reads the same form.
What a socket has not taken waits in the stream, as a place there: a client that does not read costs at most
`HIGH_BYTES` and one write, until it is cut off.

Frames go straight to the transport (RFC 6455, 5.2: unmasked, unfragmented, uncompressed), several events in one write;
pings, pongs and the closing handshake are aiohttp's.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Collection
from contextlib import aclosing
from typing import Final

from aiohttp import WSCloseCode

from acd.api.inbound import TOO_FAST
from acd.api.problems import too_many
from acd.api.rates import Rates
from acd.api.turns import Turns
from acd.errors import PastUnavailable
from acd.ports.pages import Ending as Ending  # noqa: PLC0414 - part of what sockets are to others
from acd.runtime.events import Cursor, EventSource, Reader, Told, Wanted
from acd.runtime.events.cloud import Form

HIGH_BYTES: Final = 64 * 1024
"""Bytes that may wait in a transport before no more is written to it."""

WRITTEN_AT_ONCE: Final = 64
"""Events of one write."""

MAX_SOCKETS: Final = 10_000
"""Sockets at a time."""

MAX_PER_TOKEN: Final = 2_048
MAX_PER_AGENT: Final = 16
"""Sockets of one token at a time; of one that is an agent's."""

CONNECTS_PER_SECOND: Final = 100.0
CONNECTS_AT_ONCE: Final = 2_048
"""How often one token may connect: steadily, and in a burst, as after a restart of the engine."""

HEARTBEAT_SECONDS: Final = 15.0
"""How often a socket without news is told how far it has got."""

CLOSE_SECONDS: Final = 5.0
"""How long a client may take over the closing handshake."""

REJOINS: Final = 8
"""How often a reader may look for older events before what is newer has gone, too."""

FIRST_LOOK_SECONDS: Final = 0.01
LONGEST_LOOK_SECONDS: Final = 0.25
"""Pauses before a full transport is looked at again, doubled: asyncio tells only the transport's own protocol."""

CURSOR_UNKNOWN: Final = 4404
CURSOR_TOO_OLD: Final = 4410
TOKEN_EXPIRED: Final = 4401
"""Close codes of our own; beside them 1001 (stopping), 1008 (said something), 1012 (engine gone), 1013 (too slow)."""

_SHORT_LENGTH: Final = 126
_MIDDLE_LENGTH: Final = 65_536
_MAX_REASON: Final = 120


STOPPING: Final = Ending(WSCloseCode.GOING_AWAY, "stopping", "The server is stopping; connect again with the cursor.")
ENGINE_GONE: Final = Ending(WSCloseCode.SERVICE_RESTART, "closed", "The engine has stopped; connect again later.")
TALKATIVE: Final = Ending(WSCloseCode.POLICY_VIOLATION, "read-only", "This socket takes nothing; use the HTTP routes.")
FLOOD: Final = Ending(TOO_FAST, "too-fast", "Too many pings came; wait a while, then connect again.")
EXPIRED: Final = Ending(TOKEN_EXPIRED, "token-expired", "The token has expired; connect again with a new one.")
REVOKED: Final = Ending(TOKEN_EXPIRED, "token-revoked", "The token is not valid any more; connect with another.")
UNKNOWN: Final = Ending(
    CURSOR_UNKNOWN, "cursor-unknown", "The journal does not go as far as this cursor; begin anew without one."
)
FOREIGN: Final = Ending(
    CURSOR_UNKNOWN,
    "cursor-unknown",
    "This cursor is another journal's, or was handed out after the copy that this one was restored from; begin anew.",
)
CHANGED: Final = Ending(WSCloseCode.SERVICE_RESTART, "token-changed", "The token has other rights; connect again.")


class Sockets:
    """All sockets of one application."""

    def __init__(self, source: EventSource, now_us: Callable[[], int]) -> None:
        """`now_us`: the engine's time."""
        self.source = source
        self.now_us = now_us
        self.evicted = 0
        self.turns = Turns()
        self._open: dict[Socket, None] = {}
        self._of_token: Counter[str] = Counter()
        self._rates = Rates(CONNECTS_PER_SECOND, CONNECTS_AT_ONCE)
        self._number = 0
        self._written: dict[Form, tuple[list[Told], bytes]] = {}
        self._timer: asyncio.TimerHandle | None = None
        source.stream.on_end(lambda: self.end_all(ENGINE_GONE))

    def admit(self, token: str, *, agent: bool) -> None:
        """Count a connection of a token. Raises a Problem with 429 or 503; whoever got in has to `leave`."""
        wait_seconds = self._rates.take(token, self.now_us())
        if wait_seconds:
            raise too_many(429, "This token connects too often.", wait_seconds)
        if self._of_token[token] >= (MAX_PER_AGENT if agent else MAX_PER_TOKEN):
            raise too_many(429, "This token has too many sockets open; close some.", 5)
        if self._of_token.total() >= MAX_SOCKETS:
            raise too_many(503, "There are too many sockets open; try again later.", 5)
        self._of_token[token] += 1

    def leave(self, token: str) -> None:
        """The connection is over."""
        self._of_token[token] -= 1
        if not self._of_token[token]:
            del self._of_token[token]

    def add(self, socket: "Socket") -> None:
        """It takes part in heartbeats and ends."""
        self._open[socket] = None
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(HEARTBEAT_SECONDS, self._beat)

    def remove(self, socket: "Socket") -> None:
        """It does not any more. Idempotent."""
        self._open.pop(socket, None)

    def beat(self) -> None:
        """Tell every socket that has no news how far it has got, so that its cursor does not grow old."""
        made: dict[tuple[Form, Cursor], bytes] = {}
        for socket in self._open:
            if (cursor := socket.idle_at) is not None:
                key = (socket.form, cursor)
                if key not in made:
                    made[key] = self.notice("heartbeat", cursor, socket.form)
                socket.write(made[key])

    def notice(self, kind: str, cursor: Cursor, form: Form, data: object = None) -> bytes:
        """The frame of something about the stream itself."""
        self._number += 1
        return frame(self.source.envelopes.notice(kind, self._number, self.now_us(), cursor, form, data), form)

    def frames(self, events: list[Told], form: Form) -> bytes:
        """The frames of events. Whoever wants the same is mostly told the same at a time: that is put together once."""
        last = self._written.get(form)
        if last is not None and last[0] == events:
            return last[1]
        encoded = self.source.envelopes.encoded
        found = b"".join([frame(encoded(told, form), form) for told in events])
        self._written[form] = (events, found)
        return found

    def end_all(self, ending: Ending) -> None:
        """Close every socket, without waiting."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for socket in tuple(self._open):
            socket.end(ending)

    def end_of(self, owners: Collection[object], ending: Ending) -> None:
        """Close every socket of these owners, without waiting. O(sockets)."""
        for socket in tuple(self._open) if owners else ():
            if socket.owner in owners:
                socket.end(ending)

    @property
    def open(self) -> int:
        """How many are open."""
        return len(self._open)

    def _beat(self) -> None:
        self._timer = None
        self.beat()
        if self._open:
            self._timer = asyncio.get_running_loop().call_later(HEARTBEAT_SECONDS, self._beat)


class Socket:
    """One connection, after its handshake."""

    def __init__(
        self,
        sockets: Sockets,
        transport: asyncio.Transport,
        wanted: Wanted,
        form: Form,
        *,
        coalesce: bool,
        owner: object = None,
    ) -> None:
        """`transport` is the connection's, under aiohttp's feet. `owner`: whoever is meant by `Sockets.end_of`."""
        self.owner = owner
        self.form = form
        self._sockets = sockets
        self._stream = sockets.source.stream
        self._transport = transport
        self._wanted = wanted
        self._coalesce = coalesce
        self._reader: Reader | None = None
        self._joining: asyncio.Task[None] | None = None
        self._scheduled = False
        self._look: asyncio.TimerHandle | None = None
        self._look_seconds = FIRST_LOOK_SECONDS
        self._cursor = Cursor(0)
        self._end: asyncio.Future[Ending] = asyncio.get_running_loop().create_future()

    async def tell(self, after: Cursor | None) -> Ending:
        """Tell all that is wanted after the cursor, or from now on, until something ends it; cancel it when closed."""
        known = after is not None and after.seq <= self._stream.seq
        self._cursor = after if after is not None and known else self._stream.told_upto
        self._sockets.add(self)
        try:
            if after is not None and not known:
                self.end(UNKNOWN)
            if not self._end.done():
                self.write(self._sockets.notice("stream-started", self._cursor, self.form))
                self._join_from(after)
            return await self._end
        finally:
            self._sockets.remove(self)
            if self._joining is not None:
                self._joining.cancel()
            if self._look is not None:
                self._look.cancel()
            if self._reader is not None:
                self._cursor = self._reader.cursor
                self._reader.close()
                self._reader = None

    def farewell(self, ending: Ending) -> bytes:
        """Close reason: the word and the cursor to go on from; the sentence is told as an event before."""
        data = {"code": ending.code, "detail": ending.detail}
        if self._transport.get_write_buffer_size() <= HIGH_BYTES:
            self.write(self._sockets.notice("stream-ended", self.cursor, self.form, data))
        return f"{ending.code}; after={self._sockets.source.envelopes.place(self.cursor)}".encode()[:_MAX_REASON]

    def end(self, ending: Ending) -> None:
        """Have it closed. Idempotent: the first reason counts."""
        if not self._end.done():
            self._end.set_result(ending)

    def write(self, frames: bytes) -> None:
        """Whole frames."""
        if not self._transport.is_closing():
            self._transport.write(frames)

    @property
    def has_room(self) -> bool:
        """Whether the client has taken most of what was written."""
        return self._transport.get_write_buffer_size() <= HIGH_BYTES

    @property
    def cursor(self) -> Cursor:
        """Everything that is wanted up to here has been written."""
        return self._cursor if self._reader is None else self._reader.cursor

    @property
    def idle_at(self) -> Cursor | None:
        """The same, if nothing waits; None otherwise."""
        return self._reader.cursor if self._reader is not None and self._reader.idle else None

    def _join_from(self, after: Cursor | None) -> None:
        """Become a reader of the stream, at once if what is wanted is in memory."""
        self._reader = self._follow(after)
        if self._reader is None:
            self._joining = asyncio.create_task(self._join_later(), name="events from the journal")

    def _follow(self, after: Cursor | None) -> Reader | None:
        reader = self._stream.follow(self._wanted, self._stir, after, coalesce=self._coalesce)
        if reader is not None and not reader.idle:
            self._stir()
        return reader

    async def _join_later(self) -> None:
        """Tell what is older first."""
        source = self._sockets.source
        try:
            for _ in range(REJOINS):
                await source.recall(self._cursor)
                self._reader = self._follow(self._cursor)
                if self._reader is not None:
                    return
                await self._tell_older()
            self._evict()
        except PastUnavailable as error:
            if error.code == "busy":
                self.end(Ending(WSCloseCode.TRY_AGAIN_LATER, error.code, f"{error}."))
            else:
                self.end(Ending(CURSOR_TOO_OLD, "cursor-too-old", f"{error}."))

    async def _tell_older(self) -> None:
        upto = Cursor(self._stream.floor.seq)
        async with aclosing(self._sockets.source.older(self._cursor)) as batches:
            async for batch in batches:
                wanted = [told for told in batch if told.cursor > self._cursor and self._wanted.fits(told)]
                self._write(wanted)
                self._cursor = max(self._cursor, batch[-1].cursor)
                await self._drained()
        self._cursor = max(self._cursor, upto)

    async def _drained(self) -> None:
        pause = FIRST_LOOK_SECONDS
        while self._transport.get_write_buffer_size() > HIGH_BYTES and not self._transport.is_closing():
            await asyncio.sleep(pause)
            pause = min(LONGEST_LOOK_SECONDS, pause * 2)

    def _stir(self) -> None:
        if not self._scheduled:
            self._scheduled = True
            self._sockets.turns.add(self._flush)

    def _flush(self) -> None:
        """Write the next events, unless the client has not taken those before."""
        self._scheduled = False
        reader = self._reader
        if reader is None or self._transport.is_closing():
            return
        if self._transport.get_write_buffer_size() > HIGH_BYTES:
            if reader.lost:
                self._evict()
                return
            self._scheduled = True
            self._look = asyncio.get_running_loop().call_later(self._look_seconds, self._flush)
            self._look_seconds = min(LONGEST_LOOK_SECONDS, self._look_seconds * 2)
            return
        self._look_seconds = FIRST_LOOK_SECONDS
        self._write(taken := reader.take(WRITTEN_AT_ONCE))
        if reader.lost and not taken:
            self._go_back(reader)
        elif not reader.idle:
            self._stir()

    def _go_back(self, reader: Reader) -> None:
        """What comes next is not in memory: because it never was, or because the client was too slow."""
        self._cursor = reader.cursor
        reader.close()
        if reader.interrupted:
            self._join_from(self._cursor)
        else:
            self._evict()

    def _evict(self) -> None:
        self._sockets.evicted += 1
        detail = "Events came faster than this client took them; connect again with the cursor."
        self.end(Ending(WSCloseCode.TRY_AGAIN_LATER, "too-slow", detail))

    def _write(self, events: list[Told]) -> None:
        if events:
            self.write(self._sockets.frames(events, self.form))


def frame(payload: bytes, form: Form) -> bytes:
    """One WebSocket frame: text for JSON, binary for MessagePack."""
    first = 0x81 if form == "json" else 0x82
    length = len(payload)
    if length < _SHORT_LENGTH:
        return bytes((first, length)) + payload
    if length < _MIDDLE_LENGTH:
        return bytes((first, 126)) + length.to_bytes(2, "big") + payload
    return bytes((first, 127)) + length.to_bytes(8, "big") + payload
