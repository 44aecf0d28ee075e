"""One conversation in writing: a numbered log, who talks, and how far each side has got and read.

Owns numbers, order, de-duplication and bounds. Must not know files, sockets, the engine or clocks: time is an
argument.

Everything that lasts is an `Entry`, and all else follows from the entries in order: whoever has those up to a number
asks for what comes after it, and has missed nothing. An entry is shown to nobody before it is `kept`: until then it may
still be taken back (`roll_back`).
"""

from collections.abc import Iterable
from typing import Final, Literal

from msgspec import Struct
from msgspec.structs import replace

MAX_TEXT: Final = 4_000
"""Characters of one message."""

MAX_ENTRIES: Final = 2_000
"""Entries of one conversation; the last `RESERVED` are for what the engine has to say."""

MAX_CHARACTERS: Final = 400_000
"""Characters of all messages of one conversation."""

RESERVED: Final = 100

MAX_MESSAGE_ID: Final = 64
"""Characters of the id that a client gives to a message."""

MAX_FILES: Final = 100
"""Files of one conversation."""

Side = Literal["customer", "agent"]

Kind = Literal["message", "file", "joined", "left", "announced", "ended"]

_LASTING_CONTROLS: Final = "\n\t"


class FileNote(Struct, frozen=True, gc=False):
    """What is known of a file: where its bytes are kept, `kind` as in `acd.runtime.chat.kinds`, `size` in bytes.

    `digest`: of what its client sent, by which the same is known. `width`, `height`: in pixels, of a picture that can
    be shown; 0 of everything else.
    """

    id: str
    kind: str
    size: int
    digest: str
    width: int = 0
    height: int = 0


class Entry(Struct, frozen=True, gc=False):
    """One thing that was said or has happened; `seq` counts from 1 without a gap.

    `agent_id`: of a message or file whose it is, empty for the customer's; else who has joined or left. `text`: of a
    message what it says, of a file its name, of an end why, of an announcement its name. `key`: of a message or file
    the id that its client gave it, of an agent's coming and going the offer.
    """

    seq: int
    at_us: int
    kind: Kind
    agent_id: str = ""
    text: str = ""
    key: str = ""
    file: FileNote | None = None

    @property
    def is_said(self) -> bool:
        """Whether somebody has said it: a message, or a file."""
        return self.kind in ("message", "file")

    @property
    def side(self) -> Side:
        """Whose message or file it is."""
        return "agent" if self.agent_id else "customer"


class Refused(Struct, frozen=True, gc=False):
    """Why something cannot be done: a stable word, and a sentence that says what to do."""

    code: str
    detail: str


REUSED: Final = Refused("id-reused", "This id is another message's; draw a new one for every message.")


class Marks(Struct, frozen=True, gc=False):
    """Up to which entry one side has been `delivered` the others' messages, and has `read` them."""

    delivered: int = 0
    read: int = 0

    def moved(self, delivered: int, read: int) -> "Marks":
        """Marks never go back, and what has been read has been delivered."""
        read = max(self.read, read)
        return Marks(max(self.delivered, delivered, read), read)


class Head(Struct, frozen=True):
    """What is known of a conversation besides its entries.

    `visitor`: whose page it is. `customer`: the opaque reference that the engine knows. `rating`: 0 for none yet.
    `accepted`: the engine has it, or had it. `rating_told`: the engine has the rating, too. `name`, `number`: who the
    customer says they are, for which nobody vouches, unless it is `vouched` for by the shop: then `customer` is the
    person who is known by that number, or by the shop's account.
    `later`: it began with a message that was left while nobody could be reached; nobody waits for its answer.
    """

    id: str
    visitor: str
    queue: str
    customer: str
    begun_us: int
    ended_us: int = 0
    by_customer: Marks = Marks()
    by_agent: Marks = Marks()
    rating: int = 0
    comment: str = ""
    accepted: bool = False
    rating_told: bool = False
    name: str = ""
    number: str = ""
    later: bool = False
    vouched: bool = False


class Conversation:
    """A conversation as it is now, with what is not kept yet at its end.

    `talking`, `ringing`: agents by offer, oldest first; who rings is not part of the log.
    """

    def __init__(self, head: Head, entries: Iterable[Entry] = ()) -> None:
        """`entries`: those that are kept already, in order."""
        self.head = head
        self.ringing: dict[str, str] = {}
        self.heard_us = head.begun_us
        """When the customer last said something, or was answered."""
        self._retell(entries)
        self.kept = len(self.entries)
        """Entries up to here are kept, and may be shown."""
        self.is_stored = bool(self.kept)
        """There is a row of it: what is kept next belongs there, and is not its beginning."""
        self._kept_rating = (head.rating, head.comment)

    @property
    def id(self) -> str:
        """The interaction's, too."""
        return self.head.id

    @property
    def is_over(self) -> bool:
        """Whether it has ended; nothing follows then."""
        return bool(self.ended)

    @property
    def characters(self) -> int:
        """Of all its messages."""
        return self._characters

    # ---- what is said and what happens: each returns what is new

    def post(self, agent_id: str, message_id: str, text: str, now_us: int) -> Entry | Refused:
        """A message, of the customer's if `agent_id` is empty. The same id of the same side is the same message.

        Of a message that has been said before nothing else is looked at: it is answered after the end, too.
        """
        known = self._numbers.get((agent_id, message_id))
        if known is not None:
            entry = self.entries[known - 1]
            return entry if entry.kind == "message" and entry.text == text else REUSED
        refusal = self._objection(agent_id, message_id, text)
        if refusal is not None:
            return refusal
        return self._added(now_us, "message", agent_id, text, message_id)

    def post_file(self, agent_id: str, message_id: str, name: str, file: FileNote, now_us: int) -> Entry | Refused:
        """A file, as `post`: the same id of the same side with the same bytes is the same file."""
        known = self.file_of(agent_id, message_id)
        if isinstance(known, Entry) and known.file is not None:
            return known if known.file.digest == file.digest else REUSED
        refusal = known if isinstance(known, Refused) else self.objection_to_file(agent_id, message_id, name, file.size)
        return self._added(now_us, "file", agent_id, name, message_id, file) if refusal is None else refusal

    def file_of(self, agent_id: str, message_id: str) -> Entry | Refused | None:
        """The file with this id of this side; a refusal if that is something else, None if there is none."""
        known = self._numbers.get((agent_id, message_id))
        if known is None:
            return None
        entry = self.entries[known - 1]
        return entry if entry.kind == "file" else REUSED

    def objection_to_file(self, agent_id: str, message_id: str, name: str, size: int, most: int = 0) -> Refused | None:
        """Why no file of so many bytes can be added; `most` bytes of all together, 0 for any number."""
        refusal = self._objection(agent_id, message_id, name)
        if refusal is None and (self._files >= MAX_FILES or (most and self._file_bytes + size > most)):
            return Refused("too-many-files", "There are as many files in this conversation as there may be.")
        return refusal

    @property
    def is_attended(self) -> bool:
        """Whether the customer is there: not if they have left a message, and have written nothing to who answers."""
        return not self.head.later or self._came_back

    def open(self, agent_id: str, message_id: str, text: str, now_us: int) -> Entry | Refused:
        """A message that begins the conversation, before anybody talks; the customer's if `agent_id` is empty."""
        refusal = self._fault(message_id, text)
        return self._added(now_us, "message", agent_id, text, message_id) if refusal is None else refusal

    def join(self, offer_id: str, agent_id: str, now_us: int) -> Entry | None:
        """An agent talks from now on; None when that is so already."""
        self.ringing.pop(offer_id, None)
        if self.is_over or offer_id in self.talking:
            return None
        return self._added(now_us, "joined", agent_id, "", offer_id)

    def leave(self, offer_id: str, now_us: int) -> Entry | None:
        """An agent talks no more; None when they did not."""
        if self.is_over or offer_id not in self.talking:
            return None
        return self._added(now_us, "left", self.talking[offer_id], "", offer_id)

    def announce(self, name: str, now_us: int) -> Entry | None:
        """The engine has something told; None after the end, and when there is no room for it."""
        if self.is_over or len(self.entries) >= MAX_ENTRIES:
            return None
        return self._added(now_us, "announced", "", name, "")

    def end(self, reason: str, now_us: int) -> Entry | None:
        """It is over; None when it was already."""
        self.ringing.clear()
        return None if self.is_over else self._added(now_us, "ended", "", reason or "ended", "")

    def mark(self, side: Side, *, delivered: int = 0, read: int = 0) -> bool:
        """Move the marks of a side, not beyond what is kept; whether they have moved."""
        before = self.marks(side)
        after = before.moved(min(delivered, self.kept), min(read, self.kept))
        if after == before:
            return False
        customers = side == "customer"
        self.head = replace(self.head, by_customer=after) if customers else replace(self.head, by_agent=after)
        return True

    def marks(self, side: Side) -> Marks:
        """How far a side has got."""
        return self.head.by_customer if side == "customer" else self.head.by_agent

    def rate(self, score: int, comment: str) -> Refused | None:
        """What the customer thought of it, once, after the end; the same again is no fault."""
        if not self.is_over:
            return Refused("not-ended", "A conversation is rated when it has ended; send leave first.")
        if self.head.rating and (self.head.rating, self.head.comment) != (score, comment):
            return Refused("already-rated", "This conversation has been rated; its rating stays.")
        self.head = replace(self.head, rating=score, comment=comment)
        return None

    def hear(self, at_us: int) -> None:
        """The customer is not to be taken for silent before this."""
        self.heard_us = max(self.heard_us, at_us)

    def accept(self) -> None:
        """The engine has it."""
        self.head = replace(self.head, accepted=True)

    def tell_rating(self) -> None:
        """The engine has the rating."""
        self.head = replace(self.head, rating_told=True)

    # ---- what is kept, and what may be shown

    def since(self, seq: int, limit: int, characters: int = MAX_CHARACTERS) -> list[Entry]:
        """At most so many entries after this number, of those that are kept: one, or as many as have `characters`."""
        begin = max(0, seq)
        found = self.entries[begin : min(self.kept, begin + limit)]
        for index, entry in enumerate(found):
            characters -= len(entry.text)
            if index and characters < 0:
                return found[:index]
        return found

    def keep(self, upto: int, head: Head | None = None) -> None:
        """Entries up to this number are durable, and so is what the `head` says."""
        self.kept = max(self.kept, upto)
        self.is_stored = True
        if head is not None:
            self._kept_rating = (head.rating, head.comment)

    def roll_back(self) -> None:
        """What is not kept never was; but for marks, which never go back, and are kept with what comes next."""
        rating, comment = self._kept_rating
        self.head = replace(self.head, ended_us=0, rating=rating, comment=comment)
        self._retell(self.entries[: self.kept])

    # ---- inside

    def _retell(self, entries: Iterable[Entry]) -> None:
        """All that follows from the entries, anew."""
        self.entries: list[Entry] = []
        self.talking: dict[str, str] = {}
        self.ended = ""
        self.last_agent = ""
        self.heard_us = self.head.begun_us
        self._came_back = False
        self._numbers: dict[tuple[str, str], int] = {}
        self._characters = 0
        self._files = 0
        self._file_bytes = 0
        for entry in entries:
            self._fold(entry)

    def _objection(self, agent_id: str, message_id: str, text: str) -> Refused | None:
        """Why this is no message."""
        if self.is_over:
            return Refused("ended", "This conversation has ended; begin another one.")
        if agent_id and agent_id not in self.talking.values():
            return Refused("not-talking", "Only an agent who has accepted the conversation writes in it.")
        fault = self._fault(message_id, text)
        if fault is not None:
            return fault
        if len(self.entries) >= MAX_ENTRIES - RESERVED or self._characters + len(text) > MAX_CHARACTERS:
            return Refused("conversation-full", "This conversation is as long as one may be; begin another one.")
        return None

    def _fault(self, message_id: str, text: str) -> Refused | None:
        """Why this can be no message of any conversation."""
        if not 0 < len(message_id) <= MAX_MESSAGE_ID:
            return Refused("invalid-field", f"id: has to have 1 to {MAX_MESSAGE_ID} characters; draw a new one.")
        problem = problem_of(text)
        return Refused("invalid-field", f"text: {problem}") if problem else None

    def _added(
        self, now_us: int, kind: Kind, agent_id: str, text: str, key: str, file: FileNote | None = None
    ) -> Entry:
        at_us = max(now_us, self.entries[-1].at_us if self.entries else 0)
        entry = Entry(len(self.entries) + 1, at_us, kind, agent_id, text, key, file)
        self._fold(entry)
        return entry

    def _fold(self, entry: Entry) -> None:
        """What follows from an entry."""
        self.entries.append(entry)
        if entry.file is not None:
            self._files += 1
            self._file_bytes += entry.file.size
        if entry.is_said:
            self._numbers[(entry.agent_id, entry.key)] = entry.seq
            self._characters += len(entry.text)
            if not entry.agent_id:
                self.heard_us = max(self.heard_us, entry.at_us)
                self._came_back = self._came_back or bool(self.last_agent)
        elif entry.kind == "joined":
            self.talking[entry.key] = self.last_agent = entry.agent_id
            # Whoever waited need not have said anything: their silence begins when they are answered.
            self.heard_us = max(self.heard_us, entry.at_us)
        elif entry.kind == "left":
            self.talking.pop(entry.key, None)
        elif entry.kind == "ended":
            self.ended = entry.text
            self.talking.clear()
            self.head = replace(self.head, ended_us=entry.at_us)


def problem_of(text: str) -> str:
    """Why this is no text of a message; empty if it is one."""
    if not text.strip():
        return "is empty; write something."
    if len(text) > MAX_TEXT:
        return f"has {len(text)} characters of at most {MAX_TEXT}; send it in parts."
    if any((ord(each) < ord(" ") and each not in _LASTING_CONTROLS) or each == "\x7f" for each in text):
        return "has control characters; send printable ones, line breaks as \\n."
    return ""
