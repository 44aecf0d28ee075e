"""What a chat's page is told of calls, and whose conversation it gets a ticket for."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd.runtime.chat.channel import WebChatChannel
from acd_webrtc.channel import WebrtcChannel
from tests.adapters.webrtc.callers import options as call_options
from tests.api.chat.pages import Page
from tests.api.harness import Http, MemoryRouter
from tests.runtime.chat.chats import Host, options


@pytest.fixture
async def talk(router: MemoryRouter, tmp_path: Path) -> AsyncIterator[WebrtcChannel]:
    channel = WebrtcChannel("talk", call_options(tmp_path))
    router.channels["talk"] = channel
    await channel.start(Host())
    yield channel
    await channel.stop()


@pytest.fixture
async def shop(router: MemoryRouter, tmp_path: Path) -> AsyncIterator[WebChatChannel]:
    channel = WebChatChannel("shop", options(tmp_path, call="talk"))
    router.channels["shop"] = channel
    await channel.start(Host())
    yield channel
    await channel.stop()


async def connected(http: Http) -> tuple[Page, str]:
    page = Page(http)
    return page, str((await page.connect())["call"])


@pytest.mark.usefixtures("shop", "talk")
async def test_a_page_is_told_where_it_may_call_and_gets_a_ticket_once(http: Http, talk: WebrtcChannel) -> None:
    page, channel = await connected(http)
    assert channel == "talk"
    conversation = await page.begin()
    await page.say("call", id="k-1", conversation=conversation)
    told = await page.until("ticket", id="k-1")
    assert told["channel"] == "talk"
    origin, fault = talk.tickets.redeem(talk._opened(), told["ticket"], "k-1", talk.now_us())
    assert (fault, origin is not None and origin.key) == ("", "k-1")
    await page.say("call", id="k-1", conversation=conversation)
    again = await page.until("ticket", id="k-1")
    assert again["ticket"] != told["ticket"]


@pytest.mark.usefixtures("shop", "talk")
async def test_there_is_no_ticket_for_a_stranger_s_conversation(http: Http) -> None:
    page, _ = await connected(http)
    conversation = await page.begin()
    stranger, _ = await connected(http)
    await stranger.say("call", id="k-1", conversation=conversation)
    assert (await stranger.until("error", id="k-1"))["code"] == "unknown-conversation"


@pytest.mark.usefixtures("talk")
async def test_where_the_chat_names_no_channel_nobody_calls(http: Http, router: MemoryRouter, tmp_path: Path) -> None:
    channel = WebChatChannel("shop", options(tmp_path))
    router.channels["shop"] = channel
    await channel.start(Host())
    page, named = await connected(http)
    assert named == ""
    await page.say("call", id="k-1")
    assert (await page.until("error", id="k-1"))["code"] == "no-calls"
    await channel.stop()


@pytest.mark.usefixtures("shop")
async def test_where_the_page_may_not_call_nobody_does(http: Http, router: MemoryRouter, tmp_path: Path) -> None:
    for other in (None, WebrtcChannel("talk", call_options(tmp_path, origins=("https://elsewhere.example",)))):
        router.channels.pop("talk", None)
        if other is not None:
            router.channels["talk"] = other
        page, named = await connected(http)
        assert named == ""
        await page.say("call", id="k-1")
        assert (await page.until("error", id="k-1"))["code"] == "no-calls"


@pytest.mark.usefixtures("shop")
async def test_while_calls_cannot_be_taken_the_chat_goes_on(http: Http, router: MemoryRouter, tmp_path: Path) -> None:
    router.channels["talk"] = WebrtcChannel("talk", call_options(tmp_path))
    page, named = await connected(http)
    assert named == "talk"
    await page.say("call", id="k-1")
    assert (await page.until("error", id="k-1"))["code"] == "unavailable"
    assert await page.begin()


@pytest.mark.usefixtures("talk")
async def test_after_its_end_a_conversation_still_vouches_for_its_visitor(
    http: Http, shop: WebChatChannel, talk: WebrtcChannel
) -> None:
    page, _ = await connected(http)
    conversation = await page.begin()
    host = shop.host
    assert isinstance(host, Host)
    host.wished.clear()
    await shop.reconcile(())
    await page.say("call", id="k-1", conversation=conversation)
    told = await page.until("ticket", id="k-1")
    origin, _ = talk.tickets.redeem(talk._opened(), told["ticket"], "k-1", talk.now_us())
    assert origin is not None
    assert origin.visitor.startswith("cv_")
