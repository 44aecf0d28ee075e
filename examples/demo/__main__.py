"""`python -m examples.demo`: the play, from the first line to the exit status.

Owns the course of events. DEMO_SECONDS sets how long calls come in (45), FOREVER=1 goes on until Ctrl-C,
DEMO_STAGE=simulated leaves Asterisk out. When all is over the pages stay open until Ctrl-C if somebody sits at a
terminal; FOREVER=0 ends there, too. Exit status: 0 all checks held, 1 one did not, 2 it could not be played,
130 interrupted.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import time
from contextlib import suppress
from typing import Final

from rich.console import Console

from acd.errors import AcdError
from acd_asterisk.lab import LabUnavailable, NoFreePorts, PbxFailed, SippFailed
from examples.demo.asterisk_stage import AsteriskStage
from examples.demo.cast import AGENTS, CALLS_PER_SECOND, SEED, PlannedCall, plan_calls
from examples.demo.desk import Desk
from examples.demo.engine_process import EngineFailed
from examples.demo.screen import WIDEST, Screen
from examples.demo.simulated_stage import SimulatedStage
from examples.demo.stage import Seen, Stage
from examples.demo.verdict import Check, Outage, both, checks, figures

DEFAULT_SECONDS: Final = 45
MAX_SECONDS: Final = 3_600
FRAME_SECONDS: Final = 0.25
CRASH_AT: Final = 0.4
CRASH_BY_SECONDS: Final = 12.0
"""When the engine is killed: at this share of the time, and no later, for only then is the audience let in."""

AWAY_SECONDS: Final = 2.0
"""How long it stays away before it is started again."""

DRAIN_SECONDS: Final = 75.0
"""How long the last calls may take."""

LOOKING_SHARE: Final = 20
"""Reading what the telephones have seen takes one part in so many of the time at most."""

BATCH_SECONDS: Final = 60
"""With FOREVER=1 callers come in batches of this length."""


class Play:
    """One performance."""

    def __init__(self, stage: Stage, screen: Screen, seconds: float, *, stays: bool = False) -> None:
        """`seconds` is infinite when it goes on until Ctrl-C. `stays`: the pages do, after the verdict."""
        self._stage = stage
        self._screen = screen
        self._seconds = seconds
        self._stays = stays
        self._looked: list[Check] = []
        self._plan: dict[str, PlannedCall] = {}
        self._outage: Outage | None = None
        self._until = 0.0
        self._seen = Seen()
        self._look_again_at = 0.0
        self._returning: asyncio.Task[None] | None = None

    async def run(self) -> int:
        """From the first call to the verdict; returns the exit status."""
        stage = self._stage
        async with Desk(stage.token, stage.url) as desk:
            await self._traffic(desk)
        looked = both(self._looked, await stage.pages.look())
        journal_problem = await (stage.verify() if self._stays else stage.leave())
        seen = stage.seen()
        found = [*checks(seen, self._plan, self._outage, journal_problem), *looked]
        self._screen.conclude(figures(seen), found)
        if self._stays and (problem := await self._stay()):
            self._screen.say(f"The journal does not hold in the end: {problem}")
            return 1
        return 0 if all(check.held for check in found) else 1

    async def _stay(self) -> str:
        """The calls are over, the pages stay until Ctrl-C. Returns what is wrong with the journal then."""
        self._invite("until Ctrl-C")
        task = asyncio.current_task()
        assert task is not None
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            task.uncancel()  # this is how one leaves
        self._screen.say("Stopping the engine, and making every decision of its journal again …")
        return await self._stage.leave()

    async def _traffic(self, desk: Desk) -> None:
        """Everybody signs in; calls come, the engine dies and comes back, until the last caller has hung up."""
        await desk.sign_in([person.id for person in AGENTS])
        self._screen.say(f"{len(AGENTS)} agents have signed in. Calls come in, {CALLS_PER_SECOND:g} a second.")
        self._screen.say("Soon the engine is killed, and comes back. Then its pages are for you, too.")
        self._until = time.monotonic() + self._seconds
        calling = asyncio.create_task(self._call())
        crashing = asyncio.create_task(self._crash_and_revive())
        try:
            while not (calling.done() and crashing.done()):
                await self._frame(desk)
            await calling
            await crashing
            deadline = time.monotonic() + DRAIN_SECONDS
            while time.monotonic() < deadline and not self._stage.seen().over(len(self._plan)):
                await self._frame(desk)
            await self._frame(desk)
        finally:
            await _end(calling, crashing, self._returning)

    async def _call(self) -> None:
        """Callers, in batches."""
        batch = 0
        while (left := self._until - time.monotonic()) > 1:
            span = min(left, BATCH_SECONDS)
            count = max(1, round(span * CALLS_PER_SECOND))
            calls = plan_calls(count, SEED + batch, first=len(self._plan) + 1)
            self._plan |= {call.number: call for call in calls}
            await self._stage.call(calls, CALLS_PER_SECOND)
            batch += 1
            await asyncio.sleep(span)

    async def _crash_and_revive(self) -> None:
        """The engine dies in the middle of it all, and comes back."""
        screen, stage = self._screen, self._stage
        await asyncio.sleep(min(CRASH_AT * self._seconds, CRASH_BY_SECONDS))
        from_us = _now_us()
        talks = tuple(stage.seen().talking(from_us))
        words = await stage.crash()
        screen.say(f"KILLED the engine ({words}) during {len(talks)} conversations. They go on.")
        await asyncio.sleep(AWAY_SECONDS)
        words = await stage.revive()
        until_us = _now_us()
        self._outage = Outage(from_us, until_us, talks)
        came = sum(from_us < caller.called_us < until_us for caller in stage.seen().callers)
        away = (until_us - from_us) / 1_000_000
        screen.say(f"The engine is back after {away:.1f} s ({words}). {came} callers who came meanwhile are let in.")
        self._looked = await stage.pages.look()
        if self._stays or self._seconds == float("inf"):
            self._invite("until Ctrl-C")
        else:
            left = max(0.0, self._until - time.monotonic())
            self._invite(f"for {left:.0f} s more (FOREVER=1 make demo: until Ctrl-C)")

    def _invite(self, until: str) -> None:
        pages = self._stage.pages
        self._screen.invite(pages.invitation(until), pages.reminder())

    async def _frame(self, desk: Desk) -> None:
        picture = await desk.picture()
        if picture is not None and (self._returning is None or self._returning.done()):
            self._returning = asyncio.create_task(desk.bring_back(picture))
        left = self._until - time.monotonic()
        self._screen.show(self._stage.title, left, picture, self._look())
        await asyncio.sleep(FRAME_SECONDS)

    def _look(self) -> Seen:
        """What the telephones have seen, at most a little old: with FOREVER=1 there is more and more to read."""
        now = time.monotonic()
        if now >= self._look_again_at:
            self._seen = self._stage.seen()
            self._look_again_at = time.monotonic() + LOOKING_SHARE * (time.monotonic() - now)
        return self._seen


async def perform(screen: Screen, seconds: float, *, simulated: bool, stays: bool = False) -> int:
    """Open a stage, play, close it whatever happens."""
    stage: Stage = SimulatedStage() if simulated else AsteriskStage()
    try:
        try:
            await stage.open(screen.say)
        except LabUnavailable as error:
            screen.say(f"There is no Asterisk to be had here: {error}")
            screen.say("The same demo, with simulated telephones instead:")
            await stage.close()
            stage = SimulatedStage()
            await stage.open(screen.say)
        return await Play(stage, screen, seconds, stays=stays).run()
    finally:
        screen.still()
        await stage.close()


def main() -> int:
    """Read the environment, play, and answer for it."""
    console = Console()
    if console.width > WIDEST or not console.is_terminal:
        console = Console(width=WIDEST)
    seconds = seconds_wanted()
    if seconds is None:
        console.print(f"DEMO_SECONDS: has to be a whole number from 10 to {MAX_SECONDS}.")
        return 2
    screen = Screen(console)
    stays = os.environ.get("FOREVER", "") == "" and sys.stdin.isatty() and console.is_terminal
    try:
        with asyncio.Runner() as runner:
            return runner.run(_until_terminated(screen, seconds, stays=stays))
    except (KeyboardInterrupt, asyncio.CancelledError):
        console.print("Interrupted. Nothing is left running.")
        return 130
    except (AcdError, EngineFailed, NoFreePorts, OSError, PbxFailed, SippFailed) as error:
        console.print(f"The demo cannot go on: {error}", style="red", markup=False)
        return 2


async def _until_terminated(screen: Screen, seconds: float, *, stays: bool) -> int:
    """Play; SIGTERM does what Ctrl-C does."""
    task = asyncio.current_task()
    assert task is not None
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    return await perform(screen, seconds, simulated=os.environ.get("DEMO_STAGE") == "simulated", stays=stays)


async def _end(*tasks: asyncio.Task[None] | None) -> None:
    """Cancel whatever still runs, and wait for it."""
    for task in tasks:
        if task is not None and not task.done():
            task.cancel()
            with suppress(asyncio.CancelledError):
                await task


def seconds_wanted() -> float | None:
    """None when it cannot be understood."""
    if os.environ.get("FOREVER", "") not in {"", "0"}:
        return float("inf")
    text = os.environ.get("DEMO_SECONDS", str(DEFAULT_SECONDS))
    return int(text) if text.isascii() and text.isdigit() and 10 <= int(text) <= MAX_SECONDS else None  # noqa: PLR2004


def _now_us() -> int:
    return time.time_ns() // 1_000


if __name__ == "__main__":
    sys.exit(main())
