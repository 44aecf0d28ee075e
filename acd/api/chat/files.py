"""Bytes of files in conversations on their way in and out over HTTP, for customers' pages and agents' desks alike.

Owns how long and how often that may be, and the headers with which a file goes out: whatever somebody has sent, no
browser takes it for a page, a script or a drawing of ours. Must not know who may send or get one, nor what becomes of
it (`acd.runtime.chat.files`).
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from functools import partial
from typing import Annotated, Final
from urllib.parse import quote

from aiohttp import ClientError, web
from msgspec import Meta, Struct

from acd.api.addresses import place_of
from acd.api.chat.messages import FileShape
from acd.api.problems import Problem, not_found
from acd.api.rates import Rates
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import MAX_MESSAGE_ID, Entry, Refused
from acd.runtime.chat.files import Sending
from acd.runtime.chat.kinds import KINDS, MAX_GIVEN_NAME
from acd.runtime.chat.rooms import Room

STALL_SECONDS: Final = 15.0
"""Within this time more of a file has to come, and what is sent has to be taken."""

GRACE_SECONDS: Final = 15.0
LEAST_PER_SECOND: Final = 16_000
"""Bytes: whoever is slower than that, after the grace, keeps a place that others wait for."""

UPLOADS_PER_SECOND: Final = 0.2
UPLOADS_AT_ONCE: Final = 30
"""Files of one sender: steadily, and in a burst."""

DOWNLOADS_PER_SECOND: Final = 10.0
DOWNLOADS_AT_ONCE: Final = 200
"""Files that one reader gets: steadily, and in a burst."""

REQUESTS_PER_SECOND: Final = 50.0
REQUESTS_AT_ONCE: Final = 1_000
"""Of customers' pages from one address, whoever they say they are."""

UNDER_WAY: Final = 128
UNDER_WAY_TO_ONE: Final = 8
"""Files that go out at a time: in all, and to one reader. Each has one part in memory."""

MEDIA: Final = tuple(dict.fromkeys(kind.media for kind in KINDS.values()))
"""Whatever goes out is one of these."""

STATUSES: Final = {
    "file-kind": 422,
    "file-broken": 422,
    "file-length": 422,
    "invalid-field": 422,
    "file-too-large": 413,
    "too-many-uploads": 429,
    "unavailable": 503,
}
"""Of refusals that are not simply against the state of things."""

PROBLEMS: Final = (
    *("request-timeout", "length-required", "unsupported-media-type", "too-many-requests", "invalid-field"),
    *("no-files", "too-many-files", "too-many-uploads", "file-kind", "file-broken", "file-length", "file-too-large"),
    *("ended", "not-talking", "id-reused", "conversation-full", "unavailable"),
    *("channel-unavailable", "chat-store-unavailable"),
)
"""What can be in the way of a file that is sent."""

_AGAIN_SECONDS: Final = "5"

_HEADERS: Final = {
    "Content-Security-Policy": "sandbox; default-src 'none'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "private, no-store",
}

Key = Annotated[str, Meta(max_length=MAX_MESSAGE_ID, description="Yours: the same again is the same file.")]
Name = Annotated[str, Meta(max_length=MAX_GIVEN_NAME, description="What the file is called.")]


class Sent(Struct, frozen=True):
    """A file is kept, as the entry of this number. `name`: as it is shown, which may be another one than was given.

    `seq` is 0 where nothing was sent: `kinds` and `max_file` (bytes) say what may be; none and 0 where nothing may.
    """

    seq: int
    name: str
    file: FileShape | None
    kinds: tuple[str, ...]
    max_file: int


class Transfers:
    """All of one application."""

    def __init__(self) -> None:
        """None yet."""
        self.stall_seconds = STALL_SECONDS
        self.grace_seconds = GRACE_SECONDS
        self.of_place = Rates(REQUESTS_PER_SECOND, REQUESTS_AT_ONCE)
        self._uploads = Rates(UPLOADS_PER_SECOND, UPLOADS_AT_ONCE)
        self._downloads = Rates(DOWNLOADS_PER_SECOND, DOWNLOADS_AT_ONCE)
        self._going: Counter[str] = Counter()

    async def take_in(
        self, request: web.Request, channel: WebChatChannel, room: Room, *, agent_id: str, key: str, name: str
    ) -> Sent:
        """A request's body as a file in a conversation, the customer's if `agent_id` is empty. Raises a Problem."""
        size = _size_of(request)
        who = agent_id or f"{channel.name} {room.visitor}"
        if not _is_said(room, agent_id, key):
            _let(self._uploads.take(who, channel.now_us()))
        sending = Sending(agent_id, key, name, size, "" if agent_id else place_of(request))
        try:
            taken = await channel.reception.files.receive(room, sending, self._pieces(request))
        except (ConnectionError, ClientError) as error:
            raise _problem(Refused("file-length", "The connection ended before all had come.")) from error
        if isinstance(taken, Refused):
            raise _problem(taken)
        return sent(channel, taken)

    def give_out(
        self, channel: WebChatChannel, room: Room, entry: Entry, reader: str, request: web.Request
    ) -> web.Response:
        """A file's bytes, as what it is. `reader`: whose reading counts together. Raises a Problem."""
        if entry.file is None:
            raise not_found("file")
        _let(self._downloads.take(reader, channel.now_us()))
        if self._going[reader] >= UNDER_WAY_TO_ONE or self._going.total() >= UNDER_WAY:
            raise _too_many("Too many files are on their way just now; wait until some have come.")
        kind = KINDS[entry.file.kind]
        shows = kind.picture and entry.file.width > 0
        headers = {
            **_HEADERS,
            "Content-Disposition": disposition(entry.text, inline=shows),
            "Content-Length": str(entry.file.size),
        }
        parts = self._parts(channel.reception.files.parts(room, entry), reader, request)
        return web.Response(body=parts, content_type=kind.media, headers=headers)

    # ---- inside

    async def _pieces(self, request: web.Request) -> AsyncIterator[bytes]:
        """The body as it comes. Raises a Problem with 408 for whoever does not go on, or is too slow."""
        loop = asyncio.get_running_loop()
        began, come = loop.time(), 0
        while True:
            try:
                async with asyncio.timeout(self.stall_seconds):
                    piece = await request.content.readany()
            except TimeoutError:
                raise _too_slow() from None
            if not piece:
                return
            come += len(piece)
            if loop.time() - began > self.grace_seconds + come / LEAST_PER_SECOND:
                raise _too_slow()
            yield piece

    async def _parts(self, parts: AsyncIterator[bytes], reader: str, request: web.Request) -> AsyncIterator[bytes]:
        """These; whoever does not take one in time is cut off."""
        loop = asyncio.get_running_loop()
        self._going[reader] += 1
        timer: asyncio.TimerHandle | None = None
        try:
            async for part in parts:
                if request.transport is not None:
                    timer = loop.call_later(self.stall_seconds, partial(asyncio.Transport.abort, request.transport))
                yield part
                if timer is not None:
                    timer.cancel()
        finally:
            if timer is not None:
                timer.cancel()
            self._going[reader] -= 1
            if not self._going[reader]:
                del self._going[reader]


TRANSFERS: Final = web.AppKey("acd_transfers", Transfers)


def sent(channel: WebChatChannel, entry: Entry | None) -> Sent:
    """The answer about a file, or that none was sent."""
    options = channel.options
    kinds = options.file_kinds if options.files else ()
    if entry is None:
        return Sent(0, "", None, kinds, options.file_bytes)
    return Sent(entry.seq, entry.text, file_shape(entry), kinds, options.file_bytes)


def file_shape(entry: Entry) -> FileShape | None:
    """What is told of an entry's file."""
    return FileShape.of(entry.file) if entry.file is not None else None


def entry_of(room: Room, seq: int) -> Entry:
    """The entry with a file. Raises a Problem with 404."""
    chat = room.conversation
    if not 0 < seq <= chat.kept or chat.entries[seq - 1].file is None:
        raise not_found("file")
    return chat.entries[seq - 1]


def disposition(name: str, *, inline: bool) -> str:
    """The header that says what a file is called (RFC 6266): in ASCII, and in full (RFC 8187)."""
    plain = "".join(each if each.isascii() and each.isprintable() and each not in '"\\%' else "_" for each in name)
    kind = "inline" if inline else "attachment"
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _size_of(request: web.Request) -> int:
    """As the request says. Raises a Problem."""
    headers = request.headers
    if any(each.lower() != "identity" for each in headers.getall("Content-Encoding", ())):
        raise Problem(415, "unsupported-media-type", "Content-Encoding: send the file as it is.")
    if request.content_length is None:
        raise Problem(411, "length-required", "Content-Length: say how long the file is.", {"Connection": "close"})
    return request.content_length


def _is_said(room: Room, agent_id: str, key: str) -> bool:
    """Whether it is a repetition, which counts for nothing: it may come because of our own silence."""
    return isinstance(room.conversation.file_of(agent_id, key), Entry)


def _let(wait_seconds: float) -> None:
    if wait_seconds:
        raise _too_many("Too many files in so short a time; wait.", str(max(1, round(wait_seconds))))


def _too_many(detail: str, wait: str = _AGAIN_SECONDS) -> Problem:
    return Problem(429, "too-many-requests", detail, {"Retry-After": wait, "Connection": "close"})


def _too_slow() -> Problem:
    return Problem(408, "request-timeout", "The file did not come fast enough; send it again.", {"Connection": "close"})


def _problem(refusal: Refused) -> Problem:
    """The connection ends with it: the rest of the file is not read."""
    headers = {"Connection": "close"}
    if refusal.code == "too-many-uploads":
        headers["Retry-After"] = _AGAIN_SECONDS
    return Problem(STATUSES.get(refusal.code, 409), refusal.code, refusal.detail, headers)
