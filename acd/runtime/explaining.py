"""Explaining in a process of its own: the question on standard input, the answer on standard output, both MessagePack.

`python -m acd.runtime.explaining JOURNAL [SNAPSHOTS]` is the process. Owns how much of an explanation is told: with
100,000 agents each decision has as many candidates. Must not know who asks (`acd.runtime.history`).
"""

import os
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from acd.core.explain import Candidate
from acd.errors import AcdError
from acd.runtime.explain import Explanation, explain
from acd.runtime.journal.reader import SqliteJournalReader

MAX_DECISIONS: Final = 50
"""Offers of one interaction that are told, the newest."""

EXIT_FAILED: Final = 1
_NICE: Final = 10


class Asking(Struct, frozen=True):
    """An offer's or an interaction's id, as of `until_us` if that is not None.

    `most` candidates of each decision, the best ones; or only the one named.
    """

    subject: str
    most: int
    until_us: int | None = None
    candidate: str = ""


class Brief(Struct, frozen=True):
    """An explanation of which some is left out: so many `decisions`, and `candidates` of the decisions and the wait."""

    explanation: Explanation
    decisions: int
    candidates: tuple[int, ...]
    waiting: int


def brief(full: Explanation, asking: Asking) -> Brief:
    """What is asked for of an explanation."""
    told = full.decisions[-MAX_DECISIONS:]
    kept = [_kept(cause.decision.candidates, asking) for cause in told]
    decisions = tuple(
        msgspec.structs.replace(cause, decision=msgspec.structs.replace(cause.decision, candidates=candidates))
        for cause, candidates in zip(told, kept, strict=True)
    )
    left_out = tuple(len(cause.decision.candidates) - len(few) for cause, few in zip(told, kept, strict=True))
    waiting, waiting_left_out = full.waiting, 0
    if waiting is not None:
        few = _kept(waiting.candidates, asking)
        waiting_left_out = len(waiting.candidates) - len(few)
        waiting = msgspec.structs.replace(waiting, candidates=few)
    trimmed = msgspec.structs.replace(full, decisions=decisions, waiting=waiting, steps=full.steps[-MAX_DECISIONS:])
    return Brief(trimmed, len(full.decisions) - len(told), left_out, waiting_left_out)


def _kept(candidates: tuple[Candidate, ...], asking: Asking) -> tuple[Candidate, ...]:
    if asking.candidate:
        return tuple(each for each in candidates if each.id == asking.candidate)
    return candidates[: asking.most]


def main(arguments: list[str]) -> int:
    """The process. Exit status `EXIT_FAILED` when the journal cannot be read or replayed; standard error says why."""
    os.nice(_NICE)
    asking = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Asking)
    journal, snapshots = arguments
    try:
        with closing(SqliteJournalReader(Path(journal))) as reader:
            full = explain(
                reader,
                asking.subject,
                snapshot_directory=Path(snapshots) if snapshots else None,
                until_us=asking.until_us,
            )
    except AcdError as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_FAILED
    sys.stdout.buffer.write(msgspec.msgpack.encode(brief(full, asking)))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
