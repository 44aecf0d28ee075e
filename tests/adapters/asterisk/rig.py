"""The rig: a real PBX, SIPp telephones, and a real Router with the Asterisk channel, all on this machine.

Owns putting them together and waiting for them. Must not know any test. The dialplan is the one of
`examples/asterisk`, so that what is shown to users is what is tested.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit

import aiohttp

from acd.core.messages import Event, SetPresence, SignInAgent
from acd.ports.channel import Channel
from acd.runtime.config import Config, loads
from acd.runtime.feed import Commit
from acd.runtime.router import Router
from acd_asterisk.lab import AgentBehaviour, CallSpec, Handset, Pbx, Provisioned, SippAgents, SippCallers
from acd_asterisk.plugin import open_channel
from tests.adapters.asterisk.proxy import Proxy

EXAMPLES = Path(__file__).parents[3] / "examples" / "asterisk"
PATIENCE_SECONDS = 10.0
POLL_SECONDS = 0.01
APP = "acd"
INSTANCE = "pbx1"

E = TypeVar("E", bound=Event)


@dataclass(frozen=True)
class Agent:
    """An agent of the engine, with a telephone of the same name."""

    name: str
    behaviour: AgentBehaviour = field(default_factory=AgentBehaviour)
    skills: Mapping[str, int] = field(default_factory=dict)
    address: str | None = None
    """Another address than the telephone's."""
    handset: Handset | None = None
    """A telephone in the hands of the test, instead of SIPp's."""


@dataclass(frozen=True)
class Queue:
    """A queue of the engine. `more`: further lines of its section."""

    name: str = "sales"
    requirement: str = "true"
    more: str = 'offer_timeout = "20s"\nretry_after = "1s"'


@dataclass
class Ground:
    """A PBX and telephones. The engine is somebody else's."""

    provisioned: Provisioned
    pbx: Pbx
    phones: SippAgents

    @asynccontextmanager
    async def callers(self, *calls: CallSpec, rate: float = 20.0) -> AsyncIterator[SippCallers]:
        """Make calls."""
        async with SippCallers(self.provisioned, calls, sip_port=self.pbx.sip_port, rate=rate) as callers:
            yield callers

    async def press(self, caller: str, keys: str) -> None:
        """The caller of that number presses keys, one after another as people do."""
        channels = [each for each in await self.pbx.channels() if each["caller"]["number"] == caller]
        # An agent's leg, which has an id of ours, shows the caller's number, too.
        (name,) = (channel["name"] for channel in channels if not channel["id"].startswith("acd-"))
        async with self.pbx.ami() as ami:
            for key in keys:
                await ami.action("PlayDTMF", Channel=name, Digit=key, Receive="yes")
                await ami.event("DTMFEnd", lambda event, key=key: event["Digit"] == key)  # type: ignore[misc]

    async def empty(self, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the PBX has no channel, and no bridge but the one for music."""
        left: list[Any] = []

        async def is_empty() -> bool:
            bridges = [bridge["id"] for bridge in await self.pbx.bridges() if bridge["bridge_type"] != "holding"]
            left[:] = [*bridges, *(channel["name"] for channel in await self.pbx.channels())]
            return not left

        try:
            async with asyncio.timeout(seconds):
                while not await is_empty():
                    await asyncio.sleep(POLL_SECONDS)
        except TimeoutError:
            raise AssertionError(f"left over on the PBX: {left}") from None

    async def talking(self, *, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until a caller and an agent are in one bridge: the engine's `OfferAccepted` comes before that."""
        async with asyncio.timeout(seconds):
            while not any(
                bridge["bridge_type"] == "mixing" and len(bridge["channels"]) > 1 for bridge in await self.pbx.bridges()
            ):
                await asyncio.sleep(POLL_SECONDS)

    @asynccontextmanager
    async def listener(self) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
        """Be the application's controller instead of the channel, and do nothing but listen."""
        auth = aiohttp.encode_basic_auth(self.pbx.ari_user, self.pbx.ari_password)
        async with aiohttp.ClientSession(headers={"Authorization": auth}) as session:
            url = f"{self.pbx.ari_url}/events?app={APP}&subscribeAll=false"
            async with session.ws_connect(url) as socket:
                wanted = {"allowed": [{"type": "StasisStart"}, {"type": "StasisEnd"}]}
                async with session.put(f"{self.pbx.ari_url}/applications/{APP}/eventFilter", json=wanted) as answer:
                    assert answer.ok
                yield socket


@dataclass
class Rig(Ground):
    """What a test works with. `router` and `channel` are replaced by `start_engine`."""

    config: Config
    options: Mapping[str, object]
    router: Router
    channel: Channel
    events: list[Event]
    stack: AsyncExitStack
    proxy: Proxy
    ami_proxy: Proxy

    async def ready(self, *agents: str) -> None:
        """Sign agents in, ready."""
        for agent in agents:
            outcome = await self.router.submit(SignInAgent(self.router.new_id(), agent, ready=True))
            assert outcome.refusal is None, outcome.refusal

    async def presence(self, agent: str, presence: str, reason: str = "") -> None:
        """Set an agent's presence."""
        assert presence in {"ready", "not-ready"}
        command = SetPresence(self.router.new_id(), agent, "ready" if presence == "ready" else "not-ready", reason)
        await self.router.submit(command)

    async def event(
        self, kind: type[E], where: Callable[[E], bool] = lambda _event: True, *, seconds: float = PATIENCE_SECONDS
    ) -> E:
        """The first event of a kind, waiting for it."""
        found: list[E] = []

        def seen() -> bool:
            found.extend(event for event in self.events if isinstance(event, kind) and where(event))
            return bool(found)

        await until(seen, lambda: f"{kind.__name__}; there were {self.events}", seconds)
        return found[0]

    def all(self, kind: type[E]) -> list[E]:
        """All events of a kind so far."""
        return [event for event in self.events if isinstance(event, kind)]

    async def connected(self, *, connected: bool = True, seconds: float = PATIENCE_SECONDS) -> None:
        """Wait until the channel is connected, or is not."""
        await until(
            lambda: self.channel.health()["connected"] is connected, lambda: str(self.channel.health()), seconds
        )

    async def stop_engine(self, *, crash: bool = False) -> None:
        """Let the engine go, in order or as if it were killed (`crash`), and leave the PBX as it is."""
        if crash:
            await self.router.abort()
            await self.channel.stop()
        else:
            await self.router.__aexit__(None, None, None)

    async def start_engine(self) -> None:
        """Another engine on the same journal."""
        self.channel = open_channel(INSTANCE, self.options)
        self.router = await _started(self.config, self.channel, self.events, self.stack)
        await self.connected()


@asynccontextmanager
async def ground(
    provisioned: Provisioned,
    agents: Sequence[Agent],
    *,
    dialplan: str | None = None,
    extra_config: Mapping[str, str] | None = None,
) -> AsyncIterator[Ground]:
    """Start a PBX and the telephones of these agents. `extra_config`: text for the ends of its files, by name."""
    handsets = [agent.handset for agent in agents if agent.handset is not None]
    played = [agent for agent in agents if agent.handset is None]
    behaviours = dict.fromkeys(agent.behaviour for agent in played)
    alike = [([agent.name for agent in played if agent.behaviour == how], how) for how in behaviours]
    config = {"extensions.conf": dialplan or (EXAMPLES / "extensions.conf").read_text()}
    async with AsyncExitStack() as stack:
        phones = await stack.enter_async_context(SippAgents(provisioned, alike))
        telephones = [*phones.telephones, *(handset.telephone for handset in handsets)]
        pbx = await stack.enter_async_context(
            Pbx(provisioned, agents=telephones, replace_config=config, extra_config=extra_config)
        )
        for handset in handsets:
            await stack.enter_async_context(handset)
            handset.attach(pbx.sip_port)
        yield Ground(provisioned, pbx, phones)


@asynccontextmanager
async def rig(
    provisioned: Provisioned,
    folder: Path,
    agents: Sequence[Agent],
    *,
    queues: Iterable[Queue] = (Queue(),),
    options: Mapping[str, object] | None = None,
    dialplan: str | None = None,
    extra_config: Mapping[str, str] | None = None,
    connect: bool = True,
    proxied: bool = False,
    ami: bool = False,
    text: str | None = None,
    over_ami: bool = False,
) -> AsyncIterator[Rig]:
    """Start everything.

    `proxied`: the channel reaches the PBX through `Rig.proxy`. `ami`: it has AMI beside ARI, through `Rig.ami_proxy`.
    `text`: of another acd.toml.
    `over_ami`: the channel has no ARI, and an AMI user with no more rights than the page says.
    """
    async with AsyncExitStack() as stack:
        if over_ami:
            dialplan = dialplan or (EXAMPLES / "extensions_ami.conf").read_text()
            extra_config = {"manager.conf": manager_section(), **(extra_config or {})}
        base = await stack.enter_async_context(
            ground(provisioned, agents, dialplan=dialplan, extra_config=extra_config)
        )
        pbx = base.pbx
        parts = urlsplit(pbx.ari_url)
        proxy = await stack.enter_async_context(Proxy(pbx.ami_port if over_ami else parts.port or 0))
        url = f"http://127.0.0.1:{proxy.port}{parts.path}" if proxied else pbx.ari_url
        ami_proxy = await stack.enter_async_context(Proxy(pbx.ami_port))
        chosen: dict[str, object] = {"url": url, "user": pbx.ari_user, **(options or {})}
        if over_ami:
            chosen = {**only_ami(proxy.port if proxied else pbx.ami_port), **(options or {})}
        elif "password_file" not in chosen:
            chosen["password"] = pbx.ari_password
        if ami:
            chosen["ami"] = {"port": ami_proxy.port, "user": pbx.ami_user, "password": pbx.ami_password}
        config = loads(configuration(agents, queues) if text is None else text, base=folder)
        channel = open_channel(INSTANCE, chosen)
        events: list[Event] = []
        router = await _started(config, channel, events, stack)
        it = Rig(provisioned, pbx, base.phones, config, chosen, router, channel, events, stack, proxy, ami_proxy)
        if connect:
            await it.connected()
        yield it


def manager_section(name: str = "AMI_ONLY.md") -> str:
    """The user of manager.conf as a page has it."""
    page = (EXAMPLES / name).read_text()
    found = re.search(r"^( *)\[acd\]\n\1secret = .+\n(?:\1\w.*\n)+", page, re.MULTILINE)
    assert found is not None
    lines = [line.removeprefix(found[1]) for line in found[0].splitlines()[2:]]
    return "\n".join(("", "[least]", "secret = a password", *lines, ""))


def only_ami(port: int) -> dict[str, object]:
    """Options of a channel without ARI, with that user."""
    return {"control": "ami", "ami": {"port": port, "user": "least", "password": "a password"}}


async def _started(config: Config, channel: Channel, events: list[Event], stack: AsyncExitStack) -> Router:
    router = await stack.enter_async_context(Router(config, channels=[channel]))

    async def follow() -> None:
        async for commit in router.subscribe(buffer=100_000):
            assert isinstance(commit, Commit), "the test was too slow for its events"
            events.extend(commit.events)

    task = asyncio.create_task(follow())
    stack.callback(task.cancel)
    return router


def configuration(agents: Iterable[Agent], queues: Iterable[Queue]) -> str:
    """The text of an acd.toml."""
    lines: list[str] = []
    for queue in queues:
        lines += [f"[queues.{queue.name}]", f"requirement = '{queue.requirement}'", queue.more]
    for agent in agents:
        lines += [f"[agents.{agent.name}]", f"addresses.voice = '{agent.address or f'PJSIP/{agent.name}'}'"]
        lines += [f"skills.{skill} = {level}" for skill, level in agent.skills.items()]
    return "\n".join(lines)


async def until(condition: Callable[[], bool], what: Callable[[], str], seconds: float = PATIENCE_SECONDS) -> None:
    """Wait for something that other processes bring about. `what` says what there was instead."""
    try:
        async with asyncio.timeout(seconds):
            while not condition():
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:g} s: {what()}") from None
