"""Asterisk killed and started again, with calls talking, ringing and waiting: alone, and together with the engine."""

import asyncio
from pathlib import Path
from time import time_ns

import pytest

from acd_asterisk.lab import AgentBehaviour, Provisioned
from tests.adapters.asterisk.acceptance import Line, PlannedCall, Seat, Site, seed, site
from tests.adapters.asterisk.acceptance_account import Account, assert_no_overlap, by_caller, dice

pytestmark = pytest.mark.xdist_group("load")

ROUNDS = 3
OLD_CALLS = 14
NEW_CALLS = 8
AGENTS = 6
NEW_CALLS_SECONDS = 5.0
"""How soon after Asterisk is back a new call must ring."""

BEHAVIOUR = AgentBehaviour(ring_ms=(50, 600), talk_ms=(400, 1_200), hang_up_chance=1.0)


@pytest.mark.parametrize("with_engine", [False, True], ids=["asterisk", "asterisk-and-engine"])
async def test_asterisk_killed(provisioned: Provisioned, tmp_path: Path, *, with_engine: bool) -> None:
    """Everything is closed with a reason, new calls flow within five seconds, and nobody is punished."""
    chance = dice(seed(), "pbx")
    seats = [Seat(f"a{index:02}") for index in range(AGENTS)]
    lost: dict[str, int] = {}
    async with site(provisioned, tmp_path, seats, [Line("sales")], BEHAVIOUR) as it:
        for round_number in range(ROUNDS):
            old = [PlannedCall(f"old{round_number}x{index}", "sales") for index in range(OLD_CALLS)]
            async with it.callers(old, 20) as callers:
                await asyncio.sleep(chance.uniform(0.8, 2.5))
                ended = {dialog.caller for dialog in callers.dialogs() if dialog.how}
                killed_us = now_us()
                await it.pbx.kill()
            lost |= {call.number: killed_us for call in old if call.number not in ended}
            if with_engine:
                await it.engine.kill()
            await asyncio.sleep(chance.uniform(0, 1.5))
            await it.pbx.start()
            back_us = now_us()
            if with_engine:
                await it.engine.start()
            await new_calls_flow(it, round_number, back_us)
        assert {agent["presence"] for agent in await it.agents()} == {"ready"}
        assert await it.engine.stop() == 0, it.engine.log_tail()
        assert not it.faults(), it.faults()
        account = it.account()
    check(account, lost)


async def test_restarted_within_a_second(provisioned: Provisioned, tmp_path: Path) -> None:
    """A call that came in the very second in which Asterisk was restarted did not hang up: Asterisk was restarted.

    Channel ids tell the second only, and the engine is a new process that has not known the earlier Asterisk.
    """
    async with site(provisioned, tmp_path, [Seat("anna")], [Line("sales")], BEHAVIOUR) as it:
        await it.presence("anna", "not-ready", "break")
        calls = [PlannedCall("c1", "sales")]
        # This waits for nothing to happen: the case is a call and a restart within one second of the wall clock, so it
        # has to begin when a second does.
        await asyncio.sleep(1.02 - now_us() % 1_000_000 / 1e6)
        async with it.callers(calls, 20) as callers:
            await callers.wait_for(lambda dialogs: any(each.is_answered for each in dialogs))
            await it.engine.kill()
            await it.pbx.kill()
            await it.pbx.start()
        await it.engine.start()
        await it.idle()
        assert await it.engine.stop() == 0
        story = it.account().one("c1")
        assert (story.end, story.reason) == ("cancelled", "pbx-restarted")


async def new_calls_flow(it: Site, round_number: int, back_us: int) -> None:
    """Everybody who calls from now on is served, the first within five seconds."""
    new = [PlannedCall(f"new{round_number}x{index}", "sales") for index in range(NEW_CALLS)]
    async with it.callers(new, 20) as callers:
        seen = await callers.finished(seconds=30)
    await it.idle()
    assert all(dialog.how == "pbx" for dialog in seen), seen
    dialogs = [dialog for dialog in it.phones.dialogs() if dialog.invited_us > back_us]
    assert_no_overlap(dialogs)
    rung = by_caller(dialogs)
    assert all(rung[call.number][-1].how == "agent" for call in new), rung
    first = (min(dialog.invited_us for dialog in dialogs if dialog.caller.startswith("new")) - back_us) / 1e6
    print(f"round {round_number}: the first new call rang {first:.2f} s after Asterisk was back")  # noqa: T201
    assert first < NEW_CALLS_SECONDS


def check(account: Account, lost: dict[str, int]) -> None:
    """Every call that died with Asterisk was closed, and says why."""
    for number, killed_us in lost.items():
        for story in account.stories.get(number, []):
            if story.ended_us < killed_us:
                continue  # Over already; SIPp had just not been told.
            assert story.reason == "pbx-restarted", story
            assert story.end in {"cancelled", "completed"}, story
    for _, change in account.presence:
        assert change.presence == "ready" or change.reason == "signed-in", change
    reasons: dict[str, int] = {}
    for story in account.all():
        reasons[f"{story.end} {story.reason}"] = reasons.get(f"{story.end} {story.reason}", 0) + 1
    print(reasons)  # noqa: T201
    assert any("pbx-restarted" in reason for reason in reasons)


def now_us() -> int:
    """By the clock that SIPp uses."""
    return time_ns() // 1_000
