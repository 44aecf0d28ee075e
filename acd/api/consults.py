"""Routes about asking for advice and talking to a customer together: consults, attended transfers, conferences.

Owns the shape of a question. Must not know what the engine makes of it. The agent who asks has the customer's part in
a consult, and no work item on it: hence /v1/agents/{agent}/consults/….
"""

from typing import Annotated, Final, Literal
from urllib.parse import quote

from msgspec import Meta, Struct

from acd.api.bodies import NoQuery, Why, Wish
from acd.api.interactions import shown
from acd.api.problems import not_found, refused
from acd.api.routes import Call, Created, Example, Route, Step
from acd.api.shapes import InteractionShape
from acd.core import limits
from acd.core.messages import ConsultMerged, EndInteraction, EnqueueInteraction, LeaveInteraction, MergeConsult, Refusal
from acd.core.messages.types import Id, InteractionId, OptionalId, Priority, Requirement, Text
from acd.runtime.records import InteractionRecord

_TALKING: Final = ("enqueue", "sign_in", "accept", "begin_consult")
_ADVISED: Final = (
    *_TALKING,
    Step("sign_in", {"agent": "boris"}, {"ready": True}),
    Step("accept", {"offer": "question-1.1"}, {"agent_id": "boris"}),
)
_PATH: Final = {"agent": "anna", "interaction": "mail-1"}
_QUESTION: Final = {"agent": "anna", "interaction": "question-1"}


class Question(Struct, forbid_unknown_fields=True):
    """Whom to ask: whoever comes first in a queue, or an agent who is asked first (in the customer's queue), or both.

    Channel and attributes are those of the customer's interaction unless they are given. Without `id` one is made.
    """

    to_queue: OptionalId = ""
    to_agent: OptionalId = ""
    id: InteractionId | None = None
    requirement: Requirement = ""
    preferences: Annotated[tuple[Wish, ...], Meta(max_length=limits.MAX_PREFERENCES)] = ()
    priority: Priority = 0
    channel: Id | None = None
    attributes: Annotated[dict[Id, Text], Meta(max_length=limits.MAX_ATTRIBUTES)] | None = None


class Merge(Struct, forbid_unknown_fields=True):
    """`transfer`: the adviser takes the customer over; `conference`: the adviser joins in."""

    how: Literal["transfer", "conference"]


async def begin(call: Call[Question, NoQuery]) -> Created:
    """A new consult. 201 with its address."""
    body, context, agent_id = call.body, call.context, call.path("agent")
    parent = context.view.interaction(call.path("interaction"))
    if parent is None or not call.who.sees(parent):
        raise not_found("interaction")
    if parent.state == "active" and parent.agent_id != agent_id:
        raise refused(Refusal("no-such-work", "this agent is not responsible for the interaction"))
    if not body.to_queue and not body.to_agent:
        raise refused(Refusal("bad-target", "a consult needs to_queue, to_agent or both"))
    command_id = call.command_id()
    channel = body.channel or parent.channel
    attributes = parent.attributes if body.attributes is None else tuple(sorted(body.attributes.items()))
    command = EnqueueInteraction(
        command_id,
        body.id or command_id,
        channel,
        body.to_queue or parent.queue,
        requirement=body.requirement,
        preferences=tuple(wish.preference() for wish in body.preferences),
        priority=body.priority,
        attributes=attributes,
        customer=parent.customer,
        # Legs can be joined on one channel instance only; elsewhere nobody needs to be told.
        instance=parent.instance if channel == parent.channel else "",
        preferred_agent=body.to_agent,
        parent=parent.id,
    )
    await call.submit(command)
    location = f"/v1/interactions/{quote(command.interaction_id, safe='')}"
    return Created(shown(context, command.interaction_id), location)


async def end(call: Call[Why, NoQuery]) -> InteractionShape:
    """Whoever asks needs no more advice."""
    consult = _own(call)
    await call.submit(EndInteraction(call.command_id(), consult.id, "customer", call.body.reason))
    return shown(call.context, consult.id)


async def merge(call: Call[Merge, NoQuery]) -> InteractionShape:
    """The adviser comes to the customer. Returns the customer's interaction."""
    consult = _own(call)
    customers = call.context.view.interaction(consult.parent)
    if customers is not None and not call.who.may_see(customers):
        raise not_found("interaction")
    done = await call.submit(MergeConsult(call.command_id(), consult.id, call.path("agent"), call.body.how))
    parent = next((event.interaction_id for event in done.events if isinstance(event, ConsultMerged)), consult.parent)
    return shown(call.context, parent)


async def leave(call: Call[Why, NoQuery]) -> InteractionShape:
    """One agent leaves a conference."""
    interaction_id = call.path("interaction")
    await call.submit(LeaveInteraction(call.command_id(), interaction_id, call.path("agent"), call.body.reason))
    return shown(call.context, interaction_id)


def _own(call: Call[Why, NoQuery] | Call[Merge, NoQuery]) -> InteractionRecord:
    """The consult in the path, in which the agent in the path asks. Raises a Problem with 404 or 409."""
    row = call.context.view.interaction(call.path("interaction"))
    if row is not None and call.is_repetition():
        return row
    if row is None or not call.who.sees(row):
        raise not_found("interaction")
    if not row.parent:
        raise refused(Refusal("not-a-consult", "the interaction is no consult"))
    if row.asking != call.path("agent"):
        raise refused(Refusal("no-such-work", "the agent is not who asks"))
    return row


ROUTES: Final = (
    Route(
        "begin_consult",
        "work",
        "POST",
        "/v1/agents/{agent}/work/{interaction}/consult",
        "agent",
        begin,
        "Ask another agent for advice about the customer, in an interaction of its own.",
        InteractionShape,
        status=201,
        body=Question,
        problems=(
            "unknown-interaction",
            "interaction-ended",
            "interaction-not-active",
            "no-such-work",
            "bad-target",
            "duplicate-interaction",
            "unknown-queue",
            "bad-requirement",
            "unknown-skill",
            "nested-consult",
            "too-many-consults",
            "bad-consult",
            "queue-closed",
            "queue-unstaffed",
            "queue-full",
        ),
        example=Example(
            _PATH,
            body={"id": "question-1", "to_queue": "support", "to_agent": "boris"},
            after=_TALKING[:-1],
            shows={"id": "question-1", "parent": "mail-1", "asking": "anna", "state": "queued"},
        ),
        notes="It ends with the agent's talk, at the latest. Put the customer on hold for it with `hold`.",
        scoped=True,
    ),
    Route(
        "merge_consult",
        "work",
        "POST",
        "/v1/agents/{agent}/consults/{interaction}/merge",
        "agent",
        merge,
        "Bring the adviser to the customer: hand the customer over (attended transfer), or talk together (conference).",
        InteractionShape,
        body=Merge,
        problems=(
            "unknown-interaction",
            "interaction-ended",
            "not-a-consult",
            "interaction-not-active",
            "no-such-work",
            "other-channel",
            "already-on-it",
            "in-conference",
            "conference-full",
        ),
        example=Example(
            _QUESTION,
            body={"how": "conference"},
            after=_ADVISED,
            shows={"id": "mail-1", "agent": "anna", "participants": ["boris"]},
        ),
        scoped=True,
    ),
    Route(
        "end_consult",
        "work",
        "POST",
        "/v1/agents/{agent}/consults/{interaction}/end",
        "agent",
        end,
        "No more advice is needed: the consult ends, and the agent is back with the customer alone.",
        InteractionShape,
        body=Why,
        problems=("unknown-interaction", "interaction-ended", "not-a-consult", "no-such-work"),
        example=Example(
            _QUESTION,
            body={"reason": "found it"},
            after=_TALKING,
            shows={"state": "abandoned"},
        ),
        scoped=True,
    ),
    Route(
        "leave",
        "work",
        "POST",
        "/v1/agents/{agent}/work/{interaction}/leave",
        "agent",
        leave,
        "Leave a conference; after the responsible agent, whoever has been there longest is it.",
        InteractionShape,
        body=Why,
        problems=(
            "unknown-interaction",
            "interaction-ended",
            "interaction-not-active",
            "no-such-work",
            "last-agent",
        ),
        example=Example(
            _PATH,
            body={"reason": "lunch"},
            after=(*_ADVISED, "merge_consult"),
            shows={"state": "active", "agent": "boris", "participants": []},
        ),
        scoped=True,
    ),
)
