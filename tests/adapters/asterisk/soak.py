"""A soak: an hour of calls by SIPp on a real Asterisk, with all that goes wrong in a month, and then the accounts.

    python -m tests.adapters.asterisk.soak --minutes 60 --rate 20

Owns the course of a soak and what must hold of it. Callers hang up at random, telephones are not answered, decline and
are busy, agents come and go and hand calls on, the connection to the PBX is cut in every round. In the first part the
engine is killed, and Asterisk, which also stands still for a while; in the second none of that happens, so that the
engine's memory can be watched. Afterwards SIPp's counts, the journal's and the `queue_log`'s must be the same, and
nothing may be left over. `test_soak.py` runs a short one.
"""

import asyncio
import re
import sys
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from statistics import fmean
from time import monotonic, time_ns

import aiohttp
import click

from acd_asterisk.lab import AgentBehaviour, AgentDialog, CallerDialog, Provisioned, overlapping, provision
from tests.adapters.asterisk.acceptance import PlannedCall, Site, draw_calls, draw_floor, seed, site
from tests.adapters.asterisk.acceptance_account import Account, Story, assert_no_overlap, by_caller, dice
from tests.frozen import frozen
from tests.runtime.queue_log.reader import read as read_queue_log

LINE = 'offer_timeout = "2s"\nretry_after = "1s"'
QUEUE_LOG = '[queue_log]\npath = "queue_log"\n'
LEAVERS = 0.15
BEHAVIOUR = AgentBehaviour(
    ring_ms=(20, 300),
    talk_ms=(300, 1_300),
    hang_up_chance=1.0,
    no_answer_chance=0.03,
    busy_chance=0.02,
    decline_chance=0.02,
)
DISTURBED_SHARE = 0.5
"""The part of the rounds in which engine and Asterisk are killed; in the rest memory is watched."""

BREAK = "break"
FREEZE_SECONDS = (3.0, 7.0)
BREAK_SECONDS = (0.3, 1.5)
TRANSFER_SECONDS = (0.5, 2.0)
DRAIN_SECONDS = 90.0
SAMPLE_SECONDS = 5.0
_DATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\s")
RACE_US = 500_000
"""What happens within this time of a caller's hanging up may be told by one account and not by the other."""


@dataclass(frozen=True)
class Plan:
    """How much. `round_seconds`: how long callers come in each of `rounds`; then it is waited for the last of them."""

    rounds: int = 60
    round_seconds: float = 60.0
    rate: float = 20.0
    agents: int = 45
    engine_kills: int = 5
    pbx_kills: int = 2
    freezes: int = 2


@dataclass
class Course:
    """What has happened so far. Times in µs since 1970."""

    plan: dict[str, PlannedCall] = field(default_factory=dict)
    seen: dict[str, CallerDialog] = field(default_factory=dict)
    died: set[str] = field(default_factory=set)
    """Calls that were there when Asterisk was killed."""
    pbx_killed_us: list[int] = field(default_factory=list)
    outages: list[tuple[int, int]] = field(default_factory=list)
    """The engine, or its connection, was away."""
    transfers: int = 0
    cuts: int = 0
    memory: list[tuple[float, int]] = field(default_factory=list)
    """Since nothing is killed any more: seconds, and bytes of the engine's process that are in memory."""


async def soak(provisioned: Provisioned, folder: Path, much: Plan) -> Course:
    """Run it and check everything; raises `AssertionError` with what does not hold."""
    chosen = seed()
    chance = dice(chosen, "soak")
    seats, lines = draw_floor(chosen, agents=much.agents, skills=3, more=LINE)
    hours = much.rounds * (much.round_seconds + DRAIN_SECONDS) + 600
    course = Course()
    async with site(
        provisioned, folder, seats, lines, BEHAVIOUR, options=QUEUE_LOG, proxied=True, phones_seconds=hours
    ) as it:
        kills = _kills(much, chance)
        async with _people(it, course, dice(chosen, "people")):
            for number in range(much.rounds):
                count = round(much.round_seconds * much.rate)
                drawn = draw_calls(chosen * 1_000 + number, seats, lines, count, leavers=LEAVERS, longest_ms=5_000)
                calls = [replace(call, number=f"r{number:03}{call.number}") for call in drawn]
                await _round(it, course, calls, much, kills.get(number, ""), chance)
                _say(f"round {number + 1} of {much.rounds}: {len(course.seen)} calls over, {len(course.died)} died")
        await it.everybody_ready()
        await it.idle(seconds=DRAIN_SECONDS)
        assert {agent["presence"] for agent in await it.agents()} == {"ready"}
        health = await it.health()
        assert await it.engine.stop() == 0, it.engine.log_tail()
        assert not it.faults(), it.faults()
        dialogs, account = it.phones.dialogs(), it.account()
    check(course, dialogs, account, folder / "queue_log")
    report(course, dialogs, account, health)
    return course


def check(course: Course, dialogs: Sequence[AgentDialog], account: Account, queue_log: Path) -> None:
    """The three accounts are the same."""
    # A telephone whose Asterisk was killed never hears the end of its call.
    last_kill_us = max(course.pbx_killed_us, default=0)
    settled = [dialog for dialog in dialogs if dialog.how is not None or dialog.invited_us > last_kill_us]
    # An Asterisk that has stood still carries out at once what it was told meanwhile, in an order of its own.
    mixed_up = {other.call_id for _, other in overlapping(settled) if not _is_quiet(course, other.invited_us)}
    assert_no_overlap(dialog for dialog in settled if dialog.call_id not in mixed_up)
    rung = by_caller(dialogs)
    for number, call in course.plan.items():
        stories = account.stories.get(number, [])
        told = f"\n{call}\n{course.seen.get(number)}\n{rung.get(number)}\n{stories}"
        assert len(stories) <= 1, f"queued more than once{told}"
        if number in course.died:
            _check_died(stories, told)
        else:
            _check_call(call, course.seen[number], rung.get(number, []), stories, course, told)
    assert set(account.stories) <= set(course.plan)
    _check_queue_log(account, queue_log)


def _check_died(stories: Sequence[Story], told: str) -> None:
    """Whoever was on the telephone when Asterisk was killed has been ended, whatever the state."""
    assert all(story.end for story in stories), told


def _check_call(
    call: PlannedCall,
    caller: CallerDialog,
    rung: Sequence[AgentDialog],
    stories: Sequence[Story],
    course: Course,
    told: str,
) -> None:
    """Who stays is served, once; who leaves has left; and the journal says the same."""
    assert caller.ended_us is not None, told
    answered = [dialog for dialog in rung if dialog.is_answered]
    if not stories:
        # Came and went while there was no engine.
        assert caller.how == "caller", told
        assert not rung, told
        return
    (story,) = stories
    assert story.end, told
    if not call.hang_up_after_ms:
        assert caller.how == "pbx", told
        assert (story.end, story.by) == ("completed", "agent"), told
        assert answered, told
        assert answered[-1].agent == story.agent, told
        return
    assert caller.how in {"caller", "pbx"}, told
    if caller.how == "pbx" and _is_quiet(course, caller.ended_us):
        assert (story.end, story.by) == ("completed", "agent"), told
    if not answered:
        assert story.end == "abandoned" or story.by == "customer", told


def _is_quiet(course: Course, at_us: int) -> bool:
    """Whether the engine was there, with its PBX, around this moment."""
    return not any(begin - RACE_US <= at_us <= end + RACE_US for begin, end in course.outages)


def _check_queue_log(account: Account, path: Path) -> None:
    """Everybody is in the log once for every time they entered, were connected, and left."""
    found = Counter(entry.event for entry in read_queue_log(path))
    stories = account.all()
    handed_on = found["BLINDTRANSFER"]
    # Picked up, and gone before the two were joined: a talk of no length, and the caller waits again.
    lost = sum(story.returned.count("agent-leg-lost") for story in stories)
    ends = Counter(story.end for story in stories)
    assert found["ENTERQUEUE"] == len(stories) + handed_on + lost, (found, len(stories), lost)
    assert found["COMPLETEAGENT"] + found["COMPLETECALLER"] == ends["completed"] + lost, (found, ends, lost)
    assert found["CONNECT"] == sum(len(story.accepted) for story in stories), found
    gone = found["ABANDON"] + found["WITHDRAW"] + found["EXITWITHTIMEOUT"] + found["EXITEMPTY"]
    assert gone == ends["abandoned"] + ends["cancelled"], (found, ends)


def memory_slope(samples: Sequence[tuple[float, int]]) -> float | None:
    """By how many per cent the memory grows in ten minutes, by least squares; None when that was not watched for two.

    The first fifth is left out: until then caches and histories of fixed size fill.
    """
    watched = samples[len(samples) // 5 :]
    if len(watched) < 3 or watched[-1][0] - watched[0][0] < 120:
        return None
    at, size = fmean(each for each, _ in watched), fmean(each for _, each in watched)
    spread = sum((each - at) ** 2 for each, _ in watched)
    slope = sum((each - at) * (bytes_ - size) for each, bytes_ in watched) / spread
    return 100 * slope * 600 / size


def report(course: Course, dialogs: Sequence[AgentDialog], account: Account, health: Mapping[str, object]) -> None:
    """Figures."""
    ends = Counter(f"{story.end} {story.reason}" for story in account.all())
    slope = memory_slope(course.memory)
    growth = "not watched for long enough" if slope is None else f"{slope:+.2f} % in ten minutes"
    last = course.memory[-1][1] / 1e6 if course.memory else 0
    _say(
        f"{len(course.plan)} calls, {len(dialogs)} INVITEs to agents, {account.rows} rows; {len(course.died)} died with"
        f" Asterisk; {course.cuts} cuts, {course.transfers} transfers\n{dict(ends)}\n"
        f"refused: {dict(account.refusals)}\n"
        f"memory: {last:.0f} MB, {growth}\nunanswered requests of the last process: {health['requests_unanswered']}"
    )


# ---- the course of it


def _kills(much: Plan, chance: Random) -> dict[int, str]:
    """Round → `engine`, `pbx` or `freeze`, in the disturbed part."""
    disturbed = max(much.engine_kills + much.pbx_kills + much.freezes, round(much.rounds * DISTURBED_SHARE))
    assert disturbed <= much.rounds, "too few rounds for so many kills"
    what = ["engine"] * much.engine_kills + ["pbx"] * much.pbx_kills + ["freeze"] * much.freezes
    chance.shuffle(what)
    return dict(zip(sorted(chance.sample(range(disturbed), len(what))), what, strict=True))


async def _round(it: Site, course: Course, calls: Sequence[PlannedCall], much: Plan, kill: str, chance: Random) -> None:
    async with it.callers(calls, much.rate) as callers:
        moments = sorted(chance.uniform(0.1, 0.9) * much.round_seconds for _ in range(2))
        await asyncio.sleep(moments[0])
        await _cut(it, course)
        if not kill:
            await _watch(it, course, much.round_seconds - moments[0])
        else:
            await asyncio.sleep(moments[1] - moments[0])
        if kill == "engine":
            await _kill_engine(it, course, chance)
        if kill == "freeze":
            await _freeze(it, course, chance)
        if kill == "pbx":
            await _kill_pbx(it, course, callers.dialogs)
        else:
            dialogs = await callers.finished(seconds=much.round_seconds + DRAIN_SECONDS)
            course.seen |= {dialog.caller: dialog for dialog in dialogs}
            assert not (errors := _errors(callers.errors())), errors
    begun = {dialog.caller for dialog in callers.dialogs()}
    course.plan |= {call.number: call for call in calls if call.number in begun}
    if kill == "pbx":
        course.died |= begun - course.seen.keys()
        died_us = _now_us()
        await asyncio.sleep(chance.uniform(0, 2))
        await it.pbx.start()
        await it.connected()
        course.outages.append((died_us, _now_us()))


def _errors(text: str) -> list[str]:
    """SIPp's, but for messages of calls that it never made: a PBX of somebody else's looks for its own SIPp here."""
    found = [line for line in text.splitlines() if _DATED.match(line)]
    return [line for line in found if "can't be mapped to a known SIPp call" not in line]


async def _kill_pbx(it: Site, course: Course, dialogs: Callable[[], list[CallerDialog]]) -> None:
    """Whoever is not over yet dies with it."""
    course.seen |= {dialog.caller: dialog for dialog in dialogs() if dialog.how}
    await it.pbx.kill()
    course.pbx_killed_us.append(_now_us())


async def _cut(it: Site, course: Course) -> None:
    """The connection to the PBX, events and requests alike."""
    cut_us = _now_us()
    await it.proxy.cut()
    await it.connected()
    course.cuts += 1
    course.outages.append((cut_us, _now_us()))


async def _kill_engine(it: Site, course: Course, chance: Random) -> None:
    killed_us = _now_us()
    await it.engine.kill()
    await asyncio.sleep(chance.uniform(0, 2))
    await it.engine.start()
    await it.connected()
    course.outages.append((killed_us, _now_us()))
    course.memory.clear()


async def _freeze(it: Site, course: Course, chance: Random) -> None:
    """Asterisk stands still, as it does when its machine is moved or its disk hangs; then it goes on."""
    frozen_us = _now_us()
    pid = it.pbx.pid
    assert pid is not None
    with frozen(pid):
        await asyncio.sleep(chance.uniform(*FREEZE_SECONDS))
    await it.connected()
    course.outages.append((frozen_us, _now_us()))


async def _watch(it: Site, course: Course, seconds: float) -> None:
    """Note the memory of the engine's process now and then."""
    end = monotonic() + seconds
    while (left := end - monotonic()) > 0:
        pages = int(Path(f"/proc/{it.engine.pid}/statm").read_text().split()[1])  # noqa: ASYNC240 - not a disk
        course.memory.append((monotonic(), pages * 4_096))
        await asyncio.sleep(min(SAMPLE_SECONDS, left))


@asynccontextmanager
async def _people(it: Site, course: Course, chance: Random) -> AsyncIterator[None]:
    """Agents take breaks, come back, and hand callers on, as long as there is an engine to tell."""

    async def breaks() -> None:
        await it.presence(chance.choice(it.seats).name, "not-ready", BREAK)

    async def transfers() -> None:
        talks = [
            f"/v1/agents/{agent['id']}/work/{work['interaction_id']}"
            for agent in await it.agents()
            for work in agent["work"]
            if work["state"] == "active"
        ]
        if talks:
            # Without what the caller asked for: together with the queue's own requirement nobody might have it all.
            body = {"to_queue": chance.choice(it.lines).name, "with_context": False}
            await it.ask("POST", f"{chance.choice(talks)}/transfer", body)
            course.transfers += 1

    async def again(act: object, every: tuple[float, float]) -> None:
        assert callable(act)
        while True:
            await asyncio.sleep(chance.uniform(*every))
            # There may be no engine, or the call is over already.
            with suppress(aiohttp.ClientError, TimeoutError):
                await act()

    tasks = [
        asyncio.create_task(again(breaks, BREAK_SECONDS)),
        asyncio.create_task(again(it.everybody_ready, BREAK_SECONDS)),
        asyncio.create_task(again(transfers, TRANSFER_SECONDS)),
    ]
    try:
        yield
        assert not any(task.done() for task in tasks), tasks
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def _now_us() -> int:
    return time_ns() // 1_000


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201 - the purpose


@click.command(help="Calls for a long time, with everything going wrong meanwhile. ACD_TEST_SEED repeats a run.")
@click.option("--minutes", type=click.IntRange(1, 24 * 60), default=60, show_default=True)
@click.option("--rate", type=click.FloatRange(0.5, 100), default=20, show_default=True, help="Calls a second.")
@click.option("--agents", type=click.IntRange(3, 400), default=45, show_default=True)
def main(*, minutes: int, rate: float, agents: int) -> None:
    """Run it in a folder of its own, which stays if something does not hold."""
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=Path.cwd()))
    plan = Plan(rounds=minutes, rate=rate, agents=agents)
    _say(f"in {folder}")
    asyncio.run(soak(provision(), folder, plan))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


if __name__ == "__main__":
    sys.exit(main())
