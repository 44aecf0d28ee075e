"""Routes about agents: /v1/agents/… Owns presence and what is shown of agents; their work is in `acd.api.work`."""

from typing import Annotated, Any, Final, Literal

from msgspec import UNSET, Meta, UnsetType

from acd.api.bodies import DeviceNote, NoQuery, Nothing, Presence, SignIn, duration_us
from acd.api.pages import PageQuery, page_by_id
from acd.api.problems import not_found
from acd.api.routes import Call, Example, Route
from acd.api.scope import Scope
from acd.api.shapes import AgentPage, AgentShape, OfferList, agent_shape, offer_shape
from acd.core import limits
from acd.core.messages import NoteDevice, SetPresence, SignInAgent, SignOutAgent
from acd.runtime.records import AgentRecord

PresenceName = Literal["signed-out", "not-ready", "ready", "draining"]

_ANNA: Final = {"agent": "anna"}


class AgentFilter(PageQuery, frozen=True):
    """Which agents; those whom every filter fits."""

    presence: Annotated[PresenceName, Meta(description="Who is this now.")] | UnsetType = UNSET
    skill: Annotated[str, Meta(description="Who holds this skill.")] = ""
    label: Annotated[str, Meta(description="Who has this label.")] = ""
    queue: Annotated[
        str, Meta(description="Who satisfies this queue's requirement, or has an interaction of it in hand.")
    ] = ""


async def list_agents(call: Call[Nothing, AgentFilter]) -> AgentPage:
    """Agents by id, in pages; an agent sees only itself."""
    view, who, asked, sight = call.context.view, call.who, call.query, call.context.sight
    queue = Scope(frozenset((asked.queue,))) if asked.queue else None
    if queue is not None and who.scope is not None and not who.scope.has_queue(asked.queue):
        return AgentPage([], None)
    seen = (
        each
        for each, row in view.agents.items()
        if ((who.sees_all and (who.scope is None or sight.agent(who.scope, each))) or each == who.agent)
        and _is_wanted(row, asked)
        and (queue is None or sight.agent(queue, each))
    )
    ids, next_cursor = page_by_id(seen, asked)
    return AgentPage([agent_shape(view, view.agents[each], who.scope) for each in ids], next_cursor)


async def show_agent(call: Call[Nothing, NoQuery]) -> AgentShape:
    """One agent."""
    return _agent(call)


async def sign_in(call: Call[SignIn, NoQuery]) -> AgentShape:
    """The agent begins work."""
    body = call.body
    await call.submit(SignInAgent(call.command_id(), call.path("agent"), body.ready, body.reason))
    return _agent(call)


async def sign_out(call: Call[Nothing, NoQuery]) -> AgentShape:
    """The agent leaves, with work in hand as soon as it is done."""
    await call.submit(SignOutAgent(call.command_id(), call.path("agent")))
    return _agent(call)


async def set_presence(call: Call[Presence, NoQuery]) -> AgentShape:
    """The agent becomes ready, or not-ready for a reason."""
    body = call.body
    await call.submit(SetPresence(call.command_id(), call.path("agent"), body.presence, body.reason))
    return _agent(call)


async def note_device(call: Call[DeviceNote, NoQuery]) -> AgentShape:
    """What the embedder's own telephony knows of the agent's device."""
    lasts_us = duration_us("lasts", call.body.lasts, limits.MAX_VETO_US)
    noted = NoteDevice(call.command_id(), call.path("agent"), call.path("channel"), call.body.state, lasts_us)
    await call.submit(noted)
    return _agent(call)


async def list_offers(call: Call[Nothing, NoQuery]) -> OfferList:
    """The agent's pending offers, oldest first."""
    context, agent_id = call.context, call.path("agent")
    view, now_us = context.view, context.now_us()
    if agent_id not in view.agents:
        raise not_found("agent")
    offers = [
        item for item in view.pending_offers(agent_id) if call.who.may_see(view.interactions[item.interaction_id])
    ]
    return OfferList([offer_shape(view, item, now_us) for item in offers])


def _is_wanted(row: AgentRecord, asked: AgentFilter) -> bool:
    return (
        asked.presence in {UNSET, row.presence}
        and (not asked.skill or any(name == asked.skill for name, _ in row.settings.skills))
        and (not asked.label or asked.label in row.settings.labels)
    )


def _agent(call: Call[Any, Any]) -> AgentShape:
    view = call.context.view
    row = view.agents.get(call.path("agent"))
    if row is None:
        raise not_found("agent")
    return agent_shape(view, row, call.who.scope)


ROUTES: Final = (
    Route(
        "list_agents",
        "agents",
        "GET",
        "/v1/agents",
        "token",
        list_agents,
        "Agents by id, in pages: all, or those with a presence, a skill, a label, or who serve a queue.",
        AgentPage,
        query=AgentFilter,
        example=Example(query={"skill": "english", "queue": "sales", "limit": "2"}),
        notes="A token with the role agent is shown its own agent only.",
        live=True,
        scoped=True,
    ),
    Route(
        "show_agent",
        "agents",
        "GET",
        "/v1/agents/{agent}",
        "agent",
        show_agent,
        "One agent: presence, settings as they are in force, work in hand.",
        AgentShape,
        example=Example(_ANNA, shows={"id": "anna", "presence": "signed-out"}),
        live=True,
        scoped=True,
    ),
    Route(
        "sign_in",
        "agents",
        "POST",
        "/v1/agents/{agent}/sign-in",
        "agent",
        sign_in,
        "The agent begins work.",
        AgentShape,
        body=SignIn,
        problems=("unknown-agent", "already-signed-in"),
        example=Example(_ANNA, body={"ready": True}, shows={"presence": "ready"}),
        scoped=True,
    ),
    Route(
        "sign_out",
        "agents",
        "POST",
        "/v1/agents/{agent}/sign-out",
        "agent",
        sign_out,
        "The agent leaves; with work in hand as soon as it is done.",
        AgentShape,
        problems=("unknown-agent", "signed-out"),
        example=Example(_ANNA, after=("sign_in",), shows={"presence": "signed-out"}),
        scoped=True,
    ),
    Route(
        "set_presence",
        "agents",
        "PUT",
        "/v1/agents/{agent}/presence",
        "agent",
        set_presence,
        "The agent becomes ready, or not-ready for a reason; with work in hand by draining.",
        AgentShape,
        body=Presence,
        problems=("unknown-agent", "signed-out"),
        example=Example(
            _ANNA,
            body={"presence": "not-ready", "reason": "lunch"},
            after=("sign_in",),
            shows={"presence": "not-ready", "reason": "lunch"},
        ),
        scoped=True,
    ),
    Route(
        "note_device",
        "agents",
        "PUT",
        "/v1/agents/{agent}/devices/{channel}",
        "system",
        note_device,
        "The agent's device for a channel is in use, unavailable or clear: until it is clear, nothing of the channel is"
        " offered to them.",
        AgentShape,
        body=DeviceNote,
        problems=("unknown-agent", "too-many-devices"),
        example=Example(
            {"agent": "anna", "channel": "voice"}, body={"state": "in-use", "lasts": "30m"}, shows={"id": "anna"}
        ),
        notes="For telephony of your own: a personal call makes the agent busy. What rings or is talked about already"
        " stays as it is; tell of no call that the engine itself has offered. Say it again before `lasts` is over"
        " (2 h unless you say so, a day at most), or the veto ends.",
    ),
    Route(
        "list_offers",
        "agents",
        "GET",
        "/v1/agents/{agent}/offers",
        "agent",
        list_offers,
        "The agent's pending offers, oldest first.",
        OfferList,
        example=Example(_ANNA, after=("enqueue", "sign_in")),
        scoped=True,
    ),
)
