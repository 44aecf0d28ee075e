"""Following an engine for the wallboard: what is read when, and what becomes of gaps, changes and refusals."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from acd.cli.wallboard import watch as watching
from acd.cli.wallboard.picture import Choice, Picture, picture
from acd.cli.wallboard.watch import Watch, cursor_of
from acd.client import Answer, ApiProblem, Client
from acd.client import pauses as pauses_module
from acd.core.messages import (
    AgentSettings,
    ApplyConfig,
    ConfigureAgents,
    EnqueueInteraction,
    QueueSettings,
    SignInAgent,
)
from tests.api.harness import SETTINGS, TOKENS, MemoryRouter
from tests.client.conftest import Service

SOON = 20.0


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses_module, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(pauses_module, "LONGEST_SECONDS", 0.05)
    monkeypatch.setattr(watching, "READ_AGAIN_SECONDS", 0.0)
    monkeypatch.setattr(watching, "HEALTH_SECONDS", 0.01)


@pytest.fixture
async def service() -> AsyncIterator[Service]:
    service = Service(MemoryRouter())
    await service.up()
    yield service
    await service.down()


class Watched:
    """A watch that follows."""

    def __init__(self, watch: Watch, following: "asyncio.Task[None]") -> None:
        self.watch = watch
        self.following = following

    def seen(self) -> Picture:
        watch = self.watch
        return picture(watch.floor, watch.health, watch.now_us(), Choice(), sees_all=watch.sees_all)

    async def until(self, condition: Callable[[Picture], bool]) -> Picture:
        async with asyncio.timeout(SOON):
            while not condition(seen := self.seen()):
                assert not self.following.done(), self.following.exception()
                self.watch.changed.clear()
                await self.watch.changed.wait()
        return seen


@asynccontextmanager
async def watched(service: Service, token: str = "boss") -> AsyncIterator[Watched]:
    async with Client(service.url, TOKENS[token]) as client:
        watch = Watch(client, service.url)
        following = asyncio.create_task(watch.follow(await watch.read()))
        try:
            yield Watched(watch, following)
        finally:
            following.cancel()
            await asyncio.wait((following,))


def enqueue(router: MemoryRouter, number: int) -> None:
    assert router.apply(EnqueueInteraction(f"q{number}", f"c{number}", "voice", "sales")).refusal is None


def waiting(seen: Picture) -> int:
    return next(queue.waiting for queue in seen.queues or () if queue.id == "sales")


async def test_the_lists_are_read_once(service: Service) -> None:
    async with watched(service) as found:
        enqueue(service.router, 1)
        await found.until(lambda seen: waiting(seen) == 1)
        service.router.apply(SignInAgent("in", "anna", ready=True))
        seen = await found.until(lambda seen: bool(seen.decisions))
        assert [item.interaction_id for item in seen.agents[0].work] == ["c1"]
        assert found.watch.readings == 1


async def test_after_a_gap_the_lists_are_read_again(service: Service) -> None:
    async with watched(service) as found:
        enqueue(service.router, 1)
        await found.until(lambda seen: waiting(seen) == 1)
        await service.down()
        await found.until(lambda _seen: found.watch.lost_us > 0)
        enqueue(service.router, 2)
        service.router.events.stream.begin(service.router.events.stream.seq)
        await service.up()
        await found.until(lambda seen: waiting(seen) == 2)
        assert found.watch.readings == 2
        enqueue(service.router, 3)
        await found.until(lambda seen: waiting(seen) == 3)
        assert found.watch.lost_us == 0


async def test_another_configuration_is_read_and_single_agents_by_themselves(service: Service) -> None:
    router = service.router
    async with watched(service) as found:
        router.apply(
            ConfigureAgents("edit", (AgentSettings("zoe"), AgentSettings("anna", labels=("vip",))), ("boris",))
        )
        seen = await found.until(lambda seen: "zoe" in [agent.id for agent in seen.agents])
        assert "boris" not in [agent.id for agent in seen.agents]
        assert found.watch.readings == 1
        queues = (*SETTINGS.queues, QueueSettings("support"))
        router.apply(ApplyConfig("new", SETTINGS.__class__(SETTINGS.agents, queues)))
        seen = await found.until(lambda seen: len(seen.queues or ()) == 3)
        assert [agent.id for agent in seen.agents] == sorted(router.view.agents)
        assert found.watch.readings == 2


async def test_health_and_estimates_are_asked_for(service: Service) -> None:
    async with watched(service) as found:
        assert found.seen().ready
        service.router.ready = False
        seen = await found.until(lambda seen: not seen.ready)
        assert [(channel.name, channel.connected) for channel in seen.channels] == [("pbx", False)]
        service.router.apply(SignInAgent("in", "anna", ready=True))
        enqueue(service.router, 1)
        await found.until(lambda seen: any(queue.estimate_seconds for queue in seen.queues or ()))


async def test_an_agents_token_hears_of_that_agent(service: Service) -> None:
    async with watched(service, "anna") as found:
        assert found.seen().queues is None
        service.router.apply(SignInAgent("in-2", "boris", ready=True))
        service.router.apply(SignInAgent("in-1", "anna", ready=True))
        seen = await found.until(lambda seen: seen.agents[0].presence == "ready")
        assert [agent.id for agent in seen.agents] == ["anna"]


async def test_a_token_that_nobody_has_is_refused(service: Service) -> None:
    async with Client(service.url, "nobody-has-this-token") as client:
        with pytest.raises(ApiProblem, match="401"):
            await Watch(client, service.url).read()


def test_an_engine_that_does_not_say_where_its_lists_stand_is_too_old() -> None:
    with pytest.raises(ApiProblem, match="acd top that came with it"):
        cursor_of(Answer({}))
