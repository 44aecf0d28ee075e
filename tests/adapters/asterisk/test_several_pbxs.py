"""Several Asterisks under one router: agents whom both can reach, agents of one of them, and the death of one."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from acd.core.messages import Event, InteractionCancelled, InteractionCompleted, InteractionQueued, SignInAgent
from acd.runtime.config import loads
from acd.runtime.feed import Commit
from acd.runtime.router import Router
from acd_asterisk.lab import AgentBehaviour, CallSpec, LabAgent, Pbx, Provisioned, SippAgents, SippCallers
from acd_asterisk.plugin import open_channel
from tests.adapters.asterisk.raw_caller import raw_caller
from tests.adapters.asterisk.rig import EXAMPLES, until

LISTENER = AgentBehaviour(ring_ms=20, talk_ms=60_000)
TALKER = AgentBehaviour(ring_ms=20, talk_ms=200, hang_up_chance=1.0)
CONFIG = """\
[queues.north]
requirement = '"north" in labels'
[queues.south]
requirement = '"south" in labels'
[queues.both]
[agents.anna]
labels = ["north"]
addresses.voice = "PJSIP/anna"
[agents.ben]
labels = ["south"]
addresses.voice = "PJSIP/ben"
"""

E = TypeVar("E", bound=Event)


@dataclass
class Two:
    """Two PBXs, one router. Channel instances `north` and `south`."""

    provisioned: Provisioned
    router: Router
    pbxs: dict[str, Pbx]
    phones: SippAgents
    health: dict[str, object]
    events: list[Event] = field(default_factory=list)

    @asynccontextmanager
    async def caller(self, pbx: str, number: str, queue: str) -> AsyncIterator[SippCallers]:
        """Somebody who calls one of the two."""
        calls = [CallSpec(caller=number, dialled=queue)]
        async with SippCallers(self.provisioned, calls, sip_port=self.pbxs[pbx].sip_port) as callers:
            yield callers

    async def ready(self, *agents: str) -> None:
        """Sign in."""
        for agent in agents:
            assert (await self.router.submit(SignInAgent(self.router.new_id(), agent, ready=True))).refusal is None

    async def seen(self, kind: type[E], count: int) -> list[E]:
        """So many events of a kind, waiting for them."""
        await until(lambda: len(self.all(kind)) >= count, lambda: str(self.events))
        return self.all(kind)

    def all(self, kind: type[E]) -> list[E]:
        """All events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]


@asynccontextmanager
async def two(provisioned: Provisioned, folder: Path, north: Iterable[str], south: Iterable[str]) -> AsyncIterator[Two]:
    """Start them. `north`, `south`: whose telephones are endpoints of which."""
    dialplan = {"extensions.conf": (EXAMPLES / "extensions.conf").read_text()}
    async with AsyncExitStack() as stack:
        phones = await stack.enter_async_context(SippAgents(provisioned, [(["anna"], LISTENER), (["ben"], TALKER)]))

        async def pbx(names: Iterable[str]) -> Pbx:
            endpoints: list[LabAgent] = [each for each in phones.telephones if each.name in names]
            return await stack.enter_async_context(Pbx(provisioned, agents=endpoints, replace_config=dialplan))

        pbxs = {"north": await pbx(north), "south": await pbx(south)}
        channels = [
            open_channel(name, {"url": each.ari_url, "user": each.ari_user, "password": each.ari_password})
            for name, each in pbxs.items()
        ]
        router = await stack.enter_async_context(Router(loads(CONFIG, base=folder), channels=channels))
        it = Two(provisioned, router, pbxs, phones, {each.name: each.health for each in channels})

        async def follow() -> None:
            async for commit in router.subscribe(buffer=100_000):
                assert isinstance(commit, Commit)
                it.events.extend(commit.events)

        task = asyncio.create_task(follow())
        stack.callback(task.cancel)
        for channel in channels:
            await until(lambda channel=channel: bool(channel.health()["connected"]), lambda: "connected")  # type: ignore[misc] # a default for the loop
        yield it


async def test_each_has_its_own_agents_and_one_dies(provisioned: Provisioned, tmp_path: Path) -> None:
    """A talk in the north and its end know nothing of the south, which dies, comes back and serves callers again."""
    async with two(provisioned, tmp_path, ["anna"], ["ben"]) as it:
        await it.ready("anna")
        async with raw_caller(it.pbxs["north"].sip_port, "10001", "north") as talking:
            await it.phones.wait_for(lambda dialogs: any(each.is_answered for each in dialogs))
            async with it.caller("south", "20001", "south"):
                await it.seen(InteractionQueued, 2)
                await it.pbxs["south"].kill()
            await it.pbxs["south"].start()
            (cancelled,) = await it.seen(InteractionCancelled, 1)
            assert cancelled.reason == "pbx-restarted"
            await it.ready("ben")
            async with it.caller("south", "20002", "south") as served:
                await it.seen(InteractionCompleted, 1)
                await served.finished(seconds=10)
            (north,) = [each for each in it.phones.dialogs() if each.agent == "anna"]
            assert north.how is None
            assert not talking.ended.is_set()
        completed = await it.seen(InteractionCompleted, 2)
        assert [each.agent_id for each in completed] == ["ben", "anna"]
        assert {each.instance for each in it.all(InteractionQueued)} == {"north", "south"}


async def test_an_agent_whom_both_can_reach_serves_both(provisioned: Provisioned, tmp_path: Path) -> None:
    """One address for all of voice: where it is an endpoint of both PBXs, callers of both are served, never at once."""
    async with two(provisioned, tmp_path, ["ben"], ["ben"]) as it:
        async with (
            it.caller("north", "10001", "both") as first,
            it.caller("south", "20001", "both") as second,
        ):
            await it.seen(InteractionQueued, 2)
            await it.ready("ben")
            await it.seen(InteractionCompleted, 2)
            await first.finished(seconds=10)
            await second.finished(seconds=10)
        dialogs = [each for each in it.phones.dialogs() if each.agent == "ben"]
        assert {each.caller for each in dialogs} == {"10001", "20001"}
        ends = [each.ended_us for each in dialogs]
        assert ends[0] is not None
        assert ends[0] <= dialogs[1].invited_us
