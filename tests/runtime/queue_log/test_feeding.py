"""How the log goes on: with what it knew, after trouble, under other settings."""

import asyncio
from pathlib import Path

import pytest
from msgspec.structs import replace

from acd.core.messages import (
    CancelInteraction,
    Effect,
    EndInteraction,
    EnqueueInteraction,
    MergeConsult,
    RequeueInteraction,
)
from acd.ports.call_names import CallNames
from acd.ports.channel import ChannelHost, Desired
from acd.runtime.queue_log.feeding import SAVED_ROWS
from acd.runtime.queue_log.standing import load
from acd.testing import ManualClock
from tests.runtime.live import SECOND, call, sign_in
from tests.runtime.queue_log.centre import BEGAN, SOON, TEXT, configured, running
from tests.runtime.queue_log.reader import events, read


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEGAN * SECOND)


class Names:
    """What a far end calls things."""

    def caller(self, interaction_id: str) -> str:
        return f"uniqueid of {interaction_id}"

    def leg(self, offer_id: str) -> str:
        return f"leg of {offer_id}"

    def talk(self, interaction_id: str) -> str:
        return f"bridge of {interaction_id}"


class NamedChannel:
    """A channel whose far end has such names, and does nothing."""

    name = "fake"
    call_names: CallNames = Names()

    async def start(self, host: ChannelHost) -> None:
        """Nothing."""

    async def perform(self, effect: Effect) -> None:
        """Nothing."""

    async def reconcile(self, desired: tuple[Desired, ...]) -> None:
        """Nothing."""

    async def stop(self) -> None:
        """Nothing."""

    def health(self) -> dict[str, str | int | bool]:
        return {"connected": True}


async def test_its_standing_is_saved_while_it_runs(tmp_path: Path, clock: ManualClock) -> None:
    """A crash after that tells again from there on, in the middle of the file."""
    config, count = configured(tmp_path), SAVED_ROWS * 3 // 5
    async with running(config, clock) as it:
        await asyncio.gather(*(it.do(call(number)) for number in range(count)))
        await asyncio.gather(
            *(it.do(EndInteraction(it.id(), f"call-{number}", "customer")) for number in range(count - 9))
        )
        async with asyncio.timeout(SOON):
            while (standing := load(it.state)) is None or standing.seq < SAVED_ROWS:
                await asyncio.sleep(0)
        saved = it.state.read_bytes()
        await it.do(EndInteraction(it.id(), f"call-{count - 9}", "customer"))
    whole = it.log.read_text()
    it.state.write_bytes(saved)
    async with running(config, clock) as again:
        await again.do(EndInteraction(again.id(), f"call-{count - 1}", "customer"))
        await again.written("ABANDON", count - 7)
    assert again.log.read_text().startswith(whole)
    found = events(again.log)
    assert (found.count("ENTERQUEUE"), found.count("ABANDON")) == (count, count - 7)


async def test_what_cannot_be_written_yet_is_written_later(tmp_path: Path, clock: ManualClock) -> None:
    config = configured(tmp_path)
    assert config.queue_log is not None
    away = tmp_path / "away"
    elsewhere = replace(config.queue_log, path=away / "queue_log", state=away / "queue_log.acd")
    async with running(replace(config, queue_log=elsewhere), clock) as it:
        await it.do(call(1))
        away.mkdir()
        assert [entry.event for entry in await it.written("ENTERQUEUE")] == ["QUEUESTART", "ENTERQUEUE"]


def take_away_the_journal(folder: Path) -> None:
    for part in (*folder.glob("acd-journal.db*"), *(folder / "acd-snapshots").glob("*")):
        part.unlink()


@pytest.mark.parametrize("how", ["damaged", "another journal", "journal put back"])
async def test_a_standing_that_does_not_fit_is_left(
    tmp_path: Path, clock: ManualClock, how: str, capsys: pytest.CaptureFixture[str]
) -> None:
    config = configured(tmp_path)
    async with running(config, clock) as it:
        await it.do(call(1))
    standing = load(it.state)
    assert standing is not None
    if how == "damaged":
        it.state.write_bytes(it.state.read_bytes()[:-20])
    else:
        take_away_the_journal(tmp_path)
        it.later(60)
    async with running(config, clock) as again:
        count = 2 if how == "journal put back" else 30
        for number in range(2, count):
            await again.do(call(number))
        await again.do(call("last"), EndInteraction(again.id(), "call-last", "customer"))
    assert "it goes on from now" in capsys.readouterr().out
    assert events(again.log, "call-last") == ["ENTERQUEUE", "ABANDON"]
    assert events(again.log).count("QUEUESTART") == 2


async def test_other_settings_change_who_is_a_member(tmp_path: Path, clock: ManualClock) -> None:
    config = configured(tmp_path)
    async with running(config, clock) as it:
        await sign_in(it.router, "anna", "boris")
        changed = TEXT.replace('queues = ["support"]', "").replace("[agents.anna]", '[agents.anna]\nqueues=["support"]')
        outcome = await it.router.reconfigure(configured(tmp_path, text=changed))
        assert outcome.refusal is None
    found = [(entry.queue, entry.agent, entry.event) for entry in read(it.log)]
    assert found[found.index(("NONE", "NONE", "CONFIGRELOAD")) :] == [
        ("NONE", "NONE", "CONFIGRELOAD"),
        ("support", "anna", "ADDMEMBER"),
        ("support", "boris", "REMOVEMEMBER"),
    ]


async def test_who_was_signed_in_before_the_log_began_is_told_first(tmp_path: Path, clock: ManualClock) -> None:
    config = configured(tmp_path)
    async with running(config, clock) as it:
        await sign_in(it.router, "anna")
        await it.do(call(1))
    it.log.unlink()
    it.state.unlink()
    async with running(config, clock) as again:
        await again.do(call(2), EndInteraction(again.id(), "call-2", "customer"))
        await again.answer("call-1", "anna")
    assert [(entry.call, entry.event) for entry in read(again.log)] == [
        ("NONE", "QUEUESTART"),
        ("MANAGER", "ADDMEMBER"),
        ("call-2", "ENTERQUEUE"),
        ("call-2", "ABANDON"),
    ]


async def test_an_attended_transfer_by_the_names_of_the_far_end(tmp_path: Path, clock: ManualClock) -> None:
    async with running(configured(tmp_path), clock, NamedChannel()) as it:
        await sign_in(it.router, "anna", "boris")
        await it.do(call(1))
        it.later(2)
        await it.answer("call-1", "anna")
        it.later(30)
        consult = EnqueueInteraction(it.id(), "consult", "voice", "sales", instance="fake", parent="call-1")
        await it.do(consult)
        await it.answer("consult", "boris")
        it.later(5)
        await it.do(MergeConsult(it.id(), "consult", "anna", "transfer"))
        it.later(60)
        await it.do(EndInteraction(it.id(), "call-1", "customer"))
    entries = [entry for entry in read(it.log) if "call-1" in entry.call]
    assert {entry.call for entry in entries} == {"uniqueid of call-1"}
    assert [(entry.event, *entry.data.values()) for entry in entries] == [
        ("ENTERQUEUE", "", "", "1"),
        ("CONNECT", "2", "leg of call-1.1", "2"),
        ("ATTENDEDTRANSFER", "BRIDGE", "bridge of call-1", "2", "35", "1"),
    ]
    assert not [entry for entry in read(it.log) if "consult" in entry.call]


async def test_a_lost_agent_ends_the_talk_and_the_caller_waits_again(tmp_path: Path, clock: ManualClock) -> None:
    async with running(configured(tmp_path), clock) as it:
        await sign_in(it.router, "anna")
        await it.do(call(1))
        await it.answer("call-1", "anna")
        it.later(10)
        await it.do(RequeueInteraction(it.id(), "call-1", "lost"), CancelInteraction(it.id(), "call-1"))
    assert events(it.log, "call-1") == ["ENTERQUEUE", "CONNECT", "COMPLETEAGENT", "ENTERQUEUE", "WITHDRAW"]


async def test_who_is_not_taken_is_not_told_of_and_who_is_sent_on_is_told_of_there(
    tmp_path: Path, clock: ManualClock
) -> None:
    text = TEXT + '[queues.full]\nmax_waiting = 1\nwhen_full = { queue = "sales" }\n'
    text += '[queues.empty]\nrequirement = "skills.none >= 1"\nwhen_unstaffed = "release"\n'
    async with running(configured(tmp_path, text=text), clock) as it:
        for number, queue in enumerate(("full", "full", "empty")):
            await it.do(replace(call(number), queue=queue))
    assert [(entry.call, entry.queue, entry.event) for entry in read(it.log)[1:]] == [
        ("call-0", "full", "ENTERQUEUE"),
        ("call-1", "sales", "ENTERQUEUE"),
    ]


async def test_a_log_that_was_never_begun_can_be_closed(tmp_path: Path, clock: ManualClock) -> None:
    async with running(configured(tmp_path), clock) as it:
        pass
    await it.queue_log.close()
    await it.queue_log.close()
