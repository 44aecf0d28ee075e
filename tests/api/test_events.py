"""Events over the API: sockets, pages and kinds, against a router in memory."""

import asyncio
import json

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from acd.api import sockets as sockets_module
from acd.api.events import MAX_INBOUND, SOCKETS
from acd.api.sockets import Sockets, frame
from acd.core.messages import (
    AcceptOffer,
    Command,
    EndInteraction,
    EndWrapUp,
    EnqueueInteraction,
    LeaveInteraction,
    MergeConsult,
    SetPresence,
    SignInAgent,
)
from acd.runtime.events import Cursor, Wanted
from acd.runtime.events.kinds import KINDS
from tests.api.harness import As, Http, MemoryRouter
from tests.api.listening import SOON, Connect, Listener, bearer

CANARY = "13612345678"


def sign_in(router: MemoryRouter, *agents: str) -> None:
    for agent in agents:
        assert router.apply(SignInAgent(f"in-{agent}", agent, ready=True)).refusal is None


def enqueue(number: int, queue: str = "sales") -> EnqueueInteraction:
    return EnqueueInteraction(f"q-{number}", f"c{number}", "voice", queue, customer="ref-1")


def play(router: MemoryRouter, *commands: Command) -> None:
    for command in commands:
        outcome = router.apply(command, 1_000_000)
        assert outcome.refusal is None


def sockets_of(http: Http) -> Sockets:
    app = http.app
    assert app is not None
    return app[SOCKETS]


async def test_an_event_is_a_cloudevent(router: MemoryRouter, connect: Connect) -> None:
    listener = await connect()
    play(router, enqueue(1))
    event = await listener.next()
    cursor = event["cursor"]
    data = event.pop("data")
    assert event == {
        "specversion": "1.0",
        "id": cursor,
        "source": "/domains/test",
        "type": "acd.interaction-queued",
        "time": "2023-11-14T22:13:21.000000Z",
        "cursor": cursor,
        "subject": "c1",
        "queue": "sales",
        "datacontenttype": "application/json",
    }
    assert data.keys() == KINDS["interaction-queued"].schema["properties"].keys()
    assert (data["interaction_id"], data["channel"], data["customer"], data["attributes"]) == (
        "c1",
        "voice",
        "ref-1",
        {},
    )


async def test_messagepack_says_the_same(router: MemoryRouter, connect: Connect) -> None:
    text = await connect()
    packed = await connect(protocols=("cloudevents.msgpack",))
    assert packed.ws.protocol == "cloudevents.msgpack"
    play(router, enqueue(1))
    one, other = await text.next(), await packed.next()
    assert other.pop("datacontenttype") == "application/msgpack"
    one.pop("datacontenttype")
    assert one == other


async def test_everything_once_and_in_order_over_a_hundred_reconnects(router: MemoryRouter, connect: Connect) -> None:
    sign_in(router, "anna")
    first = await connect()
    cursor = str(router.events.stream.told_upto)
    seen: list[str] = []
    for number in range(100):
        play(router, enqueue(number), AcceptOffer(f"a-{number}", f"c{number}.1", "anna"))
        play(router, EndInteraction(f"e-{number}", f"c{number}"), EndWrapUp(f"w-{number}", "anna", f"c{number}"))
        listener = await connect(query=f"after={cursor}")
        for _ in range(1 + number % 5):
            event = await listener.next()
            seen.append(event["id"])
            cursor = event["cursor"]
        await listener.ws.close()
    listener = await connect(query=f"after={cursor}")
    ring = router.events.stream._ring
    total = len(ring)
    everything = [str(told.cursor) for told in ring.between(ring.base, ring.end) if told.seq > 2]
    while len(seen) < len(everything):
        seen.append((await listener.next())["id"])
    assert seen == everything
    assert total > 400
    assert [(await first.next())["id"] for _ in everything] == everything


async def test_filters(router: MemoryRouter, connect: Connect) -> None:
    listeners = {
        "kind": await connect(query="kind=offer-made+offer-accepted"),
        "queue": await connect(query="queue=sales"),
        "other": await connect(query="queue=%E5%AE%A2%E6%9C%8D"),
        "agent": await connect(query="agent=anna"),
        "all": await connect(),
    }
    sign_in(router, "anna", "boris")
    play(router, enqueue(1), AcceptOffer("a", "c1.1", "anna"), enqueue(2, "客服"))
    # anna has the better fit: both of the events before concern her; nobody may serve the other queue.
    assert await listeners["kind"].kinds(2) == ["offer-made", "offer-accepted"]
    assert await listeners["queue"].kinds(3) == ["interaction-queued", "offer-made", "offer-accepted"]
    assert (await listeners["other"].next())["subject"] == "c2"
    assert await listeners["agent"].kinds(5) == [
        "presence-changed",
        "presence-changed",
        "interaction-queued",
        "offer-made",
        "offer-accepted",
    ]
    assert len(await listeners["all"].kinds(8)) == 8


async def test_agents_see_their_own_only(router: MemoryRouter, connect: Connect) -> None:
    anna = await connect("anna", "agent=anna")
    sign_in(router, "boris", "anna")
    play(router, enqueue(1), AcceptOffer("a", "c1.1", "anna"), enqueue(2, "sales"), EndInteraction("e", "c1"))
    found = [await anna.next() for _ in range(7)]
    assert [event["type"] for event in found] == [
        "acd.presence-changed",
        "acd.presence-changed",
        "acd.interaction-queued",
        "acd.offer-made",
        "acd.offer-accepted",
        "acd.interaction-completed",
        "acd.wrap-up-started",
    ]
    assert {event["data"].get("agent_id", "anna") for event in found} == {"anna"}
    assert {event["subject"] for event in found} == {"anna", "c1"}


async def test_whoever_asks_is_told_of_the_adviser_and_all_of_who_comes_and_goes(router: MemoryRouter, as_: As) -> None:
    sign_in(router, "anna")
    play(router, EnqueueInteraction("a0", "c1", "chat", "sales"), AcceptOffer("a1", "c1.1", "anna"))
    play(router, EnqueueInteraction("a2", "ask", "chat", "sales", parent="c1"), SignInAgent("a3", "boris", ready=True))
    before = (await as_("anna")("GET", "/v1/events"))[1]["cursor"]
    play(router, AcceptOffer("a4", "ask.1", "boris"), MergeConsult("a5", "ask", "anna", "conference"))
    play(router, SetPresence("a6", "boris", "not-ready", "lunch"), LeaveInteraction("a7", "c1", "boris"))
    _, page = await as_("anna")("GET", f"/v1/events?after={before}")
    told = [event["type"] for event in page["events"] if event["data"].get("agent_id") == "boris"]
    assert told == ["acd.offer-accepted", "acd.interaction-completed", "acd.consult-merged", "acd.agent-left"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("agent=boris", 404),
        ("kind=offer-mode", 400),
        ("after=x", 400),
        ("after=1&after=2", 400),
        ("no=1", 400),
        ("queue=" + "+".join(f"q{number}" for number in range(200)), 400),
        ("after=" + "1" * 3_000, 400),
    ],
)
async def test_a_wrong_question_is_no_socket(http: Http, query: str, status: int) -> None:
    with pytest.raises(WSServerHandshakeError) as caught:
        await http.ws_connect(f"/v1/events?{query}", headers=bearer("anna"))
    assert caught.value.status == status


async def test_an_unknown_subprotocol_is_refused(http: Http) -> None:
    with pytest.raises(WSServerHandshakeError) as caught:
        await http.ws_connect("/v1/events", headers=bearer("boss"), protocols=("graphql-ws",))
    assert caught.value.status == 400


async def test_without_a_token_there_is_no_socket(http: Http) -> None:
    for headers in ({}, {"Authorization": "Bearer nobody-has-this-one"}):
        with pytest.raises(WSServerHandshakeError) as caught:
            await http.ws_connect("/v1/events", headers=headers)
        assert caught.value.status == 401


async def test_a_cursor_of_the_future_closes_with_a_word(connect: Connect) -> None:
    async with connect.http.ws_connect("/v1/events?after=9999", headers=bearer("boss")) as ws:
        code, (ended,) = await Listener(ws).until_closed()
    assert (code, ended["type"], ended["data"]["code"]) == (4404, "acd.stream-ended", "cursor-unknown")


async def test_a_cursor_that_is_too_old_closes_with_a_word(router: MemoryRouter, connect: Connect) -> None:
    router.events.stream.begin(50)
    listener = await connect(query="after=7")
    code, (ended,) = await listener.until_closed()
    assert (code, ended["data"]["code"], ended["cursor"]) == (4410, "cursor-too-old", "7")


async def test_a_client_has_nothing_to_say(router: MemoryRouter, connect: Connect) -> None:
    listener = await connect()
    await listener.ws.send_str("hello")
    code, (ended,) = await listener.until_closed()
    assert (code, ended["data"]["code"]) == (1008, "read-only")
    assert router.events.stream.readers == 0


async def test_what_is_too_large_closes_the_socket(connect: Connect) -> None:
    listener = await connect()
    await listener.ws.send_bytes(b"x" * (MAX_INBOUND + 1))
    code, _ = await listener.until_closed()
    assert code == 1009


async def test_compression_is_not_negotiated_and_a_compressed_bomb_closes_the_socket(http: Http) -> None:
    ws = await http.ws_connect("/v1/events", headers=bearer("boss"), compress=15)
    assert ws.compress == 0
    await ws.receive(SOON)
    assert ws._conn is not None
    transport = ws._conn.transport
    assert transport is not None
    transport.write(bytes((0xC1, 0x80 | 4, 0, 0, 0, 0)) + b"bomb")
    message = await ws.receive(SOON)
    assert message.type == WSMsgType.CLOSE
    assert ws.close_code == 1002


async def test_heartbeats_say_how_far_a_client_has_got(router: MemoryRouter, http: Http, connect: Connect) -> None:
    listener = await connect(query="kind=offer-made")
    play(router, enqueue(1), enqueue(2))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    sockets_of(http).beat()
    beat = await listener.next()
    assert (beat["type"], beat["cursor"]) == ("acd.heartbeat", str(Cursor(router.events.stream.seq)))
    again = await connect(query=f"after={beat['cursor']}")
    play(router, enqueue(3))
    assert (await again.next())["subject"] == "c3"


async def test_the_server_says_when_it_stops(http: Http, connect: Connect) -> None:
    listener = await connect()
    closing = asyncio.create_task(http.server.close())
    code, (ended,) = await listener.until_closed()
    assert (code, ended["data"]["code"]) == (1001, "stopping")
    await closing


async def test_the_end_of_the_engine_is_told(router: MemoryRouter, connect: Connect) -> None:
    listener = await connect()
    router.events.stream.close()
    code, (ended,) = await listener.until_closed()
    assert (code, ended["data"]["code"]) == (1012, "closed")


async def test_a_token_has_a_limited_number_of_sockets(
    http: Http, connect: Connect, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sockets_module, "MAX_PER_AGENT", 2)
    one, _ = await connect("anna"), await connect("anna")
    with pytest.raises(WSServerHandshakeError) as caught:
        await connect("anna")
    assert (caught.value.status, caught.value.headers is not None and caught.value.headers["Retry-After"]) == (429, "5")
    await connect("boss")
    await one.ws.close()
    async with asyncio.timeout(SOON):
        while sockets_of(http).open > 2:
            await asyncio.sleep(0)
    await connect("anna")


async def test_connecting_too_often_is_refused_for_a_while(router: MemoryRouter, http: Http, connect: Connect) -> None:
    for _ in range(sockets_module.CONNECTS_AT_ONCE):
        assert not sockets_of(http)._rates.take("boss", router.clock_us)
    with pytest.raises(WSServerHandshakeError) as caught:
        await connect()
    assert caught.value.status == 429
    router.clock_us += 1_000_000
    await connect()


async def test_pages_for_whoever_has_no_websocket(router: MemoryRouter, as_: As) -> None:
    boss = as_("boss")
    _, begin = await boss("GET", "/v1/events")
    assert begin == {"events": [], "cursor": str(router.events.stream.told_upto)}
    play(router, *(enqueue(number) for number in range(3)))
    status, page = await boss("GET", f"/v1/events?after={begin['cursor']}&limit=2")
    assert (status, [event["subject"] for event in page["events"]]) == (200, ["c0", "c1"])
    _, rest = await boss("GET", f"/v1/events?after={page['cursor']}")
    assert [event["subject"] for event in rest["events"]] == ["c2"]
    assert (await boss("GET", f"/v1/events?after={rest['cursor']}"))[1]["events"] == []
    status, problem = await boss("GET", "/v1/events?after=99999")
    assert (status, problem["code"]) == (410, "cursor-unknown")
    router.events.stream.begin(100)
    status, problem = await boss("GET", "/v1/events?after=50")
    assert (status, problem["code"]) == (410, "cursor-too-old")
    assert router.events.stream.readers == 0


async def test_nothing_personal_is_told(connect: Connect, as_: As) -> None:
    listener = await connect()
    body = {"channel": "voice", "queue": "sales", "customer": {"number": CANARY, "name": "Chen Wei"}}
    status, _ = await as_("system")("POST", "/v1/interactions", body)
    assert status == 201
    text = json.dumps(await listener.next())
    assert CANARY not in text
    assert "Chen Wei" not in text
    assert "ref-0" in text


async def test_every_kind_is_documented(as_: As) -> None:
    status, body = await as_("anna")("GET", "/v1/event-kinds")
    assert status == 200
    assert {"offer-made", "presence-changed"} <= {each["kind"] for each in body["kinds"]}
    assert "acd.heartbeat" in body["notices"]


@pytest.mark.parametrize(("length", "header"), [(5, 2), (125, 2), (126, 4), (65_535, 4), (65_536, 10)])
def test_frames(length: int, header: int) -> None:
    made = frame(b"x" * length, "json")
    assert (made[0], len(made)) == (0x81, length + header)
    assert frame(b"", "msgpack")[0] == 0x82


async def test_what_many_are_told_is_put_together_once(router: MemoryRouter, http: Http) -> None:
    sockets = sockets_of(http)
    before = router.events.stream.follow(Wanted(), lambda: None)
    assert before is not None
    sign_in(router, "anna", "boris")
    await asyncio.sleep(0)
    first, second = before.take(1), before.take(1)
    made = sockets.frames(first, "json")
    assert sockets.frames(list(first), "json") is made
    assert sockets.frames(first, "msgpack")[0] == 0x82
    assert sockets.frames(first, "json") is made
    assert sockets.frames(second, "json") != made
    assert sockets.frames(first + second, "json") == made + sockets.frames(second, "json")
    before.close()


async def test_frames_of_every_size_arrive(router: MemoryRouter, connect: Connect) -> None:
    listener = await connect()
    sizes = (1, 90, 200, 2_000)
    for number, size in enumerate(sizes):
        attributes = tuple((f"k{each}", "v" * min(size, 200)) for each in range(max(1, size // 200)))
        play(router, EnqueueInteraction(f"q{number}", f"c{number}", "voice", "客服", attributes=attributes))
    for size in sizes:
        event = await listener.next()
        assert sum(map(len, event["data"]["attributes"].values())) == max(1, size // 200) * min(size, 200)
