"""Routes about an agent's conversations in writing: read, write, type, and begin one with a visitor.

Owns /v1/agents/{agent}/conversations and what is under it, and who may see what: whoever is being asked, talks, or
talked last, as with the interaction itself, or has the call in hand that has gone on from it; and while it goes on only
those write who talk. Must not know how conversations are kept (`acd.runtime.chat`). Accepting, transferring and ending
are the interaction's own routes.
"""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, Struct, UnsetType

from acd.api.bodies import NoQuery
from acd.api.chat.continued import is_called, is_continued
from acd.api.chat.ended import ended_conversation
from acd.api.chat.messages import FileShape, Key, MarksShape, Number, marks_shape
from acd.api.problems import Problem, not_found
from acd.api.routes import Call, Created, Example, Route, Step
from acd.api.shapes import Moment
from acd.core.messages.types import Id, OptionalId
from acd.errors import ChatDamaged
from acd.runtime.chat.beginning import Invitation, Wanted
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import Entry, Refused
from acd.runtime.chat.rooms import Room
from acd.runtime.clock import moment
from acd.runtime.records import InteractionRecord

MAX_PAGE: Final = 200
MAX_PAGE_CHARACTERS: Final = 200_000
"""Entries of one answer, and characters of all of them."""

_STATUSES: Final = {"invalid-field": 422, "unknown-queue": 422, "unavailable": 503}
"""Refusals that are not simply against the state of things."""


class EntryQuery(Struct, frozen=True):
    """Which entries."""

    after: Annotated[Number, Meta(description="Entries after this number.")] = 0
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE, description="So many at most.")] = MAX_PAGE


class Saying(Struct, forbid_unknown_fields=True):
    """A message. `id`: yours to choose, another one for every message; the same again is the same message."""

    id: Key
    text: str


class Reading(Struct, forbid_unknown_fields=True):
    """Entries have come, and have been seen, up to these numbers. Marks never go back."""

    delivered: Number = 0
    read: Number = 0


class Inviting(Struct, forbid_unknown_fields=True):
    """A message that begins a conversation with a visitor of a web chat. `id` as of any message."""

    channel: Id
    visitor: Id
    id: Key
    text: str
    queue: OptionalId = ""


class AgentEntryShape(Struct):
    """One entry. `agent`: whose message it is, or who has joined or left, and their `name` (the id without one).

    `id`: what the message's client called it. `file`: of a file, whose name is the `text`.
    """

    seq: int
    at: Moment
    kind: Literal["message", "file", "joined", "left", "announced", "ended"]
    side: Literal["customer", "agent", "system"]
    agent: str
    name: str
    text: str
    id: str
    file: FileShape | UnsetType = UNSET


class ConversationShape(Struct):
    """A conversation. `seq`: of its last entry. `state`: offered, active or ended, or waiting for another agent.

    `customer`, `agent`: how far each side has got. `rating` is 0 until the customer has given one. `talking`: agents
    who do, and so may write. `name`, `number`: who the customer says they are; nobody vouches for it, unless it is
    `vouched` for by the shop. `max_file`: bytes of a file that can be sent, 0 where none
    can, and of these kinds.
    """

    interaction_id: str
    channel: str
    visitor: str
    queue: str
    state: Literal["waiting", "offered", "active", "ended"]
    begun_at: Moment
    seq: int
    customer: MarksShape
    agent: MarksShape
    rating: int
    comment: str
    talking: list[str]
    name: str
    number: str
    vouched: bool
    max_file: int = 0
    file_kinds: tuple[str, ...] = ()


class ConversationList(Struct):
    """Conversations that the agent is being asked to take, or has in hand."""

    conversations: list[ConversationShape]


class TranscriptShape(Struct):
    """A conversation and some of its entries; `more`: ask for those after the last."""

    conversation: ConversationShape
    entries: list[AgentEntryShape]
    more: bool


async def list_conversations(call: Call[Any, NoQuery]) -> ConversationList:
    """What the agent is asked to take, or has."""
    context = call.context
    agent = context.view.agents.get(call.path("agent"))
    if agent is None:
        raise not_found("agent")
    found: list[ConversationShape] = []
    for interaction_id in tuple(agent.work):
        row = context.view.interaction(interaction_id)
        # Wrap-up may go on while another agent talks with the customer: that is no more theirs.
        theirs = row is not None and _concerns(row, agent.id)
        channel = context.router.channel(row.instance) if row is not None and theirs else None
        room = channel.rooms.get(interaction_id) if isinstance(channel, WebChatChannel) else None
        if isinstance(channel, WebChatChannel) and room is not None:
            await channel.reception.let_in(room, agent.id)
            found.append(_shape(channel, room))
    return ConversationList(found)


async def show(call: Call[Any, EntryQuery]) -> TranscriptShape:
    """One conversation."""
    channel, room = await conversation_of(call)
    await channel.reception.let_in(room, call.path("agent"))
    entries = room.conversation.since(call.query.after, call.query.limit, MAX_PAGE_CHARACTERS)
    more = bool(entries) and entries[-1].seq < room.conversation.kept
    return TranscriptShape(_shape(channel, room), [entry_of_agents(call, each) for each in entries], more)


async def say(call: Call[Saying, NoQuery]) -> AgentEntryShape:
    """A message of the agent's."""
    channel, room = await conversation_of(call)
    await channel.reception.let_in(room, call.path("agent"))
    posted = await channel.reception.post(room, call.path("agent"), call.body.id, call.body.text)
    if isinstance(posted, Refused):
        raise _problem(posted)
    return entry_of_agents(call, posted)


async def mark(call: Call[Reading, NoQuery]) -> ConversationShape:
    """How far the agent has got."""
    channel, room = await _talking(call)
    channel.reception.mark(room, "agent", delivered=call.body.delivered, read=call.body.read)
    return _shape(channel, room)


async def typing(call: Call[Any, NoQuery]) -> ConversationShape:
    """The agent types."""
    channel, room = await _talking(call)
    channel.reception.typing(room, call.path("agent"))
    return _shape(channel, room)


async def invite(call: Call[Inviting, NoQuery]) -> Created:
    """A conversation that the agent begins."""
    body, agent_id = call.body, call.path("agent")
    if agent_id not in call.context.view.agents:
        raise not_found("agent")
    channel = call.context.router.channel(body.channel)
    if not isinstance(channel, WebChatChannel):
        raise not_found("web chat")
    met = call.who.sees_all or await _has_met(channel, agent_id, body.visitor)
    if not met and not await is_called(call.context.view, agent_id, channel, body.visitor):
        raise not_found("visitor")
    invitation = Invitation(agent_id, body.id, body.text)
    answer = await channel.reception.begin(body.visitor, Wanted(body.id, body.queue), invitation)
    if isinstance(answer, Refused):
        raise _problem(answer)
    return Created(_shape(channel, answer), f"/v1/agents/{agent_id}/conversations/{answer.id}")


async def _has_met(channel: WebChatChannel, agent_id: str, visitor: str) -> bool:
    """Whether the agent was the last to talk in a conversation of theirs."""
    for head in await channel.reception.past(visitor, channel.options.per_visitor):
        try:
            room = await channel.reception.find(head.id)
        except ChatDamaged:
            continue  # it says nothing for anybody
        if room is not None and room.conversation.last_agent == agent_id:
            return True
    return False


async def conversation_of(call: Call[Any, Any]) -> tuple[WebChatChannel, Room]:
    """The one in the path. Raises a Problem with 404 unless it is this agent's."""
    row = call.context.view.interaction(call.path("interaction"))
    if row is None or row.partial:
        if (found := await ended_conversation(call)) is None:
            raise not_found("conversation")
        return found
    if not (
        (call.who.sees(row) and _concerns(row, call.path("agent")))
        or is_continued(call.context.view, call.path("agent"), row, call.who)
    ):
        raise not_found("conversation")
    channel = call.context.router.channel(row.instance)
    if not isinstance(channel, WebChatChannel):
        raise not_found("conversation")
    room = await channel.reception.find(row.id)
    if room is None:
        raise not_found("conversation")
    return channel, room


async def _talking(call: Call[Any, Any]) -> tuple[WebChatChannel, Room]:
    """The same, of an agent who talks in it. Raises a Problem with 409 otherwise."""
    channel, room = await conversation_of(call)
    await channel.reception.let_in(room, call.path("agent"))
    if call.path("agent") not in room.conversation.talking.values():
        raise _problem(Refused("not-talking", "Only an agent who has accepted the conversation does this."))
    return channel, room


def _concerns(row: InteractionRecord, agent_id: str) -> bool:
    others = (agent for _, agent in (*row.pending, *row.participants))
    return agent_id in (row.agent_id, *others)


def _problem(refusal: Refused) -> Problem:
    return Problem(_STATUSES.get(refusal.code, 409), refusal.code, refusal.detail)


def _shape(channel: WebChatChannel, room: Room) -> ConversationShape:
    chat, head = room.conversation, room.conversation.head
    state: Literal["waiting", "offered", "active", "ended"]
    state = "ended" if chat.is_over else "active" if chat.talking else "offered" if chat.ringing else "waiting"
    return ConversationShape(
        room.id,
        channel.name,
        head.visitor,
        head.queue,
        state,
        moment(head.begun_us),
        chat.kept,
        marks_shape(head.by_customer),
        marks_shape(head.by_agent),
        head.rating,
        head.comment,
        list(dict.fromkeys(chat.talking.values())),
        head.name,
        head.number,
        head.vouched,
        channel.options.file_bytes,
        channel.options.file_kinds if channel.options.files else (),
    )


def entry_of_agents(call: Call[Any, Any], entry: Entry) -> AgentEntryShape:
    """As agents see it."""
    side: Literal["customer", "agent", "system"] = entry.side if entry.is_said else "system"
    key = entry.key if entry.is_said else ""
    name = call.context.view.names.get(entry.agent_id) or entry.agent_id
    at, file = moment(entry.at_us), UNSET if entry.file is None else FileShape.of(entry.file)
    return AgentEntryShape(entry.seq, at, entry.kind, side, entry.agent_id, name, entry.text, key, file)


_VISITOR: Final = "cv_mfrggzdfmztwq2lkmfrggzdfmz"
ID: Final = "chat-f4965943416e10cc4ac4fa6f"
_OWN: Final = {"agent": "anna", "interaction": ID}
BEGUN: Final = (
    "sign_in",
    "invite",
    Step("accept", {"offer": f"{ID}.1"}, {"agent_id": "anna"}),
)
_KNOWN: Final = ("not-found", "channel-unavailable", "chat-store-unavailable")


def _route(name: str, path: str, handler: Any, body: type[Struct], summary: str, **more: Any) -> Route:  # noqa: ANN401
    """A row for POST to something of a conversation."""
    return Route(
        name,
        "conversations",
        "POST",
        f"/v1/agents/{{agent}}/conversations/{{interaction}}/{path}",
        "agent",
        handler,
        summary,
        body=body,
        changes=False,
        **more,
    )


class _Empty(Struct, forbid_unknown_fields=True):
    """Nothing is said but that it happens."""


ROUTES: Final = (
    Route(
        "list_conversations",
        "conversations",
        "GET",
        "/v1/agents/{agent}/conversations",
        "agent",
        list_conversations,
        "Conversations that the agent is asked to take, or has in hand.",
        ConversationList,
        problems=("not-found",),
        example=Example({"agent": "anna"}, after=BEGUN, shows={}),
    ),
    Route(
        "invite",
        "conversations",
        "POST",
        "/v1/agents/{agent}/conversations",
        "agent",
        invite,
        "Begin a conversation with a visitor by a message.",
        ConversationShape,
        status=201,
        body=Inviting,
        changes=False,
        problems=(
            *_KNOWN,
            "conversation-active",
            "id-reused",
            "too-many-conversations",
            "unavailable",
            "unknown-queue",
        ),
        example=Example(
            {"agent": "anna"},
            body={"channel": "shop", "visitor": _VISITOR, "id": "invite-1", "text": "May I help you?"},
            after=("sign_in",),
            shows={"interaction_id": ID, "seq": 1},
        ),
        notes="The visitor's pages show it at once. The conversation is offered to this agent first, as the queue's"
        " `hold_for` says. An agent's token can begin one with visitors to whom this agent was the last to talk.",
    ),
    Route(
        "show_conversation",
        "conversations",
        "GET",
        "/v1/agents/{agent}/conversations/{interaction}",
        "agent",
        show,
        "A conversation, and its entries after a number.",
        TranscriptShape,
        query=EntryQuery,
        problems=_KNOWN,
        example=Example(_OWN, after=BEGUN, shows={"more": False}),
        notes="For whoever is asked to take it, talks, or talked last. Entries are numbered from 1 without a gap.",
    ),
    _route(
        "say",
        "messages",
        say,
        Saying,
        "Write a message.",
        answer=AgentEntryShape,
        problems=(*_KNOWN, "not-talking", "ended", "conversation-full", "id-reused", "invalid-field"),
        example=Example(_OWN, body={"id": "m-1", "text": "Good day."}, after=BEGUN, shows={"text": "Good day."}),
    ),
    _route(
        "mark_conversation",
        "marks",
        mark,
        Reading,
        "Say up to which entry the customer's messages have come, and have been read.",
        answer=ConversationShape,
        problems=(*_KNOWN, "not-talking"),
        example=Example(_OWN, body={"read": 1}, after=BEGUN, shows={"state": "active"}),
    ),
    _route(
        "typing",
        "typing",
        typing,
        _Empty,
        "Let the customer see that the agent types.",
        answer=ConversationShape,
        problems=(*_KNOWN, "not-talking"),
        example=Example(_OWN, body={}, after=BEGUN, shows={"state": "active"}),
    ),
)
