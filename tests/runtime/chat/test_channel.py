"""The web chat as a channel: the contract, a router that has one, restarts, and what time does."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd.core.messages import (
    AcceptOffer,
    EndInteraction,
    FailCallback,
    OpenConsult,
    ParkInteraction,
    ReachCustomer,
    SignInAgent,
    TransferInteraction,
)
from acd.errors import ChannelError
from acd.ports.channel import Desired, Place
from acd.runtime.chat.beginning import Wanted
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import Conversation, Entry
from acd.runtime.chat.rooms import Room
from acd.runtime.config import loads
from acd.runtime.journal import MemoryJournal
from acd.runtime.router import Router
from acd.testing.contract import ChannelContract
from acd.testing.recording_host import RecordingHost
from tests.runtime.chat.chats import ChatDriver, Host, Page, options
from tests.runtime.live import idle

CONFIG = """
[channels.shop]
type = "external"
media = "chat"
[agents.anna]
[agents.boris]
skills = { billing = 5 }
[queues.sales]
[queues.support]
requirement = "skills.billing >= 1"
"""
MINUTE_US = 60_000_000


@pytest.mark.parametrize("check", ChannelContract.checks())
async def test_contract(check: str, tmp_path: Path) -> None:
    driver = ChatDriver(tmp_path)
    contract = ChannelContract(driver)
    driver.host = contract.host
    await contract.run(check)


@pytest.fixture
async def hosted(tmp_path: Path) -> AsyncIterator[tuple[WebChatChannel, RecordingHost]]:
    channel = WebChatChannel("shop", options(tmp_path, keep_us=0))
    host = Host()
    await channel.start(host)
    yield channel, host
    await channel.stop()


async def begun(channel: WebChatChannel, visitor: str = "cv_1") -> Room:
    room = await channel.reception.begin(visitor, Wanted("first"))
    assert isinstance(room, Room)
    return room


def kinds(chat: Conversation) -> list[tuple[str, str]]:
    return [(entry.kind, entry.agent_id or entry.text) for entry in chat.entries]


async def test_a_conversation_goes_from_agent_to_agent_and_keeps_what_was_said(tmp_path: Path) -> None:
    channel = WebChatChannel("shop", options(tmp_path))
    async with Router(loads(CONFIG), journal=MemoryJournal(), channels=[channel]) as router:
        await router.ready()
        await router.submit(SignInAgent("1", "anna", ready=True))
        await router.submit(SignInAgent("2", "boris", ready=True))
        room, page = await begun(channel), Page()
        chat = room.conversation
        channel.rooms.watch("cv_1", page)
        assert isinstance(await channel.reception.post(room, "", "a", "hello"), Entry)
        (offer_id,) = [offer for offer, agent in channel.host.desired()[0].ringing() if agent == "anna"]
        await router.submit(AcceptOffer("3", offer_id, "anna"))
        while not chat.talking:
            await idle()
        assert isinstance(await channel.reception.post(room, "anna", "a", "good day"), Entry)
        await router.submit(TransferInteraction("4", room.id, "anna", "support", "", with_context=True))
        while "boris" not in chat.ringing.values():
            await idle()
        assert chat.talking == {}
        (offer_id,) = chat.ringing
        await router.submit(AcceptOffer("5", offer_id, "boris"))
        while not chat.talking:
            await idle()
        await router.submit(EndInteraction("6", room.id, by="agent", reason="solved"))
        while channel.reception.living("cv_1") is not None:
            await idle()
        assert kinds(chat) == [
            ("message", "hello"),
            ("joined", "anna"),
            ("message", "anna"),
            ("left", "anna"),
            ("joined", "boris"),
            ("ended", "completed"),
        ]
        # What shares a commit is told together; the last news is the end.
        assert 2 <= page.news.count((room.id, "entries", None)) <= 6
        assert page.news[-1] == (room.id, "entries", None)
        assert (await channel.reception.latest("cv_1")) is room


async def test_a_restart_finds_who_was_there(tmp_path: Path) -> None:
    journal = tmp_path / "acd.db"
    config = f'{CONFIG}\n[journal]\npath = "{journal}"\n[personal]\npath = "{tmp_path / "p.db"}"\n'
    channel = WebChatChannel("shop", options(tmp_path))
    async with Router(loads(config), channels=[channel]) as router:
        await router.ready()
        await router.submit(SignInAgent("1", "anna", ready=True))
        room = await begun(channel)
        await channel.reception.post(room, "", "a", "hello")
        (offer_id,) = channel.host.desired()[0].offers()
        await router.submit(AcceptOffer("2", offer_id, "anna"))
    again = WebChatChannel("shop", options(tmp_path))
    async with Router(loads(config), channels=[again]) as router:
        await router.ready()
        while (found := again.reception.living("cv_1")) is None or not found.conversation.talking:
            await idle()
        assert kinds(found.conversation) == [("message", "hello"), ("joined", "anna")]
        assert found.gone_us > 0
        assert (await again.reception.begin("cv_1", Wanted("first"))) is found


async def test_who_is_silent_too_long_has_left(hosted: tuple[WebChatChannel, RecordingHost]) -> None:
    channel, host = hosted
    room = await begun(channel)
    host.wished[room.id] = Desired(room.id, "connected", "o.1", "anna")
    await channel.reconcile(host.desired())
    host.ahead_us = 9 * MINUTE_US
    await channel.reception.post(room, "", "a", "still here")
    host.ahead_us = 18 * MINUTE_US
    await channel.sweep()
    assert not [each for each in host.commands if isinstance(each, EndInteraction)]
    host.ahead_us = 20 * MINUTE_US
    await channel.sweep()
    ended = host.commands[-1]
    assert isinstance(ended, EndInteraction)
    assert (ended.interaction_id, ended.by, ended.reason) == (room.id, "customer", "idle")


async def test_who_waits_and_is_gone_too_long_has_left(hosted: tuple[WebChatChannel, RecordingHost]) -> None:
    channel, host = hosted
    page = Page()
    channel.rooms.watch("cv_1", page)
    room = await begun(channel)
    host.ahead_us = 60 * MINUTE_US
    await channel.sweep()
    assert not [each for each in host.commands if isinstance(each, EndInteraction)], "who is there may wait"
    channel.rooms.unwatch("cv_1", page, host.now_us())
    host.ahead_us += MINUTE_US
    await channel.sweep()
    channel.rooms.watch("cv_1", page)
    host.ahead_us += 2 * MINUTE_US
    await channel.sweep()
    assert not [each for each in host.commands if isinstance(each, EndInteraction)], "who is back may wait"
    channel.rooms.unwatch("cv_1", page, host.now_us())
    host.ahead_us += 2 * MINUTE_US + 1
    await channel.sweep()
    ended = host.commands[-1]
    assert isinstance(ended, EndInteraction)
    assert (ended.interaction_id, ended.reason) == (room.id, "away")


async def test_places_in_line_are_told_when_they_change(hosted: tuple[WebChatChannel, RecordingHost]) -> None:
    channel, host = hosted
    page = Page()
    channel.rooms.watch("cv_1", page)
    room = await begun(channel)
    page.news.clear()
    host.places[room.id] = Place("sales", 3, 90_000_000)
    await channel.sweep()
    await channel.sweep()
    assert page.news == [(room.id, "place", None)]
    assert room.place == Place("sales", 3, 90_000_000)


async def test_what_was_kept_long_enough_is_forgotten(hosted: tuple[WebChatChannel, RecordingHost]) -> None:
    channel, host = hosted
    await channel.sweep()
    room = await begun(channel)
    host.wished.clear()
    await channel.reconcile(())
    assert room.conversation.ended == "lost"
    host.ahead_us = 60 * MINUTE_US
    await channel.sweep()
    assert await channel.reception.past("cv_1", 9) == []


async def test_what_a_page_cannot_do_is_answered(hosted: tuple[WebChatChannel, RecordingHost]) -> None:
    channel, host = hosted
    await channel.perform(ReachCustomer("b1", "shop", 2, 0))
    await channel.reconcile((Desired("b2", "reaching"),))
    answers = [each for each in host.commands if isinstance(each, FailCallback)]
    assert [(each.interaction_id, each.attempt, each.called) for each in answers] == [
        ("b1", 2, False),
        ("b2", 1, False),
    ]
    host.wished["c1"] = Desired("c1", "waiting", parent="chat-1", asking="anna")
    await channel.perform(OpenConsult("c1", "shop", "chat-1", "anna"))
    await channel.perform(ParkInteraction("c1", "shop"))
    await channel.reconcile(host.desired())
    with pytest.raises(ChannelError, match="shop: there is no conversation nowhere"):
        await channel.perform(ParkInteraction("nowhere", "shop"))


async def test_a_file_that_cannot_be_opened_is_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "later"
    channel = WebChatChannel("shop", options(folder))
    await channel.start(RecordingHost(lambda _agent, _channel: ""))
    assert channel.health()["connected"] is False
    with pytest.raises(ChannelError, match="shop: "):
        await channel.reconcile(())
    folder.mkdir()
    await channel.reconcile(())
    assert channel.health()["connected"] is True
    await channel.stop()
