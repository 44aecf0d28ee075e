"""`kill -9` of the engine, twenty times in a row at random moments, with calls talking, ringing and waiting."""

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import time_ns

import pytest

from acd_asterisk.lab import AgentBehaviour, Provisioned
from tests.adapters.asterisk.acceptance import Line, PlannedCall, Seat, Site, draw_calls, seed, site
from tests.adapters.asterisk.acceptance_account import (
    Account,
    Story,
    assert_in_order,
    assert_no_overlap,
    dice,
    summary,
)
from tests.adapters.asterisk.acceptance_record import (
    Rung,
    Told,
    assert_nobody_else_listened,
    assert_whole,
    is_too_late,
    pair,
)

pytestmark = pytest.mark.xdist_group("load")

KILLS = 20
SIDE_BY_SIDE_US = 100_000
"""Offers of one moment are dialled side by side, and may arrive in either order."""

PROMPT_US = 500_000
"""An engine that is there joins within this time an agent who has picked up; it takes some ten milliseconds."""


@dataclass(frozen=True)
class Storm:
    """How much happens, and how often the engine dies meanwhile. Seconds, drawn uniformly."""

    kills: int = KILLS
    agents: int = 6
    rate: float = 5.0
    calls: int = 200
    up: tuple[float, float] = (0.0, 1.2)
    down: tuple[float, float] = (0.0, 0.6)
    leavers: float = 0.1


@dataclass(frozen=True)
class Outage:
    """The engine was away. µs; it was there, with its PBX, from `back_us` until `killed_us` of the next one."""

    killed_us: int
    """Just before the kill."""
    dead_us: int
    """The process is gone."""
    back_us: int
    """The next process that lived so long was seen to have its PBX."""


async def test_twenty_kills(provisioned: Provisioned, tmp_path: Path) -> None:
    """Talks go on, nobody is lost, the order is kept, nobody is punished, nothing is left over."""
    await storm(provisioned, tmp_path, Storm())


async def test_agent_hangs_up_while_the_engine_is_away(provisioned: Provisioned, tmp_path: Path) -> None:
    """The caller has been served, and is let go: not sent where those go whom nobody has served."""
    behaviour = AgentBehaviour(ring_ms=20, talk_ms=700, hang_up_chance=1.0)
    calls = [PlannedCall("c1", "sales")]
    async with (
        site(provisioned, tmp_path, [Seat("anna")], [Line("sales")], behaviour, recording=True) as it,
        it.callers(calls, 1) as callers,
    ):
        await it.until_joined()
        await it.engine.kill()
        await it.phones.wait_for(lambda dialogs: all(each.how for each in dialogs))
        await it.engine.start()
        (caller,) = await callers.finished(seconds=10)
        await it.idle()
        assert await it.engine.stop() == 0
        story = it.account().one("c1")
        assert (story.end, story.by, caller.how) == ("completed", "agent", "pbx")
        told = pair([caller], it.phones.dialogs(), await it.record())["c1"]
        (rung,) = told.rung
        assert_whole(told, rung)


async def test_offer_that_never_rang(provisioned: Provisioned, tmp_path: Path) -> None:
    """Killed between the decision and the telephone's ringing: the first in line stays the first."""
    behaviour = AgentBehaviour(ring_ms=20, talk_ms=200, hang_up_chance=1.0)
    calls = [PlannedCall(f"c{index}", "sales") for index in range(3)]
    async with (
        site(provisioned, tmp_path, [Seat("anna")], [Line("sales")], behaviour, proxied=True) as it,
        it.callers(calls, 10) as callers,
    ):
        await it.presence("anna", "not-ready", "break")
        await callers.wait_for(lambda dialogs: sum(each.is_answered for each in dialogs) == len(calls))
        it.proxy.stall()
        await it.presence("anna", "ready")
        await it.until_live("offered")
        await it.engine.kill()
        await it.proxy.cut()
        it.proxy.flow()
        assert not it.phones.dialogs()
        await it.engine.start()
        await callers.finished(seconds=15)
        await it.idle()
        assert await it.engine.stop() == 0
        it.account()
        assert [dialog.caller for dialog in it.phones.dialogs()] == ["c0", "c1", "c2"]


async def storm(provisioned: Provisioned, folder: Path, much: Storm) -> None:
    """Run it and check everything."""
    chosen = seed()
    behaviour = AgentBehaviour(ring_ms=(50, 400), talk_ms=(500, 1_500), hang_up_chance=1.0)
    seats = [Seat(f"a{index:02}") for index in range(much.agents)]
    lines = [Line("sales")]
    calls = draw_calls(chosen, seats, lines, much.calls, leavers=much.leavers, longest_ms=10_000)
    async with (
        site(provisioned, folder, seats, lines, behaviour, recording=True) as it,
        it.callers(calls, much.rate) as callers,
    ):
        outages = await kill_again_and_again(it, much, chosen)
        seen = await callers.finished(seconds=much.calls / much.rate + 120)
        await it.idle()
        assert not callers.errors(), callers.errors()
        assert {agent["presence"] for agent in await it.agents()} == {"ready"}
        assert await it.engine.stop() == 0, it.engine.log_tail()
        assert not it.faults(), it.faults()
        dialogs, account, record = it.phones.dialogs(), it.account(), await it.record()
    assert_no_overlap(dialogs)
    told = pair(seen, dialogs, record)
    report(told, account, outages)
    assert_nobody_else_listened(told, record)
    check({call.number: call for call in calls}, told, account, outages)


async def kill_again_and_again(it: Site, much: Storm, chosen: int) -> list[Outage]:
    """At random moments, for random times."""
    chance = dice(chosen, "kills")
    killed: list[tuple[int, int]] = []
    back: list[int | None] = []
    await asyncio.sleep(chance.uniform(*much.up))
    for _ in range(much.kills):
        killed_us = now_us()
        await it.engine.kill()
        killed.append((killed_us, now_us()))
        await asyncio.sleep(chance.uniform(*much.down))
        await it.engine.start()
        # Every other time it may die again before it has its PBX.
        wait_for_pbx = chance.random() < 0.5
        back.append(await live(it, chance.uniform(*much.up), with_pbx=wait_for_pbx))
    await it.connected()
    outages: list[Outage] = []
    back_us = now_us()
    for (killed_us, dead_us), seen_us in zip(reversed(killed), reversed(back), strict=True):
        # Whoever died without having been seen with the PBX was not there: the outage goes on.
        back_us = seen_us or back_us
        outages.append(Outage(killed_us, dead_us, back_us))
    return outages[::-1]


async def live(it: Site, seconds: float, *, with_pbx: bool) -> int | None:
    """Let the engine live so long, or so long after it has its PBX; when it was seen to have it, if it was."""
    if with_pbx:
        await it.connected()
        back_us = now_us()
        await asyncio.sleep(seconds)
        return back_us
    seen_us = None
    with suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await it.connected()
            seen_us = now_us()
            await asyncio.Event().wait()
    return seen_us


def now_us() -> int:
    """By the clock that SIPp and Asterisk use."""
    return time_ns() // 1_000


def check(plan: Mapping[str, PlannedCall], told: Mapping[str, Told], account: Account, outages: list[Outage]) -> None:
    """By the accounts of SIPp and Asterisk first, then the journal's against theirs."""
    for number, call in plan.items():
        check_call(call, told[number], outages, f"\n{call}\n{told[number]}\n{outages}\n{account.stories.get(number)}")
    for _, change in account.presence:
        # Nobody did anything that would make them not-ready.
        assert change.presence != "draining", change
        assert change.presence == "ready" or change.reason == "signed-in", change
    for number, call in plan.items():
        check_journal(call, told[number], account.stories.get(number, []))
    rung = [(account.one(number), each.rung[0]) for number, each in told.items() if each.rung]
    line = [(story.call, story.place, turn(story, first, outages)) for story, first in rung]
    assert_in_order(line, tolerance_us=SIDE_BY_SIDE_US)


def turn(story: Story, first: Rung, outages: Sequence[Outage]) -> int:
    """When it was a caller's turn: when an agent was first rung, by SIPp.

    Unless the engine that decided it was dead before Asterisk had the order: the next process dials, later than those
    decided at the same moment whose order had reached Asterisk. Then it is the moment of the decision, by the journal.
    """
    decided_us = story.offers[0][0]
    if any(decided_us < outage.dead_us < first.leg.made_us for outage in outages):
        return decided_us
    return first.dialog.invited_us


def check_call(call: PlannedCall, told: Told, outages: Sequence[Outage], text: str) -> None:
    """Talks go on until somebody hangs up, whoever has talked is not rung for again, and who stays is served."""
    assert told.caller.ended_us is not None, text
    for rung in told.rung:
        if rung.talks:
            assert_whole(told, rung)
        elif not is_too_late(told, rung):
            # Not joined, and the caller would have been there: only if there was no engine to join the two.
            assert is_missed(rung, outages), text
    assert not any(rung.talks for rung in told.rung[:-1]), text
    if not call.hang_up_after_ms:
        assert told.caller.how == "pbx", text
        assert told.rung, text
        assert told.rung[-1].talks, text


def is_missed(rung: Rung, outages: Sequence[Outage]) -> bool:
    """Whether the agent had picked up, and the engine was away before the telephone was put down again.

    And was not there for long, or it would have joined the two.
    """
    picked_us, left_us = rung.leg.answered_us, rung.leg.left_us
    if picked_us is None or left_us is None:
        return False
    was_away = any(outage.killed_us < left_us and picked_us < outage.back_us for outage in outages)
    return was_away and present(outages, picked_us, left_us) < PROMPT_US


def check_journal(call: PlannedCall, told: Told, stories: Sequence[Story]) -> None:
    """The journal tells the same: everybody was queued once and ended once, and served by whom they talked with."""
    text = f"\n{call}\n{told}\n{stories}"
    if not stories:
        # Came and went while there was no engine.
        assert (told.caller.how, told.rung) == ("caller", ()), text
        return
    (story,) = stories
    assert story.end, text
    talked = bool(told.rung) and bool(told.rung[-1].talks)
    if not call.hang_up_after_ms:
        assert (story.end, story.by, story.reason) == ("completed", "agent", "agent-hung-up"), text
    if talked:
        assert (story.end, story.agent) == ("completed", told.rung[-1].dialog.agent), text
    elif story.end == "completed":
        # Accepted, and gone before the two were joined.
        assert story.by == "customer", text
        assert story.agent in {rung.dialog.agent for rung in told.rung if rung.dialog.is_answered}, text
    else:
        assert (story.end, told.caller.how) == ("abandoned", "caller"), text


def report(told: Mapping[str, Told], account: Account, outages: Sequence[Outage]) -> None:
    """Figures."""
    joined: list[int] = []
    missed: list[int] = []
    for leg, talks in ((each.leg, each.talks) for call in told.values() for each in call.rung):
        if leg.answered_us is not None and talks:
            joined.append(present(outages, leg.answered_us, talks[0].begun_us))
        elif leg.answered_us is not None and leg.left_us is not None:
            missed.append(present(outages, leg.answered_us, leg.left_us))
    away = [outage.back_us - outage.killed_us for outage in outages]
    print(f"{len(outages)} kills, {len(told)} calls, away for {summary(away)}; refused {dict(account.refusals)}")  # noqa: T201
    print(f"picked up with the engine there until joined: {summary(joined)}")  # noqa: T201
    print(f"{len(missed)} were picked up in vain, with the engine there for at most {max(missed, default=0)} µs")  # noqa: T201


def present(outages: Sequence[Outage], begin_us: int, end_us: int) -> int:
    """How much of this time the engine was there."""
    left_us, at_us = 0, begin_us
    for outage in outages:
        left_us += max(0, min(outage.killed_us, end_us) - at_us)
        at_us = max(at_us, outage.back_us)
    return left_us + max(0, end_us - at_us)
