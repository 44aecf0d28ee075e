"""The golden journals of semantics version 1: some hundred commands and what came of each, as it was decided once.

Owns the files' format: a header, then a line per command with its time and the digest of its outcome. The header names
the fields of events and effects that the digests cover, so that a field appended later changes none of them.

A digest that changes is a decision that changed: that needs a new semantics version with journals of its own. Only
while version 1 is unreleased may one be written anew:

    python -m tests.core.golden_journal v1-callbacks
"""

import hashlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

import acd.core.messages as m
from acd.core.engine import Engine
from tests.core.naive_model import Model
from tests.core.side_by_side import seeded

FOLDER: Final = Path(__file__).parent / "golden"

FIRST: Final = "v1"
"""Of the commands that there were at first."""

CALLBACKS: Final = "v1-callbacks"
"""Of callbacks, also such whose customers are called before any agent; and of whatever else there was by then."""

PUT_OFF: Final = "v1-put-off"
"""Of customers whom nobody could call, and who were given time when the engine started anew."""

PLACES: Final = "v1-places"
"""Of customers who took the place that they had in line already."""

REPLACED: Final = "v1-replaced"
"""Of those who took a place by the command that put an end to the one before, and could not."""

JOURNALS: Final = {
    FIRST: (34, 600),
    CALLBACKS: (107, 1_200),
    PUT_OFF: (226, 500),
    PLACES: (472, 400),
    REPLACED: (683, 1_200),
}
"""By name: the seed of the traffic, and how many commands."""

AGENTS: Final = 5

UNCOVERED: Final = {"ConfigApplied": ()}
"""A configuration is what the command said; its hash covers fields that are yet to come."""

Fields = dict[str, tuple[str, ...]]


class Header(msgspec.Struct, frozen=True):
    """The first line."""

    semantics: int
    fields: Fields


class Entry(msgspec.Struct, frozen=True):
    """One command, when, and what came of it."""

    now_us: int
    command: m.Command
    outcome: str


decode_header = msgspec.json.Decoder(Header).decode
decode_entry = msgspec.json.Decoder(Entry).decode


def path_of(name: str) -> Path:
    """Where a journal is."""
    return FOLDER / f"{name}.jsonl"


def read(name: str = FIRST) -> tuple[Header, list[Entry]]:
    """One journal."""
    first, *lines = path_of(name).read_bytes().splitlines()
    return decode_header(first), [decode_entry(line) for line in lines]


def digest(outcome: m.Outcome, fields: Fields) -> str:
    """The digest of an outcome: the refusal's code, and the covered fields of effects and events."""
    told: list[Any] = [None if outcome.refusal is None else outcome.refusal.code]
    for each in (*outcome.effects, *outcome.events):
        name = type(each).__name__
        told.append([name, *(getattr(each, field) for field in fields[name])])
    return hashlib.sha256(msgspec.json.encode(told)).hexdigest()[:16]


def known_fields() -> Fields:
    """The fields of every event and effect there is."""
    kinds = (*get_args(m.Event), *get_args(m.Effect))
    return {kind.__name__: UNCOVERED.get(kind.__name__, kind.__struct_fields__) for kind in kinds}


def made(name: str) -> Iterator[bytes]:
    """The lines of a journal as the engine decides today."""
    seed, length = JOURNALS[name]
    fields = known_fields()
    yield msgspec.json.encode(Header(1, fields))
    engine = Engine()
    traffic = seeded(seed, agents=AGENTS, disorder=0.05)
    model = Model(traffic.trees)
    for _ in range(length):
        command, now_us = traffic.next(model)
        model.apply(command, now_us)
        yield msgspec.json.encode(Entry(now_us, command, digest(engine.apply(command, now_us), fields)))


if __name__ == "__main__":
    path_of(sys.argv[1]).write_bytes(b"\n".join(made(sys.argv[1])) + b"\n")
