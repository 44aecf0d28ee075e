"""What the tests of the live half share: a configuration, journals that wait, an engine that raises."""

import asyncio
import threading
from collections.abc import Sequence
from pathlib import Path

from acd.core.engine import Engine
from acd.core.messages import Command, EnqueueInteraction, Outcome, SignInAgent
from acd.core.messages.codec import decode_command
from acd.ports.journal import AppendResult, Entry, Row
from acd.runtime.clock import Clock
from acd.runtime.config import Config, loads
from acd.runtime.journal import MemoryJournal
from acd.runtime.router import Router
from acd.testing import FakeChannel, ManualClock

SECOND = 1_000_000
HOUR = 3_600 * SECOND

TEXT = """
[agents.anna]
[agents.boris]

[queues.sales]
offer_timeout = "20s"
late = "2s"
"""


def configuration(base: Path, text: str = TEXT) -> Config:
    """`text` as a Config whose files are in `base`."""
    return loads(text, base=base)


class GatedJournal(MemoryJournal):
    """Appends wait while the gate is shut."""

    def __init__(self, domain: str = "default") -> None:
        super().__init__(domain)
        self.gate = threading.Event()
        self.gate.set()
        self.entered = threading.Event()
        self.sizes: list[int] = []

    def append(self, epoch: int, expected_seq: int, batch: Sequence[Entry]) -> AppendResult:
        self.entered.set()
        assert self.gate.wait(10), "the test never opened the gate"
        self.sizes.append(len(batch))
        return super().append(epoch, expected_seq, batch)

    def shut(self) -> None:
        self.entered.clear()
        self.gate.clear()

    async def blocked(self) -> None:
        """Wait until an append has come to the shut gate, and the loop has had every chance to do something wrong."""
        assert await asyncio.to_thread(self.entered.wait, 5), "no append came"
        await idle()


class PoisonEngine(Engine):
    """Raises half-way through a command whose id begins with `poison`."""

    def apply(self, command: Command, now_us: int) -> Outcome:
        outcome = super().apply(command, now_us)
        if command.id.startswith("poison"):
            raise ZeroDivisionError("poisoned")
        return outcome


async def idle(turns: int = 20) -> None:
    """Let the event loop turn."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def quiet(router: Router) -> None:
    """Wait until the writer has nothing more to do."""
    async with asyncio.timeout(5):
        while router.health()["inbox"]:
            await asyncio.sleep(0)


def rows(journal: MemoryJournal) -> list[Row]:
    return list(journal.twin().rows())


def commands(journal: MemoryJournal) -> list[Command]:
    return [decode_command(row.entry.command) for row in rows(journal)]


def kinds(journal: MemoryJournal) -> list[str]:
    """The names of all journaled commands, in order."""
    return [type(command).__name__ for command in commands(journal)]


def router_of(
    config: Config,
    journal: MemoryJournal,
    *channels: FakeChannel,
    clock: Clock | None = None,
    engine: type[Engine] = Engine,
) -> Router:
    return Router(config, journal=journal, clock=clock or ManualClock(), channels=channels, engine=engine)


async def sign_in(router: Router, *agents: str) -> None:
    for agent in agents:
        outcome = await router.submit(SignInAgent(router.new_id(), agent, ready=True))
        assert outcome.refusal is None


def call(number: int | str, **more: str) -> EnqueueInteraction:
    return EnqueueInteraction(f"q-{number}", f"call-{number}", "voice", "sales", instance=more.get("instance", "fake"))
