"""The client: requests with one effect, events once and in order, whatever happens to the connection."""

import asyncio
from contextlib import aclosing

import pytest

from acd.client import ApiProblem, Client, StreamLost
from acd.client import pauses as pauses_module
from acd.core.messages import EnqueueInteraction, SignInAgent
from tests.api.harness import MemoryRouter
from tests.client.conftest import Service

SOON = 30.0


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pauses_module, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(pauses_module, "LONGEST_SECONDS", 0.05)


def enqueue(router: MemoryRouter, number: int) -> None:
    assert router.apply(EnqueueInteraction(f"q{number}", f"c{number}", "voice", "客服")).refusal is None


async def test_requests(router: MemoryRouter, client: Client) -> None:
    body = {"id": "chat-1", "queue": "sales", "channel": "chat"}
    made = await client.request("POST", "/v1/interactions", body)
    assert (made["id"], made["state"]) == ("chat-1", "queued")
    found = await client.request("GET", "/v1/interactions", query={"queue": "sales"})
    assert [each["id"] for each in found["interactions"]] == ["chat-1"]
    with pytest.raises(ApiProblem) as caught:
        await client.request("POST", "/v1/interactions", body)
    assert (caught.value.status, caught.value.code) == (409, "duplicate-interaction")
    assert len(router.view.interactions) == 1


async def test_a_request_is_repeated_until_the_engine_is_back_and_has_one_effect(
    router: MemoryRouter, service: Service, client: Client
) -> None:
    await service.down()
    body = {"queue": "sales", "channel": "chat"}
    asking = asyncio.create_task(client.request("POST", "/v1/interactions", body, key="mine"))
    await asyncio.sleep(0)
    await service.up()
    made = await asking
    assert (await client.request("POST", "/v1/interactions", body, key="mine"))["id"] == made["id"]
    assert len(router.view.interactions) == 1


async def test_a_request_gives_up_in_the_end(service: Service, client: Client) -> None:
    await service.down()
    with pytest.raises(OSError, match=r"127\.0\.0\.1"):
        await client.request("GET", "/v1/queues")


async def test_events_are_typed(router: MemoryRouter, client: Client) -> None:
    async with aclosing(client.events("0", kinds=("interaction-queued",), queues=("客服",))) as events:
        enqueue(router, 1)
        event = await anext(events)
    assert (event.kind, event.subject, event.queue) == ("interaction-queued", "c1", "客服")
    assert event.data["channel"] == "voice"
    assert event.time.year == 2023


async def test_each_event_once_and_in_order_over_a_hundred_cuts(
    router: MemoryRouter, service: Service, client: Client
) -> None:
    seen: list[str] = []
    cuts = 0
    async with aclosing(client.events("0", kinds=("interaction-queued",))) as events:
        for number in range(200):
            enqueue(router, number)
            if number % 2:
                # Whatever is on its way just now is lost.
                cuts += service.cut()
            if number % 50 == 25:
                await service.down()
                await service.up()
            async with asyncio.timeout(SOON):
                seen.append((await anext(events)).subject)
    assert seen == [f"c{number}" for number in range(200)]
    assert cuts >= 90


async def test_a_lost_cursor_is_said_and_not_passed_over(router: MemoryRouter, client: Client) -> None:
    with pytest.raises(StreamLost) as caught:
        await anext(client.events("99999"))
    assert caught.value.cursor == "99999"
    router.events.stream.begin(100)
    with pytest.raises(StreamLost):
        await anext(client.events("7"))


async def test_what_the_api_refuses_is_raised(service: Service, client: Client) -> None:
    with pytest.raises(ApiProblem) as caught:
        await anext(client.events(kinds=("offer-mode",)))
    assert caught.value.status == 400
    async with Client(service.url, "nobody-has-this-token") as stranger:
        with pytest.raises(ApiProblem) as caught:
            await anext(stranger.events())
        assert caught.value.status == 401


async def test_an_agent_gets_its_own(router: MemoryRouter, service: Service) -> None:
    async with Client(service.url, "anna-token-0123456789") as anna, aclosing(anna.events("0")) as events:
        router.apply(SignInAgent("in-boris", "boris"))
        router.apply(SignInAgent("in-anna", "anna"))
        assert (await anext(events)).subject == "anna"


async def test_a_client_that_is_not_open_says_so() -> None:
    with pytest.raises(RuntimeError, match="async with"):
        await Client("http://127.0.0.1:1").request("GET", "/livez")
