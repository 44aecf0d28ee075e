"""Explanations are found in the journal, from whatever snapshot is nearest, and are the same from each."""

from pathlib import Path

import pytest

from acd.core.engine import Engine
from acd.core.messages import OfferMade, WrapUpStarted
from acd.runtime.explain import explain
from acd.runtime.journal import MemoryJournal, genesis
from acd.runtime.replay import replay
from acd.runtime.snapshots import write_snapshot
from tests.runtime.journaled import STEP_US, record, traffic

COUNT = 130


@pytest.fixture
def journal() -> MemoryJournal:
    journal = MemoryJournal("d")
    record(journal, traffic(COUNT))
    return journal


def offers(journal: MemoryJournal) -> dict[str, tuple[int, str]]:
    """Offer id → (row, agent), by an engine that explains nothing."""
    return {
        event.offer_id: (step.row.seq, event.agent_id)
        for step in replay(Engine("d"), journal.rows())
        for event in step.outcome.events
        if isinstance(event, OfferMade)
    }


def take_snapshots(journal: MemoryJournal, directory: Path, *rows: int) -> None:
    engine, chain = Engine("d"), genesis("d")
    for step in replay(engine, journal.rows()):
        chain = step.row.chain
        if step.row.seq in rows:
            write_snapshot(directory, engine, step.row.seq, chain, keep=10)


def test_every_offer_is_found_whatever_snapshots_there_are(journal: MemoryJournal, tmp_path: Path) -> None:
    take_snapshots(journal, tmp_path, 40, 90)
    for offer_id, (seq, agent_id) in offers(journal).items():
        found = explain(journal, offer_id, snapshot_directory=tmp_path)
        (cause,) = found.decisions
        assert (cause.seq, cause.decision.offer_id, cause.decision.agent_id) == (seq, offer_id, agent_id)
        assert explain(journal, offer_id).decisions == found.decisions
        assert found.replayed <= COUNT


def test_a_late_offer_is_explained_from_the_newest_snapshot(journal: MemoryJournal, tmp_path: Path) -> None:
    take_snapshots(journal, tmp_path, 40, 90)
    offer_id, _ = max(offers(journal).items(), key=lambda pair: pair[1])
    assert explain(journal, offer_id, snapshot_directory=tmp_path).replayed == COUNT - 90


def test_all_offers_of_an_interaction_across_snapshots(journal: MemoryJournal, tmp_path: Path) -> None:
    declined = next(offer_id for offer_id in offers(journal) if offer_id.endswith(".2"))
    interaction_id, _, _ = declined.rpartition(".")
    wanted = [offer_id for offer_id in offers(journal) if offer_id.startswith(f"{interaction_id}.")]
    rows = [seq for offer_id, (seq, _) in offers(journal).items() if offer_id in wanted]
    take_snapshots(journal, tmp_path, rows[0], COUNT - 1)
    found = explain(journal, interaction_id, snapshot_directory=tmp_path)
    assert [each.decision.offer_id for each in found.decisions] == wanted
    assert found.enqueued_at_us > 0
    assert found.ended
    assert found.waiting is None


def test_where_an_interaction_stood_at_a_moment(journal: MemoryJournal, tmp_path: Path) -> None:
    take_snapshots(journal, tmp_path, 40, 90)
    offer_id = "call-4.1"
    seq, agent_id = offers(journal)[offer_id]
    at_us = next(row.entry.at_us for row in journal.rows() if row.seq == seq)
    found = explain(journal, "call-4", snapshot_directory=tmp_path, until_us=at_us + STEP_US - 1)
    assert found.waiting is not None
    assert (found.waiting.state, found.seq) == ("offered", seq)
    assert [each.decision.agent_id for each in found.decisions] == [agent_id]
    assert not found.ended


def test_what_has_ended_has_ended_while_its_agent_wraps_up(journal: MemoryJournal) -> None:
    ends = {
        event.interaction_id: step.row
        for step in replay(Engine("d"), journal.rows())
        for event in step.outcome.events
        if isinstance(event, WrapUpStarted)
    }
    assert ends
    for interaction_id, row in ends.items():
        found = explain(journal, interaction_id, until_us=row.entry.at_us)
        assert found.waiting is not None
        assert (found.waiting.state, found.ended) == ("completed", True)


def test_what_nobody_knows_is_not_found(journal: MemoryJournal) -> None:
    found = explain(journal, "call-99999")
    assert (found.decisions, found.waiting, found.enqueued_at_us, found.ended) == ((), None, 0, False)
