"""Requests over the WebSocket: against a server that answers as it likes, and against the real Asterisk."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from acd.core.messages import InteractionCompleted, InteractionQueued
from acd_asterisk import ari
from acd_asterisk.ari import MAX_AT_ONCE, MAX_PATIENT, AriClient, AriUnavailable
from acd_asterisk.event_socket import EventSocket
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from acd_asterisk.lab.tones import tone
from acd_asterisk.lanes import MAX_LANES, PATIENT_LANES, Lanes
from acd_asterisk.socket_requests import MAX_UNDER_WAY, SocketClosed, SocketRequests
from tests.adapters.asterisk.places import until_places
from tests.adapters.asterisk.rig import Agent, rig, until
from tests.adapters.asterisk.test_patrol import plant

DEADLINE_SECONDS = 0.2
BLOCKED_MS = 12_000
Reply = Callable[[dict[str, Any]], dict[str, Any] | None]


def answer(request: dict[str, Any], status: int = 204, body: str | None = None) -> dict[str, Any]:
    """As Asterisk words it."""
    found = {"type": "RESTResponse", "transaction_id": "", "request_id": request["request_id"], "status_code": status}
    return {**found, "reason_phrase": "x", "uri": request["uri"], **({} if body is None else {"message_body": body})}


class Far:
    """An Asterisk that answers over the WebSocket as `reply` says, and over HTTP always with 200."""

    def __init__(self) -> None:
        self.reply: Reply = answer
        self.asked: list[dict[str, Any]] = []
        self.taken: dict[str, set[str]] = {}
        """By what is asked for: the applications whose connections it came over."""
        self.by_http: list[str] = []
        self.socket: web.WebSocketResponse | None = None
        """The latest."""
        self.sockets: dict[str, web.WebSocketResponse] = {}
        """By application."""
        self.silent: set[str] = set()
        """Applications that are nobody's: on their connections no answer comes."""
        self.late: set[str] = set()
        """Applications whose connections are not opened."""
        self.attempts: list[str] = []
        """Applications for which a connection was wanted."""

    async def events(self, request: web.Request) -> web.WebSocketResponse:
        self.attempts.append(request.query["app"])
        if request.query["app"] in self.late:
            await asyncio.Event().wait()
        socket = self.socket = self.sockets[request.query["app"]] = web.WebSocketResponse()
        await socket.prepare(request)
        async for message in socket:
            assert message.type is WSMsgType.TEXT
            self.asked.append(json.loads(message.data))
            self.taken.setdefault(self.asked[-1]["uri"], set()).add(request.query["app"])
            if request.query["app"] == "acd":
                await socket.send_json({"type": "StasisEnd"})
            if (found := self.reply(self.asked[-1])) is not None and request.query["app"] not in self.silent:
                await socket.send_json(found)
        return socket

    async def request(self, request: web.Request) -> web.Response:
        if request.path != "/ari/asterisk/ping":  # As before every connection.
            self.by_http.append(request.path)
        return web.Response(status=200)


@pytest.fixture
async def far() -> AsyncIterator[tuple[Far, AriClient, EventSocket]]:
    asterisk = Far()
    app = web.Application()
    app.router.add_get("/ari/events", asterisk.events)
    app.router.add_route("*", "/{rest:.*}", asterisk.request)
    async with TestServer(app, host="127.0.0.1") as server:
        client = AriClient(f"http://127.0.0.1:{server.port}/ari", connections=4, deadline_seconds=DEADLINE_SECONDS)
        client.log_in("acd", "secret")
        async with await client.events("acd") as socket:
            pump = asyncio.create_task(socket.pump())
            yield asterisk, client, socket
            pump.cancel()
        await client.close()


async def test_what_is_asked_and_answered(far: tuple[Far, AriClient, EventSocket]) -> None:
    asterisk, client, socket = far
    asterisk.reply = lambda request: answer(request, 404, '{"message": "Channel not found 张"}')
    await client.prefer(socket)
    assert client.lanes == 0, "a refused ping is no yes"
    asterisk.reply = answer
    await client.prefer(socket)
    assert client.lanes == 1
    asterisk.reply = lambda request: answer(request, 404, '{"message": "Channel not found 张"}')
    expression = "EVAL(${URIENCODE(${X_ACD_A})}&${X})"
    found = await client.request("GET", "channels/1.2:x~2/variable", {"a": ["b"]}, query={"variable": expression})
    assert (found.status, found.message) == (404, "Channel not found 张")
    last = asterisk.asked[-1]
    assert last["uri"] == (
        "channels/1.2:x~2/variable?variable=EVAL%28%24%7BURIENCODE%28%24%7BX_ACD_A%7D%29%7D%26%24%7BX%7D%29"
    )
    assert (last["type"], last["method"], last["content_type"]) == ("RESTRequest", "GET", "application/json")
    assert json.loads(last["message_body"]) == {"a": ["b"]}
    assert asterisk.by_http == []
    assert socket.waiting == len(asterisk.asked), "answers are no events, and events no answers"


async def test_what_may_be_long_goes_by_http(far: tuple[Far, AriClient, EventSocket]) -> None:
    asterisk, client, socket = far
    await client.prefer(socket)
    assert (await client.request("GET", "channels", large=True)).status == 200
    assert asterisk.by_http == ["/ari/channels"]


async def test_answers_may_come_in_any_order(far: tuple[Far, AriClient, EventSocket]) -> None:
    asterisk, client, socket = far
    await client.prefer(socket)
    asterisk.reply = lambda _: None
    first = asyncio.create_task(client.request("GET", "first"))
    second = asyncio.create_task(client.request("GET", "second"))
    await until(lambda: len(asterisk.asked) == 3, lambda: "two requests")
    assert asterisk.socket is not None
    for request, status in zip(reversed(asterisk.asked[1:]), (202, 201), strict=True):
        await asterisk.socket.send_json(answer(request, status))
    assert ((await first).status, (await second).status) == (201, 202)


async def test_an_asterisk_that_says_nothing_there_is_asked_by_http(far: tuple[Far, AriClient, EventSocket]) -> None:
    asterisk, client, socket = far
    asterisk.reply = lambda _: None
    await client.prefer(socket)
    assert client.lanes == 0
    assert (await client.request("GET", "x")).status == 200


async def test_a_request_that_is_held_up_leads_back_to_http(far: tuple[Far, AriClient, EventSocket]) -> None:
    """For a while: a further connection to the same Asterisk is not tried at once either."""
    asterisk, client, socket = far
    told: list[str] = []
    client.on_held_up = told.append
    await client.prefer(socket)
    asterisk.reply = lambda _: None
    late = [client.request("POST", f"channels/{number}/answer") for number in range(3)]
    answers = await asyncio.gather(*late, return_exceptions=True)
    assert [str(each) for each in answers] == ["POST channels: no answer within the deadline"] * 3
    assert told == ["a request over the WebSocket had no answer within the deadline"], "once is enough"
    assert (await client.request("POST", "channels/1/answer")).status == 200
    asterisk.reply = answer
    await client.prefer(socket)
    assert client.lanes == 0


async def test_the_second_attempt_goes_by_http(far: tuple[Far, AriClient, EventSocket]) -> None:
    asterisk, client, socket = far
    await client.prefer(socket)
    asterisk.reply = lambda _: None
    assert (await client.request("POST", "channels/1/answer", attempts=2)).status == 200
    assert asterisk.by_http == ["/ari/channels/1/answer"]


async def test_a_lost_connection_is_no_reason_to_shun_the_next(far: tuple[Far, AriClient, EventSocket]) -> None:
    asterisk, client, socket = far
    await client.prefer(socket)
    asterisk.reply = lambda _: None
    waiting = asyncio.create_task(client.request("GET", "x"))
    await until(lambda: len(asterisk.asked) == 2, lambda: "a request")
    assert asterisk.socket is not None
    await asterisk.socket.close()
    with pytest.raises(AriUnavailable, match="the connection ended before the answer"):
        await waiting
    assert client.lanes == 0
    asterisk.reply = answer
    async with await client.events("acd") as another:
        pump = asyncio.create_task(another.pump())
        await client.prefer(another)
        assert client.lanes == 1
        pump.cancel()


async def test_a_connection_that_ends_for_want_of_a_pong_is_one_that_was_held_up(
    far: tuple[Far, AriClient, EventSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What holds up the requests holds up the pong, too, and may be there the next time."""
    asterisk, client, socket = far
    await client.prefer(socket)
    monkeypatch.setattr(ari, "HELD_UP_SECONDS", DEADLINE_SECONDS / 4)
    asterisk.reply = lambda _: None
    waiting = asyncio.create_task(client.request("GET", "x"))
    await until(lambda: len(asterisk.asked) == 2, lambda: "a request")
    begun = asyncio.get_running_loop().time()
    await until(lambda: asyncio.get_running_loop().time() - begun > DEADLINE_SECONDS / 3, lambda: "time")
    assert asterisk.socket is not None
    await asterisk.socket.close()
    with pytest.raises(AriUnavailable, match="the connection ended before the answer"):
        await waiting
    asterisk.reply = answer
    async with await client.events("acd") as another:
        pump = asyncio.create_task(another.pump())
        await client.prefer(another)
        assert not client.lanes
        pump.cancel()


@asynccontextmanager
async def widened(client: AriClient, socket: EventSocket, lanes: int = MAX_LANES) -> AsyncIterator[None]:
    await client.prefer(socket)
    widening = asyncio.create_task(client.widen("acd"))
    await until(lambda: client.lanes == lanes, lambda: "all lanes")
    yield
    widening.cancel()
    await asyncio.gather(widening, return_exceptions=True)


async def test_what_is_held_up_on_one_lane_holds_up_no_other(far: tuple[Far, AriClient, EventSocket]) -> None:
    asterisk, client, socket = far

    def asked_for(uri: str) -> int:
        return sum(each["uri"] == uri for each in asterisk.asked)

    async with widened(client, socket):
        assert set(asterisk.sockets) == {"acd", *(f"acd~{number}" for number in range(1, MAX_LANES))}
        asterisk.reply = lambda request: None if request["uri"] == "slow" else answer(request)
        most = MAX_LANES - PATIENT_LANES - 1
        slow = [asyncio.create_task(client.request("GET", "slow")) for _ in range(most)]
        await until(lambda: asked_for("slow") == most, lambda: "one on each lane but the last")
        for _ in range(10):
            assert (await client.request("GET", "quick")).status == 204
        assert asterisk.by_http == []
        assert client.requests == most + 10
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


async def test_what_can_wait_holds_up_nothing_else(far: tuple[Far, AriClient, EventSocket]) -> None:
    """However much of it there is: it has lanes of its own, and only so many are under way."""
    asterisk, client, socket = far

    def under_way() -> int:
        return sum(each["uri"] == "slow" for each in asterisk.asked)

    client._deadline_seconds = 30.0
    async with widened(client, socket):
        asterisk.reply = lambda request: None if request["uri"] == "slow" else answer(request)
        slow = [asyncio.create_task(client.request("GET", "slow", patient=True)) for _ in range(MAX_AT_ONCE)]
        await until(lambda: under_way() == MAX_PATIENT, lambda: str(under_way()))
        for _ in range(10):
            assert (await client.request("GET", "quick")).status == 204
        assert under_way() == MAX_PATIENT
        assert asterisk.by_http == []
        assert len(asterisk.taken["slow"]) == PATIENT_LANES
        assert not asterisk.taken["slow"] & asterisk.taken["quick"]
        for task in slow:
            task.cancel()
        await asyncio.gather(*slow, return_exceptions=True)


async def test_lanes_take_no_connection_from_http(far: tuple[Far, AriClient, EventSocket]) -> None:
    """There may be no more of these than there are lanes."""
    asterisk, client, socket = far
    async with widened(client, socket):
        assert (await client.request("GET", "channels", large=True)).status == 200
        assert asterisk.by_http == ["/ari/channels"]


async def test_a_further_lane_that_ends_takes_only_what_was_on_it(far: tuple[Far, AriClient, EventSocket]) -> None:
    asterisk, client, socket = far
    async with widened(client, socket):
        await asterisk.sockets["acd~1"].close()
        await until(lambda: client.lanes == MAX_LANES - 1, lambda: "one lane less")
        assert (await client.request("GET", "x")).status == 204
        assert asterisk.by_http == []
        await asterisk.sockets["acd"].close()
        await until(lambda: client.lanes == 0, lambda: "no lanes without the first")
        assert (await client.request("GET", "x")).status == 200
        assert asterisk.by_http == ["/ari/x"]


async def test_a_lane_on_which_no_answer_comes_is_none(
    far: tuple[Far, AriClient, EventSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is open, and its application is nobody's; and another attempt is made."""
    asterisk, client, socket = far
    monkeypatch.setattr(ari, "ANOTHER_LANE_SECONDS", 0.02)
    asterisk.silent = {"acd~2"}
    async with widened(client, socket, MAX_LANES - 1):
        await until(lambda: asterisk.attempts.count("acd~2") == 2, lambda: "another attempt")
        assert client.lanes == MAX_LANES - 1
        asterisk.silent = set()
        await until(lambda: client.lanes == MAX_LANES, lambda: "all lanes")
    assert client.unanswered == 0


async def test_a_lane_whose_application_another_connection_has_got_is_made_anew(
    far: tuple[Far, AriClient, EventSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """When that one ends, no answer would come any more."""
    asterisk, client, socket = far
    monkeypatch.setattr(ari, "ANOTHER_LANE_SECONDS", 0.02)
    async with widened(client, socket):
        await asterisk.sockets["acd~2"].send_json({"type": "ApplicationReplaced", "application": "acd~2"})
        await until(lambda: client.lanes == MAX_LANES - 1, lambda: "one lane less")
        await until(lambda: client.lanes == MAX_LANES, lambda: "all lanes")
        assert asterisk.attempts.count("acd~2") == 2


async def test_a_lane_that_cannot_be_had_says_nothing_of_the_events(
    far: tuple[Far, AriClient, EventSocket], monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is of an application of its own: whoever takes that of the events is another controller all the same."""
    asterisk, client, socket = far
    monkeypatch.setattr(ari, "ANOTHER_LANE_SECONDS", 0.02)
    asterisk.late = {"acd~2"}
    async with widened(client, socket, MAX_LANES - 1):
        await until(lambda: asterisk.attempts.count("acd~2") == 2, lambda: "another attempt")
        assert not client.given_up.lately


async def test_the_emptiest_lane_is_taken() -> None:
    async def send(_: str) -> None:
        pass

    first, second = SocketRequests(send), SocketRequests(send)
    lanes = Lanes(first)
    with lanes.with_another(second):
        assert lanes.free() is first
        waiting = asyncio.create_task(first.ask("GET", "x"))
        await asyncio.sleep(0)
        assert lanes.free() is second
        second.close()
        assert lanes.free() is first
    assert len(lanes) == 1
    first.close()
    assert lanes.free() is None
    with pytest.raises(SocketClosed):
        await waiting


async def test_what_can_wait_has_the_last_lanes_where_there_are_more() -> None:
    async def send(_: str) -> None:
        pass

    first, *further = (SocketRequests(send) for _ in range(MAX_LANES))
    lanes = Lanes(first)
    with ExitStack() as stack:
        for each in further[: PATIENT_LANES - 1]:
            stack.enter_context(lanes.with_another(each))
        assert lanes.free(patient=True) is first
        for each in further[PATIENT_LANES - 1 :]:
            stack.enter_context(lanes.with_another(each))
        assert lanes.free(patient=True) is further[-PATIENT_LANES]
        assert lanes.free() is first
        for each in further[-PATIENT_LANES:]:
            each.close()
        assert lanes.free(patient=True) is None, "by HTTP, until there are others"


async def test_room_is_bounded() -> None:
    async def send(_: str) -> None:
        pass

    requests = SocketRequests(send)
    asked = [asyncio.create_task(requests.ask("GET", "x")) for _ in range(MAX_UNDER_WAY)]
    await asyncio.sleep(0)
    assert not requests.has_room
    assert requests.take('{"type":"RESTResponse","request_id":"1","status_code":204}')
    await asked[0]
    assert requests.has_room
    for text in ("RESTResponse", '{"type":"RESTResponse"}', '{"type":"StasisStart","args":["RESTResponse"]}'):
        assert not requests.take(text)
    assert requests.take('{"type":"RESTResponse","request_id":"nobody","status_code":204}')
    requests.close()
    results = await asyncio.gather(*asked[1:], return_exceptions=True)
    assert all(isinstance(result, SocketClosed) for result in results)
    with pytest.raises(SocketClosed):
        await requests.ask("GET", "x")


async def test_a_call_on_the_real_asterisk(provisioned: Provisioned, tmp_path: Path) -> None:
    """Asterisk 22 takes them, and answers all of them in time."""
    quick = AgentBehaviour(ring_ms=50, talk_ms=100, hang_up_chance=1.0)
    async with rig(provisioned, tmp_path, [Agent("anna", quick)]) as it:
        await it.ready("anna")
        await until(lambda: it.channel.health()["requests_over_websocket"] == MAX_LANES, lambda: "all lanes")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as callers:
            await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        assert it.channel.health()["requests_over_websocket"] == MAX_LANES
        assert it.channel.health()["requests_unanswered"] == 0


async def test_one_channel_that_blocks_keeps_nobody_else_waiting(provisioned: Provisioned, tmp_path: Path) -> None:
    """Somebody else plays to a caller's own channel: what is asked of it waits for the end, and all that is behind it.

    The connection is given up once, and not used for requests for a while; the other caller is served meanwhile.
    """
    quick = AgentBehaviour(ring_ms=50, talk_ms=100, hang_up_chance=1.0)
    options: dict[str, object] = {"heartbeat": "1s", "dead_man": "20s"}
    async with rig(provisioned, tmp_path, [Agent("anna", quick)], options=options) as it:
        it.pbx.add_sound("long", tone(1_000, BLOCKED_MS))
        await until(lambda: bool(it.channel.health()["requests_over_websocket"]), lambda: "requests over the WebSocket")
        async with it.callers(CallSpec(caller="10001", dialled="sales")) as blocked:
            await it.event(InteractionQueued)
            await until_places(it.pbx, {"trunk": "hold"})
            (caller,) = [each["id"] for each in await it.pbx.channels() if "trunk" in each["name"]]
            await plant(it, ("POST", f"channels/{caller}/play", {"media": "sound:long"}))
            await until(lambda: it.channel.health()["connects"] == 2, lambda: str(it.channel.health()))
            await it.connected()
            urgent = CallSpec(caller="10002", dialled="sales", headers={"X-ACD-Priority": "100"})
            async with it.callers(urgent) as others:
                await until(lambda: len(it.all(InteractionQueued)) == 2, lambda: str(it.events))
                first, second = (each.interaction_id for each in it.all(InteractionQueued))
                await it.ready("anna")
                completed = await it.event(InteractionCompleted)
                assert completed.interaction_id == second
                await others.finished(seconds=5)
            await it.event(InteractionCompleted, lambda each: each.interaction_id == first, seconds=20)
            await blocked.finished(seconds=5)
        await it.empty()
        assert not it.channel.health()["requests_over_websocket"]
        assert it.channel.health()["connects"] == 2
