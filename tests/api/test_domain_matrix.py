"""No domain reads or writes another one: every route, with every kind of token, and every kind of event.

A domain answers beside another exactly as it answers alone, whatever the other one holds under the same ids and keys,
and nothing that it is asked to do changes the other.
"""

import asyncio
import json
from pathlib import Path
from typing import Annotated, Any, Literal, get_args, get_origin

import msgpack
import msgspec
import pytest
from aiohttp import ClientSession, ClientWebSocketResponse
from msgspec.structs import fields
from standardwebhooks.webhooks import Webhook

from acd.api.bodies import Enqueue
from acd.api.routes import Example, Route
from acd.api.table import ROUTES
from acd.core.messages import CoreSettings, EnqueueInteraction, Event, SignInAgent
from acd.runtime.events.kinds import kind_of
from acd_webrtc.channel import WebrtcChannel
from tests.adapters.webrtc.callers import options
from tests.api.domain_pair import Pair, paired
from tests.api.domain_worlds import BLUE, RED, SOON, WHO, Answer, secret_of, serving, token_of
from tests.api.external_process import JSON, Process
from tests.api.harness import route_of, steps_before
from tests.runtime.webhooks.receiver import receiving

LOOSELY = frozenset({"list_webhooks", "ping_webhook", "issue_ticket", "begin_session"})
"""Routes whose answers count what goes on at the same time, or are a secret."""

TOGETHER = frozenset({"readyz", "metrics", "chat", "send_chat_file", "get_chat_file", "call_page"})
"""Routes that look at all domains for whoever has no token; `test_domains.py` says what, of pages the test below."""


def told(route: Route, example: Example, domain: str) -> Example:
    """With a word of the domain in what is said of an interaction."""
    if route.body is None or not issubclass(route.body, Enqueue):
        return example
    assert example.body is not None
    return msgspec.structs.replace(example, body={**example.body, "attributes": {"word": f"of {domain}"}})


def same(route: Route, found: Answer, expected: Answer) -> bool:
    return found == expected or (route.name in LOOSELY and found.status == expected.status)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.name)
async def test_no_route_reaches_another_domain(tmp_path: Path, route: Route) -> None:
    async with serving(tmp_path / "beside", BLUE, RED) as beside, serving(tmp_path / "alone", RED) as alone:
        other = beside.worlds[BLUE]
        await other.lose_a_letter()
        calls = [*steps_before(route), (route, route.example)]
        for number, (each, example) in enumerate(calls):
            done = await beside.call(token_of(BLUE), each, told(each, example, BLUE), f"key-{number}")
            assert done.status == each.status, done
            assert RED not in done.text
        await other.letter_is_dead()
        state = await other.state()
        # The same is asked where nothing has happened yet: with the other's ids and keys, and with all kinds of tokens.
        for who in ("nobody", *WHO):
            token = token_of(RED, who)
            expected = await alone.call(token, route, route.example, f"key-{len(calls) - 1}")
            found = await beside.call(token, route, route.example, f"key-{len(calls) - 1}")
            if who == "nobody" and route.name in TOGETHER:
                continue
            assert same(route, found, expected), f"{who}:\n{found}\n{expected}"
            assert BLUE not in found.text
        # And where it has happened.
        for number, (each, example) in enumerate(calls):
            expected = await alone.call(token_of(RED), each, told(each, example, RED), f"key-again-{number}")
            found = await beside.call(token_of(RED), each, told(each, example, RED), f"key-again-{number}")
            assert same(each, found, expected), f"{found}\n{expected}"
            assert BLUE not in found.text
        assert await other.state() == state
        again = await beside.call(token_of(BLUE), route, told(route, route.example, BLUE), "key-at-last")
        assert RED not in again.text


def made(kind: type[Event]) -> Event:
    """An event of this kind, about the ids that both domains have."""
    ids = {"agent_id": "anna", "interaction_id": "mail-1", "queue": "sales"}
    return msgspec.convert(
        {each.name: ids.get(each.name, _some(each.type)) for each in fields(kind) if each.required}, kind
    )


def _some(kind: Any) -> object:  # noqa: ANN401 - a type
    if get_origin(kind) is Annotated:
        return _some(get_args(kind)[0])
    if get_origin(kind) is Literal:
        return get_args(kind)[0]
    if get_origin(kind) is tuple or kind is tuple:
        return ()
    known: dict[object, object] = {str: "x", int: 1, bool: False, CoreSettings: {}}
    return known[kind]


async def opened(
    http: ClientSession, domain: str, *, form: str = "json", ticket: bool = False
) -> ClientWebSocketResponse:
    """A socket that has been told where it begins."""
    headers, query = {"Authorization": f"Bearer {token_of(domain)}"}, ""
    if ticket:
        origin = {"Origin": f"https://{domain}.example.com"}
        async with http.post("/v1/tickets", headers={**headers, **origin}) as response:
            query, headers = f"?ticket={(await response.json())['ticket']}", origin
    ws = await http.ws_connect(f"/v1/events{query}", headers=headers, protocols=(f"cloudevents.{form}",))
    assert (await heard(ws))["source"] == f"/domains/{domain}"
    return ws


async def heard(ws: ClientWebSocketResponse) -> dict[str, Any]:
    message = await ws.receive(SOON)
    found = json.loads(message.data) if isinstance(message.data, str) else msgpack.unpackb(message.data)
    assert isinstance(found, dict)
    return found


async def page(pair: Pair, domain: str, after: str = "0") -> tuple[int, Any]:
    return await pair.as_(domain)("GET", f"/v1/events?after={after}")


@pytest.mark.parametrize("kind", get_args(Event), ids=lambda kind: kind.__name__)
async def test_no_kind_of_events_is_told_to_another_domain(kind: type[Event]) -> None:
    event = made(kind)
    async with paired() as pair:
        sockets = [await opened(pair.http, "red", form=form) for form in ("json", "msgpack")]
        sockets.append(await opened(pair.http, "red", ticket=True))
        _, body = await page(pair, "red")
        before = len(body["events"])
        # The other one's twice, and first, so that it would be seen first.
        for router in (pair.blue, pair.blue, pair.red):
            stream = router.events.stream
            stream.take(stream.seq + 1, router.now_us(), (event,), router.view)
        for ws in sockets:
            told_of = await heard(ws)
            assert (told_of["source"], told_of["type"]) == ("/domains/red", f"acd.{kind_of(event)}")
        _, body = await page(pair, "red")
        assert {each["source"] for each in body["events"]} == {"/domains/red"}
        assert len(body["events"]) == before + 1
        for ws in sockets:
            await ws.close()


async def test_a_cursor_of_another_domain_is_a_place_in_ones_own_or_nowhere() -> None:
    async with paired() as pair:
        for number in range(20):
            pair.blue.apply(EnqueueInteraction(f"c{number}", f"blue-{number}", "chat", "sales"))
        pair.red.apply(EnqueueInteraction("c", "red-1", "chat", "sales"))
        _, body = await page(pair, "blue")
        status, problem = await page(pair, "red", body["cursor"])
        assert (status, problem["code"]) == (410, "cursor-unknown")
        status, body = await page(pair, "red", body["events"][0]["cursor"])
        assert status == 200
        assert [each["subject"] for each in body["events"]] == ["red-1"]


async def test_a_ticket_opens_the_stream_of_whoever_asked_for_it_and_only_once() -> None:
    async with paired() as pair:
        _, body = await pair.as_("red")("POST", "/v1/tickets")
        path, origin = f"/v1/events?ticket={body['ticket']}", {"Origin": "https://blue.example.com"}
        pair.red.apply(EnqueueInteraction("c1", "red-1", "chat", "sales"))
        # Beside it the other domain's token, and a page that only the other one lists.
        assert (await pair.as_("blue")("GET", f"{path}&after=0", **origin))[0] == 403
        origin = {"Origin": "https://red.example.com"}
        status, body = await pair.as_("blue")("GET", f"{path}&after=0", **origin)
        assert status == 200
        assert {each["source"] for each in body["events"]} == {"/domains/red"}
        assert (await pair.as_("red")("GET", path, **origin))[0] == 401


async def test_webhooks_tell_of_their_own_domain_and_sign_for_it(tmp_path: Path) -> None:
    async with receiving() as receiver, serving(tmp_path, BLUE, RED, hook=receiver.url) as beside:
        enqueue = route_of("POST", "/v1/interactions")
        for name in (BLUE, RED):
            answer = await beside.call(token_of(name), enqueue, told(enqueue, enqueue.example, name), "key")
            assert answer.status == 201
        async with asyncio.timeout(SOON):
            while len(queued := [each for each in receiver.got if b"acd.interaction-queued" in each[1]]) < 2:
                await asyncio.sleep(0)
        found: dict[str, str] = {}
        for headers, body in receiver.got:
            name = json.loads(body)["source"].removeprefix("/domains/")
            Webhook(secret_of(name)).verify(body, headers)
        for _, body in queued:
            event = json.loads(body)
            found[event["source"].removeprefix("/domains/")] = event["data"]["attributes"]["word"]
        assert found == {BLUE: f"of {BLUE}", RED: f"of {RED}"}


async def test_an_etag_of_another_domain_fits_nothing(tmp_path: Path) -> None:
    async with serving(tmp_path, BLUE, RED) as beside:
        apply, show = route_of("PUT", "/v1/configuration"), route_of("GET", "/v1/configuration")
        assert (await beside.call(token_of(BLUE), apply, apply.example, "key")).status == 200
        (etag,) = (
            value
            for name, value in (await beside.call(token_of(BLUE), show, show.example, "")).headers
            if name == "ETag"
        )
        state = await beside.worlds[RED].state()
        with_theirs = msgspec.structs.replace(apply.example, headers={"If-Match": etag})
        assert (await beside.call(token_of(RED), apply, with_theirs, "key")).status == 412
        assert await beside.worlds[RED].state() == state


async def test_an_external_channel_is_that_of_its_own_domain(tmp_path: Path) -> None:
    async with serving(tmp_path, BLUE, RED) as beside:
        headers = {"Authorization": f"Bearer {token_of(RED, 'web')}"}
        process = Process(await beside.http.ws_connect("/v1/channels/web", headers=headers, protocols=(JSON,)), JSON)
        await process.say("hello")
        assert (await process.hear())["type"] == "welcome"
        channel, example = route_of("GET", "/v1/channels/web"), Example({"channel": "web"})
        for name, connected in ((RED, True), (BLUE, False)):
            answer = await beside.call(token_of(name, "web"), channel, example, "")
            assert json.loads(answer.text)["connected"] is connected
        await process.ws.close()


@pytest.mark.parametrize("name", ["chat", "call_page"])
async def test_a_chat_or_call_whose_name_two_domains_have_is_nobodys(tmp_path: Path, name: str) -> None:
    """A page has no token that would say which of the two is meant, so that neither is told what is the other's."""
    (chat,) = [route for route in ROUTES if route.name == name]
    async with serving(tmp_path / "beside", BLUE, RED) as beside, serving(tmp_path / "alone", RED) as alone:
        assert (await beside.call(token_of(RED, "nobody"), chat, chat.example, "key")).status == 404
        assert (await alone.call(token_of(RED, "nobody"), chat, chat.example, "key")).status == 200


@pytest.mark.parametrize(
    "path", ["/v1/agents/anna/calls?interaction=blue-1", "/v1/interactions/blue-1/supervision/anna"]
)
async def test_a_call_is_looked_for_in_the_domain_of_whoever_asks(path: str) -> None:
    async with paired() as pair:
        pair.blue.apply(SignInAgent("c0", "anna", ready=True))
        pair.blue.apply(EnqueueInteraction("c1", "blue-1", "voice", "sales", instance="talk"))
        pair.blue.channels["talk"] = pair.red.channels["talk"] = WebrtcChannel("talk", options(Path()))
        upgrade = {"Upgrade": "websocket", "Connection": "Upgrade"}
        for name, code in (("blue", "invalid-header"), ("red", "not-found")):
            _, problem = await pair.as_(name)("GET", path, **upgrade, Sec_WebSocket_Protocol="none")
            assert problem["code"] == code, name


def test_every_route_that_becomes_a_socket_is_tested_as_one() -> None:
    """Whoever adds one adds a test above, in which it is shown to tell of its own domain."""
    sockets = {"events", "channel", "chat", "call_page", "agent_calls", "hear"}
    assert {route.name for route in ROUTES if "Upgrade: websocket" in route.notes} == sockets
