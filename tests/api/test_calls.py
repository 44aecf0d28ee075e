"""Calls between browsers: whose page may connect, and what ends a connection."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientWebSocketResponse, WSMsgType, WSServerHandshakeError

from acd.core.messages import AcceptOffer, EnqueueInteraction, SignInAgent
from acd.ports.channel import Desired
from acd.testing.recording_host import RecordingHost
from acd_webrtc import pages
from acd_webrtc.channel import WebrtcChannel
from acd_webrtc.pages import TEXTS_AT_ONCE
from tests.adapters.webrtc.callers import ORIGIN, options
from tests.api.harness import TOKENS, Http, MemoryRouter

PATH = "/v1/call"
SOON = 10.0


@pytest.fixture
def host() -> RecordingHost:
    return RecordingHost(lambda _agent, _channel: "")


@pytest.fixture
async def talk(router: MemoryRouter, host: RecordingHost, tmp_path: Path) -> AsyncIterator[WebrtcChannel]:
    channel = WebrtcChannel("talk", options(tmp_path, connections=3, per_address=2))
    router.channels["talk"] = channel
    await channel.start(host)
    yield channel
    await channel.stop()


async def dialled(http: Http, origin: str = ORIGIN, **more: str) -> ClientWebSocketResponse:
    return await http.ws_connect(PATH, params={"channel": "talk", **more}, headers={"Origin": origin})


async def hear(ws: ClientWebSocketResponse) -> dict[str, Any]:
    message = await ws.receive(SOON)
    assert message.type == WSMsgType.TEXT, message
    found = json.loads(message.data)
    assert isinstance(found, dict)
    return found


async def ended(ws: ClientWebSocketResponse) -> tuple[int, str]:
    """Close code and the word of the last text."""
    while (told := await hear(ws))["type"] != "closing":
        pass
    closed = await ws.receive(SOON)
    assert closed.type == WSMsgType.CLOSE
    return int(closed.data), str(told["code"])


async def greeted(http: Http, token: str = "") -> tuple[ClientWebSocketResponse, str]:
    ws = await dialled(http)
    await ws.send_json({"type": "hello", "token": token})
    return ws, str((await hear(ws))["token"])


# ---- customers


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "https://shop.example.evil.example", "shop.example"]
)
@pytest.mark.usefixtures("talk")
async def test_only_listed_pages_connect(http: Http, origin: str) -> None:
    headers = {"Origin": origin} if origin else {}
    with pytest.raises(WSServerHandshakeError) as caught:
        await http.ws_connect(PATH, params={"channel": "talk"}, headers=headers)
    assert caught.value.status == 403


@pytest.mark.usefixtures("talk")
async def test_a_page_may_ask_what_there_is(http: Http) -> None:
    response = await http.get(PATH, params={"channel": "talk"})
    assert (response.status, await response.json()) == (
        200,
        {"channel": "talk", "ready": True, "queues": ["sales", "support"], "protocols": ["acd.call.v1+json"]},
    )
    assert (await http.get(PATH, params={"channel": "nobody"})).status == 404


@pytest.mark.usefixtures("talk")
async def test_there_are_so_many_pages(http: Http) -> None:
    sockets = [await dialled(http) for _ in range(3)]
    with pytest.raises(WSServerHandshakeError) as caught:
        await dialled(http)
    assert caught.value.status == 503
    await sockets[0].close()
    async with asyncio.timeout(SOON):
        while True:
            try:
                await dialled(http)
            except WSServerHandshakeError:
                await asyncio.sleep(0)
            else:
                break


@pytest.mark.usefixtures("talk")
async def test_there_are_so_many_pages_of_one_address(http: Http) -> None:
    """As a proxy on this machine says."""

    async def from_there(address: str) -> ClientWebSocketResponse:
        headers = {"Origin": ORIGIN, "X-Forwarded-For": f"10.9.9.9, {address}"}
        return await http.ws_connect(PATH, params={"channel": "talk"}, headers=headers)

    for _ in range(2):
        await from_there("192.0.2.1")
    with pytest.raises(WSServerHandshakeError) as caught:
        await from_there("192.0.2.1")
    assert caught.value.status == 429
    await from_there("192.0.2.2")


async def test_without_a_key_nobody_connects(http: Http, router: MemoryRouter, tmp_path: Path) -> None:
    channel = WebrtcChannel("talk", options(tmp_path / "not-there"))
    router.channels["talk"] = channel
    with pytest.raises(WSServerHandshakeError) as caught:
        await dialled(http)
    assert caught.value.status == 503
    await channel.start(RecordingHost(lambda _agent, _channel: ""))
    with pytest.raises(WSServerHandshakeError) as caught:
        await dialled(http)
    assert caught.value.status == 503
    await channel.stop()


async def test_expired_stolen_and_forged_tokens(http: Http, host: RecordingHost, talk: WebrtcChannel) -> None:
    ws, token = await greeted(http)
    await ws.close()
    for bad, code in ((f"{token}x", "token-invalid"), ("a.b", "token-invalid"), ("é.é", "token-invalid")):
        ws = await dialled(http)
        await ws.send_json({"type": "hello", "token": bad})
        assert await ended(ws) == (4401, code)
    host.ahead_us = talk.options.token_us
    ws = await dialled(http)
    await ws.send_json({"type": "hello", "token": token})
    assert await ended(ws) == (4401, "token-expired")


async def test_a_call_is_nobody_else_s(http: Http, host: RecordingHost, talk: WebrtcChannel) -> None:
    ws, token = await greeted(http)
    await ws.send_json({"type": "begin", "id": "b-1"})
    (line,) = [await _line(talk)]
    host.wished[line.id] = Desired(line.id, "waiting")
    stranger = await dialled(http)
    await stranger.send_json({"type": "hello", "call": "b-1"})
    assert (await hear(stranger))["type"] == "welcome"
    told = await hear(stranger)
    assert (told["state"], told["reason"]) == ("over", "lost")
    assert told["id"] != line.id
    again = await dialled(http)
    await again.send_json({"type": "hello", "token": token, "call": "b-1"})
    assert await ended(ws) == (4409, "replaced")
    assert (await hear(again))["type"] == "welcome"
    assert (await hear(again))["id"] == line.id


async def _line(talk: WebrtcChannel) -> Any:  # noqa: ANN401 - a call, whatever it is
    async with asyncio.timeout(SOON):
        while not len(talk.lines):
            await asyncio.sleep(0)
    return next(iter(talk.lines))


@pytest.mark.usefixtures("talk")
@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("nonsense", "malformed"),
        ("[" * 100_000, "malformed"),
        ('{"type":"begin","id":"b-1"}', "no-hello"),
        ('{"type":"fly"}', "malformed"),
        ('{"type":"hello","more":1}', "malformed"),
        ('{"type":"hello","token":"' + "x" * 600 + '"}', "malformed"),
    ],
)
async def test_what_is_no_message_ends_it(http: Http, text: str, code: str) -> None:
    ws = await dialled(http)
    await ws.send_str(text)
    assert await ended(ws) == (4400, code)


async def test_binary_and_oversized_messages_end_it(http: Http, talk: WebrtcChannel) -> None:
    ws = await dialled(http)
    await ws.send_bytes(b"{}")
    assert await ended(ws) == (4400, "malformed")
    ws = await dialled(http)
    await ws.send_str("x" * (talk.most_bytes + 1))
    assert (await ws.receive(SOON)).data == 1009


@pytest.mark.usefixtures("talk")
async def test_a_flood_is_cut_off(http: Http) -> None:
    ws, _ = await greeted(http)
    with suppress(ConnectionError):  # it may be over before all is said
        for _ in range(TEXTS_AT_ONCE + 50):
            await ws.send_str('{"type":"ping"}')
    assert await ended(ws) == (4429, "too-fast")


@pytest.mark.usefixtures("talk")
async def test_hello_comes_soon(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "HELLO_SECONDS", 0.01)
    assert await ended(await dialled(http)) == (4400, "no-hello")


async def test_when_the_engine_stops_every_page_is_told(http: Http, talk: WebrtcChannel) -> None:
    ws, _ = await greeted(http)
    await talk.stop()
    assert await ended(ws) == (1012, "closed")
    with pytest.raises(WSServerHandshakeError) as caught:
        await dialled(http)
    assert caught.value.status == 503


# ---- agents


@pytest.fixture
async def call(router: MemoryRouter, host: RecordingHost, talk: WebrtcChannel) -> str:
    """Anna talks in it."""
    router.apply(EnqueueInteraction("b1", "call-1", "voice", "sales", instance="talk"))
    router.apply(SignInAgent("b2", "anna", ready=True))
    assert router.apply(AcceptOffer("b3", "call-1.1", "anna")).refusal is None
    host.wished["call-1"] = Desired("call-1", "connected", "call-1.1", "anna")
    await talk.reconcile(host.desired())
    return "call-1"


def of_agent(agent: str = "anna", interaction: str = "call-1") -> str:
    return f"/v1/agents/{agent}/calls?interaction={interaction}"


async def status_of(http: Http, path: str, **headers: str) -> int:
    """Of a handshake; 101 if it is let in."""
    try:
        ws = await http.ws_connect(path, headers=headers)
    except WSServerHandshakeError as error:
        return error.status
    await ws.close()
    return 101


@pytest.mark.parametrize(
    ("who", "path", "status"),
    [
        ("anna", of_agent(), 101),
        ("system", of_agent(), 101),
        ("anna", of_agent("boris"), 404),
        ("anna", of_agent(interaction="nobody"), 404),
        ("system", of_agent("boris"), 404),
        ("boss", of_agent(), 403),
        ("web", of_agent(), 403),
        ("", of_agent(), 401),
    ],
)
@pytest.mark.usefixtures("call")
async def test_a_call_is_heard_by_its_agent_alone(http: Http, who: str, path: str, status: int) -> None:
    headers = {"Authorization": f"Bearer {TOKENS[who]}"} if who else {}
    assert await status_of(http, path, **headers) == status


@pytest.mark.usefixtures("call")
async def test_a_ticket_opens_it_for_a_listed_page(http: Http) -> None:
    headers = {"Authorization": f"Bearer {TOKENS['anna']}", "Origin": "https://desk.example.com"}
    for origin, status in (("https://desk.example.com", 101), ("null", 403), ("https://evil.example", 403)):
        async with http.post("/v1/tickets", headers=headers, json={}) as response:
            ticket = (await response.json())["ticket"]
        assert await status_of(http, f"{of_agent()}&ticket={ticket}", Origin=origin) == status


@pytest.mark.usefixtures("call")
async def test_a_session_opens_it_for_its_own_page_and_ends_it(http: Http) -> None:
    headers = {"Authorization": f"Bearer {TOKENS['anna']}"}
    async with http.post("/v1/session", headers=headers, json={}) as response:
        cookie = response.headers["Set-Cookie"].partition(";")[0]
    own = str(http.make_url("")).rstrip("/")
    for origin in ("null", "https://evil.example", "https://desk.example.com"):
        assert await status_of(http, of_agent(), Cookie=cookie, Origin=origin) == 403
    ws = await http.ws_connect(of_agent(), headers={"Cookie": cookie, "Origin": own})
    assert (await hear(ws))["type"] == "call"
    async with http.delete("/v1/session", headers={"Cookie": cookie, "Origin": own}) as response:
        assert response.status == 200
    assert await ended(ws) == (4401, "token-revoked")


async def test_what_the_agent_has_is_listed(http: Http, router: MemoryRouter, call: str) -> None:
    async with http.get("/v1/agents/anna/calls", headers={"Authorization": f"Bearer {TOKENS['anna']}"}) as response:
        (found,) = (await response.json())["calls"]
    assert (found["interaction_id"], found["channel"], found["state"]) == (call, "talk", "active")
    assert [each["side"] for each in found["heard"]] == ["customer", "agent"]
    router.apply(EnqueueInteraction("c1", "elsewhere", "voice", "sales", instance="pbx"))
    assert await status_of(http, of_agent(interaction="elsewhere"), Authorization=f"Bearer {TOKENS['system']}") == 404


async def test_a_call_that_is_over_says_so(http: Http, host: RecordingHost, talk: WebrtcChannel, call: str) -> None:
    ws = await http.ws_connect(of_agent(), headers={"Authorization": f"Bearer {TOKENS['anna']}"})
    assert (await hear(ws))["state"] == "talking"
    host.wished.clear()
    await talk.reconcile(())
    assert await ended(ws) == (1000, "over")
    ws = await http.ws_connect(of_agent(), headers={"Authorization": f"Bearer {TOKENS['anna']}"})
    assert await ended(ws) == (1000, "over")
    assert talk.lines.why(call) == "lost"
