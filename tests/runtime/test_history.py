"""The past of a running engine: explained in another process, and who asked for what."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest

from acd.core.messages import ApplyConfig, EnqueueInteraction, SetPresence, SignInAgent, TransferInteraction
from acd.core.messages.codec import encode
from acd.errors import HistoryUnavailable, JournalUnavailable
from acd.ports.journal import Committed, Entry
from acd.runtime import audit, history
from acd.runtime.audit import Asked, Wanted, look
from acd.runtime.config import Config, loads
from acd.runtime.explaining import Asking
from acd.runtime.history import History
from acd.runtime.journal import SqliteJournal
from acd.runtime.journal.reader import Recent
from acd.runtime.router import Router

CONFIG = """
[agents.anna]
skills = { english = 8 }
[agents.boris]
skills = { english = 3 }
[queues.sales]
strategy = "best-fit"
"""
TRACE = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    return loads(CONFIG, base=tmp_path)


@pytest.fixture
async def router(config: Config) -> AsyncIterator[Router]:
    async with Router(config, channels=()) as live:
        yield live


@pytest.fixture
def past(config: Config) -> Iterator[History]:
    found = History(config.journal.path, config.snapshots.path)
    yield found
    found.close()


async def test_a_decision_is_explained_while_the_engine_runs(router: Router, past: History) -> None:
    for agent_id in ("boris", "anna"):
        await router.submit(SignInAgent(f"in-{agent_id}", agent_id, ready=True))
    await router.submit(EnqueueInteraction("c1", "i1", "chat", "sales", requirement="skills.english >= 1"))
    found = await past.explain(Asking("i1", 10))
    (cause,) = found.explanation.decisions
    assert (cause.decision.agent_id, cause.command_id) == ("anna", "c1")
    assert [each.id for each in cause.decision.candidates] == ["anna", "boris"]
    assert (found.candidates, found.decisions) == ((0,), 0)
    short = await past.explain(Asking("i1", 1))
    assert [each.id for each in short.explanation.decisions[0].decision.candidates] == ["anna"]
    assert (short.candidates, short.waiting) == ((1,), 1)
    why_not = await past.explain(Asking("i1", 1, candidate="boris"))
    assert [each.id for each in why_not.explanation.decisions[0].decision.candidates] == ["boris"]
    assert (await past.explain(Asking("nobody", 10))).explanation.enqueued_at_us == 0


async def test_no_more_than_so_many_ask_at_once(past: History, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(history, "MAX_WAITING", 0)
    with pytest.raises(HistoryUnavailable, match="Too many"):
        await past.explain(Asking("i1", 10))
    with pytest.raises(HistoryUnavailable, match="Too many"):
        await past.audit(Wanted())


async def test_an_explanation_that_takes_too_long_is_given_up(
    router: Router, past: History, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(history, "EXPLAIN_SECONDS", 0.0)
    with pytest.raises(HistoryUnavailable, match="takes longer"):
        await past.explain(Asking("i1", 10))
    monkeypatch.undo()
    assert (await past.explain(Asking("i1", 10))).explanation.seq == router.seq, "its place is free again"


async def test_a_journal_that_is_not_there_is_said_so(past: History) -> None:
    with pytest.raises(HistoryUnavailable, match="could not be read"):
        await past.explain(Asking("i1", 10))
    with pytest.raises(JournalUnavailable):
        await past.audit(Wanted())


async def test_who_asked_for_what(router: Router, past: History) -> None:
    await router.submit(SignInAgent("s1", "anna", ready=True, actor="boss", trace=TRACE))
    await router.submit(EnqueueInteraction("c1", "i1", "chat", "sales", customer="ref-1", actor="shop"))
    await router.submit(EnqueueInteraction("c2", "i2", "chat", "sales"))
    await router.submit(SetPresence("p1", "boris", "ready", actor="boss"))
    found = await past.audit(Wanted())
    assert found.before is None
    assert [(each.actor, each.command, each.refusal) for each in found.asked] == [
        ("boss", "SetPresence", "signed-out"),
        ("shop", "EnqueueInteraction", ""),
        ("boss", "SignInAgent", ""),
    ]
    first = found.asked[-1]
    assert (first.command_id, first.agent_id, first.trace, first.interaction_id) == ("s1", "anna", TRACE, "")
    assert "ref-1" not in repr(found)
    for wanted, ids in (
        (Wanted(actor="boss"), ["p1", "s1"]),
        (Wanted(command="EnqueueInteraction"), ["c1"]),
        (Wanted(interaction_id="i1"), ["c1"]),
        (Wanted(agent_id="anna"), ["s1"]),
        (Wanted(queue="sales"), ["c1"]),
        (Wanted(queue="support"), []),
    ):
        assert [each.command_id for each in (await past.audit(wanted)).asked] == ids
    page = await past.audit(Wanted(most=1))
    assert page.before == found.asked[0].seq
    assert (await past.audit(Wanted(before=page.before, most=1))).asked == found.asked[1:2]


def test_one_look_goes_through_so_many_rows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "PAGE_ROWS", 10)
    monkeypatch.setattr(audit, "MAX_SCANNED", 30)
    journal = SqliteJournal(tmp_path / "journal.db", "test")
    epoch = journal.open_epoch()
    entries = [
        Entry(
            f"c{number}", "reaction", number, encode(SignInAgent(f"c{number}", "anna", actor="boss" * (number < 3))), ""
        )
        for number in range(50)
    ]
    assert isinstance(journal.append(epoch, 0, entries), Committed)
    journal.close()
    path = tmp_path / "journal.db"
    found: list[Asked] = []
    before, looks = audit.NEWEST, 0
    while True:
        page = look(path, Wanted(before=before))
        found += page.asked
        looks += 1
        if page.before is None:
            break
        before = page.before
    assert ([each.seq for each in found], looks) == ([3, 2, 1], 2)


def test_what_a_command_is_about() -> None:
    commands = (
        TransferInteraction("t1", "i1", "anna", "support", "boris", actor="boss"),
        ApplyConfig("a1", settings=loads(CONFIG).core_settings(), actor="boss"),
    )
    found = [audit._asked(Recent(1, 2, encode(each), "bad-target")) for each in commands]
    assert found == [
        Asked(1, 2, "boss", "TransferInteraction", "t1", "bad-target", "i1", "", "anna", "support", "boris", ""),
        Asked(1, 2, "boss", "ApplyConfig", "a1", "bad-target", "", "", "", "", "", ""),
    ]


async def test_many_may_wait_for_their_turn(router: Router, past: History) -> None:
    await router.submit(EnqueueInteraction("c1", "i1", "chat", "sales"))
    answers = await asyncio.gather(*(past.explain(Asking("i1", 10)) for _ in range(history.MAX_EXPLAINED + 1)))
    assert {found.explanation.interaction_id for found in answers} == {"i1"}
