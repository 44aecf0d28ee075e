"""The faults that the journal in memory can inject."""

import pytest

from acd.ports.journal import Committed, Entry, Fenced, Rejected, Unknown
from acd.runtime.journal.memory import MemoryJournal, SimulatedCrash

BATCH = [Entry("c1", "demand", 1, b"\x80", "0")]


def test_faults_happen_in_order_and_leave_what_they_say() -> None:
    journal = MemoryJournal("d")
    epoch = journal.open_epoch()
    journal.inject("rejected", "unknown-lost", "none", "unknown-written")
    assert isinstance(journal.append(epoch, 0, BATCH), Rejected)
    assert isinstance(journal.append(epoch, 0, BATCH), Unknown)
    assert journal.tail()[0] == 0
    assert isinstance(journal.append(epoch, 0, BATCH), Committed)
    assert isinstance(journal.append(epoch, 1, BATCH), Unknown)
    assert journal.tail()[0] == 2


def test_fenced_by_a_rival() -> None:
    journal = MemoryJournal("d")
    epoch = journal.open_epoch()
    journal.inject("fenced")
    assert journal.append(epoch, 0, BATCH) == Fenced(epoch + 1)
    assert journal.tail()[0] == 0


@pytest.mark.parametrize(("fault", "rows"), [("crash-before-commit", 0), ("crash-after-commit", 1)])
def test_a_crash_kills_the_handle_and_a_twin_goes_on(fault: str, rows: int) -> None:
    journal = MemoryJournal("d")
    epoch = journal.open_epoch()
    journal.inject(fault)  # type: ignore[arg-type]
    with pytest.raises(SimulatedCrash):
        journal.append(epoch, 0, BATCH)
    with pytest.raises(SimulatedCrash):
        journal.tail()
    twin = journal.twin()
    assert twin.tail()[0] == rows
    assert isinstance(twin.append(twin.open_epoch(), rows, BATCH), Committed)


def test_quarantine_is_kept() -> None:
    journal = MemoryJournal("d")
    journal.quarantine(BATCH[0], "boom")
    assert journal.twin().quarantined == ((BATCH[0], "boom"),)
