"""Customers' pages: who may connect, what is said and told, resuming after cuts, and what ends a connection."""

import asyncio
import json
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest
from aiohttp import WSMsgType, WSServerHandshakeError

from acd.api import carrying
from acd.api.chat import session as sessions
from acd.api.chat.session import MAX_MESSAGE, MESSAGES_AT_ONCE, Session
from acd.api.chats import CHATS
from acd.api.rates import Rates
from acd.core.messages import EnqueueInteraction, NoteInteraction, Outcome, Refusal
from acd.errors import ChatStoreError
from acd.ports.channel import Desired, Place
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.rooms import MAX_PAGES, Room
from acd.runtime.chat.store import ChatStore
from acd.runtime.chat.store import Page as StoredPage
from tests.api.chat.pages import ORIGIN, SOON, Page
from tests.api.harness import Http, MemoryRouter
from tests.runtime.chat.chats import Host, options
from tests.runtime.live import idle


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def shop(router: MemoryRouter, host: Host, tmp_path: Path) -> AsyncIterator[WebChatChannel]:
    channel = WebChatChannel("shop", options(tmp_path, names={"anna": "Anna W."}))
    router.channels["shop"] = channel
    await channel.start(host)
    yield channel
    await channel.stop()


@pytest.fixture
async def page(http: Http, shop: WebChatChannel) -> Page:
    assert shop.health()["connected"] is True
    found = Page(http)
    await found.connect()
    return found


async def answered(shop: WebChatChannel, host: Host, conversation: str, agent: str = "anna") -> Room:
    """The agent has accepted."""
    host.wished[conversation] = Desired(conversation, "connected", f"{conversation}.1", agent)
    await shop.reconcile(host.desired())
    room = shop.rooms.get(conversation)
    assert room is not None
    return room


async def over(shop: WebChatChannel, host: Host) -> None:
    host.wished.clear()
    await shop.reconcile(())


# ---- who may connect


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "", "https://shop.example.evil.example", "shop.example"]
)
async def test_only_listed_pages_connect(http: Http, shop: WebChatChannel, origin: str) -> None:
    headers = {"Origin": origin} if origin else {}
    with pytest.raises(WSServerHandshakeError) as caught:
        await http.ws_connect("/v1/chat", params={"channel": shop.name}, headers=headers)
    assert caught.value.status == 403


async def test_a_chat_that_is_not_there_is_404_and_another_protocol_400(http: Http, shop: WebChatChannel) -> None:
    with pytest.raises(WSServerHandshakeError) as caught:
        await Page(http, "nobody").dial()
    assert caught.value.status == 404
    with pytest.raises(WSServerHandshakeError) as caught:
        await Page(http, shop.name).dial(protocol="acd.chat.v9")
    assert caught.value.status == 400


async def test_a_page_may_ask_what_there_is(http: Http, shop: WebChatChannel) -> None:
    response = await http.get("/v1/chat", params={"channel": "shop"})
    assert (response.status, await response.json()) == (
        200,
        {
            "channel": "shop",
            "ready": True,
            "listed": None,
            "queues": list(shop.options.queues),
            "max_text": 4000,
            "protocols": ["acd.chat.v1+json"],
        },
    )


async def test_a_page_may_ask_whether_it_may_connect(http: Http, shop: WebChatChannel) -> None:
    """Of any origin: a browser does not tell a page why there was no connection."""
    for origin, listed in ((ORIGIN, True), (ORIGIN.upper(), True), ("https://evil.example", False), ("null", False)):
        response = await http.get("/v1/chat", params={"channel": shop.name}, headers={"Origin": origin})
        assert response.headers["Access-Control-Allow-Origin"] == "*"
        assert (await response.json())["listed"] is listed
    response = await http.get("/v1/chat", params={"channel": "nobody"}, headers={"Origin": ORIGIN})
    assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (404, "*")


async def test_there_are_so_many_pages(
    http: Http, shop: WebChatChannel, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    for _ in range(MAX_PAGES - 1):
        other = Page(http)
        other.token = page.token
        await other.connect()
    last = Page(http)
    await last.dial()
    await last.say("hello", token=page.token)
    assert await last.ended() == (4429, "too-many-pages")
    monkeypatch.setattr(shop, "options", options(shop.options.path.parent, connections=MAX_PAGES))
    with pytest.raises(WSServerHandshakeError) as caught:
        await Page(http).dial()
    assert caught.value.status == 503
    monkeypatch.setattr(http.app[CHATS], "connects", Rates(1.0, 1))
    statuses = []
    for _ in range(2):
        with pytest.raises(WSServerHandshakeError) as caught:
            await Page(http).dial()
        statuses.append(caught.value.status)
    assert statuses == [503, 429]


async def test_without_a_file_nobody_connects(http: Http, router: MemoryRouter, host: Host, tmp_path: Path) -> None:
    channel = router.channels["shop"] = WebChatChannel("shop", options(tmp_path / "nowhere"))
    for _ in range(2):
        with pytest.raises(WSServerHandshakeError) as caught:
            await Page(http).dial()
        assert caught.value.status == 503
        await channel.start(host)
    await channel.stop()


# ---- tokens


async def test_a_visitor_stays_the_same_by_the_token_and_is_nobody_without(http: Http, page: Page) -> None:
    conversation = await page.begin()
    again = Page(http)
    again.token = page.token
    assert (await again.connect())["conversation"] == conversation
    assert (await Page(http).connect())["conversation"] == ""


async def test_expired_stolen_and_forged_tokens(http: Http, host: Host, shop: WebChatChannel, page: Page) -> None:
    other = Page(http)
    await other.dial()
    await other.say("hello", token=page.token[:-2] + ("BB" if page.token.endswith("AA") else "AA"))
    assert await other.ended() == (4401, "token-invalid")
    host.ahead_us = 2 * shop.options.token_us
    await other.dial()
    await other.say("hello", token=page.token)
    assert await other.ended() == (4401, "token-expired")


async def test_a_token_is_renewed_while_the_page_is_there(
    http: Http, shop: WebChatChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shop, "options", options(shop.options.path.parent, token_us=20_000))
    page = Page(http)
    await page.connect()
    renewed = await page.until("token")
    assert renewed["token"] != page.token


# ---- a conversation


async def test_a_conversation_from_its_beginning_to_its_rating(shop: WebChatChannel, host: Host, page: Page) -> None:
    conversation = await page.begin(queue="support", name="Chen", attributes={"topic": "invoice"})
    command = host.commands[0]
    assert isinstance(command, EnqueueInteraction)
    assert (command.interaction_id, command.queue, command.attributes) == (
        conversation,
        "support",
        (("web.topic", "invoice"),),
    )
    await page.say("send", id="m1", text="hello <script>alert(1)</script>")
    assert (await page.until("sent"))["seq"] == 1
    host.places[conversation] = Place("support", 2, 30_500_000)
    await shop.sweep()
    assert (await page.until("place")) == {"type": "place", "position": 2, "expected_seconds": 30.5}
    room = await answered(shop, host, conversation)
    joined = await page.until("entry", kind="joined")
    assert (joined["name"], joined["side"], joined["id"], joined["text"]) == ("Anna W.", "system", "", "")
    shop.reception.typing(room, "anna")
    await page.until("typing")
    await shop.reception.post(room, "anna", "a1", "good day")
    entry = await page.until("entry", kind="message", side="agent")
    assert (entry["seq"], entry["text"], entry["name"], entry["id"]) == (3, "good day", "Anna W.", "")
    await page.say("mark", delivered=3)
    assert (await page.until("marks"))["customer"] == {"delivered": 3, "read": 0}
    await page.say("mark", read=3)
    marks = await page.until("marks")
    assert (marks["customer"], marks["agent"]) == ({"delivered": 3, "read": 3}, {"delivered": 2, "read": 2})
    await page.say("rate", id="r1", score=5)
    assert (await page.until("error"))["code"] == "not-ended"
    await page.say("leave")
    await page.until("done", id="")
    await over(shop, host)
    ended = await page.until("entry", kind="ended")
    assert ended["text"] == "left"
    await page.say("send", id="m2", text="wait")
    assert (await page.until("error"))["code"] == "ended"
    await page.say("rate", id="r1", score=5, comment="fine")
    await page.until("done", id="r1")
    assert (await page.until("conversation"))["rating"] == 5
    note = host.commands[-1]
    assert isinstance(note, NoteInteraction)
    assert note.attributes == (("chat.rating", "5"),)


async def test_a_closed_queue_says_so_and_nothing_began(host: Host, page: Page) -> None:
    host.answer = Outcome((), (), Refusal("queue-closed", "the queue sales is closed"))
    await page.say("begin", id="b1")
    error = await page.until("error", id="b1")
    assert (error["code"], error["detail"][-17:]) == ("queue-closed", " try again later.")
    await page.say("send", id="m1", text="hello")
    assert (await page.until("error", id="m1"))["code"] == "no-conversation"


async def test_a_second_tab_sees_the_same(http: Http, shop: WebChatChannel, page: Page) -> None:
    other = Page(http)
    other.token = page.token
    await other.connect()
    conversation = await page.begin()
    assert (await other.until("conversation"))["id"] == conversation
    await other.say("send", id="o1", text="from the other")
    await other.until("sent", id="o1")
    await page.until("entry", seq=1)
    await page.say("send", id="p1", text="from the first")
    await other.until("entry", seq=2)
    await page.until("entry", seq=2)
    assert page.texts == other.texts == ["from the other", "from the first"]
    assert shop.rooms.pages == 2


async def test_a_sign_of_life_is_answered(page: Page) -> None:
    await page.say("ping", id="p1")
    assert await page.until("done", id="p1") == {"type": "done", "id": "p1", "conversation": ""}
    conversation = await page.begin()
    await page.say("ping", id="p2")
    assert (await page.until("done", id="p2"))["conversation"] == conversation


async def test_a_message_is_left_where_that_is_offered(
    http: Http, shop: WebChatChannel, host: Host, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    await page.say("begin", id="b1", left="Call me")
    assert (await page.until("error", id="b1"))["code"] == "no-messages"
    monkeypatch.setattr(shop, "options", options(shop.options.path.parent, messages=True))
    monkeypatch.setattr(shop.reception.beginnings, "_options", shop.options)
    page = Page(http)
    assert (await page.connect())["messages"] is True
    await page.say("begin", id="b2", left="Call me")
    assert (await page.until("conversation"))["later"] is True
    entry = await page.until("entry")
    assert (entry["seq"], entry["side"], entry["text"], entry["id"]) == (1, "customer", "Call me", "b2")
    command = host.commands[-1]
    assert isinstance(command, EnqueueInteraction)
    assert command.kind == "callback"


async def test_history_after_a_reload_and_of_the_past(
    http: Http, shop: WebChatChannel, host: Host, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "PAGE", 2)
    first = await page.begin()
    for number in range(3):
        await page.say("send", id=f"m{number}", text=str(number))
    await page.until("sent", id="m2")
    await over(shop, host)
    await page.until("entry", kind="ended")
    again = Page(http)
    again.token = page.token
    assert (await again.connect())["conversation"] == first
    assert (await again.until("conversation"))["ended"] == "lost"
    await again.until("entry", kind="ended")
    assert again.texts == ["0", "1", "2"]
    await again.say("history", id="h1")
    past = await again.until("history", id="h1")
    assert [(each["id"], each["ended_at"] is None) for each in past["conversations"]] == [(first, False)]
    await again.say("history", id="h2", conversation=first, after=1)
    found = await again.until("history", id="h2")
    assert ([each["text"] for each in found["entries"]], found["more"]) == (["1", "2"], True)
    stranger = Page(http)
    await stranger.connect()
    await stranger.say("history", id="h3", conversation=first)
    assert (await stranger.until("error", id="h3"))["code"] == "unknown-conversation"


# ---- cuts


async def test_what_had_no_answer_is_said_again_and_is_there_once(shop: WebChatChannel, page: Page) -> None:
    await page.begin()
    for number in range(20):
        await page.write(str(number))
        if number % 5 == 4:
            # Cut off: what is under way in either direction may be lost.
            page.cut()
            await page.connect()
            await page.again()
    while len(page.texts) < 20:
        await page.until("entry")
    assert page.texts == [str(number) for number in range(20)]
    room = shop.rooms.get(page.conversation)
    assert room is not None
    assert len(room.conversation.entries) == 20


async def test_resuming_tells_only_what_is_missing(shop: WebChatChannel, host: Host, page: Page) -> None:
    conversation = await page.begin()
    room = await answered(shop, host, conversation)
    await page.until("entry", kind="joined")
    await page.ws.close()
    for number in range(5):
        await shop.reception.post(room, "anna", str(number), str(number))
    await page.connect()
    first = await page.until("entry")
    assert first["seq"] == 2
    await page.until("entry", seq=6)
    assert page.texts == ["0", "1", "2", "3", "4"]


async def test_a_commit_that_fails_ends_the_connection_and_nothing_overtakes(
    page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    await page.begin()

    def failing(_store: ChatStore, _pages: Iterable[StoredPage]) -> None:
        raise ChatStoreError("the disk is full: free some space")

    with monkeypatch.context() as patched:
        patched.setattr(ChatStore, "write", failing)
        for text in ("first", "second"):
            await page.write(text)
        assert await page.ended() == (1013, "not-kept")
    await page.connect()
    await page.again()
    await page.until("entry", seq=2)
    assert page.texts == ["first", "second"]


# ---- what ends a connection


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("{", "malformed"),
        ('{"type":"begin","id":"a","attributes":' + '{"a":' * 5_000 + "}" * 5_000 + "}", "malformed"),
        ("[" * 30_000, "unknown-type"),
        ('{"type":"shout"}', "unknown-type"),
        ("{}", "unknown-type"),
        ('{"type":"send","id":"a"}', "missing-field"),
        ('{"type":"send","id":"a","text":"b","html":"<b>"}', "unknown-field"),
        ('{"type":"mark","read":-1}', "invalid-field"),
        ('{"type":"mark","read":99999999999999999999999}', "invalid-field"),
        ('{"type":"rate","id":"a","score":6}', "invalid-field"),
        ('{"type":"hello"}', "hello-again"),
    ],
)
async def test_what_is_no_message_ends_it(page: Page, text: str, code: str) -> None:
    await page.ws.send_str(text)
    close_code, word = await page.ended()
    assert (close_code, word) == (4400, code)


async def test_hello_comes_first_and_soon(http: Http, shop: WebChatChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    page = Page(http, shop.name)
    await page.dial()
    await page.say("begin", id="a")
    assert await page.ended() == (4400, "no-hello")
    monkeypatch.setattr(sessions, "HELLO_SECONDS", 0.02)
    await page.dial()
    assert await page.ended() == (4400, "no-hello")


async def test_binary_and_oversized_messages_end_it(page: Page) -> None:
    await page.ws.send_bytes(b"{}")
    assert await page.ended() == (4400, "malformed")
    await page.connect()
    await page.ws.send_str(json.dumps({"type": "send", "id": "a", "text": "x" * MAX_MESSAGE}))
    message = await page.ws.receive(SOON)
    while message.type == WSMsgType.TEXT:
        message = await page.ws.receive(SOON)
    assert page.ws.close_code == 1009


async def test_a_text_that_is_too_long_is_refused_by_name(page: Page) -> None:
    await page.begin()
    await page.say("send", id="a", text="x" * 4_001)
    error = await page.until("error", id="a")
    assert (error["code"], error["detail"]) == (
        "invalid-field",
        "text: has 4001 characters of at most 4000; send it in parts.",
    )


async def test_a_flood_is_cut_off_over_all_pages_of_a_visitor(http: Http, page: Page) -> None:
    other = Page(http)
    other.token = page.token
    await other.connect()
    for _ in range(MESSAGES_AT_ONCE * 2):
        await page.say("typing")
    assert await page.ended() == (4429, "too-fast")
    await other.say("typing")
    assert await other.ended() == (4429, "too-fast")
    stranger = Page(http)
    await stranger.connect()
    assert await stranger.begin()


async def test_a_page_that_does_not_read_holds_up_nobody_and_nothing_waits_for_it(
    http: Http, shop: WebChatChannel, host: Host, page: Page
) -> None:
    conversation = await page.begin()
    room = await answered(shop, host, conversation)
    other = Page(http)
    other.token = page.token
    await other.connect()
    # The page's own client stops reading: what the server sends fills the buffers of the network.
    transport = page.ws._response.connection.transport  # type: ignore[union-attr]
    assert transport is not None
    transport.pause_reading()
    for number in range(90):
        await shop.reception.post(room, "anna", str(number), "x" * 4_000)
        await other.until("entry", kind="message")
        shop.reception.typing(room, "anna")
    assert len(other.texts) == 90
    sessions_open = [each for each in http.app[CHATS].open if isinstance(each, Session)]
    assert len(sessions_open) == 2
    assert all(not session._answers for session in sessions_open)
    transport.resume_reading()
    while len(page.texts) < 90:
        await page.until("entry")
    assert page.texts == other.texts


async def test_a_page_that_takes_nothing_is_cut_off(shop: WebChatChannel, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(carrying, "SEND_SECONDS", 0.01)

    class Stuck:
        async def send_str(self, _text: str) -> None:
            await asyncio.Event().wait()

    session = Session(shop, Rates(10.0, 60))
    said = asyncio.create_task(session.receive('{"type":"hello"}'))
    async with asyncio.timeout(SOON):
        await carrying.tell(Stuck(), session)  # type: ignore[arg-type]
        await said
    assert session.ended.result().code == "too-slow"
    assert shop.rooms.pages == 0


async def test_when_the_engine_stops_every_page_is_told(shop: WebChatChannel, page: Page) -> None:
    await page.begin()
    await shop.stop()
    assert await page.ended() == (1012, "closed")


async def test_a_page_that_goes_is_gone(shop: WebChatChannel, page: Page) -> None:
    conversation = await page.begin()
    await page.ws.close()
    while shop.rooms.pages:
        await idle()
    room = shop.rooms.get(conversation)
    assert room is not None
    assert room.gone_us > 0


def test_the_origin_of_the_tests_is_listed(tmp_path: Path) -> None:
    assert options(tmp_path).origins == (ORIGIN,)
