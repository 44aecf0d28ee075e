"""The public kinds of events: name, fields, JSON Schema and an example of each, all of them made of the core's events.

Owns the translation of a core event into what others see: moments as RFC 3339 in UTC, durations in seconds, pairs as
objects. Must not know the envelope, nor who reads. An event that is added to the core is public by that.
"""

import re
from collections.abc import Callable, Mapping
from typing import Any, Final, get_args, get_type_hints

import msgspec
from msgspec import Struct

from acd.core.messages import AgentsConfigured, ConfigApplied, Event
from acd.runtime.clock import moment

_MOMENT: Final = re.compile(r"(.+_)?(at|until|before)_us")
_PAIRS: Final = tuple[tuple[str, str], ...]
_EXAMPLES: Final[Mapping[str, object]] = {
    "interaction_id": "call-17",
    "agent_id": "anna",
    "offer_id": "call-17.1",
    "queue": "sales",
    "from_queue": "sales",
    "to_queue": "support",
    "to_agent": "boris",
    "presence": "ready",
    "channel": "voice",
    "requirement": "skills.english >= 5",
    "customer": "ref-4711",
    "instance": "pbx",
    "strategy": "best-fit",
    "sought": "agent",
    "hash": "5d41402abc4b2a76",
    "attributes": {"topic": "invoice"},
    "by": "customer",
}
"""Values of the examples, by name of the field; whatever is not here is by its type."""

Convert = Callable[[Any], object]


class Kind(Struct, frozen=True):
    """One kind of events: `name` (`offer-made`), what it means, its data's JSON Schema, and an example of its data."""

    name: str
    meaning: str
    schema: dict[str, Any]
    example: dict[str, object]


class ConfigData(Struct, frozen=True):
    """What is told of a configuration: its hash, and how much there is in it."""

    hash: str
    agents: int
    queues: int


class AgentsData(Struct, frozen=True):
    """Whose settings are others, and who is in the configuration no more: ids."""

    agents: tuple[str, ...]
    removed: tuple[str, ...]


_OWN_SHAPES: Final[Mapping[type[Event], tuple[type[Struct], dict[str, object]]]] = {
    ConfigApplied: (ConfigData, {"hash": _EXAMPLES["hash"], "agents": 12, "queues": 3}),
    AgentsConfigured: (AgentsData, {"agents": ["anna"], "removed": []}),
}
"""Events that say less outside than inside: the form of what they say, and an example."""


def kind_of(event: Event) -> str:
    """`OfferMade` → `offer-made`."""
    return _NAMES[type(event)]


def subject_of(event: Event) -> str:
    """What it is about: the interaction, else the agent, else the queue; empty for the engine as a whole."""
    for name in ("interaction_id", "agent_id", "queue"):
        value: str = getattr(event, name, "")
        if value:
            return value
    return ""


def data_of(event: Event) -> dict[str, object]:
    """What the event says, by public names."""
    if isinstance(event, AgentsConfigured):
        return {"agents": [agent.id for agent in event.agents], "removed": list(event.removed)}
    if isinstance(event, ConfigApplied):
        settings = event.settings
        return {"hash": event.hash, "agents": len(settings.agents), "queues": len(settings.queues)}
    return {
        public: getattr(event, name) if convert is None else convert(getattr(event, name))
        for name, public, convert in _FIELDS[type(event)]
    }


def _moment_or_none(at_us: int) -> str | None:
    return moment(at_us) if at_us else None


def _seconds(duration_us: int) -> float:
    return duration_us / 1_000_000


def _pairs(pairs: tuple[tuple[str, str], ...]) -> dict[str, str]:
    return dict(pairs)


def _public(name: str, kind: object) -> tuple[str, Any, Convert | None]:
    """(public name, public type, conversion) of a field."""
    if name.endswith("_us"):
        stem = name.removesuffix("_us")
        if _MOMENT.fullmatch(name):
            return stem, str | None, _moment_or_none
        return f"{stem}_seconds", float, _seconds
    if kind == _PAIRS:
        return name, dict[str, str], _pairs
    if kind in (str, int, bool, tuple[str, ...]):
        return name, kind, None
    return name, dict[str, Any] | None, msgspec.to_builtins


def _kebab(name: str) -> str:
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


def _shape(kind: type[Event]) -> type[Struct]:
    """The public data as a type, for its schema."""
    if kind in _OWN_SHAPES:
        return _OWN_SHAPES[kind][0]
    fields = [(public, annotation) for _, public, annotation in _DESCRIBED[kind]]
    return msgspec.defstruct(kind.__name__, fields, module=__name__)


def _meaning(kind: type[Event]) -> str:
    """Its docstring, with the public names of its fields."""
    text = " ".join((kind.__doc__ or "").split())
    return re.sub(r"`(\w+_us)`", lambda found: f"`{_public(found[1], int)[0]}`", text)


def _example(kind: type[Event]) -> dict[str, object]:
    if kind in _OWN_SHAPES:
        return _OWN_SHAPES[kind][1]
    return {public: _EXAMPLES.get(public, _of_type(annotation)) for _, public, annotation in _DESCRIBED[kind]}


def _of_type(annotation: object) -> object:
    if annotation == str | None:
        return "2026-01-31T08:15:00.250000Z"
    plain: dict[object, object] = {str: "", int: 1, bool: True, float: 12.5, tuple[str, ...]: []}
    return plain.get(annotation)


def _schema(kind: type[Event]) -> dict[str, Any]:
    shape = _shape(kind)
    (schema,), components = msgspec.json.schema_components([shape])
    inner: dict[str, Any] = components[schema["$ref"].rpartition("/")[2]]
    return {name: value for name, value in inner.items() if name not in ("title", "description")}


_CLASSES: Final[tuple[type[Event], ...]] = get_args(Event)
_NAMES: Final[Mapping[type[Event], str]] = {kind: _kebab(kind.__name__) for kind in _CLASSES}
_TYPED: Final = {kind: [(name, *_public(name, of)) for name, of in get_type_hints(kind).items()] for kind in _CLASSES}
_FIELDS: Final = {
    kind: tuple((name, public, convert) for name, public, _, convert in fields) for kind, fields in _TYPED.items()
}
_DESCRIBED: Final = {
    kind: tuple((name, public, of) for name, public, of, _ in fields) for kind, fields in _TYPED.items()
}

KINDS: Final[Mapping[str, Kind]] = {
    name: Kind(name, _meaning(kind), _schema(kind), _example(kind))
    for kind, name in sorted(_NAMES.items(), key=lambda each: each[1])
}
"""Every kind by its name, sorted."""
