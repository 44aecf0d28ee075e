"""Routes about supervisors who hear a conversation: listen, whisper, barge in.

Owns /v1/interactions/{interaction}/supervision. Must not know how a channel does it (`acd.ports.supervision`). What is
asked for is in the journal before anybody's telephone rings.
"""

from typing import Any, Final, Literal

from msgspec import Struct

from acd.api.bodies import NoQuery, Nothing
from acd.api.interactions import visible
from acd.api.problems import Problem
from acd.api.routes import Call, Example, Route
from acd.core.messages import SuperviseInteraction, SupervisionMode
from acd.ports.supervision import NotSupervisable, Supervisable, Supervisor

_MAIL: Final = {"interaction": "mail-1"}
_TALKING: Final = ("enqueue", "sign_in", "accept")


class SupervisionOrder(Struct, forbid_unknown_fields=True):
    """`listen`: hears both, heard by nobody; `whisper`: heard by the agent; `barge`: by everybody; `off`: no more."""

    mode: SupervisionMode


class SupervisorShape(Struct):
    """One who supervises; `calling` until their telephone has been picked up."""

    agent: str
    mode: SupervisionMode
    state: Literal["calling", "there"]


class SupervisionShape(Struct):
    """Everybody who supervises a conversation."""

    supervisors: list[SupervisorShape]


async def show(call: Call[Nothing, NoQuery]) -> SupervisionShape:
    """Who does."""
    return _shape(call)


async def supervise(call: Call[SupervisionOrder, NoQuery]) -> SupervisionShape:
    """Begin it, change it, end it."""
    interaction_id, agent_id, mode = call.path("interaction"), call.path("agent"), call.body.mode
    row = call.context.view.interaction(interaction_id)
    channel = None if row is None else call.context.router.channel(row.instance)
    await call.submit(SuperviseInteraction(call.command_id(), interaction_id, agent_id, mode))
    try:
        if isinstance(channel, Supervisable):
            # A repetition, too, unless the answer is known: that it is in the journal does not say that it was done.
            await channel.supervise(interaction_id, agent_id, mode)
        elif mode != "off":
            raise NotSupervisable
    except NotSupervisable:
        raise Problem(409, "not-supervisable", "The channel of this interaction lets nobody listen.") from None
    return _shape(call)


def _shape(call: Call[Any, Any]) -> SupervisionShape:
    row = visible(call)
    channel = call.context.router.channel(row.instance)
    found: tuple[Supervisor, ...] = ()
    if isinstance(channel, Supervisable):
        found = channel.supervisors(row.id)
    return SupervisionShape([SupervisorShape(each.agent_id, each.mode, each.state) for each in found])


ROUTES: Final = (
    Route(
        "show_supervision",
        "interactions",
        "GET",
        "/v1/interactions/{interaction}/supervision",
        "supervisor",
        show,
        "Who listens to a conversation, whispers to its agent, or has joined in.",
        SupervisionShape,
        example=Example(_MAIL, after=_TALKING, shows={"supervisors": []}),
        scoped=True,
    ),
    Route(
        "supervise",
        "interactions",
        "PUT",
        "/v1/interactions/{interaction}/supervision/{agent}",
        "supervisor",
        supervise,
        "Listen to a conversation, whisper to its agent, join in, or leave it, by the telephone of this agent.",
        SupervisionShape,
        body=SupervisionOrder,
        problems=(
            "unknown-interaction",
            "interaction-ended",
            "interaction-not-active",
            "unknown-agent",
            "not-supervisable",
            "channel-unavailable",
        ),
        example=Example({**_MAIL, "agent": "boris"}, body={"mode": "off"}, after=_TALKING, shows={"supervisors": []}),
        notes="The supervisor's telephone rings. It ends with the agent's part; the audit has it, whatever came of it.",
        scoped=True,
        by_telephone=True,
    ),
)
