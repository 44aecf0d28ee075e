"""Routes about agents: /v1/agents/… Owns presence, offers and work items of one agent at a time."""

from typing import Final

from aiohttp import web

from acd.api.answers import answer
from acd.api.bodies import Disposition, Extension, Nothing, Presence, SignIn, Transfer, decode, parameters, read
from acd.api.context import api, principal
from acd.api.pages import PARAMETERS, page_by_id
from acd.api.problems import not_found
from acd.api.shapes import agent_shape, interaction_shape, offer_shape
from acd.core.messages import (
    Command,
    EndWrapUp,
    ExtendWrapUp,
    HoldWork,
    RequestWrapUp,
    ResumeWork,
    SetDisposition,
    SetPresence,
    SignInAgent,
    SignOutAgent,
    TransferInteraction,
)

_WORK: Final[dict[str, type[HoldWork | ResumeWork | RequestWrapUp | EndWrapUp]]] = {
    "hold": HoldWork,
    "resume": ResumeWork,
    "request-wrap-up": RequestWrapUp,
    "end-wrap-up": EndWrapUp,
}


def add_routes(app: web.Application) -> None:
    """Add them under /v1/agents."""
    add = app.router
    add.add_get("/v1/agents", list_agents, allow_head=False)
    add.add_get("/v1/agents/{agent}", get_agent, allow_head=False)
    add.add_post("/v1/agents/{agent}/sign-in", sign_in)
    add.add_post("/v1/agents/{agent}/sign-out", sign_out)
    add.add_put("/v1/agents/{agent}/presence", set_presence)
    add.add_get("/v1/agents/{agent}/offers", list_offers, allow_head=False)
    for action in _WORK:
        add.add_post(f"/v1/agents/{{agent}}/work/{{interaction}}/{action}", change_work, name=action)
    add.add_post("/v1/agents/{agent}/work/{interaction}/extend-wrap-up", extend_wrap_up)
    add.add_put("/v1/agents/{agent}/work/{interaction}/disposition", set_disposition)
    add.add_post("/v1/agents/{agent}/work/{interaction}/transfer", transfer)


async def list_agents(request: web.Request) -> web.Response:
    """Agents by id, in pages; an agent sees only itself."""
    found = parameters(request, PARAMETERS)
    view, who = api(request).view, principal()
    ids, next_cursor = page_by_id((each for each in view.agents if who.sees_all or each == who.agent), found)
    return answer({"agents": [agent_shape(view, view.agents[each]) for each in ids], "next_cursor": next_cursor})


async def get_agent(request: web.Request) -> web.Response:
    """One agent."""
    parameters(request, frozenset())
    return _agent(request, _own_agent(request))


async def sign_in(request: web.Request) -> web.Response:
    """The agent begins work."""
    agent_id = _own_agent(request)
    raw = await read(request)
    body = decode(raw, SignIn)
    command_id = api(request).command_id(request, raw)
    await api(request).submit(SignInAgent(command_id, agent_id, body.ready, body.reason))
    return _agent(request, agent_id)


async def sign_out(request: web.Request) -> web.Response:
    """The agent leaves, with work in hand as soon as it is done."""
    agent_id = _own_agent(request)
    raw = await read(request)
    decode(raw, Nothing)
    await api(request).submit(SignOutAgent(api(request).command_id(request, raw), agent_id))
    return _agent(request, agent_id)


async def set_presence(request: web.Request) -> web.Response:
    """The agent becomes ready, or not-ready for a reason."""
    agent_id = _own_agent(request)
    raw = await read(request)
    body = decode(raw, Presence)
    command_id = api(request).command_id(request, raw)
    await api(request).submit(SetPresence(command_id, agent_id, body.presence, body.reason))
    return _agent(request, agent_id)


async def list_offers(request: web.Request) -> web.Response:
    """The agent's pending offers, oldest first."""
    parameters(request, frozenset())
    agent_id = _own_agent(request)
    context = api(request)
    view, now_us = context.view, context.now_us()
    if agent_id not in view.agents:
        raise not_found("agent")
    return answer({"offers": [offer_shape(view, item, now_us) for item in view.pending_offers(agent_id)]})


async def change_work(request: web.Request) -> web.Response:
    """Hold or resume one work item, ask for a wrap-up, or end it."""
    agent_id = _own_agent(request)
    raw = await read(request)
    decode(raw, Nothing)
    kind = _WORK[request.match_info.route.name or ""]
    command_id = api(request).command_id(request, raw)
    return await _about_work(request, kind(command_id, agent_id, request.match_info["interaction"]))


async def extend_wrap_up(request: web.Request) -> web.Response:
    """More time for the wrap-up of one work item."""
    agent_id = _own_agent(request)
    raw = await read(request)
    by_us = max(1, round(decode(raw, Extension).seconds * 1_000_000))
    command_id = api(request).command_id(request, raw)
    return await _about_work(request, ExtendWrapUp(command_id, agent_id, request.match_info["interaction"], by_us))


async def set_disposition(request: web.Request) -> web.Response:
    """How the agent's part ended."""
    agent_id = _own_agent(request)
    raw = await read(request)
    code = decode(raw, Disposition).code
    command_id = api(request).command_id(request, raw)
    return await _about_work(request, SetDisposition(command_id, agent_id, request.match_info["interaction"], code))


async def transfer(request: web.Request) -> web.Response:
    """The customer goes on to a queue, or to another agent."""
    agent_id = _own_agent(request)
    raw = await read(request)
    body = decode(raw, Transfer)
    command_id = api(request).command_id(request, raw)
    command = TransferInteraction(
        command_id,
        request.match_info["interaction"],
        agent_id,
        body.to_queue,
        body.to_agent,
        body.with_context,
        body.reason,
    )
    return await _about_work(request, command)


async def _about_work(request: web.Request, command: Command) -> web.Response:
    context = api(request)
    await context.submit(command)
    row = context.view.interaction(request.match_info["interaction"])
    if row is None:
        raise not_found("interaction")
    return answer(interaction_shape(row, context.now_us()))


def _own_agent(request: web.Request) -> str:
    """The agent in the path, if whoever asks may act for it."""
    agent_id = request.match_info["agent"]
    principal().require_agent(agent_id)
    return agent_id


def _agent(request: web.Request, agent_id: str) -> web.Response:
    view = api(request).view
    row = view.agents.get(agent_id)
    if row is None:
        raise not_found("agent")
    return answer(agent_shape(view, row))
