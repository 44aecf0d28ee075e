"""What is there again after a restart: nobody is taken for lost before all have been read, and damage is one's own."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path

import pytest

from acd.core.messages import EndInteraction, OfferInteraction
from acd.errors import ChannelError, ChatStoreError
from acd.ports.channel import Desired
from acd.runtime.chat.beginning import Wanted
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.rooms import Room
from acd.runtime.chat.store import ChatStore
from tests.runtime.chat.chats import Host, options
from tests.runtime.live import idle


@pytest.fixture
def host() -> Host:
    return Host()


async def begun(channel: WebChatChannel, visitor: str, key: str = "first") -> Room:
    room = await channel.reception.begin(visitor, Wanted(key))
    assert isinstance(room, Room)
    return room


async def written(folder: Path, host: Host, *visitors: str) -> list[str]:
    """Conversations that are talking, in a file that is closed again; their ids."""
    channel = WebChatChannel("shop", options(folder))
    await channel.start(host)
    rooms = [await begun(channel, visitor) for visitor in visitors]
    for room in rooms:
        host.wished[room.id] = Desired(room.id, "connected", f"{room.id}.1", "anna")
    await channel.reconcile(host.desired())
    for room in rooms:
        await channel.reception.post(room, "", "a", "hello")
    await channel.stop()
    host.commands.clear()
    return [room.id for room in rooms]


def ended(host: Host) -> list[str]:
    return [each.interaction_id for each in host.commands if isinstance(each, EndInteraction)]


def spoil(folder: Path, conversation_id: str) -> None:
    with sqlite3.connect(folder / "chat.db") as connection:
        connection.execute("UPDATE entry SET data = zeroblob(60) WHERE conversation = ?", (conversation_id,))
    connection.close()


async def test_one_damaged_conversation_is_nobody_elses_end(tmp_path: Path, host: Host) -> None:
    bad, good = await written(tmp_path, host, "cv_1", "cv_2")
    spoil(tmp_path, bad)
    channel = WebChatChannel("shop", options(tmp_path))
    await channel.start(host)
    await channel.reconcile(host.desired())
    assert ended(host) == [bad]
    assert channel.health()["connected"] is True
    room = channel.reception.living("cv_2")
    assert room is not None
    assert room.id == good
    await channel.stop()


async def test_whose_conversation_cannot_be_read_begins_another(tmp_path: Path, host: Host) -> None:
    (bad,) = await written(tmp_path, host, "cv_1")
    spoil(tmp_path, bad)
    host.wished.clear()
    channel = WebChatChannel("shop", options(tmp_path))
    await channel.start(host)
    assert await channel.reception.latest("cv_1") is None
    again = await begun(channel, "cv_1")
    assert again.id != bad
    assert await channel.reception.latest("cv_1") is again
    await channel.stop()


def failing_once(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    real = getattr(ChatStore, name)

    def fails(_store: ChatStore, *_: object) -> None:
        monkeypatch.setattr(ChatStore, name, real)
        raise ChatStoreError("the device reports an error")

    monkeypatch.setattr(ChatStore, name, fails)


async def test_what_could_not_be_read_is_read_again_before_anything_is_compared(
    tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    (known,) = await written(tmp_path, host, "cv_1")
    failing_once(monkeypatch, "living")
    channel = WebChatChannel("shop", options(tmp_path))
    await channel.start(host)
    assert channel.health()["connected"] is False
    with pytest.raises(ChannelError):
        await channel.perform(OfferInteraction(f"{known}.2", known, "anna", "shop", 1))
    with pytest.raises(ChannelError):
        await begun(channel, "cv_1")
    await channel.reconcile(host.desired())
    assert ended(host) == []
    assert channel.health() == {"connected": True, "conversations": 1, "pages": 0}
    await channel.stop()


@pytest.mark.parametrize("name", ["living", "_unlock"])
async def test_a_start_that_takes_too_long_goes_on(
    tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """Whether it is the reading that takes so long, or the opening."""
    await written(tmp_path, host, "cv_1")
    gate = stalled(monkeypatch, name)
    channel = WebChatChannel("shop", options(tmp_path))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await channel.start(host)
    gate.set()
    await channel.start(host)
    await channel.reconcile(host.desired())
    assert ended(host) == []
    assert channel.reception.living("cv_1") is not None
    await channel.stop()


def stalled(monkeypatch: pytest.MonkeyPatch, name: str) -> threading.Event:
    """The disk takes its time until the event is set."""
    gate, real = threading.Event(), getattr(ChatStore, name)

    def slow(store: ChatStore, *arguments: object) -> object:
        assert gate.wait(30)
        return real(store, *arguments)

    monkeypatch.setattr(ChatStore, name, slow)
    return gate


async def test_a_stop_during_the_start_lets_go_of_the_file(
    tmp_path: Path, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    await written(tmp_path, host, "cv_1")
    gate = stalled(monkeypatch, "_unlock")
    channel = WebChatChannel("shop", options(tmp_path))
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.05):
            await channel.start(host)
    stopping = asyncio.create_task(channel.stop())
    await idle()
    gate.set()
    await stopping
    ChatStore(tmp_path / "chat.db", tmp_path / "chat.key").close()


async def test_nobody_is_silent_while_the_engine_is_down(tmp_path: Path, host: Host) -> None:
    await written(tmp_path, host, "cv_1")
    host.ahead_us = 3_600_000_000
    channel = WebChatChannel("shop", options(tmp_path))
    await channel.start(host)
    await channel.reconcile(host.desired())
    await channel.sweep()
    assert ended(host) == []
    host.ahead_us += 11 * 60_000_000
    await channel.sweep()
    assert len(ended(host)) == 1
    await channel.stop()


@pytest.mark.parametrize(
    ("wish", "expected"),
    [(lambda known: {known: Desired(known, "waiting")}, 1), (lambda _known: {}, 0)],
    ids=["engine-has-it", "engine-has-it-not"],
)
async def test_what_had_just_begun_when_all_went_down_is_what_the_engine_says(
    tmp_path: Path, host: Host, wish: Callable[[str], dict[str, Desired]], expected: int
) -> None:
    channel = WebChatChannel("shop", options(tmp_path))
    await channel.start(host)
    host.gate.clear()
    asking = asyncio.create_task(begun(channel, "cv_1"))
    while not (rooms := list(channel.rooms)) or not rooms[0].conversation.is_stored:
        await idle()
    await channel.stop()
    with pytest.raises(ChannelError):
        await asking
    host.gate.set()
    host.wished = wish(rooms[0].id)
    channel = WebChatChannel("shop", options(tmp_path))
    await channel.start(host)
    await channel.reconcile(host.desired())
    assert len(channel.rooms) == expected
    assert len(await channel.reception.past("cv_1", 9)) == expected
    room = await begun(channel, "cv_1")
    assert (room.id, len(await channel.reception.past("cv_1", 9))) == (rooms[0].id, 1)
    assert not room.conversation.is_over
    assert ended(host) == []
    await channel.stop()
