"""The two chats on a real engine, while everything around them is killed, cut, stopped or replaced."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

import aiohttp
import pytest
from aiohttp.test_utils import unused_port

from acd.api import channels, serve
from acd.core.messages import CancelInteraction, EnqueueInteraction, LeaveInteraction, MergeConsult, SignInAgent
from acd.runtime.config import loads
from acd.runtime.replay import verify
from acd.runtime.router import Router
from tests.adapters.asterisk.proxy import Proxy
from tests.examples.chats import COMMANDS, POLL_SECONDS, TOKEN, Chat, Line, until
from tests.frozen import frozen
from tests.served import Served

SYSTEM = "system-token-0123456789"
ENDED = {"completed", "cancelled", "abandoned"}
TEXT = f"""
[api]
port = PORT
[[api.tokens]]
name = "web"
token = "{TOKEN}"
roles = ["channel"]
channel = "web"
[[api.tokens]]
name = "system"
token = "{SYSTEM}"
roles = ["system"]
[router]
channel_deadline = "5s"
[snapshots]
enabled = false
[channels.web]
type = "external"
media = "chat"
[agents.anna]
[agents.ben]
[queues.sales]
offer_timeout = "5m"
rona = "stay-ready"
retry_after = "100ms"
"""


def address_of(api: str) -> str:
    """Where a process becomes the channel."""
    return api.replace("http", "ws", 1) + "/v1/channels/web"


class Centre:
    """An engine with its API in this process, and agents who are ready."""

    def __init__(self, folder: Path, agents: tuple[str, ...] = ("anna",), deadline: str = "5s") -> None:
        config = loads(TEXT.replace("PORT", "0").replace("5s", deadline), base=folder)
        assert config.api is not None
        self._api = config.api
        self._agents = agents
        self._stack = AsyncExitStack()
        self.router = Router(config)
        self.url = ""

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self.router)
        server = await self._stack.enter_async_context(await serve(self.router, self._api))
        self.url = address_of(server.addresses[0])
        for agent in self._agents:
            await self.router.submit(SignInAgent(f"in-{agent}", agent, ready=True))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    def state(self, interaction_id: str) -> str:
        row = self.router.view.interaction(interaction_id)
        return "" if row is None else row.state

    def is_free(self, agent: str) -> bool:
        return not self.router.view.agents[agent].work

    @property
    def port(self) -> int:
        found = urlsplit(self.url).port
        assert found is not None
        return found

    @property
    def is_connected(self) -> bool:
        channel = self.router.channel("web")
        assert channel is not None
        return channel.health()["connected"] is True


@pytest.fixture(params=COMMANDS)
def command(request: pytest.FixtureRequest) -> list[str]:
    return COMMANDS[str(request.param)]()


@pytest.fixture
async def centre(tmp_path: Path) -> AsyncIterator[Centre]:
    async with Centre(tmp_path) as found:
        yield found


async def ringing(chat: Chat, agent: str = "anna") -> tuple[str, Line, str]:
    """A customer for whom the agent's desk rings: conversation, line, offer."""
    name, line = await chat.arrive()
    desk = chat.desks[agent]
    await until(lambda: any(each.startswith(f"{name}.") for each in desk.rings()), f"{agent} to be rung for {name}")
    return name, line, next(each for each in desk.rings() if each.startswith(f"{name}."))


async def talking(chat: Chat, agent: str = "anna") -> tuple[str, Line]:
    name, line, offer = await ringing(chat, agent)
    chat.desks[agent].type(f"answer {offer}")
    await line.hears(f"* {agent} is with you")
    return name, line


async def served(centre: Centre, chat: Chat) -> None:
    """A new customer is served, from beginning to end."""
    name, line = await talking(chat)
    await line.close()
    await until(lambda: centre.state(name) == "completed", "the engine to hear of it")
    await until(lambda: centre.is_free("anna"), "anna to be free")


async def test_a_customer_is_served(centre: Centre, command: list[str]) -> None:
    async with Chat(command, centre.url) as chat:
        name, line = await talking(chat)
        desk = chat.desks["anna"]
        line.type("my invoice is wrong")
        await desk.hears(f"said {name} customer: my invoice is wrong")
        desk.type(f"say {name} let me see")
        await line.hears("anna: let me see")
        desk.type(f"end {name}")
        await line.hears("* goodbye")
        await until(lambda: centre.state(name) == "completed", "the end")
        row = centre.router.view.interaction(name)
        assert row is not None
        assert row.instance == "web"
        name, line, offer = await ringing(chat)
        desk.type(f"decline {offer}")
        await desk.hears(f"stop {offer}")
        await line.close()
        await until(lambda: centre.state(name) == "abandoned", "the customer's going")


async def test_a_desk_that_is_lost_gives_its_customer_back(centre: Centre, command: list[str]) -> None:
    async with Chat(command, centre.url) as chat:
        name, line = await talking(chat)
        await chat.desks["anna"].close()
        await line.hears("* anna has left; please wait")
        await until(lambda: centre.state(name) in {"queued", "offered"}, "the customer to wait")


async def test_an_adviser_joins_and_takes_over(tmp_path: Path, command: list[str]) -> None:
    async with Centre(tmp_path, ("anna", "ben")) as centre, Chat(command, centre.url) as chat:
        name, line = await talking(chat)
        anna, ben = chat.desks["anna"], chat.desks["ben"]
        asked = EnqueueInteraction("ask", "question", "chat", "sales", instance="web", parent=name)
        assert (await centre.router.submit(asked)).refusal is None
        await anna.hears("asking question")
        await until(lambda: ben.rings() == ["question.1"], "ben to be rung")
        ben.type("answer question.1")
        await ben.hears("joined question")
        anna.type("say question what shall I tell them?")
        await ben.hears("said question anna: what shall I tell them?")
        await centre.router.submit(MergeConsult("merge", "question", "anna", "conference"))
        await ben.hears(f"joined {name}")
        await anna.hears("left question")
        line.type("so?")
        for desk in (anna, ben):
            await desk.hears(f"said {name} customer: so?")
        await centre.router.submit(LeaveInteraction("leave", name, "anna"))
        await anna.hears(f"left {name}")
        ben.type(f"end {name}")
        await line.hears("* goodbye")
        await until(lambda: centre.is_free("anna") and centre.is_free("ben"), "all to be free")


@pytest.mark.parametrize("moment", [ringing, talking])
async def test_the_process_is_killed(
    centre: Centre, command: list[str], moment: Callable[[Chat], Awaitable[tuple[str, ...]]]
) -> None:
    """What it had is lost with it; the engine hears so from the next one, and goes on."""
    async with Chat(command, centre.url) as chat:
        name = (await moment(chat))[0]
        await chat.kill()
        await until(lambda: not centre.is_connected, "the engine to notice")
        assert centre.state(name) in {"offered", "active"}, "nothing is lost as long as nobody says so"
    async with Chat(command, centre.url) as chat:
        await until(lambda: centre.state(name) in ENDED, "the next process to report it lost")
        await until(lambda: centre.is_free("anna"), "anna to be free")
        await served(centre, chat)


async def test_another_process_takes_over(centre: Centre, command: list[str]) -> None:
    async with Chat(command, centre.url) as first:
        name, line = await talking(first)
        async with Chat(command, centre.url) as second:
            assert await asyncio.wait_for(first.process.wait(), 20) == 0
            assert any("4409" in each for each in first.log)
            await until(lambda: not line.is_open, "the line to end")
            await until(lambda: centre.state(name) in ENDED, "the new one to report it lost")
            await served(centre, second)
        health = centre.router.health()["channels"]
        assert health["web"]["connects"] == 2  # type: ignore[index]


async def test_a_process_that_hangs_is_cut_off_and_comes_back(
    centre: Centre, command: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(channels, "HEARTBEAT_SECONDS", 0.4)
    async with Chat(command, centre.url) as chat:
        name, line = await talking(chat)
        with frozen(chat.process.pid):
            await until(lambda: not centre.is_connected, "the engine to notice")
            assert centre.router.health()["ready"] is False
        await until(lambda: centre.is_connected, "it to come back")
        line.type("still there?")
        await chat.desks["anna"].hears(f"said {name} customer: still there?")
        await line.close()
        await until(lambda: centre.state(name) == "completed", "the end")
        await served(centre, chat)


async def test_a_line_that_is_dead_fails_orders_and_is_healed(tmp_path: Path, command: list[str]) -> None:
    async with (
        Centre(tmp_path, deadline="500ms") as centre,
        Proxy(centre.port) as proxy,
        Chat(command, address_of(f"http://127.0.0.1:{proxy.port}")) as chat,
    ):
        name, line, offer = await ringing(chat)
        proxy.stall()
        await centre.router.submit(CancelInteraction("cancel", name))
        await until(lambda: not centre.is_connected, "it to be given up")
        assert line.is_open
        proxy.flow()
        await line.hears("* goodbye")
        await chat.desks["anna"].hears(f"stop {offer}")
        await served(centre, chat)


@pytest.mark.parametrize("seed", [1, 2])
async def test_the_line_is_cut_again_and_again(tmp_path: Path, command: list[str], seed: int) -> None:
    """Everybody is served once all the same, and in the end nothing is left anywhere."""
    chance = random.Random(seed)  # noqa: S311 - what happens when, not secrecy
    async with (
        Centre(tmp_path, ("anna", "ben")) as centre,
        Proxy(centre.port) as proxy,
        Chat(command, address_of(f"http://127.0.0.1:{proxy.port}")) as chat,
    ):
        cuts, customers = 0, 24
        lines: dict[str, Line] = {}
        answered: set[str] = set()
        async with asyncio.timeout(60):
            while cuts < 8 or len(lines) < customers or any(line.is_open for line in lines.values()):
                if (cuts < 8 or len(lines) < customers) and chance.random() < 0.5:
                    name, line = await chat.arrive()
                    lines[name] = line
                for desk in chat.desks.values():
                    for offer in desk.rings():
                        if offer not in answered:
                            answered.add(offer)
                            desk.type(f"answer {offer}")
                for line in lines.values():
                    if (
                        line.is_open
                        and any(each.endswith("is with you") for each in line.told)
                        and chance.random() < 0.3
                    ):
                        await line.close()
                if centre.is_connected and chance.random() < 0.15:
                    cuts += 1
                    await proxy.cut()
                await asyncio.sleep(POLL_SECONDS)
        await until(lambda: all(centre.state(name) in ENDED for name in lines), "everybody to have been served")
        await until(lambda: centre.is_free("anna") and centre.is_free("ben"), "all desks to be free")
        assert {centre.state(name) for name in lines} == {"completed"}
        for name, line in lines.items():
            assert len([each for each in line.told if each.endswith("is with you")]) == 1, (name, line.told)
        assert [desk.rings() for desk in chat.desks.values()] == [[], []]
    assert verify(tmp_path / "acd-journal.db").ok


# ---- the engine as a process


class Engine:
    """`acd serve` on one port, to be killed and started again."""

    def __init__(self, folder: Path, lives: list[Served]) -> None:
        port = unused_port()
        self.api = f"http://127.0.0.1:{port}"
        self.url = address_of(self.api)
        self._folder = folder
        self._lives = lives
        (folder / "acd.toml").write_text(TEXT.replace("PORT", str(port)), encoding="utf-8")

    async def start(self) -> None:
        self._lives.append(Served(self._folder))
        await asyncio.to_thread(self._lives[-1].ready)

    def kill(self) -> None:
        self._lives[-1].kill()


@asynccontextmanager
async def engine(folder: Path, lives: list[Served]) -> AsyncIterator[tuple[Engine, aiohttp.ClientSession]]:
    found = Engine(folder, lives)
    await found.start()
    headers = {"Authorization": f"Bearer {SYSTEM}"}
    async with aiohttp.ClientSession(found.api, headers=headers) as session:
        async with session.post("/v1/agents/anna/sign-in", json={"ready": True}) as answer:
            assert answer.status == 200
        yield found, session


async def state_of(session: aiohttp.ClientSession, name: str) -> str:
    async with session.get(f"/v1/interactions/{name}") as answer:
        return str((await answer.json()).get("state", ""))


async def reaches(session: aiohttp.ClientSession, name: str, state: str) -> None:
    async with asyncio.timeout(20):
        while await state_of(session, name) != state:
            await asyncio.sleep(POLL_SECONDS)


async def test_the_engine_is_killed_while_they_talk(tmp_path: Path, command: list[str], lives: list[Served]) -> None:
    async with engine(tmp_path, lives) as (found, session), Chat(command, found.url) as chat:
        name, line = await talking(chat)
        found.kill()
        line.type("hello?")
        await chat.desks["anna"].hears(f"said {name} customer: hello?")
        await found.start()
        await until(lambda: len([each for each in chat.log if each.startswith("connected")]) == 2, "it to connect")
        assert await state_of(session, name) == "active"
        await line.close()
        await reaches(session, name, "completed")
        assert chat.desks["anna"].count(f"joined {name}") == 1, "nobody was put through twice"


async def test_the_engine_is_killed_while_it_rings(tmp_path: Path, command: list[str], lives: list[Served]) -> None:
    """The agent answers, another customer comes and a third one gives up while there is no engine: all of it counts."""
    async with engine(tmp_path, lives) as (found, session), Chat(command, found.url) as chat:
        name, line, offer = await ringing(chat)
        leaving, gone = await chat.arrive()
        await reaches(session, leaving, "queued")
        found.kill()
        chat.desks["anna"].type(f"answer {offer}")
        coming, _ = await chat.arrive()
        await gone.close()
        await found.start()
        await line.hears("* anna is with you")
        assert chat.desks["anna"].count(f"ring {offer}") == 1
        await reaches(session, name, "active")
        await reaches(session, leaving, "abandoned")
        await reaches(session, coming, "queued")
