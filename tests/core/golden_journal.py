"""The golden journal of semantics version 1: a few hundred commands and what came of each, as it was decided once.

Owns the file's format: a header, then a line per command with its time and the digest of its outcome. The header names
the fields of events and effects that the digests cover, so that a field appended later changes none of them.

A digest that changes is a decision that changed: that needs a new semantics version with a journal of its own. Only
while version 1 is unreleased may this one be written anew:

    python -m tests.core.golden_journal
"""

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, get_args

import msgspec

import acd.core.messages as m
from acd.core.engine import Engine
from tests.core.naive_model import Model
from tests.core.side_by_side import seeded

PATH: Final = Path(__file__).parent / "golden" / "v1.jsonl"

SEED: Final = 34
LENGTH: Final = 600
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


def read(path: Path = PATH) -> tuple[Header, list[Entry]]:
    """The journal."""
    first, *lines = path.read_bytes().splitlines()
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


def made() -> Iterator[bytes]:
    """The lines of the journal as the engine decides today."""
    fields = known_fields()
    yield msgspec.json.encode(Header(1, fields))
    engine = Engine()
    traffic = seeded(SEED, agents=AGENTS, disorder=0.05)
    model = Model(traffic.trees)
    for _ in range(LENGTH):
        command, now_us = traffic.next(model)
        model.apply(command, now_us)
        yield msgspec.json.encode(Entry(now_us, command, digest(engine.apply(command, now_us), fields)))


if __name__ == "__main__":
    PATH.write_bytes(b"\n".join(made()) + b"\n")
