"""Routes of webhooks, /v1/webhooks, and of messages that nobody took, /v1/dead-letters. For system and supervisor.

Owns what is shown of them. Must not know how messages are delivered.
"""

from typing import Annotated, Final
from urllib.parse import urlsplit, urlunsplit

from msgspec import Meta, Struct

from acd.api.bodies import NoQuery, Nothing
from acd.api.problems import not_found
from acd.api.routes import Call, Example, Route
from acd.api.shapes import Moment, seconds
from acd.runtime.clock import moment
from acd.runtime.outbox import MAX_NAME
from acd.runtime.webhooks.standing import Standing, State

MAX_SHOWN: Final = 500
DEFAULT_SHOWN: Final = 100


class Retry(Struct, forbid_unknown_fields=True):
    """POST /dead-letters/retry. Without `keys`: the newest 500."""

    keys: Annotated[tuple[Annotated[str, Meta(max_length=MAX_NAME)], ...], Meta(max_length=MAX_SHOWN)] = ()


class LetterQuery(Struct, frozen=True):
    """How many."""

    limit: Annotated[int, Meta(ge=1, le=MAX_SHOWN, description="Letters of one answer.")] = DEFAULT_SHOWN


class WebhookShape(Struct):
    """A webhook as it stands. `url` without what follows a question mark; empty filters mean all.

    `state`: `idle` (nothing waits), `delivering`, or `retrying` (the first that waits has failed). Up to `cursor` its
    events have been taken over, `behind` is how many events of any kind come after it (null: more than are in memory);
    of those taken over, `waiting` are still to be delivered, and `dead` were given up. Success, failure and
    `last_error` are of attempts since the engine's start.
    """

    name: str
    url: str
    queues: tuple[str, ...]
    agents: tuple[str, ...]
    kinds: tuple[str, ...]
    timeout_seconds: float
    state: State
    cursor: str
    behind: int | None
    waiting: int
    dead: int
    failed_attempts: int
    next_attempt_at: Moment | None
    last_success_at: Moment | None
    last_failure_at: Moment | None
    last_error: str


class WebhookList(Struct):
    """Webhooks by name."""

    webhooks: list[WebhookShape]


class PingShape(Struct):
    """What became of a ping. `status`: the receiver's answer, null without one, and then `error` says why."""

    delivered: bool
    status: int | None
    error: str
    seconds: float


class LetterShape(Struct):
    """A message that was given up. `error`: what the last attempt met."""

    key: str
    destination: str
    attempts: int
    error: str


class LetterList(Struct):
    """The newest first."""

    dead_letters: list[LetterShape]


class RetriedShape(Struct):
    """How many wait again, at the end of their lines, with all their attempts. `unknown`: keys of no dead letter."""

    retried: int
    unknown: list[str]


async def list_webhooks(call: Call[Nothing, NoQuery]) -> WebhookList:
    """Where each of them stands."""
    router = call.context.router
    place = router.events.envelopes.place
    return WebhookList([_webhook_shape(each, place(each.cursor)) for each in await router.webhooks.standing()])


async def ping_webhook(call: Call[Nothing, NoQuery]) -> PingShape:
    """Try the receiver out."""
    found = await call.context.router.webhooks.ping(call.path("webhook"))
    if found is None:
        raise not_found("webhook", "GET /v1/webhooks lists those that there are")
    return PingShape(found.delivered, found.status or None, found.error, seconds(found.took_us))


async def list_dead_letters(call: Call[Nothing, LetterQuery]) -> LetterList:
    """The newest of what was given up."""
    letters = await call.context.router.dead_letters(call.query.limit)
    return LetterList(
        [LetterShape(message.key, message.destination, message.attempts, error) for message, error in letters]
    )


async def retry_dead_letters(call: Call[Retry, NoQuery]) -> RetriedShape:
    """Try again what was given up."""
    router = call.context.router
    keys = call.body.keys or [message.key for message, _ in await router.dead_letters(MAX_SHOWN)]
    unknown = [key for key in keys if not await router.resend(key)]
    return RetriedShape(len(keys) - len(unknown), unknown)


def _webhook_shape(standing: Standing, place: str) -> WebhookShape:
    hook, line, tried = standing.hook, standing.line, standing.tried
    return WebhookShape(
        hook.name,
        urlunsplit((*urlsplit(hook.url)[:3], "", "")),
        hook.queues,
        hook.agents,
        hook.kinds,
        seconds(hook.timeout_us),
        standing.state,
        place,
        standing.unfed,
        line.pending,
        line.dead,
        line.attempts,
        moment(line.retry_at_us) if standing.state == "retrying" else None,
        moment(tried.succeeded_at_us) if tried.succeeded_at_us else None,
        moment(tried.failed_at_us) if tried.failed_at_us else None,
        tried.error,
    )


ROUTES: Final = (
    Route(
        "list_webhooks",
        "events",
        "GET",
        "/v1/webhooks",
        "supervisor",
        list_webhooks,
        "Webhooks by name: how far each is, what waits, when it last went well or wrong.",
        WebhookList,
        problems=("outbox-unavailable", "closed"),
    ),
    Route(
        "ping_webhook",
        "events",
        "POST",
        "/v1/webhooks/{webhook}/test",
        "supervisor",
        ping_webhook,
        "Post a signed message to the webhook, once and at once, and tell what came of it.",
        PingShape,
        problems=("closed",),
        example=Example({"webhook": "crm"}, shows={"delivered": False, "status": None}),
        notes="A CloudEvent of the type `acd.ping`, past the line of events. A receiver that fails is no error of this"
        " route: `delivered` says so.",
        changes=False,
    ),
    Route(
        "list_dead_letters",
        "events",
        "GET",
        "/v1/dead-letters",
        "supervisor",
        list_dead_letters,
        "Messages to other systems that were given up, newest first: of webhooks, and of senders.",
        LetterList,
        query=LetterQuery,
        problems=("outbox-unavailable",),
    ),
    Route(
        "retry_dead_letters",
        "events",
        "POST",
        "/v1/dead-letters/retry",
        "supervisor",
        retry_dead_letters,
        "Try again what was given up.",
        RetriedShape,
        body=Retry,
        problems=("outbox-full", "outbox-unavailable"),
        example=Example(body={"keys": ["crm:1042.1"]}, shows={"retried": 0, "unknown": ["crm:1042.1"]}),
        notes="With the same key, by which the receiver knows it if it came through after all.",
    ),
)
