"""`[telemetry]`: read, and what is wrong with it said."""

import importlib.util
from importlib.machinery import ModuleSpec

import pytest

from acd.runtime.config import check_text, loads
from acd.runtime.config import telemetry as reading


def test_it_is_wanted_when_it_is_written() -> None:
    assert loads("").telemetry is None
    config = loads("[telemetry]").telemetry
    assert config is not None
    assert (config.endpoint, config.service) == ("", "")
    config = loads('[telemetry]\nendpoint = "https://otel.example.com:4318"\nservice = "centre"').telemetry
    assert config is not None
    assert (config.endpoint, config.service) == ("https://otel.example.com:4318", "centre")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ("otel.example.com:4318", "is not an address"),
        ("http://a b", "is not an address"),
        ("http://host:99999", "is not an address"),
        ("https://user:canary@otel.example.com", "has a user, a password or a query in it"),
        ("https://otel.example.com?key=canary", "has a user, a password or a query in it"),
    ],
)
def test_addresses_that_are_none(value: str, reason: str) -> None:
    (problem,) = check_text(f'[telemetry]\nendpoint = "{value}"').errors
    assert (problem.line, problem.key) == (2, "telemetry.endpoint")
    assert reason in problem.reason
    assert problem.fix
    assert "canary" not in str(problem)


def test_what_everybody_can_read_is_warned_of() -> None:
    (problem,) = check_text('[telemetry]\nendpoint = "http://otel.example.com:4318"').warnings
    assert "not encrypted" in problem.reason
    assert check_text('[telemetry]\nendpoint = "http://127.0.0.1:4318"').warnings == ()


def test_without_the_extra_the_section_is_a_mistake(monkeypatch: pytest.MonkeyPatch) -> None:
    def found(name: str) -> ModuleSpec | None:
        return None if name.startswith("opentelemetry") else importlib.util.find_spec(name)

    monkeypatch.setattr(reading, "find_spec", found)
    (problem,) = check_text("[telemetry]").errors
    assert "is not installed" in problem.reason
    assert "pip install '.[otel]'" in problem.fix
    assert loads("").telemetry is None
