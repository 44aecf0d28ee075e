"""The simulation: the whole runtime through as many lives as it takes, in a world that outlives them.

Owns the order of a run: begin, live and die until the plan's end, let the faults rest, wait until everything has come
to its end, and compare what is left. Must not know single faults or rules. Everything happens in one thread, on
one simulated clock, from one seed.
"""

import asyncio
import tempfile
from collections import Counter
from collections.abc import Callable, Mapping, MutableMapping
from pathlib import Path
from random import Random
from typing import Any, Final

import msgspec
import structlog

from acd.errors import AcdError, JournalUnavailable
from acd.runtime.replay import load
from acd.testing.simulator.account import COUNTED
from acd.testing.simulator.auditor import Auditor
from acd.testing.simulator.coverage import Coverage, transitions
from acd.testing.simulator.desk import Desks
from acd.testing.simulator.disk import DOMAIN, Disk
from acd.testing.simulator.exchange import Exchange
from acd.testing.simulator.faults import FAULTS, Faults
from acd.testing.simulator.hours import HoursWatch
from acd.testing.simulator.life import Life, Surroundings
from acd.testing.simulator.loop import SimulatedLoop, SimulationStuck
from acd.testing.simulator.mail import Mail
from acd.testing.simulator.people import People
from acd.testing.simulator.persons import SimulatedPersons
from acd.testing.simulator.policies import BROADCAST, arrivals, changed, configuration, edited
from acd.testing.simulator.process import Process, ProcessDied, Wall
from acd.testing.simulator.referee import Referee, Violation
from acd.testing.simulator.report import Plan, Report
from acd.testing.simulator.snapshotting import Snapshotting
from acd.testing.simulator.weather import Targets, Weather

SECOND: Final = 1_000_000

SETTLE_US: Final = 1_200 * SECOND
"""How long everything may take to come to its end after the last fault: more than the outbox's longest rest."""

WALL_US: Final = 1_750_000_000 * SECOND
"""The wall clock at the beginning: a moment in June 2025."""

RESTART_US: Final = (SECOND // 10, 6 * SECOND)
"""Least and most time until a dead process is started again."""

_MEMORY: Final = Path("/dev/shm")  # noqa: S108 - a fresh folder in it, private to this user
"""Where files need no disk, if the machine has it: every crash is an image of files anyway."""

PUNCTUAL_US: Final = 60 * SECOND
"""How late a deadline may be handled when nothing goes wrong: a restart, and all that has become due meanwhile."""

EDIT_US: Final = (30 * SECOND, 120 * SECOND)
"""Least and most between two edits of the configuration."""

POST_US: Final = 4 * SECOND
LOOK_US: Final = SECOND // 2


def simulate(plan: Plan) -> Report:
    """Run a plan. Blocks; changes no file that stays.

    Measured with every fault: 2 s of processor time for 1,000 commands, 100 s for 12,000 (invariants at every fourth).
    Every start reads the whole journal, so that time grows faster than the number of commands: many seeds beat one
    long run.
    """
    settings = structlog.get_config()
    # The runtime has a lot to say about what is done to it here.
    structlog.configure(processors=[_drop])
    try:
        with (
            tempfile.TemporaryDirectory(prefix="acd-simulated-", dir=_MEMORY if _MEMORY.is_dir() else None) as folder,
            transitions() as coverage,
        ):
            return _run(plan, Path(folder), coverage)
    finally:
        structlog.configure(**settings)


def _run(plan: Plan, folder: Path, coverage: Coverage) -> Report:
    loop = SimulatedLoop()
    try:
        simulation = Simulation(plan, loop, folder, coverage)
        loop.set_exception_handler(simulation.referee.unexpected)
        try:
            loop.run_until_complete(simulation.run())
        except (Violation, SimulationStuck) as error:
            simulation.referee.verdict = simulation.referee.verdict or str(error)
        loop.run_until_complete(simulation.tear_down())
        return simulation.report()
    finally:
        loop.close()


class Simulation:
    """One run."""

    def __init__(self, plan: Plan, loop: SimulatedLoop, folder: Path, coverage: Coverage) -> None:
        self.plan = plan
        self.referee = Referee()
        self._loop = loop
        self._coverage = coverage
        self._dice = Random(f"{plan.seed}/machine")  # noqa: S311 - no secret
        self._faults = Faults(plan.seed, frozenset(plan.faults), plan.intensity, plan.crash_points)
        self._auditor = Auditor(DOMAIN, self.referee, coverage, plan.check_every)
        self._disk = Disk(folder / "disk", self._auditor.durable)
        policies = frozenset(plan.policies)
        self._config = configuration(plan.seed, policies, folder, self._disk.outbox_path)
        exchange = Exchange(loop, self.referee, self._auditor, rings=BROADCAST)
        self._wall = Wall(loop, WALL_US)
        self._people = People(plan.seed, loop, self._now_us, exchange, arrivals(policies))
        exchange.folk = self._people
        agents = tuple(each.settings.id for each in self._config.agents)
        self._here = Surroundings(
            referee=self.referee,
            faults=self._faults,
            auditor=self._auditor,
            disk=self._disk,
            exchange=exchange,
            desks=Desks(plan.seed, loop, self._now_us, agents, policies),
            mail=Mail(loop, self.referee),
            persons=SimulatedPersons(self._faults),
        )
        self._full = self._config
        self._life: Life | None = None
        self._lives: Counter[str] = Counter()
        self._number = 0
        self._ending = False
        self._snapshotting = Snapshotting(loop, self._disk, self.referee)
        self._settled_us = 0
        self._hours: HoursWatch | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        """The whole plan. Raises `Violation`."""
        self._people.begin()
        self._here.desks.begin()
        self._weather().begin()
        self._tasks = [
            asyncio.create_task(self._live()),
            asyncio.create_task(self._write()),
            asyncio.create_task(self._administer()),
        ]
        await self._until(self._is_over, None)
        if self.plan.mode == "liveness":
            await self._come_to_rest()
        await self._stop_well()
        self._compare()

    async def tear_down(self) -> None:
        """Whatever happened: nothing is left running."""
        self._faults.rest()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        life = self._life
        if life is not None:
            life.process.die("torn down")
            await life.router.abort()
            life.close()
        self._snapshotting.close()
        self._disk.close()
        current = asyncio.current_task()
        left = [task for task in asyncio.all_tasks(self._loop) if task is not current]
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    def report(self) -> Report:
        """What happened."""
        auditor, account, mail = self._auditor, self._here.exchange.account, self._here.mail
        # The core keeps an accepted offer with its work item, and never looks this one up.
        taken = self._coverage.taken
        taken["offer", "offered", "accept"] = auditor.events["OfferAccepted"]
        journal = self._disk.reader()
        try:
            _, chain = journal.tail()
        finally:
            journal.close()
        return Report(
            plan=self.plan,
            problem=self.referee.verdict,
            simulated_seconds=self._loop.now_us / SECOND,
            settled_seconds=self._settled_us / SECOND,
            rows=auditor.seq,
            chain=chain.hex(),
            digest=auditor.engine.digest(),
            lives=_sorted(self._lives),
            commands=_sorted(auditor.commands),
            refusals=_sorted(auditor.refusals),
            events=_sorted(auditor.events),
            faults={name: self._faults.struck[name] for name in FAULTS if name in self._faults.enabled},
            crashes={name: self._faults.crashed[name] for name in self._faults.crash_points},
            transitions={f"{table}: {state}, {trigger}": n for (table, state, trigger), n in sorted(taken.items())},
            customers={name: getattr(account, name) for name in COUNTED},
            messages={
                "posted": sum(map(len, mail.posted.values())),
                "received": sum(map(len, mail.received.values())),
                "deliveries": mail.deliveries,
            },
        )

    # ---- lives

    async def _live(self) -> None:
        """One life after another."""
        while not self._ending:
            self._number += 1
            life = self._life = self._new_life()
            self._snapshotting.follow(life.process)
            self._lives[await life.run()] += 1
            self._snapshotting.close()
            self._disk.close()
            self._life = None
            pause_us = self._dice.randrange(*RESTART_US)
            await asyncio.sleep(pause_us / SECOND)

    def _new_life(self) -> Life:
        def died(where: str) -> None:
            del where
            self._disk.crash()
            life.died.set()

        config = msgspec.structs.replace(
            self._config,
            outbox=msgspec.structs.replace(self._config.outbox, path=self._disk.outbox_path),
            snapshots=msgspec.structs.replace(self._config.snapshots, path=self._disk.snapshots),
        )
        dice = Random(f"{self.plan.seed}/life/{self._number}")  # noqa: S311 - no secret
        process = Process(self._number, self._loop, self._wall, self._faults, dice, died)
        life = Life(config, process, self._here, dice)
        return life

    def _now_us(self) -> int:
        """The engine's clock, as far as it is known: who sets the machine's does not set it, and it never goes back."""
        return self._auditor.engine.now_us or self._wall.now_us()

    def _weather(self) -> Weather:
        def of_life(do: str, *args: object) -> None:
            life = self._life
            if life is None or not life.process.alive:
                return
            match do:
                case "die":
                    life.process.die(str(args[0]))
                case "restart":
                    life.stopping.set()
                case "stall":
                    life.process.stall(int(str(args[0])))
                case _:
                    life.line.cut(int(str(args[0])))

        def step(us: int) -> None:
            self._wall.offset_us += us

        return Weather(
            self._loop,
            self._faults,
            Targets(
                die=lambda where: of_life("die", where),
                restart=lambda: of_life("restart"),
                stall=lambda us: of_life("stall", us),
                step=step,
                cut=lambda us: of_life("cut", us),
            ),
        )

    async def _write(self) -> None:
        """An application that tells other systems something now and then."""
        while True:
            await asyncio.sleep(POST_US / SECOND)
            life = self._life
            if life is not None and life.running and life.process.alive:
                await self._here.mail.write(life.router.post)

    async def _administer(self) -> None:
        """Somebody edits the configuration now and then; at the end it stays as it is."""
        dice = Random(f"{self.plan.seed}/administrator")  # noqa: S311 - no secret
        while self._faults.active:
            await asyncio.sleep(dice.randrange(*EDIT_US) / SECOND)
            if not self._faults.active:
                return  # what is configured by now is what everything must come to its end under
            kind = dice.random()
            edit = edited(self._config, self._full, dice) if kind < 0.5 else None  # noqa: PLR2004 - every other time
            wanted = self._full if kind < 0.75 else changed(self._full, dice)  # noqa: PLR2004 - half of the others
            wanted = wanted if edit is None else self._config.with_agents(edit)
            life = self._life
            if life is None or not life.process.alive:
                self._config = wanted
            elif life.running:
                before, self._config = self._config, wanted
                try:
                    router = life.router
                    await (router.reconfigure(wanted) if edit is None else router.reconfigure_agents(edit))
                except JournalUnavailable:
                    # Nothing has happened. What else may go wrong is the end of this life; the next one reads it.
                    self._config = before
                except (AcdError, ProcessDied):
                    pass
            # Else it is about to begin, and has read the configuration already.

    # ---- the end

    def _is_over(self) -> bool:
        plan = self.plan
        return bool(
            (plan.seconds and self._loop.now_us >= plan.seconds * SECOND)
            or (plan.commands and self._auditor.seq >= plan.commands)
        )

    async def _come_to_rest(self) -> None:
        """No more faults, no more customers, everybody willing: then everything must end."""
        began_us = self._loop.now_us
        self._faults.rest()
        self._people.willing = self._here.desks.willing = True
        self._hours = HoursWatch(self._config.hours(), self._auditor, self.referee)
        await self._until(self._is_at_rest, SETTLE_US)
        self._settled_us = self._loop.now_us - began_us
        self.referee.require(self._is_at_rest(), f"{SETTLE_US // SECOND} s after the last fault: {self._left_over()}")

    def _is_at_rest(self) -> bool:
        return not self._left_over()

    def _left_over(self) -> str:
        """What is not at its end, in words; empty when all is."""
        left = []
        life = self._life
        if life is None or not life.running:
            left.append("the engine is not running")
        elif self._hours is not None:
            self._auditor.see_to_deadlines(life.router.now_us(), self._loop.now_us, PUNCTUAL_US)
            if changing := self._hours.watch(life.router.now_us()):
                left.append(changing)
        if self._here.exchange.callers:
            left.append(f"customers are still there: {list(self._here.exchange.callers.values())[:3]}")
        if alive := self._auditor.live():
            left.append(f"the engine still has {alive[:3]}")
        if self._here.mail.pending:
            left.append(f"{self._here.mail.pending} messages have not arrived")
        return "; ".join(left)

    async def _stop_well(self) -> None:
        """Stop the last life in good order."""
        self._faults.rest()
        self._ending = True
        if self._life is not None:
            self._life.stopping.set()
        lives = self._tasks[0]
        called = asyncio.create_task(self.referee.called.wait())
        await asyncio.wait((lives, called), return_when=asyncio.FIRST_COMPLETED)
        called.cancel()
        self._verdict()

    def _compare(self) -> None:
        """What is on disk leads to one state, from its first row and from its last snapshot."""
        journal = self._disk.reader()
        try:
            for snapshots in (None, self._disk.snapshots):
                restored = load(journal, snapshots)
                require = self.referee.require
                require(restored.seq == self._auditor.seq, f"{restored.seq} rows on disk, of {self._auditor.seq}")
                self._auditor.loaded(restored.engine.digest())
        finally:
            journal.close()
        self._auditor.check()

    async def _until(self, condition: Callable[[], bool], most_us: int | None) -> None:
        """Look twice a second. Raises `Violation` as soon as there is one."""
        until_us = None if most_us is None else self._loop.now_us + most_us
        while not condition() and (until_us is None or self._loop.now_us < until_us):
            self._verdict()
            await asyncio.sleep(LOOK_US / SECOND)
        self._verdict()

    def _verdict(self) -> None:
        if self.referee.verdict:
            raise Violation(self.referee.verdict)
        lives = self._tasks[0]
        if lives.done() and not self._ending:
            # Raises what ended them.
            lives.result()


def _drop(logger: object, method: str, event: MutableMapping[str, Any]) -> Mapping[str, Any]:
    del logger, method, event
    raise structlog.DropEvent


def _sorted(counts: Counter[str]) -> dict[str, int]:
    return dict(sorted(counts.items()))
