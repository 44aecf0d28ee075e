"""From the journal back to an engine: load at start-up, replay for whoever asks, verify for the suspicious.

Owns the outcome digest and the comparison of every replayed outcome with the recorded one. Must not
know the medium of the journal nor dispatch anything: history is never carried out again.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from acd.core.engine import Engine
from acd.core.messages import Command, Outcome, Score
from acd.core.messages.outcome import RefusalCode
from acd.core.messages.recorded import decode_recorded
from acd.errors import JournalCorrupt, JournalUnavailable, StrategyError
from acd.ports.journal import SCHEMA_VERSION, Entry, JournalReader, Row
from acd.runtime.journal.chain import genesis
from acd.runtime.journal.reader import SqliteJournalReader
from acd.runtime.log import Logger
from acd.runtime.snapshots import Snapshot, snapshots
from acd.runtime.strategies import Strategies

UPCASTERS: Final[dict[int, Callable[[bytes], bytes]]] = {}
"""From a schema version to the next: pure functions on a command's MessagePack. Appended optional fields need none."""

CHECKED_ROWS: Final = 200_000
"""Rows before the snapshot whose chain is verified at every start."""

KEEP: Final = (
    "; a journal is replayed with the functions that it was written with: give this one again under its name, and what"
    " has changed under another"
)
"""What to do about a strategy that a journal needs."""

_OF_STRATEGIES: Final[tuple[RefusalCode, ...]] = ("unknown-strategy", "strategy-changed")

Given = Mapping[str, Score]

_encode = msgspec.msgpack.Encoder().encode
_log = Logger(__name__)


class Restored(Struct, frozen=True):
    """An engine as it was after row `seq`, whose chain value is `chain` and whose time was `at_us` (0 when empty).

    `snapshot_seq` is the row of the snapshot it began with, 0 for none; `replayed` how many rows followed.
    """

    engine: Engine
    seq: int
    chain: bytes
    at_us: int
    snapshot_seq: int
    replayed: int


class Step(Struct, frozen=True, gc=False):
    """One replayed row: what was asked, and what it led to, again."""

    row: Row
    command: Command
    outcome: Outcome


class Report(Struct, frozen=True):
    """What `verify` found. `problem` is empty when every row is whole and every outcome repeats.

    `rows` were verified before any problem. Times in µs; `epochs` counts writers, `refused` refusals.
    """

    path: str
    domain: str = ""
    rows: int = 0
    chain: str = ""
    epochs: int = 0
    refused: int = 0
    quarantined: int = 0
    first_at_us: int = 0
    last_at_us: int = 0
    problem: str = ""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong."""
        return not self.problem


def outcome_digest(outcome: Outcome) -> str:
    """What the journal keeps of an outcome: the refusal's code, or 16 hex digits over effects and events.

    Sixteen digits of SHA-256 over their MessagePack; a code always has a hyphen, so the two never meet. Costs 1.3 µs,
    half of it encoding; BLAKE2b is no faster at these sizes.
    """
    if outcome.refusal is not None:
        return outcome.refusal.code
    return sha256(_encode((outcome.effects, outcome.events))).hexdigest()[:16]


def load(journal: JournalReader, snapshot_directory: Path | None = None, strategies: Given | None = None) -> Restored:
    """The engine at the journal's tail: newest snapshot that fits, then every row after it, outcomes compared.

    The chain of the last `CHECKED_ROWS` rows before the snapshot is verified, too: a row that was altered behind our
    back is found at the next start, and not only by whoever runs `verify`.

    `strategies`: the functions of queues' own strategies; None for those that are installed.

    Blocks. Raises `JournalCorrupt` naming the row (altered, missing, or decided differently by this program), and
    `JournalUnavailable` when the journal cannot be read or is newer than this program; `StrategyError` when it was
    written with a strategy that is not there, or has changed.
    """
    begun = begin(journal, snapshot_directory, strategies)
    _check_before(journal, begun)
    engine, seq, chain = begun.engine, begun.seq, begun.chain
    for step in replay(engine, journal.rows(seq, chain)):
        seq, chain = step.row.seq, step.row.chain
    return Restored(engine, seq, chain, engine.now_us, begun.seq, seq - begun.seq)


def _check_before(journal: JournalReader, begun: Restored) -> None:
    """Verify rows up to the snapshot. About half a second at most."""
    for row in journal.rows(max(0, begun.seq - CHECKED_ROWS)):
        if row.seq >= begun.seq:
            break


def begin(
    journal: JournalReader,
    snapshot_directory: Path | None = None,
    strategies: Given | None = None,
    upto_seq: int | None = None,
) -> Restored:
    """Where a replay may begin: at the newest snapshot that fits the journal, else at an empty engine. As `load`.

    `upto_seq`: the latest row after which it may begin.
    """
    given = Strategies().scores if strategies is None else strategies
    snapshot = None if snapshot_directory is None else _fitting(journal, snapshot_directory, given, upto_seq)
    if snapshot is None:
        return Restored(Engine(journal.domain, strategies=given), 0, genesis(journal.domain), 0, 0, 0)
    header = snapshot.header
    return Restored(snapshot.engine, header.seq, header.chain, snapshot.engine.now_us, header.seq, 0)


def replay(engine: Engine, rows: Iterable[Row]) -> Iterator[Step]:
    """Apply rows to an engine that stands just before them, comparing every outcome. Raises as `load` does."""
    apply = engine.apply
    now_us = engine.now_us
    for row in rows:
        entry = row.entry
        command = command_of(row)
        at_us = entry.at_us
        if at_us < now_us:
            raise JournalCorrupt(f"row {row.seq} goes back in time, from {now_us} to {at_us} µs")
        now_us = at_us
        try:
            outcome = apply(command, at_us)
        except Exception as error:
            raise JournalCorrupt(_divergence(row, command, f"raises {type(error).__name__}")) from error
        digest = outcome_digest(outcome)
        if digest != entry.outcome:
            if outcome.refusal is not None and outcome.refusal.code in _OF_STRATEGIES:
                raise StrategyError(f"row {row.seq}: {outcome.refusal.detail}{KEEP}")
            raise JournalCorrupt(_divergence(row, command, f"leads to {digest}") + _remedy(engine))
        yield Step(row, command, outcome)


def command_of(row: Row) -> Command:
    """The command of a row, brought up to the present schema. Raises `JournalCorrupt`, `JournalUnavailable`."""
    entry = row.entry
    if entry.schema > SCHEMA_VERSION:
        reason = f"row {row.seq} has message schema {entry.schema}, this program knows up to {SCHEMA_VERSION}"
        raise JournalUnavailable(f"{reason}; upgrade acd-engine")
    try:
        command = decode_recorded(entry.command if entry.schema == SCHEMA_VERSION else _present(entry))
    except msgspec.DecodeError as error:
        # Not quoted: the decoder's text may repeat a value, and this one goes to a log.
        reason = f"row {row.seq} holds no command that this program can read ({type(error).__name__})"
        raise JournalCorrupt(f"{reason}; its chain value fits, so it was written like this") from error
    if command.id != entry.command_id:
        raise JournalCorrupt(f"row {row.seq} holds another command than it says; it was written like this")
    return command


def verify(path: Path | str, strategies: Given | None = None) -> Report:
    """Read and replay a whole journal from its first row, with strategies as in `load`.

    Raises `JournalUnavailable` when it cannot be read.
    Works beside a living engine, and never writes.
    """
    report = Report(str(path))
    try:
        journal = SqliteJournalReader(path)
    except JournalCorrupt as error:
        return msgspec.structs.replace(report, problem=str(error))
    tally = _Tally()
    problem = ""
    try:
        try:
            given = Strategies().scores if strategies is None else strategies
            for step in replay(Engine(journal.domain, strategies=given), journal.rows()):
                tally.count(step)
        except (JournalCorrupt, StrategyError) as error:
            problem = str(error)
        return Report(
            path=str(path),
            domain=journal.domain,
            rows=tally.rows,
            chain=tally.chain.hex(),
            epochs=len(tally.epochs),
            refused=tally.refused,
            quarantined=journal.quarantined(),
            first_at_us=tally.first_at_us,
            last_at_us=tally.last_at_us,
            problem=problem,
        )
    finally:
        journal.close()


class _Tally:
    """What a report counts."""

    def __init__(self) -> None:
        self.rows = self.refused = self.first_at_us = self.last_at_us = 0
        self.chain = b""
        self.epochs: set[int] = set()

    def count(self, step: Step) -> None:
        self.rows += 1
        self.refused += step.outcome.refusal is not None
        self.chain = step.row.chain
        self.epochs.add(step.row.epoch)
        self.last_at_us = step.row.entry.at_us
        if self.rows == 1:
            self.first_at_us = self.last_at_us


def _fitting(journal: JournalReader, directory: Path, strategies: Given, upto_seq: int | None) -> Snapshot | None:
    """The newest snapshot of this very journal, whose row is there with the same chain value."""
    tail, _ = journal.tail()
    for snapshot in _usable(directory, journal.domain, strategies, upto_seq):
        header = snapshot.header
        if header.seq > tail:
            text = (
                f"the journal ends at row {tail}, but {snapshot.path} was taken at row {header.seq}: rows are missing"
            )
            raise JournalCorrupt(
                f"{text} from its end. Restore the journal, or remove the snapshots to go on without them"
            )
        try:
            # Reading begins with the comparison of the chain value; the first row itself is read again by `load`.
            next(journal.rows(header.seq, header.chain), None)
        except JournalCorrupt as error:
            _log.warning("snapshot does not fit the journal", path=str(snapshot.path), reason=str(error))
            continue
        return snapshot
    return None


def _usable(directory: Path, domain: str, strategies: Given, upto_seq: int | None) -> Iterator[Snapshot]:
    try:
        yield from snapshots(directory, domain, strategies, upto_seq)
    except StrategyError as error:
        raise StrategyError(f"{error}{KEEP}") from error


def _present(entry: Entry) -> bytes:
    command = entry.command
    for schema in range(entry.schema, SCHEMA_VERSION):
        if schema in UPCASTERS:
            command = UPCASTERS[schema](command)
    return command


def _divergence(row: Row, command: Command, now: str) -> str:
    return (
        f"row {row.seq} ({type(command).__name__} {row.entry.command_id}) led to {row.entry.outcome} when it was"
        f" written and {now} now. Its chain value fits, so it has not been altered: this program decides differently"
        " from the one that wrote it"
    )


def _remedy(engine: Engine) -> str:
    return f" (semantics version {engine.state().settings.semantics}). Replay it with that release of acd-engine"
