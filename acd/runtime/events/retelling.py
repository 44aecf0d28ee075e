"""Telling events again: the child process that replays a journal from the nearest snapshot.

Owns the replay. Must not know who reads. `python -m acd.runtime.events.retelling --journal FILE …` writes batches of
events (`Told`, MessagePack, each batch after its length) to its standard output, and ends when nobody reads them.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from pathlib import Path
from typing import Final

import msgspec
import structlog

from acd.core.messages import ConfigApplied
from acd.errors import JournalError, StrategyError
from acd.runtime.events.past import EXIT_TOO_OLD, LENGTH_BYTES
from acd.runtime.events.told import LAST, Cursor, Told, tell
from acd.runtime.journal.reader import SqliteJournalReader
from acd.runtime.replay import Restored, begin, replay
from acd.runtime.view import View

MAX_REPLAYED: Final = 1_000_000
"""Rows between the nearest snapshot and a cursor. A cursor that is further from one is too old."""

BATCH: Final = 256
"""Events of one batch."""

_NICE: Final = 10

_encode = msgspec.msgpack.Encoder().encode

_log = structlog.get_logger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """The child."""
    parser = argparse.ArgumentParser(prog="python -m acd.runtime.events.retelling", description="Tell events again.")
    parser.add_argument("--journal", type=Path, required=True)
    parser.add_argument("--snapshots", type=Path, required=True)
    parser.add_argument("--after", required=True)
    parser.add_argument("--upto-seq", type=int, required=True)
    parser.add_argument("--patient", action="store_true")
    given = parser.parse_args(arguments)
    after = Cursor.parsed(given.after) or Cursor(0, LAST)
    # Standard output belongs to the parent.
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    os.nice(_NICE)
    try:
        with closing(SqliteJournalReader(given.journal)) as journal:
            begun = begin(journal, given.snapshots, upto_seq=max(0, after.seq - 1))
            if after.seq - begun.seq > MAX_REPLAYED and not given.patient:
                return EXIT_TOO_OLD
            _write(told_again(journal, begun, after, given.upto_seq))
    except (JournalError, StrategyError) as error:
        _log.warning("older events cannot be told", reason=str(error))
        return 1
    except BrokenPipeError:
        return 1
    return 0


def told_again(journal: SqliteJournalReader, begun: Restored, after: Cursor, upto_seq: int) -> Iterator[Told]:
    """Replay from `begun`, which is not after the cursor. Raises what `acd.runtime.replay.replay` raises."""
    engine = begun.engine
    view = View.from_state(engine.state(), engine.now_us)
    for step in replay(engine, journal.rows(begun.seq, begun.chain)):
        seq, at_us = step.row.seq, step.row.entry.at_us
        if seq > upto_seq:
            return
        view.fold(at_us, step.outcome)
        if seq >= after.seq and step.outcome.events:
            yield from (told for told in tell(view, seq, at_us, step.outcome.events) if told.cursor > after)
        if seq == upto_seq:
            return


def _write(events: Iterator[Told]) -> None:
    batch: list[Told] = []
    for told in events:
        batch.append(told)
        if len(batch) >= BATCH or isinstance(told.event, ConfigApplied):
            _put(batch)
            batch.clear()
    if batch:
        _put(batch)


def _put(batch: list[Told]) -> None:
    payload = _encode(batch)
    sys.stdout.buffer.write(len(payload).to_bytes(LENGTH_BYTES, "big") + payload)
    sys.stdout.buffer.flush()


if __name__ == "__main__":
    sys.exit(main())
