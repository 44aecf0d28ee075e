"""The ARI client against a server that misbehaves in every way that has been seen."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import cast

import pytest
from aiohttp import WSMsgType, web
from aiohttp.test_utils import TestServer

from acd_asterisk import breaker, event_socket, given_up
from acd_asterisk.ari import AriClient, AriUnauthorized, AriUnavailable
from acd_asterisk.lanes import Lanes
from acd_asterisk.socket_requests import SocketRequests
from acd_asterisk.turns import Turns

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
PASSWORD = "canary-secret"
DEADLINE_SECONDS = 0.2
POLL_SECONDS = 0.01


class Asterisk:
    """A stand-in: `answer` says how it answers."""

    def __init__(self) -> None:
        self.requests: list[web.Request] = []
        self.answer: Handler = self._empty
        self.at_once = 0
        self.most_at_once = 0

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.requests.append(request)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        try:
            return await self.answer(request)
        finally:
            self.at_once -= 1

    async def _empty(self, _: web.Request) -> web.StreamResponse:
        return web.Response(status=204)


@pytest.fixture
async def far() -> AsyncIterator[tuple[Asterisk, AriClient]]:
    asterisk = Asterisk()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", asterisk.handle)
    async with TestServer(app, host="127.0.0.1") as server:
        client = AriClient(f"http://127.0.0.1:{server.port}/ari", connections=4, deadline_seconds=DEADLINE_SECONDS)
        client.log_in("acd", PASSWORD)
        yield asterisk, client
        await client.close()


async def slowly(_: web.Request) -> web.StreamResponse:
    """A quarter of the deadline."""
    done = asyncio.Event()
    asyncio.get_running_loop().call_later(DEADLINE_SECONDS / 4, done.set)
    await done.wait()
    return web.Response(status=204)


async def hang(_: web.Request) -> web.StreamResponse:
    await asyncio.Event().wait()
    raise AssertionError("nothing sets it")


async def test_request(far: tuple[Asterisk, AriClient]) -> None:
    asterisk, client = far

    async def answer(request: web.Request) -> web.StreamResponse:
        assert await request.json() == {"channel": ["a", "b"]}
        return web.json_response({"message": "Channel not found"}, status=400)

    asterisk.answer = answer
    got = await client.request("POST", "bridges/acd-acd:talk:x~2/addChannel", {"channel": ["a", "b"]})
    assert (got.status, got.is_success, got.message) == (400, False, "Channel not found")
    (request,) = asterisk.requests
    assert request.path == "/ari/bridges/acd-acd:talk:x~2/addChannel"
    assert request.headers["Authorization"].startswith("Basic ")
    assert PASSWORD not in str(request.url)
    assert "api_key" not in str(request.url)


async def test_query_is_encoded(far: tuple[Asterisk, AriClient]) -> None:
    asterisk, client = far
    expression = "EVAL(${URIENCODE(${X_ACD_A})}&${URIENCODE(${X_ACD_B})})"
    await client.request("GET", "channels/1.2/variable", query={"variable": expression})
    assert asterisk.requests[0].query["variable"] == expression


@pytest.mark.parametrize("status", [200, 204, 404, 409, 422, 500, 503])
async def test_every_status_is_a_fact(far: tuple[Asterisk, AriClient], status: int) -> None:
    asterisk, client = far

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    asterisk.answer = answer
    got = await client.request("GET", "x", attempts=3)
    assert (got.status, got.message, len(asterisk.requests)) == (status, "", 1)


@pytest.mark.parametrize("status", [401, 403])
async def test_wrong_credentials(far: tuple[Asterisk, AriClient], status: int) -> None:
    asterisk, client = far

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    asterisk.answer = answer
    with pytest.raises(AriUnauthorized) as caught:
        await client.request("GET", "x", attempts=3)
    assert PASSWORD not in str(caught.value)
    assert len(asterisk.requests) == 1
    with pytest.raises(AriUnauthorized):
        await client.events("acd")


async def test_redirects_are_not_followed(far: tuple[Asterisk, AriClient]) -> None:
    """The password must not go where somebody else points."""
    asterisk, client = far

    async def answer(_: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://127.0.0.1:1/elsewhere")

    asterisk.answer = answer
    assert (await client.request("GET", "x")).status == 302


async def test_deadline_and_attempts(far: tuple[Asterisk, AriClient]) -> None:
    asterisk, client = far
    asterisk.answer = hang
    began = asyncio.get_running_loop().time()
    with pytest.raises(AriUnavailable, match="no answer within the deadline") as caught:
        await client.request("POST", "channels/secret-number/answer", attempts=2)
    assert asyncio.get_running_loop().time() - began < 4 * DEADLINE_SECONDS
    assert "secret-number" not in str(caught.value)
    assert (len(asterisk.requests), client.unanswered) == (2, 2)


async def test_a_second_attempt_may_succeed(far: tuple[Asterisk, AriClient]) -> None:
    asterisk, client = far

    async def answer(request: web.Request) -> web.StreamResponse:
        if len(asterisk.requests) == 1:
            assert request.transport is not None
            request.transport.abort()
        return web.Response(status=204)

    asterisk.answer = answer
    assert (await client.request("POST", "x", attempts=2)).status == 204


async def test_breaker_opens_and_closes(far: tuple[Asterisk, AriClient]) -> None:
    asterisk, client = far
    asterisk.answer = hang
    for _ in range(breaker.BREAKER_FAILURES):
        with pytest.raises(AriUnavailable):
            await client.request("GET", "x")
    tried = len(asterisk.requests)
    with pytest.raises(AriUnavailable, match="too many"):
        await client.request("GET", "x", attempts=2)
    assert len(asterisk.requests) == tried
    asterisk.answer = asterisk._empty
    async with asyncio.timeout(3 * breaker.BREAKER_PAUSE_SECONDS):
        while client.breaker.is_open:
            await asyncio.sleep(POLL_SECONDS)
    assert (await client.request("GET", "x")).status == 204


async def test_many_that_fail_over_the_websocket_go_by_http(far: tuple[Asterisk, AriClient]) -> None:
    """All that wait behind one slow request fail at the same time: that says nothing of HTTP."""
    asterisk, client = far
    client._lanes = Lanes(cast("SocketRequests", Mute()))
    asked = [client.request("GET", "x", attempts=2) for _ in range(3 * breaker.BREAKER_FAILURES)]
    assert {each.status for each in await asyncio.gather(*asked)} == {204}
    assert len(asterisk.requests) == len(asked)
    assert client.lanes == 0


class Mute:
    """A WebSocket over which no answer comes."""

    has_room = True
    is_closed = False
    under_way = 0

    async def ask(self, *_: object) -> tuple[int, bytes]:
        await asyncio.Event().wait()
        raise AssertionError("nothing sets it")


async def test_connections_are_capped(far: tuple[Asterisk, AriClient]) -> None:
    asterisk, client = far
    gate = asyncio.Event()

    async def answer(_: web.Request) -> web.StreamResponse:
        if asterisk.at_once == 4:
            gate.set()
        await gate.wait()
        return web.Response(status=204)

    asterisk.answer = answer
    await asyncio.gather(*(client.request("GET", "x") for _ in range(40)))
    assert asterisk.most_at_once == 4


async def test_only_so_many_are_under_way_and_deadlines_begin_with_their_turns(
    far: tuple[Asterisk, AriClient],
) -> None:
    """Over as many connections as one likes; all together they take longer than one has."""
    asterisk, client = far
    client._turns_by_http = Turns(2)
    asterisk.answer = slowly
    answers = await asyncio.gather(*(client.request("GET", "channels") for _ in range(16)))
    assert {answer.status for answer in answers} == {204}
    assert asterisk.most_at_once == 2
    assert client.unanswered == 0


async def test_who_waits_for_one_of_few_connections_waits_before_the_deadline(far: tuple[Asterisk, AriClient]) -> None:
    """Four connections, and ten times as many requests, of which each takes a quarter of what it may."""
    asterisk, client = far
    asterisk.answer = slowly
    answers = await asyncio.gather(*(client.request("GET", "channels") for _ in range(40)))
    assert {answer.status for answer in answers} == {204}
    assert client.unanswered == 0


async def test_what_is_long_waits_for_no_turn(far: tuple[Asterisk, AriClient]) -> None:
    asterisk, client = far
    client._turns_by_http = Turns(0)
    assert (await client.request("GET", "channels", large=True)).status == 204
    assert len(asterisk.requests) == 1


async def test_a_bridge_is_removed_whoever_else_waits(far: tuple[Asterisk, AriClient]) -> None:
    asterisk, client = far
    client._turns_by_http = Turns(0)
    await client.remove_bridge("b")
    assert len(asterisk.requests) == 1


async def test_a_bridge_is_going_until_it_is_gone(far: tuple[Asterisk, AriClient]) -> None:
    asterisk, client = far
    seen: list[bool] = []

    async def answer(_: web.Request) -> web.StreamResponse:
        seen.append(client.is_going("b"))
        return web.Response(status=204)

    asterisk.answer = answer
    await client.remove_bridge("b")
    assert seen == [True]
    assert not client.is_going("b")
    asterisk.answer = hang
    with pytest.raises(AriUnavailable):
        await client.remove_bridge("b")
    assert not client.is_going("b")


async def test_nothing_is_asked_once_that_is_forbidden(far: tuple[Asterisk, AriClient]) -> None:
    asterisk, client = far
    client.forbid("another controller has the application")
    with pytest.raises(AriUnavailable, match="another controller"):
        await client.request("DELETE", "channels/1", attempts=2)
    with pytest.raises(AriUnavailable, match="another controller"):
        await client.events("acd")  # It would take the application back.
    assert not asterisk.requests


async def test_nobody_there() -> None:
    client = AriClient("http://127.0.0.1:9/ari", connections=4, deadline_seconds=DEADLINE_SECONDS)
    client.log_in("acd", PASSWORD)
    with pytest.raises(AriUnavailable):
        await client.request("GET", "x")
    with pytest.raises(AriUnavailable, match="no WebSocket"):
        await client.events("acd")
    assert not client.given_up.lately
    await client.close()


async def test_who_stands_still_is_asked_for_no_websocket(far: tuple[Asterisk, AriClient]) -> None:
    """It would be opened late, for nobody, and take the application from whoever has it by then."""
    asterisk, client = far
    asterisk.answer = hang
    with pytest.raises(AriUnavailable, match="no WebSocket: no answer within the deadline"):
        await client.events("acd")
    assert [request.path for request in asterisk.requests] == ["/ari/asterisk/ping"]
    assert not client.given_up.lately


@pytest.mark.parametrize("status", [502, 503, 504])
async def test_who_answers_in_place_of_asterisk_is_asked_for_no_websocket(
    far: tuple[Asterisk, AriClient], status: int
) -> None:
    asterisk, client = far

    async def answer(_: web.Request) -> web.StreamResponse:
        return web.Response(status=status)

    asterisk.answer = answer
    with pytest.raises(AriUnavailable, match=f"refused with status {status}"):
        await client.events("acd")
    assert [request.path for request in asterisk.requests] == ["/ari/asterisk/ping"]


async def test_each_attempt_that_had_no_answer_may_be_carried_out_late(
    far: tuple[Asterisk, AriClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    asterisk, client = far

    async def answer(request: web.Request) -> web.StreamResponse:
        return await hang(request) if request.path.endswith("/events") else web.Response(status=200)

    asterisk.answer = answer
    for _ in range(2):
        with pytest.raises(AriUnavailable, match="no WebSocket: no answer within the deadline"):
            await client.events("acd")
    client.given_up.count_one_as_carried_out()
    assert client.given_up.lately
    client.given_up.count_one_as_carried_out()
    assert not client.given_up.lately
    client.given_up.count_one_as_carried_out()
    with pytest.raises(AriUnavailable):
        await client.events("acd")
    monkeypatch.setattr(given_up, "GIVEN_UP_SECONDS", 0.0)
    assert not client.given_up.lately


@pytest.mark.parametrize(
    ("status", "body", "holder"),
    [
        (404, "{}", "nobody"),
        (200, '{"name": "acd", "channel_ids": [], "bridge_ids": [], "endpoint_ids": []}', "somebody"),
        (200, '{"name": "acd", "channel_ids": ["1.2"]}', "unclear"),
        (200, '{"name": "acd", "bridge_ids": ["hold"]}', "unclear"),
        (200, '{"name": "acd", "endpoint_ids": ["PJSIP/anna"]}', "unclear"),
    ],
)
async def test_who_has_an_application(far: tuple[Asterisk, AriClient], status: int, body: str, holder: str) -> None:
    asterisk, client = far

    async def answer(request: web.Request) -> web.StreamResponse:
        assert request.path == "/ari/applications/acd"
        return web.Response(status=status, text=body)

    asterisk.answer = answer
    assert await client.holder("acd") == holder
    body = "no json"
    if status == 200:
        with pytest.raises(AriUnavailable, match="cannot be read"):
            await client.holder("acd")


async def test_events_in_order_and_what_cannot_be_read(far: tuple[Asterisk, AriClient]) -> None:
    asterisk, client = far

    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for text in ('{"type": "StasisStart", "args": ["a"]}', "no json", '{"type": 5}', '{"type": "StasisEnd"}'):
            await socket.send_str(text)
        await socket.close()
        return socket

    asterisk.answer = answer
    async with await client.events("acd") as socket:
        assert await socket.pump() == "closed with code 1000"
        assert socket.waiting == 4
        events = [await socket.next() for _ in range(4)]
    assert [event and event.type for event in events] == ["StasisStart", None, None, "StasisEnd"]
    _, request = asterisk.requests
    assert dict(request.query) == {"app": "acd", "subscribeAll": "false"}
    assert PASSWORD not in str(request.url)


async def test_too_many_events_end_the_connection(
    far: tuple[Asterisk, AriClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    asterisk, client = far
    monkeypatch.setattr(event_socket, "MAX_EVENTS_WAITING", 3)

    async def answer(request: web.Request) -> web.StreamResponse:
        socket = web.WebSocketResponse()
        await socket.prepare(request)
        for _ in range(5):
            await socket.send_str('{"type": "StasisEnd"}')
        async for message in socket:
            assert message.type is not WSMsgType.TEXT
        return socket

    asterisk.answer = answer
    async with await client.events("acd") as socket:
        assert await socket.pump() == "more than 3 events were waiting"
