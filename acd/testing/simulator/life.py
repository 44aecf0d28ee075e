"""One life of the whole runtime: a router on a simulated process, from its start to its end, however that comes.

Owns a router with everything that is injected into it. Must not know when and why lives end (`simulation`). The
router is the real one, told when it passes a crash point between its commit and its effects; the engine is the real
one, which now and then raises half-way through a command.
"""

import asyncio
from random import Random
from typing import Final

from msgspec import Struct

from acd.core.digest import state_digest
from acd.core.engine import Engine
from acd.core.messages import ApplyConfig, Command, Outcome, Recover, Tick
from acd.core.state import EngineState
from acd.errors import AcdError, ConfigError
from acd.ports.journal import Journal
from acd.runtime.batch import Batch
from acd.runtime.config import Config
from acd.runtime.router import Router
from acd.testing.simulator.auditor import Auditor
from acd.testing.simulator.desk import Desks
from acd.testing.simulator.disk import Disk
from acd.testing.simulator.exchange import Exchange
from acd.testing.simulator.faults import Faults
from acd.testing.simulator.line import NAME, ExchangeLine
from acd.testing.simulator.mail import Mail
from acd.testing.simulator.persons import SimulatedPersons
from acd.testing.simulator.policies import DIALLER
from acd.testing.simulator.process import Process, ProcessDied
from acd.testing.simulator.referee import Referee
from acd.testing.simulator.teller import Teller

COMPARE_EVERY: Final = 16
"""Commits after which projections are compared with the truth once."""


class Surroundings(Struct):
    """What outlives every life."""

    referee: Referee
    faults: Faults
    auditor: Auditor
    disk: Disk
    exchange: Exchange
    desks: Desks
    mail: Mail
    persons: SimulatedPersons


class PoisonedEngine(Engine):
    """Raises after some commands, half-way through as far as anybody can tell."""

    faults: Faults

    def apply(self, command: Command, now_us: int) -> Outcome:
        """As usual, or raise."""
        outcome = super().apply(command, now_us)
        # A Tick that raises would be a fault of the engine's own, at every attempt; so would the router's commands.
        if not isinstance(command, Tick | Recover | ApplyConfig) and self.faults.strikes("poison"):
            raise ZeroDivisionError("simulated: a fault in the engine")
        return outcome


class Engines:
    """`acd.runtime.ledger.EngineType`: every engine that is loaded must be the one that wrote the journal."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings

    def from_state(self, state: EngineState) -> Engine:
        """A poisoned engine that goes on from there."""
        self._surroundings.auditor.loaded(state_digest(state))
        engine = PoisonedEngine.from_state(state)
        assert isinstance(engine, PoisonedEngine)  # noqa: S101 - from_state makes its own class
        engine.faults = self._surroundings.faults
        self._surroundings.auditor.loaded(engine.digest())
        return engine


class SimulatedRouter(Router):
    """The router, with crash points in its one moment between commit and effects."""

    def __init__(self, config: Config, process: Process, line: ExchangeLine, surroundings: Surroundings) -> None:
        super().__init__(
            config,
            clock=process,
            channels=[line],
            engine=Engines(surroundings),
            personal=surroundings.persons,
            senders={"webhook": surroundings.mail.receiver(process)},
            machine=process,
        )
        self._process = process
        self._surroundings = surroundings
        self._commits = 0

    def committed(self, first_seq: int, batch: Batch) -> None:
        """Called by the writer."""
        surroundings = self._surroundings
        if self._process.alive:
            surroundings.auditor.published(first_seq + len(batch.outcomes) - 1)
        self._process.point("after-commit")
        super().committed(first_seq, batch)
        self._process.point("after-publish")
        self._commits += 1
        if self._commits % COMPARE_EVERY == 0 and self.seq == surroundings.auditor.seq:
            wishes = surroundings.auditor.desired()
            for name in (NAME, DIALLER):
                wanted = wishes.get(name, {})
                seen = {each.interaction_id: each for each in self.view.desired(name)}
                said = f"after row {self.seq} the view shows {seen}, not {wanted}"
                surroundings.referee.require(seen == wanted, said)

    def _open_journal(self) -> Journal:
        return self._surroundings.disk.open_journal(self._process)


class Life:
    """From `run` to its return. `ended` says how: died, fenced, failed, stopped, not-started."""

    def __init__(self, config: Config, process: Process, surroundings: Surroundings, dice: Random) -> None:
        self.process = process
        self.line = ExchangeLine(process, surroundings.exchange, surroundings.auditor, dice)
        self.router = SimulatedRouter(config, process, self.line, surroundings)
        self.running = False
        self.died = asyncio.Event()
        self.stopping = asyncio.Event()
        self._surroundings = surroundings
        self._teller = Teller(process, surroundings.auditor, self.router.submit)

    async def run(self) -> str:
        """Start, live, end. Returns how it ended."""
        if not await self._start():
            return "not-started"
        desks = self._surroundings.desks
        desks.sit(lambda: self.router.view, self._teller)
        self.running = True
        closed = asyncio.create_task(self.router.wait_closed())
        waits = [closed, asyncio.create_task(self.died.wait()), asyncio.create_task(self.stopping.wait())]
        await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        self.running = False
        desks.leave()
        for task in waits:
            task.cancel()
        return await self._end()

    async def _start(self) -> bool:
        starting = asyncio.create_task(self.router.__aenter__())
        died = asyncio.create_task(self.died.wait())
        await asyncio.wait((starting, died), return_when=asyncio.FIRST_COMPLETED)
        died.cancel()
        if self.died.is_set():
            starting.cancel()
        try:
            await starting
        except (AcdError, ProcessDied, asyncio.CancelledError) as error:
            wrong = f"the engine refuses its configuration: {error}" if isinstance(error, ConfigError) else ""
            self._surroundings.referee.require(not wrong, wrong)
            # A service that cannot start exits, and is started again.
            self.process.die("not-started")
            self.close()
            return False
        if self.died.is_set():
            await self.router.abort()
            self.close()
            return False
        return True

    async def _end(self) -> str:
        if self.process.alive and self.stopping.is_set():
            stopping = asyncio.create_task(self.router.__aexit__(None, None, None))
            died = asyncio.create_task(self.died.wait())
            await asyncio.wait((stopping, died), return_when=asyncio.FIRST_COMPLETED)
            died.cancel()
            if not self.died.is_set():
                await stopping
                self.close()
                return "stopped"
            stopping.cancel()
            await asyncio.wait((stopping,))
        how = str(self.router.health()["status"]) if self.process.alive else "died"
        # Whatever it was, the process is gone.
        self.process.die(how)
        await self.router.abort()
        self.close()
        return how

    def close(self) -> None:
        """Nobody waits for an answer any more. Idempotent."""
        self._teller.close()
        self.line.close()
