"""Routes of messages that nobody took: /v1/dead-letters. For the roles system and supervisor.

Owns what is shown of them. Must not know how messages are delivered.
"""

from typing import Annotated, Final

from msgspec import Meta, Struct

from acd.api.bodies import NoQuery, Nothing
from acd.api.routes import Call, Example, Route
from acd.runtime.outbox import MAX_NAME

MAX_SHOWN: Final = 500
DEFAULT_SHOWN: Final = 100


class Retry(Struct, forbid_unknown_fields=True):
    """POST /dead-letters/retry. Without `keys`: the newest 500."""

    keys: Annotated[tuple[Annotated[str, Meta(max_length=MAX_NAME)], ...], Meta(max_length=MAX_SHOWN)] = ()


class LetterQuery(Struct, frozen=True):
    """How many."""

    limit: Annotated[int, Meta(ge=1, le=MAX_SHOWN, description="Letters of one answer.")] = DEFAULT_SHOWN


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


ROUTES: Final = (
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
