"""Files in conversations: taken in once and in order, bounded, kept as a whole or not at all, and forgotten."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from acd.core.messages import EnqueueInteraction
from acd.errors import ChatDamaged, ChatStoreError
from acd.ports.channel import Desired
from acd.runtime.chat import conversation as conversations
from acd.runtime.chat.beginning import Wanted
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import Entry, Refused
from acd.runtime.chat.file_parts import DROPPED_AT_ONCE, PART
from acd.runtime.chat.files import TIDIED_IN_TURN, UPLOADS, UPLOADS_OF_ONE, UPLOADS_OF_PLACE, Sending
from acd.runtime.chat.rooms import Room
from acd.runtime.chat.store import ChatStore, Page
from tests.runtime.chat.chats import Host, options
from tests.runtime.chat.pictures import SECRET, exif, jpeg, png, segment

CANARY = b"canary 13800138000 "
LONG = CANARY * (2 * PART // len(CANARY) + 100)
ALL_KINDS = ("png", "jpeg", "gif", "webp", "pdf", "text", "docx", "xlsx", "pptx")


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def channel(tmp_path: Path, host: Host) -> AsyncIterator[WebChatChannel]:
    found = WebChatChannel("shop", options(tmp_path, files=True, file_megabytes=1, conversation_megabytes=2))
    await found.start(host)
    yield found
    await found.stop()


@pytest.fixture
async def room(channel: WebChatChannel) -> Room:
    return await begun(channel)


async def begun(channel: WebChatChannel, visitor: str = "cv_1") -> Room:
    found = await channel.reception.begin(visitor, Wanted("first"))
    assert isinstance(found, Room)
    return found


async def pieces(data: bytes, step: int = 65_536) -> AsyncIterator[bytes]:
    for at in range(0, len(data), step):
        yield data[at : at + step]


async def send(
    channel: WebChatChannel, room: Room, data: bytes, *, key: str = "f-1", name: str = "a.txt", agent: str = ""
) -> Entry | Refused:
    return await channel.reception.files.receive(room, Sending(agent, key, name, len(data)), pieces(data))


async def sent(channel: WebChatChannel, room: Room, data: bytes, *, key: str = "f-1", name: str = "a.txt") -> Entry:
    found = await send(channel, room, data, key=key, name=name)
    assert isinstance(found, Entry), found
    return found


async def refused(channel: WebChatChannel, room: Room, data: bytes, *, key: str = "f-1", name: str = "a.txt") -> str:
    before = len(room.conversation.entries)
    found = await send(channel, room, data, key=key, name=name)
    assert isinstance(found, Refused), found
    assert len(room.conversation.entries) == before
    return found.code


async def content(channel: WebChatChannel, room: Room, entry: Entry) -> bytes:
    return b"".join([part async for part in channel.reception.files.parts(room, entry)])


def rows(channel: WebChatChannel) -> tuple[int, int]:
    """Files, and parts, in the file."""
    connection = sqlite3.connect(f"file:{channel.options.path}?mode=ro", uri=True)
    try:
        (files,) = connection.execute("SELECT count(*) FROM file").fetchone()
        (parts,) = connection.execute("SELECT count(*) FROM file_part").fetchone()
        return int(files), int(parts)
    finally:
        connection.close()


async def tidied(channel: WebChatChannel) -> tuple[int, int]:
    await channel.reception.files.tidy()
    return rows(channel)


async def unswept(channel: WebChatChannel) -> None:
    """From now on nobody but the test tidies, however slow it all is."""
    if channel._sweeping is not None:
        await asyncio.wait((channel._sweeping,))
    assert channel._timer is not None
    channel._timer.cancel()


async def again(channel: WebChatChannel, host: Host) -> WebChatChannel:
    """The same after a restart."""
    await channel.stop()
    found = WebChatChannel("shop", channel.options)
    await found.start(host)
    return found


# ---- in and out


@pytest.mark.parametrize("data", [b"x", LONG[:PART], LONG[: PART + 1], LONG, png()], ids=len)
@pytest.mark.parametrize("step", [1 << 20, 1000])
async def test_what_was_sent_comes_out(channel: WebChatChannel, room: Room, data: bytes, step: int) -> None:
    sending = Sending("", "f-1", "a.png" if data == png() else "a.txt", len(data))
    entry = await channel.reception.files.receive(room, sending, pieces(data, step))
    assert isinstance(entry, Entry)
    assert entry.file is not None
    assert (entry.kind, entry.side, entry.text, entry.file.size) == ("file", "customer", sending.name, len(data))
    assert await content(channel, room, entry) == data
    assert room.conversation.kept == entry.seq
    parts = -(-len(data) // PART)
    assert rows(channel) == (1, parts)
    assert await tidied(channel) == (1, parts)


async def test_pictures_measure_and_do_not_say_where_they_were_taken(channel: WebChatChannel, room: Room) -> None:
    photo = jpeg(40, 20, segment(0xE1, exif(6)))
    entry = await sent(channel, room, photo, name="IMG.jpeg")
    assert entry.file is not None
    assert (entry.file.kind, entry.file.width, entry.file.height, entry.file.size) == ("jpeg", 20, 40, len(photo))
    assert SECRET not in await content(channel, room, entry)
    bomb = await sent(channel, room, png(60_000, 60_000), key="f-2", name="bomb.png")
    assert bomb.file is not None
    assert (bomb.file.kind, bomb.file.width, bomb.file.height) == ("png", 0, 0)


async def test_nobody_reads_it_without_the_key_and_it_is_there_after_a_restart(
    channel: WebChatChannel, host: Host, room: Room
) -> None:
    entry = await sent(channel, room, LONG, name="姓名.txt")
    found = await again(channel, host)
    for each in channel.options.path.parent.glob("chat.db*"):
        assert CANARY[:-1] not in each.read_bytes()
        assert "姓名".encode() not in each.read_bytes()
    known = await found.reception.find(room.id)
    assert known is not None
    assert known.conversation.entries[-1] == entry
    assert await content(found, known, entry) == LONG
    await found.stop()


async def test_files_and_messages_are_in_order_and_each_once(channel: WebChatChannel, room: Room) -> None:
    reception = channel.reception
    await reception.post(room, "", "m-1", "before")
    first = await sent(channel, room, LONG)
    await reception.post(room, "", "m-2", "after")
    assert await sent(channel, room, LONG) == first
    assert [(each.seq, each.text) for each in room.conversation.entries] == [(1, "before"), (2, "a.txt"), (3, "after")]
    assert await tidied(channel) == (1, 3)
    # The same id is the same, of messages and files together.
    assert await refused(channel, room, b"another") == "id-reused"
    assert await refused(channel, room, LONG, key="m-1") == "id-reused"
    assert isinstance(await reception.post(room, "", "f-1", "a.txt"), Refused)
    await reception.leave(room)


async def test_the_same_file_twice_at_once_is_one(channel: WebChatChannel, room: Room) -> None:
    """The page has been cut off and tries again, and the first attempt goes on here."""
    both = await asyncio.gather(send(channel, room, LONG), send(channel, room, LONG))
    assert both[0] == both[1]
    assert isinstance(both[0], Entry)
    assert [each.kind for each in room.conversation.entries] == ["file"]
    assert await tidied(channel) == (1, 3)


async def test_only_an_agent_who_talks_sends(channel: WebChatChannel, host: Host, room: Room) -> None:
    answer = await send(channel, room, b"x", agent="anna")
    assert isinstance(answer, Refused)
    assert answer.code == "not-talking"
    host.wished[room.id] = Desired(room.id, "connected", f"{room.id}.1", "anna")
    await channel.reconcile(host.desired())
    entry = await send(channel, room, b"x", agent="anna")
    assert isinstance(entry, Entry)
    assert (entry.side, entry.agent_id) == ("agent", "anna")
    # The customer's of the same id is another one.
    assert (await sent(channel, room, b"y")).seq == entry.seq + 1


# ---- what is refused


async def test_what_is_off_is_off(tmp_path: Path, host: Host) -> None:
    channel = WebChatChannel("shop", options(tmp_path))
    await channel.start(host)
    assert await refused(channel, await begun(channel), b"x") == "no-files"
    await channel.stop()


REFUSED = [
    (b"", "a.txt", "file-too-large"),
    (bytes(1_000_001), "a.txt", "file-too-large"),
    (b"x", "", "invalid-field"),
    (b"x", "a" * 1_001, "invalid-field"),
    (b"MZ\x90\0", "a.txt", "file-kind"),
    (b"x" * 100 + b"\0", "a.txt", "file-kind"),
    (b"x" * 1000 + b"\0", "a.txt", "file-kind"),
    (b"PK\x03\x04" + bytes(100), "bill.docx", "file-kind"),
    (png()[:40], "a.png", "file-broken"),
    (b"\x89PNG\r\n\x1a\n" + b"<script>" * 20, "a.png", "file-broken"),
]


@pytest.mark.parametrize(("data", "name", "code"), REFUSED)
async def test_what_is_refused_leaves_nothing(
    channel: WebChatChannel, room: Room, data: bytes, name: str, code: str
) -> None:
    assert await refused(channel, room, data, name=name) == code
    assert await tidied(channel) == (0, 0)
    # And the same id is free for what can be sent.
    await sent(channel, room, b"x")


@pytest.mark.parametrize("claimed", [len(LONG) - 1, len(LONG) + 1])
async def test_a_file_is_as_long_as_it_was_said_to_be(channel: WebChatChannel, room: Room, claimed: int) -> None:
    found = await channel.reception.files.receive(room, Sending("", "f", "a.txt", claimed), pieces(LONG))
    assert isinstance(found, Refused)
    assert found.code == "file-length"
    assert room.conversation.entries == []
    assert await tidied(channel) == (0, 0)


async def test_an_office_document_is_kept_as_it_is_where_it_may_be_sent(tmp_path: Path, host: Host) -> None:
    """Whatever it would become when somebody unpacks it."""
    channel = WebChatChannel("shop", options(tmp_path, files=True, file_kinds=ALL_KINDS))
    await channel.start(host)
    room, bomb = await begun(channel), b"PK\x03\x04" + bytes(5_000)
    entry = await sent(channel, room, bomb, name="bill.docx")
    assert await content(channel, room, entry) == bomb
    await channel.stop()


async def test_a_conversation_has_so_many_bytes_and_files(
    channel: WebChatChannel, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        await sent(channel, room, LONG[:1] * 1_000_000, key=f"f-{number}")
    assert await refused(channel, room, b"x", key="more") == "too-many-files"
    other = await begun(channel, "cv_2")
    monkeypatch.setattr(conversations, "MAX_FILES", 3)
    for number in range(3):
        await sent(channel, other, b"x", key=f"f-{number}")
    assert await refused(channel, other, b"x", key="more") == "too-many-files"
    assert isinstance(await channel.reception.post(other, "", "m", "messages go on"), Entry)


async def test_files_leave_room_for_what_is_written(tmp_path: Path, host: Host) -> None:
    """Whoever sends as many as there may be shuts nobody out of the chat for as long as conversations are kept."""
    channel = WebChatChannel("shop", options(tmp_path, files=True, file_megabytes=1, megabytes=3))
    await channel.start(host)
    large = LONG[:1] * 700_000
    rooms = [await begun(channel, f"cv_{visitor}") for visitor in range(9)]
    for room in rooms:
        for number in range(3):
            await send(channel, room, large, key=f"f-{number}")
    assert await refused(channel, rooms[-1], large, key="more") == "unavailable"
    for visitor in range(20):
        other = await begun(channel, f"cv_another_{visitor}")
        assert isinstance(await channel.reception.post(other, "", "m", "hello" * 200), Entry)
    await channel.stop()


async def test_when_the_file_is_full_messages_go_on(tmp_path: Path, host: Host) -> None:
    channel = WebChatChannel("shop", options(tmp_path, files=True, file_megabytes=1, megabytes=1))
    await channel.start(host)
    room = await begun(channel)
    await sent(channel, room, LONG)
    assert await refused(channel, room, LONG, key="f-2") == "unavailable"
    assert isinstance(await channel.reception.post(room, "", "m", "messages go on"), Entry)
    await channel.stop()


async def test_so_many_come_at_a_time_and_no_more(channel: WebChatChannel) -> None:
    """Also of senders who go on for ever."""
    go_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await go_on.wait()
        yield b"y"

    async def begin(room: Room, key: str) -> Entry | Refused:
        return await channel.reception.files.receive(room, Sending("", key, "a.txt", 2), slow())

    rooms = [await begun(channel, f"cv_{number}") for number in range(UPLOADS // UPLOADS_OF_ONE + 1)]
    tasks = [asyncio.create_task(begin(room, f"{number}")) for room in rooms for number in range(UPLOADS_OF_ONE + 1)]
    while sum(each.done() for each in tasks) < len(tasks) - UPLOADS or rows(channel) < (UPLOADS, 0):
        await asyncio.sleep(0)
    assert rows(channel) == (UPLOADS, 0)
    go_on.set()
    found = await asyncio.gather(*tasks)
    codes = [each.code for each in found if isinstance(each, Refused)]
    assert codes == ["too-many-uploads"] * (len(tasks) - UPLOADS)
    assert isinstance(await begin(rooms[-1], "afterwards"), Entry)
    assert await tidied(channel) == (UPLOADS + 1, UPLOADS + 1)


async def test_one_address_does_not_hold_all_places(channel: WebChatChannel) -> None:
    go_on = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"x"
        await go_on.wait()
        yield b"y"

    async def begin(room: Room, place: str, agent: str = "") -> Entry | Refused:
        return await channel.reception.files.receive(room, Sending(agent, "f", "a.txt", 2, place), slow())

    rooms = [await begun(channel, f"cv_{number}") for number in range(UPLOADS_OF_PLACE + 3)]
    tasks = [asyncio.create_task(begin(room, "192.0.2.1")) for room in rooms[: UPLOADS_OF_PLACE + 1]]
    tasks += [asyncio.create_task(begin(rooms[-2], "192.0.2.2")), asyncio.create_task(begin(rooms[-1], ""))]
    while rows(channel) < (UPLOADS_OF_PLACE + 2, 0):
        await asyncio.sleep(0)
    go_on.set()
    found = await asyncio.gather(*tasks)
    assert [each.code for each in found if isinstance(each, Refused)] == ["too-many-uploads"]
    assert isinstance(found[-1], Entry)
    assert isinstance(found[-2], Entry)
    again = await channel.reception.files.receive(rooms[0], Sending("", "g", "a.txt", 2, "192.0.2.1"), slow())
    assert isinstance(again, Entry)


# ---- what fails on the way


async def test_a_sender_who_breaks_off_leaves_nothing(channel: WebChatChannel, room: Room) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield LONG[: PART + 5]
        raise ConnectionResetError

    with pytest.raises(ConnectionResetError):
        await channel.reception.files.receive(room, Sending("", "f", "a.txt", len(LONG)), broken())
    assert rows(channel) == (1, 1)
    assert await tidied(channel) == (0, 0)
    await sent(channel, room, LONG, key="f")


async def test_a_crash_in_the_middle_leaves_nothing_after_the_next_start(
    channel: WebChatChannel, host: Host, room: Room
) -> None:
    """The process is gone with what it knew; the file is as it was at that moment."""
    kept = await sent(channel, room, b"x", key="kept")
    keeper = channel.reception.keeper
    assert await keeper.begin_file(room.id, "lost")
    for number in range(TIDIED_IN_TURN * DROPPED_AT_ONCE // 4):
        await keeper.add_part(room.id, "lost", number, b"x")
    found = await again(channel, host)
    assert await tidied(found) == (1, 1)
    known = await found.reception.find(room.id)
    assert known is not None
    assert await content(found, known, kept) == b"x"
    await found.stop()


async def test_what_is_under_way_is_not_taken_away(channel: WebChatChannel, room: Room) -> None:
    go_on, waits = asyncio.Event(), asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield LONG[:PART]
        waits.set()
        await go_on.wait()
        yield LONG[PART:]

    task = asyncio.create_task(channel.reception.files.receive(room, Sending("", "f", "a.txt", len(LONG)), slow()))
    await waits.wait()
    channel.reception.files.let_go()
    assert await tidied(channel) == (1, 1)
    go_on.set()
    entry = await task
    assert isinstance(entry, Entry)
    assert await content(channel, room, entry) == LONG


async def test_what_cannot_be_kept_is_not_there_and_can_be_sent_again(
    channel: WebChatChannel, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(_store: ChatStore, _pages: Iterable[Page]) -> list[str]:
        raise ChatStoreError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(ChatStore, "write", fails)
        with pytest.raises(ChatStoreError):
            await send(channel, room, LONG)
    assert room.conversation.entries == []
    assert await tidied(channel) == (0, 0)
    assert (await sent(channel, room, LONG)).seq == 1


async def test_who_is_cancelled_at_the_last_moment_has_sent_it(
    channel: WebChatChannel, room: Room, monkeypatch: pytest.MonkeyPatch
) -> None:
    keeper, reached, go_on = channel.reception.keeper, asyncio.Event(), asyncio.Event()
    keep = keeper.keep

    async def slowly(conversation: conversations.Conversation) -> None:
        reached.set()
        await go_on.wait()
        await keep(conversation)

    monkeypatch.setattr(keeper, "keep", slowly)
    task = asyncio.create_task(send(channel, room, LONG))
    await reached.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await tidied(channel)
    go_on.set()
    assert await sent(channel, room, LONG) == room.conversation.entries[0]
    assert await content(channel, room, room.conversation.entries[0]) == LONG


async def test_a_part_that_is_altered_missing_or_anothers_is_found(channel: WebChatChannel, room: Room) -> None:
    entry, other = await sent(channel, room, LONG), await sent(channel, room, LONG, key="f-2", name="b.txt")
    assert entry.file is not None
    assert other.file is not None
    connection = sqlite3.connect(channel.options.path)
    swap = "UPDATE file_part SET data = (SELECT data FROM file_part WHERE file = ? AND number = 1) WHERE file = ?"
    connection.execute(f"{swap} AND number = 1", (other.file.id, entry.file.id))
    connection.execute("DELETE FROM file_part WHERE file = ? AND number = 2", (other.file.id,))
    connection.commit()
    connection.close()
    for each in (entry, other):
        with pytest.raises(ChatDamaged):
            await content(channel, room, each)


# ---- forgotten


async def test_files_go_with_their_conversation(tmp_path: Path, host: Host) -> None:
    channel = WebChatChannel("shop", options(tmp_path, files=True, keep_us=0))
    await channel.start(host)
    room = await begun(channel)
    entry = await sent(channel, room, LONG)
    stays = await begun(channel, "cv_2")
    other = await sent(channel, stays, b"other")
    assert isinstance(host.commands[0], EnqueueInteraction)
    del host.wished[room.id]
    host.ahead_us += 1_000_000
    await channel.sweep()
    host.ahead_us += 1_000_000_000
    await channel.sweep()
    assert await channel.reception.find(room.id) is None
    await channel.sweep()
    assert rows(channel) == (1, 1)
    assert await content(channel, stays, other) == b"other"
    with pytest.raises(ChatDamaged):
        await content(channel, room, entry)
    await channel.stop()


async def test_a_file_for_what_is_forgotten_meanwhile_is_none(channel: WebChatChannel, room: Room) -> None:
    async def forgotten() -> AsyncIterator[bytes]:
        yield LONG[:PART]
        await channel.reception.keeper.forget(room.id)
        yield LONG[PART:]

    with pytest.raises(ChatStoreError):
        await channel.reception.files.receive(room, Sending("", "f", "a.txt", len(LONG)), forgotten())
    assert await tidied(channel) == (0, 0)


async def test_much_is_taken_away_a_little_at_a_time(channel: WebChatChannel, room: Room) -> None:
    keeper, parts = channel.reception.keeper, TIDIED_IN_TURN * DROPPED_AT_ONCE + 3
    await unswept(channel)
    await keeper.begin_file(room.id, "much")
    for number in range(parts):
        await keeper.add_part(room.id, "much", number, b"x")
    assert await tidied(channel) == (1, 3)
    assert await tidied(channel) == (0, 0)
