"""Decoding what was checked before it was recorded."""

from typing import get_args

import msgspec
import pytest

from acd.core.engine import Engine
from acd.core.messages import (
    AcceptOffer,
    ApplyConfig,
    Command,
    CoreSettings,
    EnqueueInteraction,
    Preference,
    QueueSettings,
)
from acd.core.messages.codec import LARGE, decode_command, encode
from acd.core.messages.recorded import decode_recorded
from tests.core.side_by_side import Pair, run, seeded


def test_every_kind_of_command_is_read_as_it_was_written() -> None:
    traffic = seeded(5)
    commands = [command for command, _ in run(traffic, Pair(Engine(), traffic.trees), 6_000)]
    assert {type(command) for command in commands} == set(get_args(Command))
    for command in commands:
        found = decode_recorded(encode(command))
        assert found == command
        assert type(found) is type(command)


@pytest.mark.parametrize(("actor", "trace"), [("boss", ""), ("", "00-" + "1" * 52), ("boss", "00-" + "1" * 52)])
def test_who_asked_and_the_trace_are_read_again(actor: str, trace: str) -> None:
    traffic = seeded(5)
    for kind in {type(command): command for command, _ in run(traffic, Pair(Engine(), traffic.trees), 1_000)}.values():
        command = msgspec.structs.replace(kind, actor=actor, trace=trace)
        assert decode_recorded(encode(command)) == command == decode_command(encode(command))


def test_what_messages_hold_is_messages_again() -> None:
    command = EnqueueInteraction(
        "c", "i", "voice", "q", preferences=(Preference("english", 2),), attributes=(("tier", "gold"),)
    )
    assert decode_recorded(encode(command)) == command


def test_a_large_configuration_is_read_by_parts() -> None:
    settings = CoreSettings(queues=tuple(QueueSettings(f"q{number}", "x" * 90) for number in range(LARGE // 90)))
    command = ApplyConfig("c", settings)
    assert decode_recorded(encode(command)) == command == decode_command(encode(command))


@pytest.mark.parametrize(
    "raw",
    [b"", b"\xc1", b"\x80", encode({"type": "AcceptOffer", "id": "c", "offer_id": 7, "agent_id": "a"})],
    ids=["nothing", "no MessagePack", "no command", "a number for an id"],
)
def test_what_is_no_command_is_refused(raw: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        decode_recorded(raw)


def test_bounds_are_what_the_boundary_checks_and_not_the_history() -> None:
    raw = encode(AcceptOffer("c", "an offer", "anna"))
    with pytest.raises(msgspec.ValidationError, match="offer_id"):
        decode_command(raw)
    assert decode_recorded(raw) == AcceptOffer("c", "an offer", "anna")
