"""The disk through crashes: what was committed is there, what was being written is not, in real SQLite files."""

from collections.abc import Sequence
from pathlib import Path
from random import Random

import pytest

from acd.ports.journal import Committed, Entry
from acd.testing.simulator.disk import Disk
from acd.testing.simulator.faults import Faults
from acd.testing.simulator.loop import SimulatedLoop
from acd.testing.simulator.process import Process, ProcessDied, Wall


class Machine:
    """A disk, and one process at a time."""

    def __init__(self, folder: Path) -> None:
        self.loop = SimulatedLoop()
        self.durable: list[str] = []
        self.disk = Disk(folder / "disk", self._note)
        self.faults = Faults(1, frozenset({"crash"}), crash_points=("torn-append",))

    def _note(self, epoch: int, first_seq: int, batch: Sequence[Entry]) -> None:
        assert epoch
        assert first_seq == len(self.durable) + 1
        self.durable += [entry.command_id for entry in batch]

    def process(self) -> Process:
        def died(where: str) -> None:
            assert where
            self.disk.crash()

        return Process(1, self.loop, Wall(self.loop, 0), self.faults, Random(1), died)  # noqa: S311 - a test's dice

    def close(self) -> None:
        self.disk.close()
        self.loop.close()

    def on_disk(self) -> list[str]:
        journal = self.disk.reader()
        try:
            return [row.entry.command_id for row in journal.rows()]
        finally:
            journal.close()


def entries(*names: str) -> list[Entry]:
    return [Entry(name, "demand", number, b"x" * 900, "ok") for number, name in enumerate(names)]


def test_what_was_committed_survives_a_crash(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    process = machine.process()
    journal = machine.disk.open_journal(process)
    epoch = journal.open_epoch()
    assert isinstance(journal.append(epoch, 0, entries("a", "b")), Committed)
    process.die("anywhere")
    assert machine.on_disk() == machine.durable == ["a", "b"]
    machine.close()


@pytest.mark.parametrize("luck", range(12))
def test_a_torn_batch_is_not_there_and_the_rest_is(tmp_path: Path, luck: int) -> None:
    machine = Machine(tmp_path)
    process = machine.process()
    journal = machine.disk.open_journal(process)
    epoch = journal.open_epoch()
    assert isinstance(journal.append(epoch, 0, entries("a", "b")), Committed)
    for _ in range(luck):
        machine.faults.dice("crash").random()
    machine.faults.arm_crash()

    def write_until_it_tears() -> None:
        while machine.faults.armed():
            seq = len(machine.durable)
            journal.append(epoch, seq, entries(f"c-{seq}", f"d-{seq}"))

    with pytest.raises(ProcessDied):
        write_until_it_tears()
    assert not process.alive
    assert machine.faults.crashed["torn-append"] == 1
    assert machine.on_disk() == machine.durable
    assert machine.durable[:2] == ["a", "b"]
    machine.close()


def test_a_dead_process_reads_and_writes_nothing(tmp_path: Path) -> None:
    machine = Machine(tmp_path)
    process = machine.process()
    journal = machine.disk.open_journal(process)
    epoch = journal.open_epoch()
    process.die("anywhere")
    with pytest.raises(ProcessDied):
        journal.append(epoch, 0, entries("a"))
    with pytest.raises(ProcessDied):
        journal.rows()
    assert machine.on_disk() == []
    machine.close()
