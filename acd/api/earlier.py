"""Routes for what an agent is shown beside the work in hand: the customer's earlier conversations, and agents' notes.

Owns /v1/agents/{agent}/work/{interaction}/earlier, what is under it, and …/notes, served where the desk is, and who may
read and write there: an agent who is asked to take an interaction, or has it in hand, reads what there was with this
customer, and with no other. Must not know how it is kept (`acd.runtime.earlier`).
"""

from typing import Annotated, Any, Final

from aiohttp import web
from msgspec import Meta, Struct

from acd.api.bodies import NoQuery, Nothing
from acd.api.chat.messages import Key
from acd.api.conversations import MAX_PAGE_CHARACTERS, AgentEntryShape, EntryQuery, entry_of_agents
from acd.api.desk import DESK
from acd.api.problems import Problem, not_found
from acd.api.routes import Call, Example, Route, Step
from acd.api.shapes import Moment
from acd.core.limits import MAX_ID
from acd.errors import ChatDamaged
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import problem_of
from acd.runtime.clock import moment
from acd.runtime.earlier import Earlier, Encounter, Note
from acd.runtime.earlier.following import MAX_NOTES, NEWEST
from acd.runtime.earlier.store import NotKept
from acd.runtime.records import InteractionRecord

EARLIER: Final[web.AppKey[Earlier | None]] = web.AppKey("acd_earlier")
"""What there was; None where nothing is kept."""

MAX_EARLIER: Final = 50
DEFAULT_EARLIER: Final = 10
"""Conversations of one answer."""

GRACE_US: Final = 3600 * 1_000_000
"""So long after the end whoever took part may still hand in a note: their network may have been away."""

_NOT_KEPT: Final[dict[NotKept, str]] = {
    "too-many-notes": f"An interaction has {MAX_NOTES} notes at most.",
    "person-erased": "This customer has been erased: nothing more is kept of them.",
}

_ANNA: Final = {"agent": "anna", "interaction": "mail-1"}


class EarlierQuery(Struct, frozen=True):
    """Which."""

    before: Annotated[
        str, Meta(max_length=MAX_ID, description="Those that began before this one, the last of the page before.")
    ] = ""
    limit: Annotated[int, Meta(ge=1, le=MAX_EARLIER, description="So many at most.")] = DEFAULT_EARLIER


class NewNote(Struct, forbid_unknown_fields=True):
    """A note. `id`: yours to choose, another one for every note; the same again is the same note."""

    id: Key
    text: str


class NoteShape(Struct):
    """What an agent has written, and when; `name`: the agent's, or the id of one who has none."""

    id: str
    at: Moment
    agent: str
    name: str
    text: str


class PartShape(Struct):
    """An agent who took part, and how their part ended, if they have said so."""

    agent: str
    name: str
    disposition: str


class EarlierShape(Struct):
    """An earlier interaction of the customer's, or another one that goes on.

    `state`: how it ended, `active` while it goes on; `by`: who ended a completed one; `talked_seconds`: whoever had it
    last. `conversation`: it is one in writing, which can be read.
    """

    id: str
    channel: str
    queue: str
    title: str
    began_at: Moment
    ended_at: Moment | None
    state: str
    reason: str
    by: str
    talked_seconds: float
    agents: list[PartShape]
    notes: list[NoteShape]
    conversation: bool


class EarlierList(Struct):
    """Newest first; `more`: ask for those before the last. `notes`: on the interaction itself, oldest first."""

    earlier: list[EarlierShape]
    more: bool
    notes: list[NoteShape]


class EarlierTranscript(Struct):
    """Some entries of an earlier conversation in writing; `more`: ask for those after the last."""

    id: str
    entries: list[AgentEntryShape]
    more: bool


async def list_earlier(call: Call[Nothing, EarlierQuery]) -> EarlierList:
    """What there was with this customer."""
    row, store = _in_hand(call), _store(call)
    if store is None:
        return EarlierList([], more=False, notes=[])
    own = [_note(call, each) for each in await store.notes([row.id]) if each.at_us >= row.enqueued_at_us]
    if not await store.is_one(row.customer):
        return EarlierList([], more=False, notes=own)
    asked = call.query
    before = NEWEST
    if asked.before:
        last = await _of_same(call, store, row, asked.before)
        before = last.begun_us, last.id
    found = await store.of_customer(row.customer, row.id, before, asked.limit + 1)
    shown = found[: asked.limit]
    began = {each.id: each.begun_us for each in shown}
    notes: dict[str, list[NoteShape]] = {}
    for note in await store.notes(list(began)):
        if note.at_us >= began[note.interaction_id]:  # else it is about something that had the same id before
            notes.setdefault(note.interaction_id, []).append(_note(call, note))
    # It was away for a moment: whoever has lost it meanwhile is shown nothing.
    _in_hand(call)
    seen = [_shape(call, each, notes.get(each.id, [])) for each in shown]
    return EarlierList(seen, more=len(found) > asked.limit, notes=own)


async def show_earlier(call: Call[Nothing, EntryQuery]) -> EarlierTranscript:
    """What was written in one of them."""
    row, store = _in_hand(call), _store(call)
    if store is None:
        raise not_found("earlier conversation")
    found = await _of_same(call, store, row, call.path("earlier"))
    channel = call.context.router.channel(found.instance)
    if not isinstance(channel, WebChatChannel):
        raise not_found("earlier conversation")
    try:
        room = await channel.reception.find(found.id)
    except ChatDamaged:
        room = None
    # Whose it is says the file of the conversations, too.
    if room is None or room.conversation.head.customer != row.customer:
        raise not_found("earlier conversation")
    _in_hand(call)
    chat = room.conversation
    entries = chat.since(call.query.after, call.query.limit, MAX_PAGE_CHARACTERS)
    more = bool(entries) and entries[-1].seq < chat.kept
    return EarlierTranscript(found.id, [entry_of_agents(call, each) for each in entries], more)


async def add_note(call: Call[NewNote, NoQuery]) -> NoteShape:
    """A note of the agent's on work in hand, or just done."""
    desk, store = call.request.app[DESK], _store(call)
    if store is None or desk is None or not desk.notes:
        raise Problem(404, "not-found", "Notes are not kept here: [api.desk] notes and keep say so.")
    problem = problem_of(call.body.text)
    if problem:
        raise Problem(422, "invalid-field", f"text: {problem}")
    customer = await _may_note(call, store)
    agent_id, now_us = call.path("agent"), call.context.now_us()
    note = Note(call.body.id, call.path("interaction"), agent_id, now_us, call.body.text, customer)
    kept = await store.add(note)
    if not isinstance(kept, Note):
        raise Problem(409, kept, _NOT_KEPT[kept])
    if kept.text != note.text:
        raise Problem(409, "id-reused", "This id is another note's; draw a new one for every note.")
    return _note(call, kept)


# ---- who may


def _in_hand(call: Call[Any, Any]) -> InteractionRecord:
    """The interaction in the path. Raises a Problem with 404 unless it is offered to this agent, or theirs."""
    agent_id, row = call.path("agent"), _of_work(call)
    if row is None:
        raise not_found("work item")
    offered = (agent for _, agent in row.pending)
    talking = (agent for _, agent in row.participants)
    if agent_id not in (row.agent_id, *offered, *talking):
        raise not_found("work item")  # handed on: it is another agent's now
    return row


def _of_work(call: Call[Any, Any]) -> InteractionRecord | None:
    """The interaction on which the agent has a work item, of whatever state."""
    view = call.context.view
    agent = view.agents.get(call.path("agent"))
    if agent is None or call.path("interaction") not in agent.work:
        return None
    return view.interactions[call.path("interaction")]


async def _may_note(call: Call[Any, Any], store: Earlier) -> str:
    """Whose customer it is. Raises a Problem with 404 unless the agent has it in hand, or had until just now."""
    agent_id, row = call.path("agent"), _of_work(call)
    if row is not None:
        item = call.context.view.agents[agent_id].work[row.id]
        if item.state == "offered":
            raise not_found("work item")
        return row.customer
    found = await store.encounter(call.path("interaction"))
    if found is None or found.part(agent_id) is None:
        raise not_found("work item")
    if found.ended_us and call.context.now_us() - found.ended_us > GRACE_US:
        raise not_found("work item")
    return found.customer


async def _of_same(call: Call[Any, Any], store: Earlier, row: InteractionRecord, earlier_id: str) -> Encounter:
    """An earlier one of the same customer. Raises a Problem with 404."""
    found = await store.encounter(earlier_id)
    is_old = found is not None and found.ended_us and found.ended_us < call.context.now_us() - store.keep_us
    if found is None or is_old or found.customer != row.customer or found.id == row.id:
        raise not_found("earlier conversation")
    if not await store.is_one(row.customer):
        raise not_found("earlier conversation")
    return found


def _store(call: Call[Any, Any]) -> Earlier | None:
    return call.request.app[EARLIER]


# ---- shapes


def _shape(call: Call[Any, Any], each: Encounter, notes: list[NoteShape]) -> EarlierShape:
    view = call.context.view
    channel = call.context.router.channel(each.instance)
    return EarlierShape(
        each.id,
        each.channel,
        each.queue,
        view.titles.get(each.queue, ""),
        moment(each.begun_us),
        moment(each.ended_us) if each.ended_us else None,
        each.state or "active",
        each.reason,
        each.by,
        each.talked_us / 1_000_000,
        [PartShape(part.agent_id, _name(call, part.agent_id), part.disposition) for part in each.parts],
        notes,
        isinstance(channel, WebChatChannel),
    )


def _note(call: Call[Any, Any], note: Note) -> NoteShape:
    return NoteShape(note.id, moment(note.at_us), note.agent_id, _name(call, note.agent_id), note.text)


def _name(call: Call[Any, Any], agent_id: str) -> str:
    return call.context.view.names.get(agent_id) or agent_id


_TALKING: Final = ("enqueue", "sign_in", "accept")
_VISITOR: Final = "cv_mfrggzdfmztwq2lkmfrggzdfmz"
_CHAT: Final = "chat-f4965943416e10cc4ac4fa6f"

ROUTES: Final = (
    Route(
        "list_earlier",
        "desk",
        "GET",
        "/v1/agents/{agent}/work/{interaction}/earlier",
        "agent",
        list_earlier,
        "Earlier conversations of the customer of an interaction in hand, and the notes on this one.",
        EarlierList,
        query=EarlierQuery,
        problems=("not-found", "earlier-unavailable"),
        example=Example(_ANNA, after=_TALKING, shows={"earlier": [], "more": False, "notes": []}),
        notes="For whoever is asked to take it, or has it in hand; with the same customer only, as long as"
        " `[api.desk] keep` says.",
    ),
    Route(
        "show_earlier",
        "desk",
        "GET",
        "/v1/agents/{agent}/work/{interaction}/earlier/{earlier}",
        "agent",
        show_earlier,
        "What was written in an earlier conversation of the same customer.",
        EarlierTranscript,
        query=EntryQuery,
        problems=("not-found", "earlier-unavailable", "channel-unavailable", "chat-store-unavailable"),
        example=Example(
            {"agent": "anna", "interaction": "mail-2", "earlier": _CHAT},
            after=(
                "sign_in",
                Step("enqueue", {}, {"id": "mail-2", "queue": "support", "channel": "email", "customer": _VISITOR}),
                Step("accept", {"offer": "mail-2.1"}, {"agent_id": "anna"}),
                "invite",
            ),
            shows={"id": _CHAT, "more": False},
        ),
    ),
    Route(
        "add_note",
        "desk",
        "POST",
        "/v1/agents/{agent}/work/{interaction}/notes",
        "agent",
        add_note,
        "Write a note on an interaction in hand, or on one that was until an hour ago.",
        NoteShape,
        body=NewNote,
        changes=False,
        problems=(
            "not-found",
            "earlier-unavailable",
            "invalid-field",
            "id-reused",
            "too-many-notes",
            "person-erased",
        ),
        example=Example(
            _ANNA, body={"id": "n-1", "text": "Wants a call on Monday."}, after=_TALKING, shows={"agent": "anna"}
        ),
        notes="Encrypted, and not in the journal. Whoever serves the same customer later reads it.",
    ),
)
