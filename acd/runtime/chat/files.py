"""Pictures and files in conversations: how they come in, become an entry, and go out again, part by part.

Owns what may be sent, how many come at a time, and that the bytes are kept before anybody is told of them. Must not
know HTTP, nor tables (`acd.runtime.chat.file_parts`). Whoever sends hands in pieces as they come; no more of a file is
in memory than one part. What a page says of a file is believed in nothing: its kind and what it measures are found in
the bytes.
"""

import asyncio
import hashlib
import secrets
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Final

from msgspec import Struct

from acd.errors import ChatDamaged
from acd.ports.channel import ChannelHost
from acd.runtime.chat.conversation import REUSED, Conversation, Entry, FileNote, Refused
from acd.runtime.chat.file_parts import PART
from acd.runtime.chat.keeping import Keeper
from acd.runtime.chat.kinds import HEAD, KINDS, MAX_GIVEN_NAME, cleaned_name, is_text, kind_of
from acd.runtime.chat.options import OF_FILES, ChatOptions
from acd.runtime.chat.pictures import BrokenPicture, Picture
from acd.runtime.chat.rooms import Room
from acd.runtime.log import Logger

UPLOADS: Final = 64
"""Files that come at a time, in all conversations of a channel."""

UPLOADS_OF_ONE: Final = 2
"""Of one side of one conversation: one, and the same once more after a cut that nobody has noticed yet."""

UPLOADS_OF_PLACE: Final = 16
"""Of customers at one address: nobody is to hold all the places of a channel, by sending slowly."""

TIDIED_IN_TURN: Final = 20
"""Commits with which a sweep takes away what is nobody's."""

_BROKEN: Final = Refused("file-broken", "This begins as a picture, and is none; or not all of it has come.")
_SHORT: Final = Refused("file-length", "Another number of bytes has come than was said; send all of it again.")
_BUSY: Final = Refused("too-many-uploads", "Too many files are being sent just now; try again in a few seconds.")
_FULL: Final = Refused("unavailable", "Files cannot be kept just now; try again later.")
_NONE: Final = Refused("no-files", "No files can be sent here.")

_log = Logger(__name__)


class Sending(Struct, frozen=True):
    """A file that somebody sends: the customer if `agent_id` is empty. `key`: its client's id for it.

    `name`: as they say it. `size`: in bytes, as they say it. `place`: from where, if that is known and counts.
    """

    agent_id: str
    key: str
    name: str
    size: int
    place: str = ""


class Files:
    """Of one channel."""

    def __init__(self, options: ChatOptions, keeper: Keeper, host: Callable[[], ChannelHost]) -> None:
        """`host` raises `ChannelError` while there is no engine."""
        self._options = options
        self._keeper = keeper
        self._host = host
        self._coming: set[str] = set()
        self._senders: Counter[tuple[str, str]] = Counter()
        self._places: Counter[str] = Counter()
        self._bytes_to_come = 0
        self._to_tidy = True

    async def receive(self, room: Room, sending: Sending, pieces: AsyncIterator[bytes]) -> Entry | Refused:
        """Take a file in; it is kept when this returns, and of what is refused nothing is.

        Raises `ChatStoreError`, and whatever `pieces` raises.
        """
        refusal = await self._objection(room.conversation, sending)
        if refusal is not None:
            return refusal
        with self._counted(room, sending):
            known = room.conversation.file_of(sending.agent_id, sending.key)
            if isinstance(known, Entry):
                return await _compared(known, sending, pieces)
            return await self._taken_in(room, sending, pieces)

    async def parts(self, room: Room, entry: Entry) -> AsyncIterator[bytes]:
        """The bytes of a file, part by part. Raises `ChatDamaged` when some are missing, and `ChatStoreError`."""
        left = 0 if entry.file is None else entry.file.size
        number = 0
        while entry.file is not None and left > 0:
            part = await self._keeper.read_part(room.id, entry.file.id, number)
            if part is None or len(part) != min(left, PART):
                raise ChatDamaged(
                    f"a file of the conversation {room.id} is not there as a whole: restore the chat file"
                )
            yield part
            left -= len(part)
            number += 1

    def let_go(self) -> None:
        """There may be something that is nobody's."""
        self._to_tidy = True

    async def tidy(self) -> None:
        """Take away what is nobody's: some of it, and the next time more. Raises `ChatStoreError`."""
        for _ in range(TIDIED_IN_TURN if self._to_tidy else 0):
            # What ends meanwhile is seen to by the next sweep.
            self._to_tidy = False
            self._to_tidy = await self._keeper.drop_loose_files(frozenset(self._coming)) or self._to_tidy
            if not self._to_tidy:
                break

    # ---- inside

    async def _objection(self, chat: Conversation, sending: Sending) -> Refused | None:
        """Why it is not taken in; as little as possible is looked at before a byte of it is."""
        options = self._options
        if not options.files:
            return _NONE
        if not 0 < sending.size <= options.file_bytes:
            most = f"{options.file_megabytes} MB"
            return Refused("file-too-large", f"A file has at least one byte, and at most {most}; send a smaller one.")
        if not 0 < len(sending.name) <= MAX_GIVEN_NAME:
            return Refused("invalid-field", f"name: has to have 1 to {MAX_GIVEN_NAME} characters.")
        known = chat.file_of(sending.agent_id, sending.key)
        if known is None:
            most_bytes = options.conversation_megabytes * 1_000_000
            known = chat.objection_to_file(sending.agent_id, sending.key, "name", sending.size, most_bytes)
        if isinstance(known, Refused):
            return known
        used = await self._keeper.size() + self._bytes_to_come + sending.size
        if len(self._coming) >= UPLOADS or self._senders[chat.id, sending.agent_id] >= UPLOADS_OF_ONE:
            return _BUSY
        if sending.place and self._places[sending.place] >= UPLOADS_OF_PLACE:
            return _BUSY
        if used > options.megabytes * 1_000_000 * OF_FILES:
            _log.error("the file of conversations has no more room for files, so none are taken in")
            return _FULL
        return None

    @contextmanager
    def _counted(self, room: Room, sending: Sending) -> Iterator[None]:
        who = room.id, sending.agent_id
        self._senders[who] += 1
        self._places[sending.place] += 1
        self._bytes_to_come += sending.size
        try:
            yield
        finally:
            self._bytes_to_come -= sending.size
            self._senders[who] -= 1
            if not self._senders[who]:
                del self._senders[who]
            self._places[sending.place] -= 1
            if not self._places[sending.place]:
                del self._places[sending.place]

    async def _taken_in(self, room: Room, sending: Sending, pieces: AsyncIterator[bytes]) -> Entry | Refused:
        file_id = secrets.token_hex(16)
        self._coming.add(file_id)
        attaching: asyncio.Task[Entry | Refused] | None = None
        try:
            incoming = _Incoming(file_id, sending, self._options.file_kinds)
            if not await self._keeper.begin_file(room.id, file_id):
                return Refused("ended", "This conversation is no more; begin another one.")
            async for piece in pieces:
                refusal = incoming.take(piece)
                if refusal is not None:
                    return refusal
                await self._keep_parts(room, incoming)
            note = incoming.close()
            if isinstance(note, Refused):
                return note
            await self._keep_parts(room, incoming)
            attaching = asyncio.create_task(self._attach(room, sending, incoming.kind, note), name="adding a file")
            # Whoever is cancelled meanwhile finds it done: it is one commit, and the same id again is the same file.
            return await asyncio.shield(attaching)
        finally:
            if attaching is None:
                self._ended(file_id)
            else:
                attaching.add_done_callback(lambda _: self._ended(file_id))

    async def _keep_parts(self, room: Room, incoming: "_Incoming") -> None:
        for number, part in incoming.parts():
            await self._keeper.add_part(room.id, incoming.file_id, number, part)
            if not incoming.sending.agent_id:
                room.conversation.hear(self._host().now_us())  # who sends is not silent, however long it takes

    async def _attach(self, room: Room, sending: Sending, kind: str, note: FileNote) -> Entry | Refused:
        """From this commit on there is such a file."""
        chat, agent_id = room.conversation, sending.agent_id
        name = cleaned_name(sending.name, kind)
        posted = chat.post_file(agent_id, sending.key, name, note, self._host().now_us())
        if isinstance(posted, Refused) or posted.seq <= chat.kept:
            return posted
        if not agent_id:
            room.why = ""  # as with a message
        chat.mark("agent" if agent_id else "customer", read=chat.kept)
        await self._keeper.keep(chat)
        return posted

    def _ended(self, file_id: str) -> None:
        """Whatever has become of it: if nobody has it, it is taken away."""
        self._coming.discard(file_id)
        self._to_tidy = True


class _Incoming:
    """A file on its way in: what it is, and the parts that are complete."""

    def __init__(self, file_id: str, sending: Sending, kinds: tuple[str, ...]) -> None:
        self.file_id = file_id
        self.sending = sending
        self.kind = ""
        self._kinds = kinds
        self._head = bytearray()
        self._come = 0
        self._digest = hashlib.sha256()
        self._picture: Picture | None = None
        self._made = bytearray()
        self._parts = 0

    def take(self, piece: bytes) -> Refused | None:
        """These bytes have come; why no more are wanted."""
        self._come += len(piece)
        if self._come > self.sending.size:
            return _SHORT
        self._digest.update(piece)
        if self.kind:
            return self._pass(piece)
        self._head += piece
        return self._begin() if len(self._head) >= HEAD else None

    def close(self) -> FileNote | Refused:
        """All has come."""
        refusal = None if self.kind else self._begin()
        if self._come != self.sending.size:
            return _SHORT
        if refusal is not None:
            return refusal
        width = height = 0
        if self._picture is not None:
            try:
                self._made += self._picture.close()
            except BrokenPicture:
                return _BROKEN
            if self._picture.is_small:
                width, height = self._picture.width, self._picture.height
        return FileNote(self.file_id, self.kind, self._come, self._digest.hexdigest(), width, height)

    def parts(self) -> Iterator[tuple[int, bytes]]:
        """What can be kept by now, with numbers from 0."""
        while len(self._made) >= PART or (self._made and self._is_whole):
            part = bytes(self._made[:PART])
            del self._made[:PART]
            yield self._parts, part
            self._parts += 1

    # ---- inside

    @property
    def _is_whole(self) -> bool:
        """Whether nothing is held back any more."""
        return self._parts * PART + len(self._made) == self.sending.size

    def _begin(self) -> Refused | None:
        head = bytes(self._head)
        kind = kind_of(head[:HEAD], self.sending.name)
        if kind not in self._kinds:
            known = ", ".join(self._kinds)
            return Refused("file-kind", f"This is no file of a kind that can be sent here: {known}.")
        self.kind = kind
        self._head.clear()
        if KINDS[kind].picture:
            self._picture = Picture(kind)
        return self._pass(head)

    def _pass(self, piece: bytes) -> Refused | None:
        if self.kind == "text" and not is_text(piece):
            return Refused("file-kind", "This begins as a text, and is none.")
        if self._picture is not None:
            try:
                piece = self._picture.feed(piece)
            except BrokenPicture:
                return _BROKEN
        self._made += piece
        return None


async def _compared(known: Entry, sending: Sending, pieces: AsyncIterator[bytes]) -> Entry | Refused:
    """The same once more: nothing is kept of it."""
    come, digest = 0, hashlib.sha256()
    async for piece in pieces:
        come += len(piece)
        if come > sending.size:
            return _SHORT
        digest.update(piece)
    if come != sending.size:
        return _SHORT
    return known if known.file is not None and known.file.digest == digest.hexdigest() else REUSED
