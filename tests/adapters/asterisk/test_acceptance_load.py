"""Many calls, many skills, many agents, on a real Asterisk: by SIPp's account, not only by the journal's."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from acd_asterisk.lab import AgentBehaviour, AgentDialog, CallerDialog, Provisioned
from tests.adapters.asterisk.acceptance import (
    PATIENT,
    PlannedCall,
    Requirement,
    Seat,
    Site,
    draw_calls,
    draw_floor,
    satisfies,
    seed,
    site,
)
from tests.adapters.asterisk.acceptance_account import (
    Account,
    Story,
    assert_in_order,
    assert_no_overlap,
    by_caller,
    dice,
    rung_delays,
    summary,
    turn_delays,
)

pytestmark = pytest.mark.xdist_group("load")

IMPATIENT = 'offer_timeout = "1s"\nretry_after = "1s"'
TOGGLE_SECONDS = (0.05, 0.25)
"""Between two changes of presence."""

BREAK = "break"

SIDE_BY_SIDE_US = 100_000
"""Two offers made at one moment are dialled side by side, and may arrive in either order."""

RACE_US = 250_000
"""A caller who hangs up at the moment at which the agent picks up: either may be first, by either's account."""


@dataclass
class Outcome:
    """Both accounts of a run."""

    plan: dict[str, PlannedCall]
    seats: dict[str, Seat]
    requirements: dict[str, Requirement]
    callers: dict[str, CallerDialog]
    dialogs: list[AgentDialog]
    account: Account


async def test_plain(provisioned: Provisioned, tmp_path: Path) -> None:
    """1,000 calls at 20 a second over 6 skills and 30 agents, talks of about a second."""
    chosen = seed()
    behaviour = AgentBehaviour(ring_ms=(20, 200), talk_ms=(700, 1_300), hang_up_chance=1.0)
    seats, lines = draw_floor(chosen, agents=30, skills=6, more=PATIENT)
    calls = draw_calls(chosen, seats, lines, 1_000, leavers=0)
    async with site(provisioned, tmp_path, seats, lines, behaviour) as it:
        found = await run(it, calls, 20)
        assert not it.complaints(), it.complaints()
    check(found)
    assert not found.account.refusals, dict(found.account.refusals)
    assert len(found.dialogs) == len(calls)


async def test_disturbed(provisioned: Provisioned, tmp_path: Path) -> None:
    """A tenth of the callers hang up at random, a tenth of the offers go unanswered, agents come and go meanwhile."""
    chosen = seed()
    behaviour = AgentBehaviour(ring_ms=(20, 200), talk_ms=(700, 1_300), hang_up_chance=1.0, no_answer_chance=0.1)
    seats, lines = draw_floor(chosen, agents=30, skills=6, more=IMPATIENT)
    calls = draw_calls(chosen, seats, lines, 400, leavers=0.1)
    async with site(provisioned, tmp_path, seats, lines, behaviour) as it:
        found = await run(it, calls, 20, chosen=chosen)
        assert not it.complaints(), it.complaints()
    check(found)
    assert any(found.account.lapsed)


async def test_everybody_hangs_up(provisioned: Provisioned, tmp_path: Path) -> None:
    """Five agents, and callers who all leave at random moments: while waiting, ringing, being joined, talking."""
    chosen = seed()
    behaviour = AgentBehaviour(ring_ms=(0, 100), talk_ms=(300, 1_500), hang_up_chance=1.0)
    seats, lines = draw_floor(chosen, agents=5, skills=2, more=PATIENT)
    calls = draw_calls(chosen, seats, lines, 200, leavers=1.0, longest_ms=1_500)
    async with site(provisioned, tmp_path, seats, lines, behaviour) as it:
        found = await run(it, calls, 30)
        assert not it.complaints(), it.complaints()
    check(found)


# ---- running


async def run(
    it: Site, calls: Sequence[PlannedCall], rate: float, *, chosen: int | None = None, seconds: float = 60
) -> Outcome:
    """Make the calls, with agents coming and going if `chosen` is a seed; wait until all is over; stop the engine."""
    async with it.callers(calls, rate) as callers, coming_and_going(it, chosen):
        dialogs = await callers.finished(seconds=len(calls) / rate + seconds)
        await it.idle()
        assert not callers.errors(), callers.errors()
    await it.everybody_ready()
    assert {agent["presence"] for agent in await it.agents()} == {"ready"}
    assert await it.engine.stop() == 0, it.engine.log_tail()
    return Outcome(
        {call.number: call for call in calls},
        {seat.name: seat for seat in it.seats},
        {line.name: line.requirement for line in it.lines},
        {dialog.caller: dialog for dialog in dialogs},
        it.phones.dialogs(),
        it.account(),
    )


@asynccontextmanager
async def coming_and_going(it: Site, chosen: int | None) -> AsyncIterator[None]:
    """Agents take breaks at random; whoever is not-ready, for whatever reason, comes back a moment later."""
    if chosen is None:
        yield
        return
    chance = dice(chosen, "presence")

    async def breaks() -> None:
        while True:
            await asyncio.sleep(chance.uniform(*TOGGLE_SECONDS))
            await it.presence(chance.choice(it.seats).name, "not-ready", BREAK)

    async def returns() -> None:
        while True:
            await asyncio.sleep(chance.uniform(*TOGGLE_SECONDS))
            await it.everybody_ready()

    tasks = [asyncio.create_task(breaks()), asyncio.create_task(returns())]
    try:
        yield
        assert not any(task.done() for task in tasks), tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


# ---- checking


def check(found: Outcome) -> None:
    """Everything that must hold whatever the traffic."""
    report(found)
    assert_no_overlap(found.dialogs)
    assert set(found.account.stories) == set(found.plan) == set(found.callers)
    rung = by_caller(found.dialogs)
    for dialog in found.dialogs:
        call = found.plan[dialog.caller]
        seat = found.seats[dialog.agent]
        assert satisfies(seat, (*found.requirements[call.queue], *call.extra)), f"{seat} was rung for {call}"
        assert dialog.how is not None, dialog
    for number, call in found.plan.items():
        check_call(call, found.callers[number], rung.get(number, []), found.account.one(number))
    check_order(found, rung)
    check_presence(found)


def check_call(call: PlannedCall, caller: CallerDialog, rung: Sequence[AgentDialog], story: Story) -> None:
    """The two accounts of one call are the same."""
    answered = [dialog for dialog in rung if dialog.is_answered]
    told = f"\n{call}\n{caller}\n{rung}\n{story}"
    assert caller.is_answered, told
    assert caller.ended_us is not None, told
    if not call.hang_up_after_ms:
        assert caller.how == "pbx", told
        assert [agent for _, agent in story.offers] == [dialog.agent for dialog in rung], told
        assert (story.end, story.by) == ("completed", "agent"), told
        assert [dialog.agent for dialog in answered] == [story.agent], told
        assert answered[0].how == "agent", told
        return
    assert caller.how in {"caller", "pbx"}, told
    # What happens as the caller hangs up may be missing in either account; nothing else.
    settled = [dialog for dialog in rung if dialog.invited_us < caller.ended_us - RACE_US]
    assert [dialog.agent for dialog in settled] == [agent for _, agent in story.offers][: len(settled)], told
    assert 0 <= len(story.offers) - len(settled) <= 1, told
    picked = [agent for _, agent in story.accepted]
    assert [dialog.agent for dialog in answered][: len(picked)] == picked, told
    late = answered[len(picked) :]
    assert all(abs((dialog.answered_us or 0) - caller.ended_us) < RACE_US for dialog in late), told
    if picked:
        assert (story.end, story.agent) == ("completed", picked[-1]), told
        assert caller.how == "caller" or story.by == "agent", told
    else:
        assert (story.end, caller.how) == ("abandoned", "caller"), told


def check_order(found: Outcome, rung: dict[str, list[AgentDialog]]) -> None:
    """Within a queue those who ask for the same are rung in the order in which they came."""
    for queue in found.requirements:
        plain = (number for number, call in found.plan.items() if call.queue == queue and not call.extra)
        line = [(each, found.account.one(each).place, rung[each][0].invited_us) for each in plain if each in rung]
        assert_in_order(line, tolerance_us=SIDE_BY_SIDE_US)
        # And the journal's order is that of the callers' own INVITEs.
        came = ((each, place, found.callers[each].invited_us) for each, place, _ in line)
        assert_in_order(came, tolerance_us=SIDE_BY_SIDE_US)


def check_presence(found: Outcome) -> None:
    """Nobody was made not-ready but for a break that was asked for, or a telephone that rang its time in vain."""
    lapsed = set(found.account.lapsed)
    for at_us, change in found.account.presence:
        if change.reason == "rona":
            assert (at_us, change.agent_id) in lapsed, change
        elif change.presence == "not-ready" or change.next_presence == "not-ready":
            assert change.reason in {BREAK, "signed-in"}, change
    in_vain = [dialog for dialog in found.dialogs if dialog.how == "cancelled"]
    for at_us, agent in lapsed:
        assert any(
            dialog.agent == agent and dialog.ended_us is not None and abs(dialog.ended_us - at_us) < RACE_US
            for dialog in in_vain
        ), f"{agent} was said not to have answered at {at_us}, and its telephone knows nothing of it"


def report(found: Outcome) -> None:
    """Figures."""
    rung = by_caller(found.dialogs)
    stories = found.account.all()
    waited = [story.accepted[0][0] - story.queued_us for story in stories if story.accepted]
    ends = {end: sum(story.end == end for story in stories) for end in ("completed", "abandoned", "cancelled")}
    turns = turn_delays(
        found.account, found.dialogs, lambda story: bool(story.offers) and story.offers[0][0] != story.queued_us
    )
    print(f"{len(found.plan)} calls: {ends}; {len(found.account.lapsed)} unanswered offers; {found.account.rows} rows")  # noqa: T201
    print(f"refused commands: {dict(found.account.refusals)}")  # noqa: T201
    print(f"caller's INVITE to agent's: {summary(rung_delays(found.account, found.callers, rung))}")  # noqa: T201
    print(f"an agent idle while callers wait: {summary(turns)}")  # noqa: T201
    print(f"waited for an answer: {summary(waited)}")  # noqa: T201
