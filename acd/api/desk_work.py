"""Routes for the page on which an agent works: all that is in hand in one picture, and to whom it can be handed on.

Owns /v1/agents/{agent}/work and /v1/agents/{agent}/targets, served where the desk is. Must not know what the page does,
nor change anything: that is what the routes of `acd.api.work`, `offers`, `consults` and `interactions` are for.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Annotated, Any, Final, Literal

from msgspec import Meta, Struct

from acd.api.bodies import NoQuery, Nothing
from acd.api.chat.continued import continued
from acd.api.numbers import has_numbers
from acd.api.problems import not_found
from acd.api.routes import Call, Example, Route
from acd.api.shapes import (
    AgentShape,
    InteractionShape,
    Moment,
    WorkShape,
    agent_shape,
    interaction_shape,
    work_shape,
)
from acd.core.messages.settings import WrapUpPolicy
from acd.ports.browser_phones import HasBrowserPhones
from acd.ports.channel import Channel
from acd.ports.pages import BrowserCalls
from acd.ports.recording import Recording, RecordingState
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.clock import moment
from acd.runtime.records import AgentRecord, InteractionRecord, WorkRecord

MAX_TARGETS: Final = 50
"""Queues, and agents, of one answer."""

_ANNA: Final = {"agent": "anna"}

Voice = Literal["page", "phone"]


class TermsShape(Struct):
    """What the queue says of the work on it: codes that can be set, and after-call work.

    `extendable_to`: until when this wrap-up can be extended, null where it cannot.
    """

    title: str
    dispositions: tuple[str, ...]
    disposition_required: bool
    wrap_up: WrapUpPolicy
    extendable_to: Moment | None


class ItemShape(Struct):
    """A work item with all that a desk shows of it.

    `part`: whether the agent is responsible for the customer, talks beside whoever is, or neither (any more).
    `interaction`: null once it is another agent's. `conversation`: it is one in writing that the API has. `recording`:
    null where its channel records nothing. `consults`: those that have not ended, in which this agent asks.
    `continues`: of a call that has gone on from a conversation in writing, that conversation, to be shown beside it.
    `voice`: how the agent's page may carry their voice: `page`, as a call between browsers, which it joins; `phone`, as
    a telephone of a PBX, which the page may be; null where neither can be. `numbers`: the customer can be
    transferred to a telephone number.
    """

    work: WorkShape
    part: Literal["owner", "participant", "none"]
    interaction: InteractionShape | None
    terms: TermsShape
    conversation: bool
    recording: RecordingState | None
    consults: list[InteractionShape]
    continues: str = ""
    voice: Voice | None = None
    numbers: bool = False


class DeskWorkShape(Struct):
    """An agent's work as it stands `now`. `names`: of the agents whom it mentions, as far as they have one."""

    now: Moment
    agent: AgentShape
    items: list[ItemShape]
    names: dict[str, str]


class TargetQuery(Struct, frozen=True):
    """Which."""

    search: Annotated[
        str, Meta(max_length=100, description="A part of their ids or names, in whichever case; without it all.")
    ] = ""


class QueueTargetShape(Struct):
    """A queue. `closed`: why it takes nobody, null while it is open."""

    id: str
    title: str
    closed: str | None


class AgentTargetShape(Struct):
    """An agent who is at work."""

    id: str
    name: str
    presence: str


class TargetsShape(Struct):
    """To whom a customer can be handed on. `more`: there are others, too; search for them."""

    queues: list[QueueTargetShape]
    agents: list[AgentTargetShape]
    more: bool


async def show_work(call: Call[Nothing, NoQuery]) -> DeskWorkShape:
    """All that the agent has in hand."""
    agent, context = _agent(call), call.context
    view = context.view
    seen = (item for item in agent.work.values() if call.who.may_see(view.interactions[item.interaction_id]))
    items = [_item(call, item) for item in seen]
    mentioned = {name for item in items for name in _mentioned(item)}
    names = {each: view.names[each] for each in sorted(mentioned) if view.names.get(each)}
    return DeskWorkShape(moment(context.now_us()), agent_shape(view, agent, call.who.scope), items, names)


async def list_targets(call: Call[Nothing, TargetQuery]) -> TargetsShape:
    """Queues, and agents at work, as they are configured; O(queues + agents)."""
    _agent(call)
    queues, agents = list(_queues(call)), list(_agents(call))
    more = len(queues) > MAX_TARGETS or len(agents) > MAX_TARGETS
    return TargetsShape(queues[:MAX_TARGETS], agents[:MAX_TARGETS], more)


def _agent(call: Call[Any, Any]) -> AgentRecord:
    row = call.context.view.agents.get(call.path("agent"))
    if row is None:
        raise not_found("agent")
    return row


def _item(call: Call[Any, Any], item: WorkRecord) -> ItemShape:
    context = call.context
    view, now_us = context.view, context.now_us()
    row = view.interactions[item.interaction_id]
    consults = (view.interactions[each] for each in row.consults if view.lives(each))
    channel = context.router.channel(row.instance)
    part = _part(row, item)
    theirs = part != "none" or item.state == "offered" or (bool(row.ended_at_us) and row.agent_id == item.agent_id)
    return ItemShape(
        work_shape(view, item),
        part,
        interaction_shape(row, now_us) if theirs else None,
        _terms(call, item),
        isinstance(channel, WebChatChannel) and not row.parent,
        channel.recording_of(row.id) if part != "none" and isinstance(channel, Recording) else None,
        [interaction_shape(each, now_us) for each in consults if each.asking == item.agent_id],
        continued(view, row) if theirs else "",
        _voice(channel),
        part == "owner" and not row.parent and has_numbers(channel),
    )


def _part(row: InteractionRecord, item: WorkRecord) -> Literal["owner", "participant", "none"]:
    """By the offer: the agent may have it again, while the wrap-up of the time before goes on."""
    if row.state != "active":
        return "none"
    if row.offer_id == item.offer_id:
        return "owner"
    return "participant" if any(offer_id == item.offer_id for offer_id, _ in row.participants) else "none"


def _voice(channel: Channel | None) -> Voice | None:
    if isinstance(channel, BrowserCalls):
        return "page"
    return "phone" if isinstance(channel, HasBrowserPhones) and channel.browser_phones.urls else None


def _terms(call: Call[Any, Any], item: WorkRecord) -> TermsShape:
    view = call.context.view
    queue_id = item.queue or view.interactions[item.interaction_id].queue
    settings = view.queues[queue_id].settings
    most_us = item.since_us + settings.wrap_up_most_us
    can = settings.wrap_up_policy == "extended" and item.state == "wrap-up" and 0 < item.deadline_us < most_us
    return TermsShape(
        view.titles.get(queue_id, ""),
        settings.dispositions,
        settings.disposition_required,
        settings.wrap_up_policy,
        moment(most_us) if can else None,
    )


def _mentioned(item: ItemShape) -> Iterator[str]:
    for row in (item.interaction, *item.consults):
        if row is not None:
            yield from (each for each in (row.agent, row.asking, row.held_for, *row.participants) if each)


def _queues(call: Call[Nothing, TargetQuery]) -> Iterator[QueueTargetShape]:
    view, scope = call.context.view, call.who.scope
    found = (
        QueueTargetShape(each.id, view.titles.get(each.id, ""), each.closed)
        for each in view.queues.values()
        if not each.retired and (scope is None or scope.has_queue(each.id))
    )
    return islice((each for each in found if _fits(call, each.id, each.title)), MAX_TARGETS + 1)


def _agents(call: Call[Nothing, TargetQuery]) -> Iterator[AgentTargetShape]:
    view, scope, sight = call.context.view, call.who.scope, call.context.sight
    found = (
        AgentTargetShape(each.id, view.names.get(each.id, ""), each.presence)
        for each in view.agents.values()
        if each.presence != "signed-out" and not each.retired and each.id != call.path("agent")
    )
    fitting = (each for each in found if _fits(call, each.id, each.name))
    return islice((each for each in fitting if scope is None or sight.agent(scope, each.id)), MAX_TARGETS + 1)


def _fits(call: Call[Nothing, TargetQuery], *texts: str) -> bool:
    wanted = call.query.search.strip().casefold()
    return any(wanted in each.casefold() for each in texts)


ROUTES: Final = (
    Route(
        "show_work",
        "desk",
        "GET",
        "/v1/agents/{agent}/work",
        "agent",
        show_work,
        "All that an agent has in hand, with what can be done about it, at one moment.",
        DeskWorkShape,
        example=Example(_ANNA, after=("enqueue", "sign_in", "accept"), shows={}),
        notes="Served where the desk is (`[api.desk]`). Read it at the beginning, and after events about the agent.",
        scoped=True,
    ),
    Route(
        "list_targets",
        "desk",
        "GET",
        "/v1/agents/{agent}/targets",
        "agent",
        list_targets,
        "To whom an agent can hand a customer on: queues, and other agents at work.",
        TargetsShape,
        query=TargetQuery,
        example=Example(_ANNA, query={"search": "sa"}, shows={"agents": [], "more": False}),
        notes="Served where the desk is (`[api.desk]`): agents see each other's names and presence, no more.",
        scoped=True,
    ),
)
