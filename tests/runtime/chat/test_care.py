"""How conversations end, and what becomes of them afterwards: also with a disk that stalls, or fails."""

import asyncio
import sqlite3
import threading
from collections.abc import AsyncIterator, Iterable
from contextlib import closing
from pathlib import Path

import pytest

from acd.core.messages import Command, EndInteraction, NoteInteraction, Outcome, Refusal, ReleaseInteraction
from acd.errors import ChannelError, ChatStoreError, RouterOverloaded
from acd.ports.channel import Desired, InteractionStanding, Place
from acd.runtime.chat import care
from acd.runtime.chat.beginning import Wanted
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.rooms import Room
from acd.runtime.chat.store import ChatStore
from acd.runtime.chat.store import Page as StoredPage
from tests.runtime.chat.chats import Host, Page, options
from tests.runtime.live import idle

MINUTE_US = 60_000_000


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def channel(tmp_path: Path, host: Host) -> AsyncIterator[WebChatChannel]:
    found = WebChatChannel("shop", options(tmp_path, keep_us=MINUTE_US, per_visitor=2))
    await found.start(host)
    yield found
    await found.stop()


async def begun(channel: WebChatChannel, key: str = "first", visitor: str = "cv_1") -> Room:
    room = await channel.reception.begin(visitor, Wanted(key))
    assert isinstance(room, Room)
    return room


async def talking(channel: WebChatChannel, host: Host) -> Room:
    room = await begun(channel)
    host.wished[room.id] = Desired(room.id, "connected", f"{room.id}.1", "anna")
    await channel.reconcile(host.desired())
    return room


def ends(host: Host) -> list[EndInteraction]:
    return [each for each in host.commands if isinstance(each, EndInteraction)]


class Disk:
    """Writes wait for the gate, and fail if they are to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.gate = threading.Event()
        self.gate.set()
        self.fails = False
        real = ChatStore.write

        def write(store: ChatStore, pages: Iterable[StoredPage]) -> list[str]:
            assert self.gate.wait(30)
            if self.fails:
                raise ChatStoreError("the disk is full: free some space")
            return real(store, pages)

        monkeypatch.setattr(ChatStore, "write", write)


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Disk:
    return Disk(monkeypatch)


async def released_too_slowly(channel: WebChatChannel, host: Host, room: Room, disk: Disk) -> None:
    """The engine's order is cut off by its deadline."""
    host.wished.clear()
    disk.gate.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await channel.perform(ReleaseInteraction(room.id, "shop", "completed"))


async def test_an_end_that_is_kept_late_is_an_end(channel: WebChatChannel, host: Host, disk: Disk) -> None:
    room, tab = await talking(channel, host), Page()
    channel.rooms.watch("cv_1", tab)
    await released_too_slowly(channel, host, room, disk)
    disk.gate.set()
    await channel.reconcile(())
    assert (room.conversation.ended, channel.reception.living("cv_1")) == ("completed", None)
    assert tab.news[-1] == (room.id, "entries", None)
    assert await begun(channel, "another") is not room


async def test_an_end_that_fails_late_is_ended_again(channel: WebChatChannel, host: Host, disk: Disk) -> None:
    room = await talking(channel, host)
    await released_too_slowly(channel, host, room, disk)
    disk.fails = True
    comparing = asyncio.create_task(channel.reconcile(()))
    await idle()
    disk.gate.set()
    with pytest.raises(ChannelError, match="the disk is full"):
        await comparing
    disk.fails = False
    await channel.reconcile(())
    assert room.conversation.is_over
    assert channel.reception.living("cv_1") is None


async def test_what_an_agent_did_and_was_not_kept_is_done_again(
    channel: WebChatChannel, host: Host, disk: Disk
) -> None:
    room = await begun(channel)
    host.wished[room.id] = Desired(room.id, "connected", f"{room.id}.1", "anna")
    disk.gate.clear()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await channel.reconcile(host.desired())
    disk.fails = True
    comparing = asyncio.create_task(channel.reconcile(host.desired()))
    await idle()
    disk.gate.set()
    with pytest.raises(ChannelError):
        await comparing
    assert not room.conversation.talking


async def test_what_was_said_is_told_even_if_whoever_said_it_is_gone(
    channel: WebChatChannel, host: Host, disk: Disk
) -> None:
    room, tab = await talking(channel, host), Page()
    channel.rooms.watch("cv_1", tab)
    disk.gate.clear()
    saying = asyncio.create_task(channel.reception.post(room, "", "a", "hello"))
    await idle()
    saying.cancel()
    await asyncio.wait((saying,))
    disk.gate.set()
    while not tab.news:
        await idle()
    assert [entry.text for entry in room.conversation.since(1, 9)] == ["hello"]


@pytest.mark.parametrize(
    ("standing", "expected"),
    [
        (None, "lost"),
        (InteractionStanding("", "completed", "sales", reason="a difficult customer"), "completed"),
        (InteractionStanding("", "cancelled", "sales", reason="by order of the boss"), "cancelled"),
        (InteractionStanding("", "abandoned", "sales", reason="anything"), "abandoned"),
        (InteractionStanding("", "overflowed", "sales", reason="overdue"), "overdue"),
    ],
)
async def test_a_customer_is_told_no_agents_words(
    channel: WebChatChannel, host: Host, standing: InteractionStanding | None, expected: str
) -> None:
    room = await talking(channel, host)
    host.wished.clear()
    if standing is not None:
        host.interactions[room.id] = standing
    await channel.reconcile(())
    assert room.conversation.ended == expected


async def test_what_the_engine_has_no_more_ends_without_asking_it(channel: WebChatChannel, host: Host) -> None:
    room = await talking(channel, host)
    host.wished.clear()
    host.ahead_us = 60 * MINUTE_US
    await channel.sweep()
    assert (room.conversation.ended, ends(host)) == ("lost", [])


async def test_what_the_engine_is_about_to_tell_is_waited_for(channel: WebChatChannel, host: Host) -> None:
    room = await talking(channel, host)
    host.wished.clear()
    host.interactions[room.id] = InteractionStanding(room.id, "active", "sales")
    await channel.sweep()
    assert not room.conversation.is_over


async def test_the_engine_is_told_once_in_a_while(channel: WebChatChannel, host: Host) -> None:
    await talking(channel, host)
    host.ahead_us = 11 * MINUTE_US
    await channel.sweep()
    await channel.sweep()
    assert len(ends(host)) == 1
    host.ahead_us += care.ASK_AGAIN_US
    await channel.sweep()
    assert len(ends(host)) == 2


async def test_why_it_ends_is_not_what_was_only_thought(channel: WebChatChannel, host: Host) -> None:
    """The customer was silent, and then was not."""
    room = await talking(channel, host)
    host.ahead_us = 11 * MINUTE_US
    await channel.sweep()
    assert room.why == "idle"
    await channel.reception.post(room, "", "a", "here I am")
    await channel.perform(ReleaseInteraction(room.id, "shop", "completed"))
    assert room.conversation.ended == "completed"


@pytest.mark.parametrize("answer", [RouterOverloaded("too much"), Outcome((), (), Refusal("unknown-interaction", ""))])
async def test_who_could_not_leave_has_not_left(
    channel: WebChatChannel, host: Host, answer: Outcome | Exception
) -> None:
    room = await talking(channel, host)
    host.answer = answer
    await channel.reception.leave(room)
    assert room.why == ""


async def test_whoever_is_answered_stands_in_no_line(channel: WebChatChannel, host: Host) -> None:
    tab, room = Page(), await begun(channel)
    channel.rooms.watch("cv_1", tab)
    host.places[room.id] = Place("sales", 2)
    await channel.sweep()
    host.wished[room.id] = Desired(room.id, "connected", f"{room.id}.1", "anna")
    await channel.reconcile(host.desired())
    assert (tab.news[-1], room.place) == ((room.id, "place", None), None)


# ---- ratings


class Deaf(Host):
    """Takes no ratings as long as it is deaf."""

    deaf = True

    async def submit(self, command: Command) -> Outcome:
        if self.deaf and isinstance(command, NoteInteraction):
            raise RouterOverloaded("too much")
        return await super().submit(command)


async def test_a_rating_reaches_the_engine_when_it_is_said_again(tmp_path: Path, disk: Disk) -> None:
    channel, host = WebChatChannel("shop", options(tmp_path)), Deaf()
    await channel.start(host)
    room = await talking(channel, host)
    host.wished.clear()
    await channel.reconcile(())
    disk.fails = True
    with pytest.raises(ChatStoreError):
        await channel.reception.rate(room, 5, "fine")
    assert room.conversation.head.rating == 0
    disk.fails = False
    with pytest.raises(RouterOverloaded):
        await channel.reception.rate(room, 5, "fine")
    host.deaf = False
    for _ in range(2):
        assert await channel.reception.rate(room, 5, "fine") is None
    notes = [each for each in host.commands if isinstance(each, NoteInteraction)]
    assert [each.attributes for each in notes] == [(("chat.rating", "5"),)]
    await channel.stop()


# ---- forgetting


async def over(channel: WebChatChannel, host: Host, count: int, visitor: str = "cv_{}") -> list[Room]:
    rooms = [await begun(channel, str(number), visitor.format(number)) for number in range(count)]
    host.wished.clear()
    await channel.reconcile(())
    return rooms


async def test_forgetting_keeps_up_and_what_is_forgotten_is_told_to_nobody(
    channel: WebChatChannel, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(care, "FORGOTTEN_AT_ONCE", 2)
    monkeypatch.setattr(care, "FORGOTTEN_IN_TURN", 2)
    await channel.sweep()
    rooms = await over(channel, host, 7)
    host.ahead_us = 11 * MINUTE_US
    for left in (3, 0):
        await channel.sweep()
        found = [await channel.reception.find(room.id) for room in rooms]
        assert len([each for each in found if each is not None]) == left


async def test_a_visitor_keeps_the_newest(channel: WebChatChannel, host: Host) -> None:
    rooms: list[Room] = []
    for key in ("1", "2", "3"):
        rooms.append(await begun(channel, key))
        host.wished.clear()
        await channel.reconcile(())
    await channel.sweep()
    assert [head.id for head in await channel.reception.past("cv_1", 9)] == [rooms[2].id, rooms[1].id]
    assert await channel.reception.find(rooms[0].id) is None


async def test_what_is_forgotten_and_still_read_by_somebody_is_cleaned_later(
    channel: WebChatChannel, host: Host, tmp_path: Path
) -> None:
    await channel.sweep()
    await over(channel, host, 1)
    host.ahead_us = 11 * MINUTE_US
    with closing(sqlite3.connect(tmp_path / "chat.db")) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM conversation").fetchone()
        with pytest.raises(ChatStoreError, match="another program reads"):
            await channel.sweep()
    await channel.sweep()
    assert (tmp_path / "chat.db-wal").stat().st_size == 0
