"""`kill -9` of the engine, twenty times in a row at random moments, with calls talking, ringing and waiting."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import time_ns

from acd_asterisk.lab import AgentBehaviour, AgentDialog, CallerDialog, Provisioned
from tests.adapters.asterisk.acceptance import Line, PlannedCall, Seat, Site, draw_calls, seed, site
from tests.adapters.asterisk.acceptance_account import (
    Account,
    Story,
    assert_in_order,
    assert_no_overlap,
    by_caller,
    dice,
    summary,
)

KILLS = 20
SIDE_BY_SIDE_US = 100_000
"""Offers of one moment are dialled side by side, and may arrive in either order."""

RACE_US = 250_000
"""Between what one side sees and what the other does about it."""

AT_ONCE_US = 100_000
"""How long a telephone that was picked up, and finds nobody there, is off the hook."""


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


Outage = tuple[int, int]
"""From the kill until the engine had its PBX again, µs."""


async def test_twenty_kills(provisioned: Provisioned, tmp_path: Path) -> None:
    """Talks go on, nobody is lost, the order is kept, nobody is punished, nothing is left over."""
    await storm(provisioned, tmp_path, Storm())


async def test_agent_hangs_up_while_the_engine_is_away(provisioned: Provisioned, tmp_path: Path) -> None:
    """The caller has been served, and is let go: not sent where those go whom nobody has served."""
    behaviour = AgentBehaviour(ring_ms=20, talk_ms=700, hang_up_chance=1.0)
    calls = [PlannedCall("c1", "sales")]
    async with (
        site(provisioned, tmp_path, [Seat("anna")], [Line("sales")], behaviour) as it,
        it.callers(calls, 1) as callers,
    ):
        await it.phones.wait_for(lambda dialogs: any(each.is_answered for each in dialogs))
        await it.until_live("active")
        await it.engine.kill()
        await it.phones.wait_for(lambda dialogs: all(each.how for each in dialogs))
        await it.engine.start()
        (caller,) = await callers.finished(seconds=10)
        await it.idle()
        assert await it.engine.stop() == 0
        story = it.account().one("c1")
        assert (story.end, story.by, caller.how) == ("completed", "agent", "pbx")
        assert len(it.phones.dialogs()) == 1


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
    async with site(provisioned, folder, seats, lines, behaviour) as it, it.callers(calls, much.rate) as callers:
        outages = await kill_again_and_again(it, much, chosen)
        seen = await callers.finished(seconds=much.calls / much.rate + 120)
        await it.idle()
        assert not callers.errors(), callers.errors()
        assert {agent["presence"] for agent in await it.agents()} == {"ready"}
        assert await it.engine.stop() == 0, it.engine.log_tail()
        assert not it.faults(), it.faults()
        dialogs, account = it.phones.dialogs(), it.account()
    away = [end - begin for begin, end in outages]
    print(f"{len(outages)} kills, {len(calls)} calls, away for {summary(away)}; refused {dict(account.refusals)}")  # noqa: T201
    check({call.number: call for call in calls}, {each.caller: each for each in seen}, dialogs, account, outages)


async def kill_again_and_again(it: Site, much: Storm, chosen: int) -> list[Outage]:
    """At random moments, for random times."""
    chance = dice(chosen, "kills")
    outages: list[Outage] = []
    for _ in range(much.kills):
        await asyncio.sleep(chance.uniform(*much.up))
        begin = now_us()
        await it.engine.kill()
        await asyncio.sleep(chance.uniform(*much.down))
        await it.engine.start()
        # Every other time it may die again before it has its PBX.
        if chance.random() < 0.5:
            await it.connected()
        outages.append((begin, now_us()))
    await it.connected()
    return outages


def now_us() -> int:
    """By the clock that SIPp uses."""
    return time_ns() // 1_000


def check(
    plan: Mapping[str, PlannedCall],
    callers: Mapping[str, CallerDialog],
    dialogs: Sequence[AgentDialog],
    account: Account,
    outages: Sequence[Outage],
) -> None:
    """By SIPp's account first."""
    rung = by_caller(dialogs)
    assert_no_overlap(dialogs)
    for number, call in plan.items():
        check_call(call, callers[number], rung.get(number, []), outages)
    for _, change in account.presence:
        # Nobody did anything that would make them not-ready.
        assert change.presence != "draining", change
        assert change.presence == "ready" or change.reason == "signed-in", change
    check_journal(plan, callers, rung, account)
    patient = (number for number in plan if number in rung)
    line = [(each, account.one(each).place, turn(account.one(each), rung[each][0], outages)) for each in patient]
    assert_in_order(line, tolerance_us=SIDE_BY_SIDE_US)


def turn(story: Story, dialog: AgentDialog, outages: Sequence[Outage]) -> int:
    """When it was a caller's turn: when an agent was first rung, by SIPp.

    Unless the engine was killed between deciding and dialling: the next process dials, later than those decided
    at the same moment whose order had reached Asterisk. Then it is the moment of the decision, by the journal.
    """
    decided_us = story.offers[0][0]
    if any(decided_us - AT_ONCE_US < begin < dialog.invited_us for begin, _ in outages):
        return decided_us
    return dialog.invited_us


def check_call(call: PlannedCall, caller: CallerDialog, rung: Sequence[AgentDialog], outages: Sequence[Outage]) -> None:
    """Talks go on until somebody hangs up, and whoever does not hang up is served."""
    told = f"\n{call}\n{caller}\n{rung}\n{outages}"
    assert caller.ended_us is not None, told
    for dialog in rung:
        assert dialog.ended_us is not None, told
        if dialog.how != "agent" and not met_nobody(dialog, outages):
            # Only a caller who has gone ends a call but the agent; that may be noticed only when the engine is back.
            assert caller.how == "caller", told
            assert dialog.ended_us >= caller.ended_us - RACE_US, told
    # Rung again only if the agent had picked up while there was no engine to join the two.
    assert all(met_nobody(dialog, outages) for dialog in rung[:-1]), told
    if not call.hang_up_after_ms:
        assert caller.how == "pbx", told
        assert rung, told
        assert rung[-1].is_answered, told


def met_nobody(dialog: AgentDialog, outages: Sequence[Outage]) -> bool:
    """Picked up while there was no engine to join the two.

    Asterisk ends a leg that finds no application at once; one that found it around the engine's last moment is silent
    until the agent hangs up, or the engine is back.
    """
    picked_us, ended_us = dialog.answered_us, dialog.ended_us
    if picked_us is None or ended_us is None:
        return False
    return any(
        (begin - AT_ONCE_US < picked_us < end and ended_us - picked_us < AT_ONCE_US)
        or (begin - AT_ONCE_US < picked_us < begin + AT_ONCE_US and ended_us < end)
        for begin, end in outages
    )


def check_journal(
    plan: Mapping[str, PlannedCall],
    callers: Mapping[str, CallerDialog],
    rung: Mapping[str, Sequence[AgentDialog]],
    account: Account,
) -> None:
    """The journal tells the same: everybody was queued once and ended once."""
    for number, call in plan.items():
        stories = account.stories.get(number, [])
        told = f"\n{call}\n{callers[number]}\n{rung.get(number)}\n{stories}"
        if not stories:
            # Came and went while there was no engine.
            assert callers[number].how == "caller" and number not in rung, told  # noqa: PT018 - one claim
            continue
        (story,) = stories
        assert story.end, told
        if not call.hang_up_after_ms:
            assert (story.end, story.by, story.reason) == ("completed", "agent", "agent-hung-up"), told
            assert story.agent == rung[number][-1].agent, told
        elif story.end == "completed":
            assert story.agent in {dialog.agent for dialog in rung[number] if dialog.is_answered}, told
        else:
            assert (story.end, callers[number].how) == ("abandoned", "caller"), told
