"""Request bodies and query parameters: read, bounded, strict, with errors that name the field and the fix.

Owns the JSON shapes that come in. Must not know what is done with them. No value that was sent is ever
repeated in an error: it may be somebody's number.
"""

import asyncio
import re
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from acd.api.problems import MAX_BODY, Problem, too_large
from acd.api.wording import explain, nearest, shown
from acd.core import limits
from acd.core.messages import Preference
from acd.core.messages.types import Id, InteractionId, OptionalId, Priority, Requirement, Text

BODY_SECONDS: Final = 10.0
"""Within this time a request's body must have arrived."""

MAX_PERSON_TEXT: Final = 200
"""Characters of a customer's number or name."""

PersonText = Annotated[str, Meta(max_length=MAX_PERSON_TEXT)]


class Nothing(Struct, forbid_unknown_fields=True):
    """A body without fields; it may be left out."""


class SignIn(Struct, forbid_unknown_fields=True):
    """POST /agents/{id}/sign-in."""

    ready: bool = False
    reason: Text = "signed-in"


class Presence(Struct, forbid_unknown_fields=True):
    """PUT /agents/{id}/presence."""

    presence: Literal["ready", "not-ready"]
    reason: Text = ""


class Person(Struct, forbid_unknown_fields=True):
    """A customer in clear: stored encrypted, and only the reference goes on."""

    number: PersonText = ""
    name: PersonText = ""


class Wish(Struct, forbid_unknown_fields=True):
    """A preference: `weight` × proficiency is added to the fit."""

    skill: Id
    weight: Annotated[int, Meta(ge=-limits.MAX_PREFERENCE_WEIGHT, le=limits.MAX_PREFERENCE_WEIGHT)] = 1

    def preference(self) -> Preference:
        """As the core has it."""
        return Preference(self.skill, self.weight)


class Enqueue(Struct, forbid_unknown_fields=True):
    """POST /interactions. `customer` is a reference, or a person. Without `id` one is made."""

    queue: Id
    channel: Id
    id: InteractionId | None = None
    requirement: Requirement = ""
    preferences: Annotated[tuple[Wish, ...], Meta(max_length=limits.MAX_PREFERENCES)] = ()
    priority: Priority = 0
    attributes: Annotated[dict[Id, Text], Meta(max_length=limits.MAX_ATTRIBUTES)] = {}
    customer: Text | Person = ""
    preferred_agent: OptionalId = ""


class Extension(Struct, forbid_unknown_fields=True):
    """POST /agents/{id}/work/{interaction}/extend-wrap-up: how much longer."""

    seconds: Annotated[float, Meta(ge=1e-6, le=limits.MAX_DURATION_US // 1_000_000)]


class Disposition(Struct, forbid_unknown_fields=True):
    """PUT /agents/{id}/work/{interaction}/disposition."""

    code: Id


class Transfer(Struct, forbid_unknown_fields=True):
    """POST /agents/{id}/work/{interaction}/transfer: to a queue, to an agent, or both."""

    to_queue: OptionalId = ""
    to_agent: OptionalId = ""
    with_context: bool = True
    reason: Text = ""


class End(Struct, forbid_unknown_fields=True):
    """POST /interactions/{id}/end. An agent always ends as `agent`."""

    by: Literal["customer", "agent", "system"] | None = None
    reason: Text = ""


class Accept(Struct, forbid_unknown_fields=True):
    """POST /offers/{id}/accept. An agent's own token may leave `agent_id` out."""

    agent_id: Id | None = None


class Decline(Struct, forbid_unknown_fields=True):
    """POST /offers/{id}/decline."""

    agent_id: Id | None = None
    reason: Text = "declined"


_T = TypeVar("_T", bound=Struct)


async def read(request: web.Request) -> bytes:
    """The raw body: bounded in size and time, JSON or empty; beside it there are no query parameters.

    Raises a Problem with 400, 408, 413 or 415.
    """
    parameters(request, frozenset())
    if request.content_length is not None and request.content_length > MAX_BODY:
        raise too_large()
    if request.headers.get("Content-Encoding", "identity").lower() != "identity":
        raise Problem(415, "unsupported-media-type", "Content-Encoding: send the body uncompressed.")
    try:
        async with asyncio.timeout(BODY_SECONDS):
            body = await request.read()
    except TimeoutError:
        raise Problem(408, "request-timeout", "The body did not arrive in time.", {"Connection": "close"}) from None
    if body and request.content_type != "application/json":
        raise Problem(415, "unsupported-media-type", "Content-Type: has to be application/json.")
    return body


def decode(body: bytes, shape: type[_T]) -> _T:
    """The body as `shape`; an empty one stands for `{}`. Raises a Problem with 400 or 422."""
    try:
        return msgspec.json.decode(body or b"{}", type=shape)
    except msgspec.ValidationError as error:
        raise Problem(422, *explain(str(error), shape)) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        place = re.search(r"\(byte \d+\)", str(error))
        where = f" {place[0]}" if place else ""
        raise Problem(400, "malformed-json", f"The body is not valid JSON in UTF-8{where}.") from None


def parameters(request: web.Request, known: frozenset[str]) -> dict[str, str]:
    """The query parameters. Raises a Problem with 400 for an unknown or repeated one."""
    found: dict[str, str] = {}
    for name, value in request.query.items():
        if name not in known:
            hint = nearest(name, tuple(known))
            raise Problem(400, "unknown-parameter", f"{shown(name, 'a query parameter')}: is not known here; {hint}")
        if name in found:
            raise Problem(400, "invalid-parameter", f"{name}: is given twice.")
        found[name] = value
    return found


def whole_number(found: dict[str, str], name: str, default: int, least: int, most: int) -> int:
    """A query parameter that is a whole number from `least` to `most`."""
    text = found.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise Problem(400, "invalid-parameter", f"{name}: has to be a whole number from {least} to {most}.")
    return int(text)


def flag(found: dict[str, str], name: str) -> bool:
    """A query parameter that is `true` or `false`; absent means false."""
    text = found.get(name, "false")
    if text not in ("true", "false"):
        raise Problem(400, "invalid-parameter", f"{name}: has to be true or false.")
    return text == "true"
