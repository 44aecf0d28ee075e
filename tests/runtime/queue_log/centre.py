"""A real Router with its `queue_log`, for tests: started and stopped in the order in which `acd serve` does it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from acd.core.messages import AcceptOffer, Command
from acd.ports.channel import Channel
from acd.runtime.config import Config, loads
from acd.runtime.queue_log import QueueLog
from acd.runtime.router import Router
from acd.testing import ManualClock
from tests.runtime.live import SECOND
from tests.runtime.queue_log.reader import Entry, read

TEXT = """
[queue_log]
{options}
[agents.anna]
[agents.boris]
queues = ["support"]
[queues.sales]
offer_timeout = "20s"
retry_after = "1s"
rona = "stay-ready"
[queues.support]
requirement = '"support" in queues'
"""
BEGAN = 1_700_000_000
SOON = 20.0
POLL_SECONDS = 0.01


def configured(base: Path, options: str = "", text: str = TEXT) -> Config:
    return loads(text.replace("{options}", options), base=base)


class Centre:
    """`log`: the file; `state`: the one beside it."""

    def __init__(self, config: Config, clock: ManualClock, *channels: Channel) -> None:
        self.clock = clock
        self.router = Router(config, channels=channels, clock=clock)
        assert config.queue_log is not None
        self.log = config.queue_log.path
        self.state = config.queue_log.state
        self.queue_log = QueueLog(config.queue_log, config.domain, self.router)

    async def do(self, *commands: Command) -> None:
        for command in commands:
            outcome = await self.router.submit(command)
            assert outcome.refusal is None, outcome.refusal

    def offer(self, interaction_id: str) -> str:
        row = self.router.view.interaction(interaction_id)
        assert row is not None
        return row.offer_id

    async def answer(self, interaction_id: str, agent: str) -> None:
        await self.do(AcceptOffer(self.router.new_id(), self.offer(interaction_id), agent))

    def later(self, seconds: float) -> None:
        self.clock.advance(round(seconds * SECOND))

    def id(self) -> str:
        return self.router.new_id()

    async def written(self, event: str, count: int = 1) -> list[Entry]:
        """Wait until so many lines of an event are in the file.

        What was before this process is told by another one, which may take longer than a router waits in its end.
        """
        async with asyncio.timeout(SOON):
            while self._told().count(event) < count:
                await asyncio.sleep(POLL_SECONDS)
        return read(self.log)

    def _told(self) -> list[str]:
        """The events of all lines that are whole by now."""
        text = self.log.read_text() if self.log.exists() else ""
        return [line.split("|")[4] for line in text.splitlines(keepends=True) if line.endswith("\n")]


@asynccontextmanager
async def running(config: Config, clock: ManualClock, *channels: Channel) -> AsyncIterator[Centre]:
    centre = Centre(config, clock, *channels)
    async with AsyncExitStack() as stack:
        stack.push_async_callback(centre.queue_log.close)
        await stack.enter_async_context(centre.router)
        await centre.queue_log.start()
        yield centre
