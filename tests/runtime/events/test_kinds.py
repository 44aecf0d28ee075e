"""Public kinds: every event of the core has one, its example fits its schema, and nothing is told in µs or in full."""

from typing import get_args

import msgspec
import pytest

from acd.core.messages import (
    AgentSettings,
    ConfigApplied,
    CoreSettings,
    Event,
    InteractionQueued,
    OfferMade,
    PresenceChanged,
    QueueClosed,
    WrapUpStarted,
)
from acd.runtime.events.kinds import KINDS, Kind, data_of, kind_of, subject_of

AT_US = 1_750_000_000_250_000
TYPES: dict[str, type | tuple[type, ...]] = {
    "string": str,
    "number": (int, float),
    "integer": int,
    "boolean": bool,
    "array": list,
    "object": dict,
}


def fits(value: object, schema: dict[str, object]) -> bool:
    """Enough of JSON Schema for these."""
    options = schema.get("anyOf")
    if isinstance(options, list):
        return any(fits(value, option) for option in options)
    if schema["type"] == "null":
        return value is None
    return isinstance(value, TYPES[str(schema["type"])])


def test_every_event_of_the_core_is_a_kind() -> None:
    assert len(KINDS) == len(get_args(Event))
    assert {"offer-made", "interaction-queued", "engine-recovered"} <= KINDS.keys()


@pytest.mark.parametrize("kind", KINDS.values(), ids=lambda kind: kind.name)
def test_it_is_documented(kind: Kind) -> None:
    assert len(kind.meaning) > 10
    assert kind.example.keys() == kind.schema["properties"].keys()
    for name, value in kind.example.items():
        assert fits(value, kind.schema["properties"][name]), name
        assert not name.endswith("_us")
    assert msgspec.json.decode(msgspec.json.encode(kind.example)) == kind.example


def test_moments_are_texts_and_durations_seconds() -> None:
    offer = OfferMade("c.1", "c", "anna", "sales", AT_US, "agent", "best-fit", 85, 0, 32_000_000, 1_500_000)
    assert kind_of(offer) == "offer-made"
    data = data_of(offer)
    assert data["expires_at"] == "2025-06-15T15:06:40.250000Z"
    assert (data["idle_seconds"], data["waited_seconds"], data["fit"]) == (32.0, 1.5, 85)
    assert data_of(WrapUpStarted("anna", "c", 0))["until"] is None


def test_data_has_the_fields_of_its_schema() -> None:
    queued = InteractionQueued("c", "voice", "sales", "", 0, (("topic", "invoice"),), "ref-1", "pbx")
    assert data_of(queued).keys() == KINDS["interaction-queued"].schema["properties"].keys()
    assert data_of(queued)["attributes"] == {"topic": "invoice"}


def test_a_configuration_is_told_by_its_hash() -> None:
    applied = ConfigApplied(CoreSettings(agents=(AgentSettings("anna"), AgentSettings("boris"))), "abc")
    assert data_of(applied) == {"hash": "abc", "agents": 2, "queues": 0}
    assert data_of(applied).keys() == KINDS["config-applied"].schema["properties"].keys()


def test_what_it_is_about() -> None:
    assert subject_of(PresenceChanged("anna", "ready", "")) == "anna"
    assert subject_of(QueueClosed("sales", "night")) == "sales"
    assert subject_of(WrapUpStarted("anna", "c", 0)) == "c"
