"""A soak: an hour of calls by SIPp on a real Asterisk, with all that goes wrong in a month, and then the accounts.

    python -m tests.adapters.asterisk.soak --minutes 60 --rate 20

Owns the course of a soak; what must hold of it stands in `soak_account.py`. Callers hang up at random, telephones are
not answered, decline and are busy, agents come and go and hand calls on, the connection to the PBX is cut in every
round. In the first part the engine is killed, and Asterisk, which also stands still for a while; in the second none of
that happens, so that the engine's memory can be watched. Afterwards SIPp's counts, the journal's and the `queue_log`'s
must be the same, and nothing may be left over. `test_soak.py` runs a short one.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random
from time import monotonic, time_ns

import aiohttp
import click

from acd_asterisk.lab import AgentBehaviour, CallerDialog, Provisioned, provision
from tests.adapters.asterisk.acceptance import PlannedCall, Site, draw_calls, draw_floor, seed, site
from tests.adapters.asterisk.acceptance_account import dice
from tests.adapters.asterisk.soak_account import Course, judge, keep, kept
from tests.frozen import frozen

LINE = 'offer_timeout = "2s"\nretry_after = "1s"'
QUEUE_LOG = '[queue_log]\npath = "queue_log"\n'
SKILLS = 3
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
HARMLESS = ("can't be mapped to a known SIPp call", "Overload warning")
"""A PBX of somebody else's looks for its own SIPp at our port; and SIPp had no processor for half a second."""

_DATED = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}\s")


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


async def soak(provisioned: Provisioned, folder: Path, much: Plan) -> Course:
    """Run it and check everything; raises `AssertionError` with what does not hold."""
    chosen = seed()
    chance = dice(chosen, "soak")
    # Enough for every queue, or its callers wait for a minute after each round, in which nothing else happens.
    seats, lines = draw_floor(chosen, agents=much.agents, skills=SKILLS, more=LINE, able=much.agents // SKILLS)
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
        course.rung = it.phones.dialogs()
    course.unanswered = health["requests_unanswered"]
    keep(course, folder)
    judge(course, folder)
    return course


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
    """SIPp's, but for `HARMLESS` ones."""
    found = [line for line in text.splitlines() if _DATED.match(line)]
    return [line for line in found if not any(each in line for each in HARMLESS)]


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
@click.option("--again", type=click.Path(exists=True, path_type=Path), help="The folder of a soak: only judge it.")
def main(*, minutes: int, rate: float, agents: int, again: Path | None) -> None:
    """Run it in a folder of its own, which stays if something does not hold."""
    if again is not None:
        judge(kept(again), again)
        return
    folder = Path(tempfile.mkdtemp(prefix="soak-", dir=Path.cwd()))
    plan = Plan(rounds=minutes, rate=rate, agents=agents)
    _say(f"in {folder}")
    asyncio.run(soak(provision(), folder, plan))
    for path in folder.iterdir():
        path.unlink()
    folder.rmdir()


if __name__ == "__main__":
    sys.exit(main())
