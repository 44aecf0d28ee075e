"""The `queue_log` of a real Router: read by an independent reader, over restarts, crashes and rotation."""

import asyncio
from pathlib import Path

import pytest

from acd.core.messages import (
    CancelInteraction,
    DeclineOffer,
    EndInteraction,
    OfferMade,
    SetPresence,
    SignOutAgent,
    TransferInteraction,
)
from acd.ports.channel import KEY_REASON, TRANSFERRED_OUT, Personal
from acd.runtime.config import check_text
from acd.runtime.queue_log.standing import load
from acd.testing import ManualClock
from tests.runtime.live import SECOND, call, sign_in
from tests.runtime.queue_log.centre import BEGAN, SOON, configured, running
from tests.runtime.queue_log.reader import events, read


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(BEGAN * SECOND)


async def test_a_call_from_entry_to_end(tmp_path: Path, clock: ManualClock) -> None:
    async with running(configured(tmp_path), clock) as it:
        await it.do(call(1))
        it.later(7)
        await sign_in(it.router, "anna")
        it.later(3)
        await it.answer("call-1", "anna")
        it.later(60)
        await it.do(EndInteraction(it.id(), "call-1", "customer"))
    entries = [entry for entry in read(it.log) if entry.call == "call-1"]
    assert [(entry.epoch - BEGAN, entry.queue, entry.agent, entry.event) for entry in entries] == [
        (0, "sales", "NONE", "ENTERQUEUE"),
        (10, "sales", "anna", "CONNECT"),
        (70, "sales", "anna", "COMPLETECALLER"),
    ]
    assert entries[0].data == {"url": "", "callerid": "", "origposition": "1"}
    assert entries[1].data == {"holdtime": "10", "bridgedchanneluniqueid": "call-1.1", "ringtime": "3"}
    assert entries[2].data == {"holdtime": "10", "calltime": "60", "origposition": "1"}


async def test_those_who_give_up_and_those_who_are_not_answered(tmp_path: Path, clock: ManualClock) -> None:
    async with running(configured(tmp_path), clock) as it:
        await it.do(call(1), call(2), call(3), call(4))
        it.later(5)
        await it.do(EndInteraction(it.id(), "call-2", "customer"), CancelInteraction(it.id(), "call-3", "by order"))
        await it.do(CancelInteraction(it.id(), "call-4", f"{KEY_REASON}*"))
        await sign_in(it.router, "anna")
        it.later(2.5)
        await it.do(DeclineOffer(it.id(), it.offer("call-1"), "anna"))
        it.later(1.5)
        await it.written("RINGNOANSWER")
        async with asyncio.timeout(SOON):
            while not it.offer("call-1"):
                await asyncio.sleep(0)
        it.later(0.25)
        await it.do(EndInteraction(it.id(), "call-1", "customer"))
    found = [(entry.call, entry.event, tuple(entry.data.values())) for entry in read(it.log) if "call" in entry.call]
    assert found == [
        ("call-1", "ENTERQUEUE", ("", "", "1")),
        ("call-2", "ENTERQUEUE", ("", "", "2")),
        ("call-3", "ENTERQUEUE", ("", "", "3")),
        ("call-4", "ENTERQUEUE", ("", "", "4")),
        ("call-2", "ABANDON", ("2", "2", "5")),
        ("call-3", "WITHDRAW", ("2", "3", "5", "by order")),
        ("call-4", "EXITWITHKEY", ("*", "2", "4", "5")),
        ("call-1", "RINGNOANSWER", ("2500",)),
        ("call-1", "RINGCANCELED", ("250",)),
        ("call-1", "ABANDON", ("1", "1", "9")),
    ]


async def test_a_transfer_ends_the_call_in_one_queue_and_begins_it_in_another(
    tmp_path: Path, clock: ManualClock
) -> None:
    async with running(configured(tmp_path), clock) as it:
        await sign_in(it.router, "anna")
        await it.do(call(1))
        await it.answer("call-1", "anna")
        it.later(30)
        await it.do(TransferInteraction(it.id(), "call-1", "anna", to_queue="support"))
        it.later(4)
        await sign_in(it.router, "boris")
        await it.answer("call-1", "boris")
        it.later(20)
        await it.do(EndInteraction(it.id(), "call-1", "agent"))
    entries = [entry for entry in read(it.log) if entry.call == "call-1"]
    assert [(entry.queue, entry.agent, entry.event) for entry in entries] == [
        ("sales", "NONE", "ENTERQUEUE"),
        ("sales", "anna", "CONNECT"),
        ("sales", "anna", "BLINDTRANSFER"),
        ("support", "NONE", "ENTERQUEUE"),
        ("support", "boris", "CONNECT"),
        ("support", "boris", "COMPLETEAGENT"),
    ]
    assert tuple(entries[2].data.values()) == ("support", "acd", "0", "30", "1")
    assert tuple(entries[5].data.values()) == ("4", "20", "1")


async def test_a_transfer_to_the_outside_is_one(tmp_path: Path, clock: ManualClock) -> None:
    """The number is not told: it may be a person's."""
    async with running(configured(tmp_path), clock) as it:
        await sign_in(it.router, "anna")
        await it.do(call(1))
        it.later(2)
        await it.answer("call-1", "anna")
        it.later(30)
        await it.do(EndInteraction(it.id(), "call-1", "agent", reason=TRANSFERRED_OUT))
    last = read(it.log)[-1]
    assert (last.agent, last.event, *last.data.values()) == ("anna", "BLINDTRANSFER", "outside", "acd", "2", "30", "1")


async def test_members_and_pauses(tmp_path: Path, clock: ManualClock) -> None:
    async with running(configured(tmp_path), clock) as it:
        await sign_in(it.router, "anna", "boris")
        await it.do(SetPresence(it.id(), "boris", "not-ready", "lunch"), SetPresence(it.id(), "boris", "ready"))
        await it.do(SignOutAgent(it.id(), "boris"))
    found = [(each.call, each.queue, each.agent, each.event, *each.data.values()) for each in read(it.log)]
    assert found == [
        ("NONE", "NONE", "NONE", "QUEUESTART", ""),
        ("MANAGER", "sales", "anna", "ADDMEMBER", ""),
        ("MANAGER", "sales", "boris", "ADDMEMBER", ""),
        ("MANAGER", "support", "boris", "ADDMEMBER", ""),
        ("NONE", "NONE", "boris", "PAUSEALL", "lunch"),
        ("NONE", "sales", "boris", "PAUSE", "lunch"),
        ("NONE", "support", "boris", "PAUSE", "lunch"),
        ("NONE", "NONE", "boris", "UNPAUSEALL", ""),
        ("NONE", "sales", "boris", "UNPAUSE", ""),
        ("NONE", "support", "boris", "UNPAUSE", ""),
        ("MANAGER", "sales", "boris", "REMOVEMEMBER", ""),
        ("MANAGER", "support", "boris", "REMOVEMEMBER", ""),
    ]


@pytest.mark.parametrize("lost", range(6))
async def test_after_a_crash_each_line_is_there_once(tmp_path: Path, clock: ManualClock, lost: int) -> None:
    """The standing is as it was at the start; of the lines that had been written after it, the last are missing."""
    config = configured(tmp_path)
    async with running(config, clock) as it:
        before = it.state.read_bytes()
        await sign_in(it.router, "anna")
        await it.do(call(1), call(2))
        it.later(3)
        await it.answer("call-1", "anna")
        it.later(3)
        await it.do(EndInteraction(it.id(), "call-1", "agent"))
        await it.answer("call-2", "anna")
    whole = it.log.read_text().splitlines(keepends=True)
    it.state.write_bytes(before)
    kept = whole[: len(whole) - lost]
    half = whole[len(kept)][:-5] if lost else ""
    it.log.write_text("".join(kept) + half)
    async with running(config, clock) as again:
        it.later(1)
        await again.do(EndInteraction(again.id(), "call-2", "customer"))
        await again.written("COMPLETECALLER")
    lines = again.log.read_text().splitlines(keepends=True)
    assert lines[:-1] == whole
    assert events(again.log, "call-2") == ["ENTERQUEUE", "CONNECT", "COMPLETECALLER"]
    assert read(again.log)[-1].data == {"holdtime": "6", "calltime": "1", "origposition": "2"}


async def test_after_a_stop_it_goes_on_with_what_it_knew(tmp_path: Path, clock: ManualClock) -> None:
    config = configured(tmp_path)
    async with running(config, clock) as it:
        await sign_in(it.router, "anna")
        await it.do(call(1), call(2))
    standing = load(it.state)
    assert standing is not None
    assert (standing.begun, [each.id for each in standing.calls]) == (True, ["call-1", "call-2"])
    it.later(5)
    async with running(config, clock) as again:
        await again.do(EndInteraction(again.id(), "call-2", "customer"))
    assert read(again.log)[-1].data == {"position": "2", "origposition": "2", "waittime": "5"}
    assert events(again.log).count("QUEUESTART") == 1


async def test_a_log_that_was_moved_away_is_begun_anew(tmp_path: Path, clock: ManualClock) -> None:
    config = configured(tmp_path)
    async with running(config, clock) as it:
        before = it.state.read_bytes()
        await it.do(call(1))
        await it.written("ENTERQUEUE")
        rotated = it.log.rename(tmp_path / "queue_log.1")
        await it.do(EndInteraction(it.id(), "call-1", "customer"))
        assert [entry.event for entry in await it.written("ABANDON")] == ["ABANDON"]
    assert events(rotated) == ["QUEUESTART", "ENTERQUEUE"]
    it.state.write_bytes(before)
    async with running(config, clock):
        pass
    assert (events(rotated), events(it.log)) == (["QUEUESTART", "ENTERQUEUE"], ["ABANDON"])


@pytest.mark.parametrize(("caller", "expected"), [("reference", "{}"), ("number", "+8613800138000"), ("none", "")])
async def test_what_is_said_of_the_caller(tmp_path: Path, clock: ManualClock, caller: str, expected: str) -> None:
    async with running(configured(tmp_path, f'caller = "{caller}"'), clock) as it:
        customer = await it.router.remember(Personal(number="+8613800138000"))
        entry = call(1)
        await it.do(type(entry)(entry.id, entry.interaction_id, "voice", "sales", customer=customer))
    (entered,) = (each for each in read(it.log) if each.event == "ENTERQUEUE")
    assert entered.data["callerid"] == expected.format(customer)


async def test_other_channels_are_left_out(tmp_path: Path, clock: ManualClock) -> None:
    async with running(configured(tmp_path), clock) as it:
        entry = call(1)
        await it.do(type(entry)(entry.id, entry.interaction_id, "chat", "sales"))
        await it.do(EndInteraction(it.id(), "call-1", "customer"))
    assert events(it.log) == ["QUEUESTART"]


def test_a_bad_section_is_explained(tmp_path: Path) -> None:
    text = '[queue_log]\npath = "away/queue_log"\ncaller = "all"\npth = "x"\n[queues.sales]\n[agents.anna]\n'
    problems = "\n".join(map(str, check_text(text, base=tmp_path, environment={}).errors))
    for words in ("queue_log.path: there is no folder", 'queue_log.caller: "all" is not', "queue_log.pth"):
        assert words in problems


async def test_offers_are_made(tmp_path: Path, clock: ManualClock) -> None:
    """The tests above would prove nothing if no offer was ever made."""
    async with running(configured(tmp_path), clock) as it:
        await sign_in(it.router, "anna")
        outcome = await it.router.submit(call(1))
    assert any(isinstance(event, OfferMade) for event in outcome.events)
