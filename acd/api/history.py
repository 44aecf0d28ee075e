"""Routes of the past: why it was decided so, and who asked for what. For the roles system and supervisor.

Owns /v1/interactions/{interaction}/explanation and /v1/audit. Must not know how the past is found
(`acd.runtime.history`).
"""

from typing import Annotated, Any, Final

from msgspec import UNSET, Meta, Struct, UnsetType

from acd.api.bodies import Nothing, parameter_us
from acd.api.explanation_shapes import ExplanationShape, explanation_shape, narrowed
from acd.api.pages import DEFAULT_PAGE, Cursor, Limit, cursor_of_order, order_of
from acd.api.problems import Problem, not_found
from acd.api.routes import Call, Example, Route
from acd.api.shapes import Moment
from acd.runtime.audit import NEWEST, Asked, Wanted
from acd.runtime.clock import moment
from acd.runtime.explaining import Asking
from acd.runtime.history import History

MAX_CANDIDATES: Final = 1_000
"""Candidates of one decision in one answer."""

CANDIDATES_SHOWN: Final = 10
"""Candidates of one decision, unless `candidates` says otherwise."""


class ExplanationQuery(Struct, frozen=True):
    """What is to be explained."""

    candidates: Annotated[
        int, Meta(ge=1, le=MAX_CANDIDATES, description="Candidates of each decision, the best ones.")
    ] = CANDIDATES_SHOWN
    agent: Annotated[str, Meta(description="Only this candidate: why, or why not.")] = ""
    at: Annotated[Moment, Meta(description="As of then.")] | UnsetType = UNSET


class AuditQuery(Struct, frozen=True):
    """Which commands."""

    actor: Annotated[str, Meta(description="Asked for by the token of this name.")] = ""
    command: Annotated[str, Meta(description="Of this kind, like `SignInAgent`.")] = ""
    interaction: Annotated[str, Meta(description="About this interaction.")] = ""
    agent: Annotated[str, Meta(description="About this agent.")] = ""
    queue: Annotated[str, Meta(description="About this queue.")] = ""
    limit: Limit = DEFAULT_PAGE
    cursor: Cursor = ""


class AskedShape(Struct):
    """A command that a token asked for. `refusal`: why nothing was done, null if it was. `row`: in the journal.

    What it is about is null where the command names none. `trace`: the W3C trace context that came with it.
    """

    row: int
    at: Moment
    actor: str
    command: str
    command_id: str
    refusal: str | None
    interaction: str | None
    offer: str | None
    agent: str | None
    queue: str | None
    to_agent: str | None
    trace: str | None


class AuditPage(Struct):
    """Commands, newest first, and the cursor of the next page; it may be there although the page is empty."""

    commands: list[AskedShape]
    next_cursor: str | None


async def explain(call: Call[Nothing, ExplanationQuery]) -> ExplanationShape:
    """Why this agent, why not that one, why still waiting."""
    asked, interaction_id = call.query, call.path("interaction")
    until_us = None if asked.at is UNSET else parameter_us("at", asked.at)
    found = await _history(call).explain(Asking(interaction_id, asked.candidates, until_us, asked.agent))
    it = found.explanation
    if not it.decisions and it.waiting is None and not it.enqueued_at_us:
        raise not_found("interaction")
    scope = call.who.scope
    return explanation_shape(found if scope is None else narrowed(found, scope, call.context.sight))


async def audit(call: Call[Nothing, AuditQuery]) -> AuditPage:
    """Who asked for what, newest first."""
    asked, lives = call.query, call.context.router.events.lives
    before = await order_of(asked.cursor, lives)
    wanted = Wanted(
        asked.actor,
        asked.command,
        asked.interaction,
        asked.agent,
        asked.queue,
        NEWEST if before is None else before,
        asked.limit,
    )
    found = await _history(call).audit(wanted)
    next_cursor = None if found.before is None else cursor_of_order(found.before, lives)
    scope, sight = call.who.scope, call.context.sight
    seen = [each for each in found.asked if scope is None or sight.asked(scope, each)]
    return AuditPage([_shape(each) for each in seen], next_cursor)


def _history(call: Call[Any, Any]) -> History:
    history = call.context.history
    if history is None:
        raise Problem(404, "not-found", "The past is not served here: acd.api.serve was given no history.")
    return history


def _shape(it: Asked) -> AskedShape:
    return AskedShape(
        it.seq,
        moment(it.at_us),
        it.actor,
        it.command,
        it.command_id,
        it.refusal or None,
        it.interaction_id or None,
        it.offer_id or None,
        it.agent_id or None,
        it.queue or None,
        it.to_agent or None,
        it.trace or None,
    )


_PROBLEMS: Final = ("history-unavailable", "journal-unavailable", "not-found")

ROUTES: Final = (
    Route(
        "explain",
        "interactions",
        "GET",
        "/v1/interactions/{interaction}/explanation",
        "supervisor",
        explain,
        "Why this agent, why not that one, why still waiting: every decision, with its candidates.",
        ExplanationShape,
        query=ExplanationQuery,
        problems=_PROBLEMS,
        example=Example({"interaction": "mail-1"}, {"candidates": "5"}, after=("enqueue",), shows={"ended": False}),
        notes="The moment is made again from the journal, in another process; the engine does nothing for it.",
        scoped=True,
    ),
    Route(
        "audit",
        "operation",
        "GET",
        "/v1/audit",
        "supervisor",
        audit,
        "Who asked for what: the commands of every token, newest first, from the journal.",
        AuditPage,
        query=AuditQuery,
        problems=_PROBLEMS,
        example=Example(query={"command": "SignInAgent"}, after=("sign_in",)),
        notes="Ids only, and no reasons: nothing personal. A repetition with the same `Idempotency-Key` is not in it.",
        scoped=True,
    ),
)
