"""Who asked for what: the commands in the journal that came from outside, the newest first.

Owns finding them. Must not know HTTP. The journal is the record: a command carries its actor and trace, and its row
the outcome, so that nothing can be done without being in here. Ids only: reasons and customers are left out.
"""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final, get_args

from msgspec import Struct
from msgspec.msgpack import Decoder

from acd.core.messages.outcome import RefusalCode
from acd.runtime.journal.reader import PAGE_ROWS, Recent, SqliteJournalReader

MAX_SCANNED: Final = 20_000
"""Rows of the journal that one look goes through; the next one goes on from there."""

NEWEST: Final = 2**63 - 1
"""Before which row to begin, to begin with the last."""

_REFUSALS: Final = frozenset(get_args(RefusalCode))


class Asked(Struct, frozen=True):
    """One command that somebody asked for. `refusal`: why nothing was done, empty if it was. Empty ids: none named.

    `command`: its kind, like `SignInAgent`. `queue` and `to_agent`: what was named last, such as where to.
    """

    seq: int
    at_us: int
    actor: str
    command: str
    command_id: str
    refusal: str
    interaction_id: str
    offer_id: str
    agent_id: str
    queue: str
    to_agent: str
    trace: str


class Wanted(Struct, frozen=True):
    """What is looked for; empty is everything. `before`: only rows before that one."""

    actor: str = ""
    command: str = ""
    interaction_id: str = ""
    agent_id: str = ""
    queue: str = ""
    before: int = NEWEST
    most: int = 100

    def admits(self, found: Asked) -> bool:
        """Whether it is looked for."""
        return (
            self.actor in ("", found.actor)
            and self.command in ("", found.command)
            and self.interaction_id in ("", found.interaction_id)
            and self.agent_id in ("", found.agent_id)
            and self.queue in ("", found.queue)
        )


class Found(Struct, frozen=True):
    """Newest first. `before`: where to go on, None when the beginning of the journal was reached."""

    asked: tuple[Asked, ...]
    before: int | None


class _Command(Struct, frozen=True):
    """What is looked at of a command; whatever else it has is skipped."""

    type: str
    id: str
    actor: str = ""
    trace: str = ""
    interaction_id: str = ""
    child_id: str = ""
    offer_id: str = ""
    agent_id: str = ""
    queue: str = ""
    to_queue: str = ""
    to_agent: str = ""


_decode = Decoder(_Command).decode


def look(journal: Path, wanted: Wanted) -> Found:
    """Blocks for some 50 ms at most. Raises `JournalError` when the journal cannot be read."""
    found: list[Asked] = []
    last = wanted.before
    with closing(SqliteJournalReader(journal)) as reader:
        for row in _rows(reader, wanted.before):
            last = row.seq
            asked = _asked(row)
            if asked.actor and wanted.admits(asked):
                found.append(asked)
                if len(found) == wanted.most:
                    break
    return Found(tuple(found), last if last > 1 and last != NEWEST else None)


def _rows(reader: SqliteJournalReader, before: int) -> Iterator[Recent]:
    for _ in range(MAX_SCANNED // PAGE_ROWS):
        page = reader.newest(before, PAGE_ROWS)
        yield from page
        if len(page) < PAGE_ROWS:
            return
        before = page[-1].seq


def _asked(row: Recent) -> Asked:
    it = _decode(row.command)
    offered = it.offer_id.rpartition(".")[0]
    return Asked(
        row.seq,
        row.at_us,
        it.actor,
        it.type,
        it.id,
        row.outcome if row.outcome in _REFUSALS else "",
        it.interaction_id or it.child_id or offered,
        it.offer_id,
        it.agent_id,
        it.to_queue or it.queue,
        it.to_agent,
        it.trace,
    )
