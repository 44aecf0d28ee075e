"""What a customer's page may say and is told, message by message, in JSON.

Owns the forms. Must not know how they travel, nor what is done. It is a closed list. CHAT.md explains it for whoever
writes a page; `acd.api.chat.session` is the order of things.
"""

from collections.abc import Mapping
from typing import Annotated, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from acd.api.shapes import Moment
from acd.core.limits import MAX_ID
from acd.core.messages.types import ID_PATTERN, OptionalId
from acd.runtime.chat.beginning import PAGE_ATTRIBUTE
from acd.runtime.chat.conversation import MAX_ENTRIES, MAX_MESSAGE_ID, MAX_TEXT, Conversation, Entry, FileNote, Marks
from acd.runtime.chat.kinds import KINDS
from acd.runtime.chat.visitors import MAX_TOKEN
from acd.runtime.clock import moment

MAX_NAME: Final = 100
MAX_NUMBER: Final = 40
MAX_ATTRIBUTES: Final = 10
MAX_ATTRIBUTE: Final = 200
MAX_COMMENT: Final = 1_000

Key = Annotated[str, Meta(min_length=1, max_length=MAX_MESSAGE_ID)]
Number = Annotated[int, Meta(ge=0, le=MAX_ENTRIES)]
OptionalKey = Annotated[str, Meta(max_length=MAX_MESSAGE_ID)]
_Name = Annotated[str, Meta(max_length=MAX_NAME)]
_AttributeName = Annotated[str, Meta(min_length=1, max_length=MAX_ID - len(PAGE_ATTRIBUTE), pattern=ID_PATTERN)]
_Attribute = Annotated[str, Meta(max_length=MAX_ATTRIBUTE)]


class Said(Struct, frozen=True, tag_field="type", forbid_unknown_fields=True):
    """Base of what a page says."""


class Hello(Said, frozen=True, tag="hello"):
    """First of all: who it is, by the last token, and which entries of which conversation it has up to which number."""

    token: Annotated[str, Meta(max_length=MAX_TOKEN)] = ""
    conversation: OptionalKey = ""
    after: Number = 0


class Begin(Said, frozen=True, tag="begin"):
    """Ask for an agent. `name`, `number`: who the customer says they are; `attributes`: what routing may go by.

    `left`: a message for later instead, which is answered when somebody can be reached; it is the first entry.
    `identity`: what the shop's server has signed about who they are, in place of `name` and `number`.
    """

    id: Key
    queue: OptionalId = ""
    name: _Name = ""
    number: Annotated[str, Meta(max_length=MAX_NUMBER)] = ""
    attributes: Annotated[dict[_AttributeName, _Attribute], Meta(max_length=MAX_ATTRIBUTES)] = {}
    left: Annotated[str, Meta(max_length=MAX_TEXT)] = ""
    identity: str = ""


class Send(Said, frozen=True, tag="send"):
    """A message. The same `id` again is the same message. `conversation`: to which it belongs."""

    id: Key
    text: str
    conversation: OptionalKey = ""


class Mark(Said, frozen=True, tag="mark"):
    """Entries have come, and have been seen, up to these numbers."""

    delivered: Number = 0
    read: Number = 0
    conversation: OptionalKey = ""


class Typing(Said, frozen=True, tag="typing"):
    """The customer types; said at most every few seconds."""


class Leave(Said, frozen=True, tag="leave"):
    """The customer ends the conversation."""

    conversation: OptionalKey = ""


class Rate(Said, frozen=True, tag="rate"):
    """What they thought of it, from 1 to 5, after the end."""

    id: Key
    score: Annotated[int, Meta(ge=1, le=5)]
    comment: Annotated[str, Meta(max_length=MAX_COMMENT)] = ""
    conversation: OptionalKey = ""


class Ping(Said, frozen=True, tag="ping"):
    """Ask for a sign of life: a browser notices late that its network has gone."""

    id: Key


class History(Said, frozen=True, tag="history"):
    """Conversations of the past; of one of them, its entries after a number."""

    id: Key
    conversation: OptionalKey = ""
    after: Number = 0


class CallInstead(Said, frozen=True, tag="call"):
    """The customer would rather talk. `id`: of the call that is to begin. Answered by `ticket`, or by an error."""

    id: Key
    conversation: OptionalKey = ""


Message = Hello | Begin | Send | Mark | Typing | Leave | Rate | History | Ping | CallInstead


class ToldBase(Struct, frozen=True, tag_field="type"):
    """Base of what a page is told."""


class MarksShape(Struct, frozen=True):
    """Up to which entry something has come, and has been read."""

    delivered: int
    read: int


class FileShape(Struct, frozen=True):
    """A file. `media`: its media type. `width`, `height`: of a picture that can be shown; 0 of everything else."""

    media: str
    size: int
    width: int
    height: int

    @classmethod
    def of(cls, note: FileNote) -> "FileShape":
        """As it is told."""
        return cls(KINDS[note.kind].media, note.size, note.width, note.height)


class EntryShape(Struct, frozen=True):
    """One entry. `id`: the client's own, of the customer's messages. `name`: of the agent, if customers may see one.

    `file`: of a file, whose name is the `text`.
    """

    seq: int
    at: Moment
    kind: str
    side: Literal["customer", "agent", "system"]
    name: str
    text: str
    id: str
    file: FileShape | UnsetType = UNSET


class Welcome(ToldBase, frozen=True, tag="welcome"):
    """You are let in. Keep `token` for the next `hello`. `conversation`: the one that entries are told of, if any.

    `messages`: one can be left for later. `call`: the channel by which the customer may call instead; empty: none.
    `max_file`: bytes of a file that can be sent, 0 where none can, and of which kinds.
    """

    token: str
    expires_at: Moment
    conversation: str
    max_text: int
    messages: bool = False
    call: str = ""
    max_file: int = 0
    file_kinds: tuple[str, ...] = ()


class Token(ToldBase, frozen=True, tag="token"):
    """A new token in place of the last one."""

    token: str
    expires_at: Moment


class ConversationTold(ToldBase, frozen=True, tag="conversation"):
    """The conversation that entries are told of from now on. `ended`: why it has, empty while it goes on.

    `anew`: you have more of it than there is, so drop what you show, and begin with its first entry.
    `later`: it is a message that was left.
    """

    id: str
    queue: str
    begun_at: Moment
    ended: str
    rating: int
    customer: MarksShape
    agent: MarksShape
    anew: bool = False
    later: bool = False


class EntryTold(ToldBase, frozen=True, tag="entry"):
    """An entry, in order and without a gap."""

    conversation: str
    seq: int
    at: Moment
    kind: str
    side: Literal["customer", "agent", "system"]
    name: str
    text: str
    id: str
    file: FileShape | UnsetType = UNSET


class Sent(ToldBase, frozen=True, tag="sent"):
    """Your message is kept, as this entry."""

    id: str
    seq: int


class Done(ToldBase, frozen=True, tag="done"):
    """What had this id has been done; of a `begin`, in which conversation."""

    id: str
    conversation: str


class MarksTold(ToldBase, frozen=True, tag="marks"):
    """How far both sides have got."""

    customer: MarksShape
    agent: MarksShape


class PlaceTold(ToldBase, frozen=True, tag="place"):
    """Place in line, from 1; 0 when there is none. `expected_seconds`: half wait no longer; null when nobody knows."""

    position: int
    expected_seconds: float | None


class TypingTold(ToldBase, frozen=True, tag="typing"):
    """An agent types."""


class PastShape(Struct, frozen=True):
    """A conversation of the past. `ended_at` is null while it goes on."""

    id: str
    queue: str
    begun_at: Moment
    ended_at: Moment | None


class Past(ToldBase, frozen=True, tag="history"):
    """Conversations, newest first, or entries of one of them; `more`: ask for those after the last."""

    id: str
    conversations: list[PastShape]
    entries: list[EntryShape]
    more: bool


class TicketTold(ToldBase, frozen=True, tag="ticket"):
    """With it the page may say hello on `channel`, once, within a minute, for the call of this `id`.

    `continues`: the conversation that the call goes on from, to be said with its `begin`; empty: from none.
    """

    id: str
    channel: str
    ticket: str
    continues: str


class Refusal(ToldBase, frozen=True, tag="error"):
    """What had this id was not done, and will not be by saying it again."""

    id: str
    code: str
    detail: str


class Closing(ToldBase, frozen=True, tag="closing"):
    """The last message: why the connection ends, and what to do."""

    code: str
    detail: str


Told = (
    Welcome
    | Token
    | ConversationTold
    | EntryTold
    | Sent
    | Done
    | MarksTold
    | PlaceTold
    | TypingTold
    | Past
    | TicketTold
    | Refusal
    | Closing
)


def marks_shape(marks: Marks) -> MarksShape:
    """As it is told."""
    return MarksShape(marks.delivered, marks.read)


def conversation_told(chat: Conversation, *, anew: bool = False) -> ConversationTold:
    """How it stands, as far as that is kept."""
    head = chat.head
    last = chat.entries[chat.kept - 1] if chat.kept else None
    ended = last.text if last is not None and last.kind == "ended" else ""
    return ConversationTold(
        head.id,
        head.queue,
        moment(head.begun_us),
        ended,
        head.rating,
        marks_shape(head.by_customer),
        marks_shape(head.by_agent),
        anew,
        head.later,
    )


def entry_shape(entry: Entry, names: Mapping[str, str]) -> EntryShape:
    """As a customer may see it: of an agent no more than the name that is meant for customers."""
    side: Literal["customer", "agent", "system"] = "system"
    if entry.is_said:
        side = entry.side
    own = entry.key if side == "customer" else ""
    name = names.get(entry.agent_id, "")
    file = UNSET if entry.file is None else FileShape.of(entry.file)
    return EntryShape(entry.seq, moment(entry.at_us), entry.kind, side, name, entry.text, own, file)


def entry_told(conversation: str, entry: Entry, names: Mapping[str, str]) -> EntryTold:
    """The same, as a message."""
    shape = entry_shape(entry, names)
    told = shape.seq, shape.at, shape.kind, shape.side, shape.name, shape.text, shape.id, shape.file
    return EntryTold(conversation, *told)
