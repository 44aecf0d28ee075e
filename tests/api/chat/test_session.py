"""What one connection of a page does when there is more than one conversation, page, or end of the world."""

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp import WSServerHandshakeError

from acd.api import addresses
from acd.api.addresses import Addresses
from acd.api.chat import session as sessions
from acd.api.chat.session import Session
from acd.api.chats import CHATS
from acd.api.rates import Rates
from acd.api.sockets import Ending
from acd.core.messages import NoteInteraction, Outcome, Refusal
from acd.ports.channel import Desired, Place
from acd.runtime.chat.channel import WebChatChannel
from tests.api.chat.pages import Page
from tests.api.harness import Http, MemoryRouter
from tests.runtime.chat.chats import Host, options
from tests.runtime.live import idle


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def shop(router: MemoryRouter, host: Host, tmp_path: Path) -> AsyncIterator[WebChatChannel]:
    channel = WebChatChannel("shop", options(tmp_path, per_address=2))
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


async def over(shop: WebChatChannel, host: Host) -> None:
    host.wished.clear()
    await shop.reconcile(())


async def begun(page: Page, key: str) -> str:
    await page.say("begin", id=key)
    done = await page.until("done", id=key)
    await page.until("conversation", id=done["conversation"])
    return str(done["conversation"])


# ---- more than one conversation


async def test_what_is_said_again_does_not_land_in_the_next_conversation(
    shop: WebChatChannel, host: Host, page: Page
) -> None:
    first = await begun(page, "b1")
    await page.say("send", id="m1", text="my number is 5", conversation=first)
    seq = (await page.until("sent", id="m1"))["seq"]
    await over(shop, host)
    second = await begun(page, "b2")
    await page.say("send", id="m1", text="my number is 5", conversation=first)
    assert (await page.until("sent", id="m1"))["seq"] == seq
    await page.say("send", id="m2", text="and more", conversation=first)
    assert (await page.until("error", id="m2"))["code"] == "ended"
    await page.say("send", id="m3", text="hello", conversation="chat-somebodys")
    assert (await page.until("error", id="m3"))["code"] == "unknown-conversation"
    await page.say("leave", conversation=first)
    assert (await page.until("done", id=""))["conversation"] == first
    await page.say("rate", id="r1", score=5, conversation=first)
    assert (await page.until("done", id="r1"))["conversation"] == first
    room = shop.rooms.get(second)
    assert room is not None
    assert (room.conversation.entries, room.why) == ([], "")
    notes = [each.interaction_id for each in host.commands if isinstance(each, NoteInteraction)]
    assert notes == [first]


async def test_a_page_that_names_no_conversation_means_the_one_there_is(page: Page) -> None:
    await begun(page, "b1")
    await page.say("send", id="m1", text="hello")
    assert (await page.until("sent", id="m1"))["seq"] == 1
    await page.say("send", id="m1", text="something else")
    assert (await page.until("error", id="m1"))["code"] == "id-reused"


async def test_nobody_writes_in_a_strangers_conversation(http: Http, page: Page) -> None:
    conversation = await begun(page, "b1")
    stranger = Page(http)
    await stranger.connect()
    await stranger.say("send", id="m1", text="hello", conversation=conversation)
    assert (await stranger.until("error", id="m1"))["code"] == "unknown-conversation"
    await stranger.say("leave")
    assert (await stranger.until("error", id=""))["code"] == "no-conversation"


async def test_a_page_is_told_its_conversation_to_its_end_before_the_next(
    http: Http, shop: WebChatChannel, host: Host, page: Page
) -> None:
    first = await begun(page, "b1")
    await page.write("one")
    await page.until("entry", seq=1)
    await page.ws.close()
    other = Page(http)
    other.token = page.token
    await other.connect()
    await other.until("conversation")
    await other.write("two")
    await other.until("entry", seq=2)
    await over(shop, host)
    await other.until("entry", kind="ended")
    second = await begun(other, "b2")
    assert (await page.connect())["conversation"] == second
    told = await page.until("conversation")
    assert (told["id"], told["ended"], told["anew"]) == (first, "lost", False)
    await page.until("entry", kind="ended")
    assert page.texts == ["one", "two"]
    assert (await page.until("conversation"))["id"] == second
    assert page.texts == []


async def test_a_page_that_has_more_than_there_is_begins_anew(page: Page) -> None:
    conversation = await begun(page, "b1")
    await page.write("one")
    await page.until("entry", seq=1)
    page.cut()
    await page.dial()
    await page.say("hello", token=page.token, conversation=conversation, after=5)
    assert (await page.until("conversation"))["anew"] is True
    await page.until("entry", seq=1)
    assert page.texts == ["one"]


async def test_history_is_told_in_parts_that_are_not_large(
    shop: WebChatChannel, page: Page, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sessions, "PAGE_CHARACTERS", 10)
    conversation = await begun(page, "b1")
    for text in ("x" * 8, "y" * 8, "z" * 30):
        await page.write(text)
    await page.until("entry", seq=3)
    texts: list[str] = []
    more = True
    while more:
        await page.say("history", id="h", conversation=conversation, after=len(texts))
        told = await page.until("history", id="h")
        assert len(told["entries"]) == 1
        texts += [entry["text"] for entry in told["entries"]]
        more = told["more"]
    assert texts == ["x" * 8, "y" * 8, "z" * 30]
    assert shop.rooms.pages == 1


# ---- more than one page


async def test_a_page_that_comes_while_another_begins_sees_it_when_it_has_begun(
    http: Http, shop: WebChatChannel, host: Host, page: Page
) -> None:
    host.gate.clear()
    await page.say("begin", id="b1")
    while not len(shop.rooms):
        await idle()
    other = Page(http)
    other.token = page.token
    assert (await other.connect())["conversation"] == ""
    await other.say("send", id="m1", text="hello")
    assert (await other.until("error", id="m1"))["code"] == "no-conversation"
    host.answer = Outcome((), (), Refusal("queue-closed", "the queue sales is closed"))
    host.gate.set()
    assert (await page.until("error", id="b1"))["code"] == "queue-closed"
    host.answer = Outcome()
    conversation = await begun(page, "b2")
    assert (await other.until("conversation"))["id"] == conversation


async def test_whoever_is_answered_is_told_that_they_stand_in_no_line(
    shop: WebChatChannel, host: Host, page: Page
) -> None:
    conversation = await begun(page, "b1")
    host.places[conversation] = Place("sales", 2)
    await shop.sweep()
    assert (await page.until("place"))["position"] == 2
    host.wished[conversation] = Desired(conversation, "connected", f"{conversation}.1", "anna")
    await shop.reconcile(host.desired())
    assert (await page.until("place")) == {"type": "place", "position": 0, "expected_seconds": None}


@pytest.mark.parametrize("name", ["x" * 125, "", "a b"])
async def test_a_name_that_the_engine_does_not_take_is_named(page: Page, name: str) -> None:
    await page.say("begin", id="b1", attributes={name: "y"})
    assert await page.ended() == (4400, "invalid-field")


async def test_the_longest_name_is_taken(host: Host, page: Page) -> None:
    await page.say("begin", id="b1", attributes={"x" * 124: "y"})
    await page.until("done", id="b1")
    assert len(host.commands) == 1


async def test_a_page_that_has_not_said_who_it_is_leaves_nothing_behind(shop: WebChatChannel) -> None:
    """Pages come and go for months; each of them counted for itself would fill what is meant for visitors."""
    rates = Rates(10.0, 60)
    session = Session(shop, rates)
    await session.receive("no JSON")
    assert session.ended.done()
    assert len(rates) == 0


async def test_what_a_page_does_not_read_waits_nowhere(shop: WebChatChannel, host: Host) -> None:
    """However much happens meanwhile: entries come from the conversation, the rest once, as it is then."""
    session = Session(shop, Rates(1e9, 10**9))
    told, heard = session.outgoing(), list[dict[str, object]]()
    following: asyncio.Future[str] = asyncio.ensure_future(anext(told))

    async def hear() -> None:
        nonlocal following
        heard.append(json.loads(await following))
        following = asyncio.ensure_future(anext(told))

    async def saying(text: str) -> None:
        said = asyncio.create_task(session.receive(text))
        while not said.done():
            await asyncio.wait((said, following), return_when=asyncio.FIRST_COMPLETED)
            if following.done():
                await hear()

    await saying('{"type":"hello"}')
    await saying('{"type":"begin","id":"b1"}')
    (room,) = shop.rooms
    host.wished[room.id] = Desired(room.id, "connected", f"{room.id}.1", "anna")
    await shop.reconcile(host.desired())
    for number in range(90):
        await shop.reception.post(room, "anna", str(number), str(number))
        shop.reception.typing(room, "anna")
        shop.reception.mark(room, "customer", read=number)
        room.place = Place("sales", number + 1)
        shop.rooms.tell(room, "place")
    assert not session._answers
    heard.clear()
    async with asyncio.timeout(30):
        while not heard or heard[-1]["type"] != "typing":
            await hear()
    following.cancel()
    assert [each["text"] for each in heard if each.get("kind") == "message"] == [str(number) for number in range(90)]
    others = [each["type"] for each in heard if each["type"] not in ("entry", "conversation")]
    assert others == ["marks", "place", "typing"]
    session.end(Ending(1000, "gone", "the test is over"))


# ---- from one address


async def test_one_address_shuts_out_nobody_else(http: Http, shop: WebChatChannel, host: Host) -> None:
    pages = [Page(http, address="192.0.2.1") for _ in range(2)]
    for each in pages:
        await each.connect()
        await begun(each, "b1")
    with pytest.raises(WSServerHandshakeError) as caught:
        await Page(http, address="192.0.2.1").dial()
    assert caught.value.status == 429
    await Page(http, address="192.0.2.2").connect()
    await pages[0].ws.close()
    while shop.rooms.pages > 2:
        await idle()
    again = Page(http, address="192.0.2.1")
    await again.connect()
    await again.say("begin", id="b1")
    assert (await again.until("error", id="b1"))["code"] == "too-many-conversations"
    await over(shop, host)
    await begun(again, "b1")


async def test_one_address_does_not_connect_all_the_time(
    http: Http, shop: WebChatChannel, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(addresses, "CONNECTS_AT_ONCE", 3)
    monkeypatch.setattr(addresses, "CONNECTS_PER_SECOND", 0.001)
    monkeypatch.setattr(http.app[CHATS], "addresses", Addresses())
    statuses = []
    for _ in range(4):
        page = Page(http, shop.name, address="2001:db8::1")
        try:
            await page.dial()
        except WSServerHandshakeError as error:
            statuses.append(error.status)
        else:
            await page.ws.close()
    assert statuses == [429]
    await Page(http, address="2001:db8:1::1").connect()


# ---- the end of the world


async def test_when_the_engine_stops_whoever_says_something_is_told_so(
    http: Http, shop: WebChatChannel, page: Page
) -> None:
    """In the moment between the engine's end and the last word to every page."""
    (session,) = http.app[CHATS].open
    shop._host = None
    await page.ws.send_str(json.dumps({"type": "typing"}))
    assert await page.ended() == (1012, "closed")
    assert session.ended.done()


async def test_a_token_that_cannot_be_renewed_any_more_is_no_fault(
    http: Http, shop: WebChatChannel, page: Page
) -> None:
    (session,) = http.app[CHATS].open
    assert isinstance(session, Session)
    shop._host = None
    session._renew()
    assert await page.ended() == (1012, "closed")


async def test_a_begin_that_is_under_way_when_the_engine_stops_is_said_again(
    shop: WebChatChannel, host: Host, page: Page
) -> None:
    host.gate.clear()
    await page.say("begin", id="b1")
    while not len(shop.rooms):
        await idle()
    await asyncio.gather(shop.stop())
    assert await page.ended() == (1012, "closed")
