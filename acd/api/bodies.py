"""Request bodies and query parameters: read, bounded, strict, with errors that name the field and the fix.

Owns the JSON shapes that come in. Must not know what is done with them. No value that was sent is ever
repeated in an error: it may be somebody's number.
"""

import asyncio
import re
from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Annotated, Final, Literal, TypeVar

import msgspec
from aiohttp import web
from msgspec import UNSET, Meta, Struct, UnsetType
from msgspec.inspect import BoolType, IntType, Metadata, StructType, Type, type_info

from acd.api.problems import MAX_BODY, Problem, too_large
from acd.api.wording import explain, nearest, shown
from acd.core import limits
from acd.core.messages import DeviceWord, EnqueueInteraction, Preference
from acd.core.messages.types import Id, InteractionId, OptionalId, Priority, Requirement, Text
from acd.runtime.config.durations import FIX, parse_duration

BODY_SECONDS: Final = 10.0
"""Within this time a request's body must have arrived."""

MAX_PERSON_TEXT: Final = 200
"""Characters of a customer's number or name."""

Span = Annotated[
    str | float,
    Meta(
        description='A duration: "20s", "1m30s", "250ms", "2h", or a number of seconds.',
        examples=["20s", 20],
    ),
]
"""Read by `duration_us`."""

JSON: Final = "application/json"

_DAY_US: Final = 24 * 3600 * 1_000_000

_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)

PersonText = Annotated[str, Meta(max_length=MAX_PERSON_TEXT)]

MAX_NUMBER: Final = 40
"""Characters of a telephone number, as people write it."""


class Nothing(Struct, forbid_unknown_fields=True):
    """A body without fields; it may be left out."""


class NoQuery(Struct, frozen=True):
    """No query parameters."""


class SignIn(Struct, forbid_unknown_fields=True):
    """Whether the agent is ready at once; else not-ready, for a reason."""

    ready: bool = False
    reason: Text = "signed-in"


class Presence(Struct, forbid_unknown_fields=True):
    """Ready, or not-ready for a reason."""

    presence: Literal["ready", "not-ready"]
    reason: Text = ""


class DeviceNote(Struct, forbid_unknown_fields=True):
    """What is found of the agent's device; `clear` speaks against nothing. Until then, `lasts` at most, it vetoes."""

    state: DeviceWord
    lasts: Span = limits.USUAL_VETO_US // 1_000_000


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
    """A customer asks for an agent. `customer` is a reference, or a person. Without `id` one is made.

    A reference is one customer's: of whoever is not known leave it out.

    With `not_before` it is scheduled: it comes into the line then, or as soon as the queue is open after that.
    """

    queue: Id
    channel: Id
    id: InteractionId | None = None
    requirement: Requirement = ""
    preferences: Annotated[tuple[Wish, ...], Meta(max_length=limits.MAX_PREFERENCES)] = ()
    priority: Priority = 0
    attributes: Annotated[dict[Id, Text], Meta(max_length=limits.MAX_ATTRIBUTES)] = {}
    customer: Text | Person = ""
    preferred_agent: OptionalId = ""
    not_before: Annotated[datetime, Meta(tz=True)] | None = None


class CallbackRequest(Enqueue, forbid_unknown_fields=True, kw_only=True):
    """A customer wants to be called back: as an interaction, but the customer need not be there while it waits.

    With `not_before` from then on, or as soon as the queue is open after that. A customer has one in a queue at a time.
    """

    channel: Id = "voice"


class Why(Struct, forbid_unknown_fields=True):
    """Why."""

    reason: Text = ""


class OfferFailure(Struct, forbid_unknown_fields=True):
    """What was in the way: the device is busy, it cannot be reached, or a technical fault."""

    reason: Literal["busy", "unreachable", "failed"]


class Extension(Struct, forbid_unknown_fields=True):
    """How much longer."""

    by: Span


class Disposition(Struct, forbid_unknown_fields=True):
    """One of the queue's disposition codes."""

    code: Id


class Transfer(Struct, forbid_unknown_fields=True):
    """To a queue, to an agent who is asked first, or both; or to a telephone number.

    `with_context` keeps place, priority, requirement, preferences and attributes; without, they begin anew.
    """

    to_queue: OptionalId = ""
    to_agent: OptionalId = ""
    with_context: bool = True
    reason: Text = ""
    to_number: Annotated[str, Meta(max_length=MAX_NUMBER, description="As people write it.")] = ""

    def __repr__(self) -> str:
        """Without the number: a repr ends up in logs and tracebacks."""
        return f"Transfer(to_queue={self.to_queue!r}, to_agent={self.to_agent!r})"


class End(Struct, forbid_unknown_fields=True):
    """Who ended it, and why."""

    by: Literal["customer", "agent", "system"] | None = None
    reason: Text = ""


class Accept(Struct, forbid_unknown_fields=True):
    """For which agent. An agent's own token may leave `agent_id` out."""

    agent_id: Id | None = None


class Decline(Struct, forbid_unknown_fields=True):
    """For which agent, and why. An agent's own token may leave `agent_id` out."""

    agent_id: Id | None = None
    reason: Text = "declined"


class PriorityChange(Struct, forbid_unknown_fields=True):
    """The priority from now on."""

    priority: Priority


class Update(Struct, forbid_unknown_fields=True):
    """What is known better now, as a merge patch (RFC 7396): what is left out stays, null takes away.

    `attributes` likewise, each by its name. `customer` can be told once, if nobody knew.
    """

    attributes: Annotated[dict[Id, Text | None], Meta(max_length=limits.MAX_ATTRIBUTES)] = {}
    customer: Text | Person = ""
    requirement: Requirement | UnsetType | None = UNSET
    preferences: Annotated[tuple[Wish, ...], Meta(max_length=limits.MAX_PREFERENCES)] | UnsetType | None = UNSET
    preferred_agent: OptionalId | UnsetType | None = UNSET


class Move(Struct, forbid_unknown_fields=True):
    """Where to. `keep_place`: it waits there as if it had always done so; else as one that has just come."""

    queue: Id
    keep_place: bool = True
    reason: Text = ""


class Close(Struct, forbid_unknown_fields=True):
    """Why the queue closes; those who are let go are told, unless its settings say something else."""

    reason: Text = "closed"


_T = TypeVar("_T", bound=Struct)


def enqueue_command(body: Enqueue, command_id: str, customer: str) -> EnqueueInteraction:
    """The command of a request to enqueue, or to be called back; `customer` is the reference."""
    return EnqueueInteraction(
        command_id,
        interaction_id=body.id or command_id,
        channel=body.channel,
        queue=body.queue,
        requirement=body.requirement,
        preferences=tuple(wish.preference() for wish in body.preferences),
        priority=body.priority,
        attributes=tuple(sorted(body.attributes.items())),
        customer=customer,
        preferred_agent=body.preferred_agent,
        kind="callback" if isinstance(body, CallbackRequest) else "live",
        not_before_us=0 if body.not_before is None else moment_us("not_before", body.not_before),
    )


def parameter_us(name: str, text: str) -> int:
    """A query parameter that is a moment with its zone, in µs since 1970. Raises a Problem with 400."""
    try:
        found = datetime.fromisoformat(text)
        micros = (found - _EPOCH) // timedelta(microseconds=1) if found.tzinfo is not None else -1
    except (ValueError, OverflowError):
        micros = -1
    if micros < 0:
        raise Problem(400, "invalid-parameter", f"{name}: must be a time with its zone, like 2026-01-31T08:30:00Z.")
    return micros


def moment_us(name: str, at: datetime) -> int:
    """A moment in µs since 1970. Raises a Problem with 422 for one before that, or after the year 9999."""
    found = (at - _EPOCH) // timedelta(microseconds=1)
    if found < 0:
        raise Problem(422, "invalid-field", f"{name}: lies before 1970.")
    if found > limits.MAX_MOMENT_US:
        raise Problem(422, "invalid-field", f"{name}: lies after the year 9999 in UTC.")
    return found


def duration_us(name: str, value: str | float, most_us: int = limits.MAX_DURATION_US) -> int:
    """A duration of at least 1 µs, in µs. Raises a Problem with 422."""
    found = parse_duration(value)
    if found is None:
        raise Problem(422, "invalid-field", f"{name}: is no duration; {FIX}.")
    if not 1 <= found <= most_us:
        most = f"{most_us // _DAY_US} days" if most_us > _DAY_US else "a day"
        raise Problem(422, "invalid-field", f"{name}: has to be more than nothing, and {most} at most.")
    return found


async def read(request: web.Request, most: int = MAX_BODY) -> bytes:
    """The raw body: at most so many bytes, bounded in time, JSON or empty.

    Raises a Problem with 400, 408, 413 or 415.
    """
    if not request.can_read_body:
        return b""
    headers = request.headers
    if "Content-Encoding" in headers and any(each.lower() != "identity" for each in headers.getall("Content-Encoding")):
        raise Problem(415, "unsupported-media-type", "Content-Encoding: send the body uncompressed.")
    if request.content.is_eof():
        body = request.content.read_nowait()  # it came along with the head, as short ones do
        if len(body) > most:
            raise too_large(most)
    elif request.content_length is not None and request.content_length > most:
        raise too_large(most)
    else:
        body = await _arriving(request, most)
    if body and headers.get("Content-Type") != JSON and request.content_type != JSON:
        raise Problem(415, "unsupported-media-type", "Content-Type: has to be application/json.")
    return body


async def _arriving(request: web.Request, most: int) -> bytes:
    try:
        async with asyncio.timeout(BODY_SECONDS):
            return await _bounded(request, most)
    except TimeoutError:
        raise Problem(408, "request-timeout", "The body did not arrive in time.", {"Connection": "close"}) from None


async def _bounded(request: web.Request, most: int) -> bytes:
    """The body, unless it is longer: what has no length is counted as it comes."""
    parts: list[bytes] = []
    length = 0
    async for part in request.content.iter_any():
        length += len(part)
        if length > most:
            raise too_large(most)
        parts.append(part)
    return b"".join(parts)


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


def parameters(request: web.Request, known: Collection[str]) -> dict[str, str]:
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


def query(request: web.Request, shape: type[_T]) -> _T:
    """The query parameters as `shape`, whose fields are whole numbers, truth values or texts; absent is the default.

    Raises a Problem with 400.
    """
    if not request.query_string:
        return shape()
    found = parameters(request, _fields(shape).keys())
    values: dict[str, object] = {}
    for name, text in found.items():
        kind = _fields(shape)[name]
        if isinstance(kind, IntType):
            values[name] = _whole_number(name, text, kind.ge or 0, kind.le or 0)
        else:
            values[name] = _flag(name, text) if isinstance(kind, BoolType) else text
    try:
        return msgspec.convert(values, shape)
    except msgspec.ValidationError as error:
        raise Problem(400, "invalid-parameter", explain(str(error), shape)[1]) from None


@cache
def _fields(shape: type[Struct]) -> dict[str, Type]:
    """A Struct's fields by their names outside."""
    info = type_info(shape)
    assert isinstance(info, StructType)  # noqa: S101 - what is asked for is a Struct
    return {field.encode_name: _plain(field.type) for field in info.fields}


def _plain(kind: Type) -> Type:
    """An optional field's type without `UNSET`, and without what only the documentation shows."""
    while isinstance(kind, Metadata):
        kind = kind.type
    return kind


def _whole_number(name: str, text: str, least: int, most: int) -> int:
    if not re.fullmatch(r"[0-9]{1,9}", text) or not least <= int(text) <= most:
        raise Problem(400, "invalid-parameter", f"{name}: has to be a whole number from {least} to {most}.")
    return int(text)


def _flag(name: str, text: str) -> bool:
    if text not in ("true", "false"):
        raise Problem(400, "invalid-parameter", f"{name}: has to be true or false.")
    return text == "true"
