"""Errors as RFC 9457 problems: the one table from refusal codes and exceptions to HTTP status.

Owns status, code, title and the response. Must not know any route. A problem never repeats what a
client sent, other than ids that exist and a requirement's text, and never says anything about the inside.
"""

from collections.abc import Mapping
from http import HTTPStatus
from math import ceil
from typing import Final

import msgspec
from aiohttp import web
from msgspec import Struct

from acd import errors
from acd.api.wording import explain
from acd.core.messages import Refusal
from acd.core.messages.outcome import RefusalCode

REFUSALS: Final[Mapping[RefusalCode, int]] = {
    "unknown-agent": 404,
    "unknown-interaction": 404,
    "unknown-offer": 404,
    "no-such-work": 404,
    "not-your-offer": 403,
    "duplicate-interaction": 409,
    "queue-full": 409,
    "queue-closed": 409,
    "duplicate-callback": 409,
    "callback-impossible": 409,
    "not-a-callback": 409,
    "interaction-scheduled": 409,
    "interaction-reaching": 409,
    "interaction-not-reaching": 409,
    "other-attempt": 409,
    "interaction-not-offered": 409,
    "queue-unstaffed": 409,
    "already-signed-in": 409,
    "too-many-devices": 409,
    "signed-out": 409,
    "interaction-ended": 409,
    "interaction-active": 409,
    "interaction-not-active": 409,
    "offer-ended": 409,
    "work-not-active": 409,
    "work-not-held": 409,
    "not-in-wrap-up": 409,
    "wrap-up-not-optional": 409,
    "wrap-up-not-extendable": 409,
    "wrap-up-limit": 409,
    "disposition-required": 409,
    "unknown-disposition": 422,
    "bad-target": 422,
    "nested-consult": 409,
    "too-many-consults": 409,
    "bad-consult": 422,
    "not-a-consult": 409,
    "other-channel": 409,
    "already-on-it": 409,
    "in-conference": 409,
    "conference-full": 409,
    "last-agent": 409,
    "no-such-place": 409,
    "customer-known": 409,
    "too-many-attributes": 422,
    "duplicate-attribute": 422,
    "unknown-queue": 422,
    "bad-requirement": 422,
    "unknown-skill": 422,
    "duplicate-entity": 422,
    "bad-action": 422,
    "steps-out-of-order": 422,
    "unsupported-semantics": 422,
    "unknown-strategy": 422,
    "strategy-changed": 422,
}
"""Refusal code → status: 404 for what the path names, 409 when the state is against it, 422 for what the body says."""

UNKNOWN: Final[Mapping[RefusalCode, str]] = {
    "unknown-agent": "There is no such agent; GET /v1/agents lists those that there are.",
    "unknown-interaction": "There is no such interaction, or it ended long ago.",
    "unknown-offer": "There is no such offer, or it ended long ago.",
    "no-such-work": "This agent has no work on this interaction.",
    "unknown-queue": "queue: there is no such queue; GET /v1/queues lists those that there are.",
}
"""Said instead of the engine's sentence, which repeats the id: what does not exist may be anything, even a number."""

_NOT_WRITTEN: Final = "The journal cannot be written now, so nothing was done; repeat the request later."
_UNKNOWN_OUTCOME: Final = (
    "The journal can be neither written nor read now, so it is not known whether this was done; look whether it was,"
    " or repeat a request that had an Idempotency-Key."
)
_NOBODY_KNOWN: Final = "Customers' data cannot be reached just now, so nothing was done; repeat the request later."

_NOT_LOOKED_UP: Final = (
    "Whether this request was made before cannot be looked up just now, so nothing was done; repeat it later."
)
_NOT_KEPT: Final = "Versions of the configuration cannot be read or kept just now; what was in force still is."

EXCEPTIONS: Final[tuple[tuple[type[errors.AcdError], int, str, str], ...]] = (
    (errors.CommandInvalid, 422, "invalid-field", ""),
    (errors.RouterOverloaded, 503, "overloaded", "Too many commands wait; try again shortly."),
    (errors.RouterClosed, 503, "closed", "The engine is stopping or has stopped; try again later."),
    (errors.OutcomeUnknown, 503, "outcome-unknown", _UNKNOWN_OUTCOME),
    (errors.JournalError, 503, "journal-unavailable", _NOT_WRITTEN),
    (errors.OutboxFull, 503, "outbox-full", "Too many messages wait already; try again later."),
    (errors.OutboxError, 503, "outbox-unavailable", "Messages to other systems cannot be reached just now."),
    (errors.VersionsError, 503, "versions-unavailable", _NOT_KEPT),
    (errors.VersionChanged, 412, "version-changed", ""),
    (errors.EntryOfFile, 409, "entry-of-file", ""),
    (errors.RepeatsError, 503, "answers-unavailable", _NOT_LOOKED_UP),
    (errors.RequestReused, 422, "idempotency-key-reused", ""),
    (errors.HistoryUnavailable, 503, "history-unavailable", ""),
    (errors.ChannelError, 503, "channel-unavailable", ""),
    (errors.EarlierStoreError, 503, "earlier-unavailable", "Earlier conversations and notes cannot be had just now."),
    (errors.ChatStoreError, 503, "chat-store-unavailable", "Conversations cannot be kept just now; try again later."),
    (errors.PersonalStoreError, 503, "personal-store-unavailable", _NOBODY_KNOWN),
    (
        errors.CommandQuarantined,
        500,
        "command-quarantined",
        "The command was set aside by a fault and changed nothing.",
    ),
)
"""Exception, status, code, detail (its own text when empty). The first that fits counts."""

RETRY_AFTER_SECONDS: Final = {
    "overloaded": 1,
    "closed": 5,
    "journal-unavailable": 5,
    "outcome-unknown": 5,
    "history-unavailable": 5,
    "answers-unavailable": 5,
    "versions-unavailable": 5,
    "personal-store-unavailable": 5,
    "outbox-full": 5,
    "outbox-unavailable": 5,
    "channel-unavailable": 1,
}

MEDIA_TYPE: Final = "application/problem+json"


class ProblemDocument(Struct, frozen=True):
    """RFC 9457. `code` is stable and kebab-case, `detail` a sentence for a person, `instance` the request's id."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    instance: str


class Problem(Exception):
    """An answer other than success. `code` is stable and kebab-case, `detail` a sentence for a person."""

    def __init__(self, status: int, code: str, detail: str, headers: Mapping[str, str] | None = None) -> None:
        """`headers` are added to the response."""
        super().__init__(code)
        self.status = status
        self.code = code
        self.detail = detail
        self.headers = dict(headers or {})

    def response(self, request_id: str) -> web.Response:
        """The problem document. `instance` is the request's id, also sent as `X-Request-Id` and logged."""
        body = ProblemDocument(
            type=f"urn:acd:problem:{self.code}",
            title=HTTPStatus(self.status).phrase,
            status=self.status,
            detail=self.detail,
            code=self.code,
            instance=f"urn:uuid:{request_id}",
        )
        return web.Response(
            status=self.status, body=msgspec.json.encode(body), content_type=MEDIA_TYPE, headers=self.headers
        )


def refused(refusal: Refusal) -> Problem:
    """The problem that a refused command is."""
    return Problem(REFUSALS[refusal.code], refusal.code, UNKNOWN.get(refusal.code, refusal.detail))


def unauthorized(detail: str) -> Problem:
    """401: there is no token, or none that is known."""
    return Problem(401, "unauthorized", detail, {"WWW-Authenticate": 'Bearer realm="acd"'})


def forbidden(detail: str) -> Problem:
    """403: the token is known, but may not do this."""
    return Problem(403, "forbidden", detail, {"WWW-Authenticate": 'Bearer realm="acd", error="insufficient_scope"'})


def not_found(what: str, fix: str = "") -> Problem:
    """404, in the same words whether it does not exist or is somebody else's."""
    return Problem(404, "not-found", f"There is no such {what}{fix and '; '}{fix}.")


def of_error(error: errors.AcdError) -> Problem | None:
    """The problem that an exception of ours is; None when it is an internal fault."""
    for kind, status, code, detail in EXCEPTIONS:
        if isinstance(error, kind):
            headers = {"Retry-After": str(RETRY_AFTER_SECONDS[code])} if code in RETRY_AFTER_SECONDS else None
            return Problem(status, code, detail or _sentence(str(error)), headers)
    return None


def of_http(error: web.HTTPException, here: str = "paths begin with /v1/, and /docs shows them") -> Problem:
    """The problem that one of aiohttp's own answers is. `here`: what there is where something else was looked for."""
    if isinstance(error, web.HTTPMethodNotAllowed):
        allowed = ", ".join(sorted(error.allowed_methods))
        return Problem(405, "method-not-allowed", f"Allowed here: {allowed}.", {"Allow": allowed})
    if isinstance(error, web.HTTPNotFound):
        return Problem(404, "not-found", f"There is no such resource; {here}.")
    if isinstance(error, web.HTTPRequestEntityTooLarge):
        return too_large()
    phrase = HTTPStatus(error.status).phrase
    return Problem(error.status, phrase.lower().replace(" ", "-"), f"{phrase}.")


def _sentence(message: str) -> str:
    """A CommandInvalid's text in our words: `SignInAgent: Expected … - at `$.agent_id`` names agent_id."""
    kind, colon, rest = message.partition(": ")
    return (
        explain(rest if colon and kind.isidentifier() and " - at `$" in rest else message)[1]
        if "`" in message
        else message
    )


MAX_BODY: Final = 64 * 1024
"""Bytes of a request's body, unless a route takes more."""


def too_large(most: int = MAX_BODY) -> Problem:
    """413, and the connection is closed, because the rest of the body is not read."""
    return Problem(
        413, "body-too-large", f"A request body may have {most} bytes here at most.", {"Connection": "close"}
    )


def too_many(status: int, detail: str, wait_seconds: float) -> Problem:
    """Connections, or what they need, that are too many or come too often; when to try again is rounded up."""
    return Problem(status, "too-many-connections", detail, {"Retry-After": str(max(1, ceil(wait_seconds)))})


def internal() -> Problem:
    """500 without a word about the inside."""
    return Problem(500, "internal", "An internal fault; its report is in the log under the request's id.")
