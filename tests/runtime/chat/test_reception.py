"""What customers and agents do in conversations: what may be done, and that it is kept before anybody sees it."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from pathlib import Path

import pytest

from acd.core.messages import EndInteraction, EnqueueInteraction, NoteInteraction, Outcome, Refusal
from acd.errors import ChatStoreError, JournalUnavailable
from acd.ports.channel import Desired
from acd.runtime.chat.beginning import Wanted
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import Marks, Refused
from acd.runtime.chat.reception import Reception
from acd.runtime.chat.rooms import MAX_PAGES, News, Room
from acd.runtime.chat.store import ChatStore, Page
from tests.runtime.chat.chats import Host, options
from tests.runtime.chat.chats import Page as Tab


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def channel(tmp_path: Path, host: Host) -> AsyncIterator[WebChatChannel]:
    found = WebChatChannel("shop", options(tmp_path, conversations=2))
    await found.start(host)
    yield found
    await found.stop()


@pytest.fixture
def reception(channel: WebChatChannel) -> Reception:
    return channel.reception


async def begun(reception: Reception, visitor: str = "cv_1", key: str = "first") -> Room:
    room = await reception.begin(visitor, Wanted(key))
    assert isinstance(room, Room)
    return room


async def talking(channel: WebChatChannel, host: Host, agent: str = "anna") -> Room:
    room = await begun(channel.reception)
    host.wished[room.id] = Desired(room.id, "connected", f"{room.id}.1", agent)
    await channel.reconcile(host.desired())
    return room


async def over(channel: WebChatChannel, host: Host) -> Room:
    room = await talking(channel, host)
    host.wished.clear()
    await channel.reconcile(())
    assert room.conversation.is_over
    return room


def code(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.code


async def test_the_engine_is_told_who_wants_what(reception: Reception, host: Host) -> None:
    room = await reception.begin("cv_1", Wanted("k", "support", "Chen", "13800138000", {"topic": "invoice"}))
    assert isinstance(room, Room)
    command = host.commands[0]
    assert isinstance(command, EnqueueInteraction)
    assert (command.interaction_id, command.channel, command.queue, command.instance, command.customer) == (
        room.id,
        "chat",
        "support",
        "shop",
        "cv_1",
    )
    assert command.attributes == (("web.topic", "invoice"),)
    assert "Chen" not in repr(command)
    await begun(reception, "cv_2")
    assert isinstance(host.commands[1], EnqueueInteraction)
    assert host.commands[1].customer == "cv_2"


async def test_a_page_asks_for_listed_queues_only(reception: Reception, host: Host) -> None:
    assert code(await reception.begin("cv_1", Wanted("k", "management"))) == "unknown-queue"
    assert host.commands == []


async def test_a_visitor_has_one_conversation_at_a_time(reception: Reception, host: Host) -> None:
    host.gate.clear()
    tabs = [asyncio.ensure_future(reception.begin("cv_1", Wanted(key))) for key in ("a", "b", "a")]
    await asyncio.sleep(0)
    host.gate.set()
    rooms = await asyncio.gather(*tabs)
    assert rooms[0] is rooms[1] is rooms[2]
    assert len(host.commands) == 1


async def test_a_beginning_that_is_said_again_is_the_same_also_after_its_end(
    channel: WebChatChannel, host: Host
) -> None:
    room = await over(channel, host)
    again = await begun(channel.reception)
    assert again is room
    assert (await begun(channel.reception, key="second")) is not room


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (Outcome((), (), Refusal("queue-closed", "the queue sales is closed")), "queue-closed"),
        (JournalUnavailable("a full disk"), "unavailable"),
    ],
)
async def test_a_conversation_that_cannot_begin_never_was(
    reception: Reception, host: Host, answer: Outcome | Exception, expected: str
) -> None:
    host.answer = answer
    assert code(await reception.begin("cv_1", Wanted("k"))) == expected
    assert reception.living("cv_1") is None
    assert await reception.past("cv_1", 9) == []
    host.answer = Outcome()
    assert isinstance(await reception.begin("cv_1", Wanted("k")), Room)


async def test_there_are_so_many_at_a_time(reception: Reception) -> None:
    await begun(reception, "cv_1")
    await begun(reception, "cv_2")
    assert code(await reception.begin("cv_3", Wanted("k"))) == "too-many-conversations"


async def test_what_is_written_is_told_when_it_is_kept(
    channel: WebChatChannel, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, tab = await talking(channel, host), Tab()
    channel.rooms.watch("cv_1", tab)
    heard: list[tuple[str, News]] = []
    stop = channel.rooms.listen(lambda room, news, _side, _agent: heard.append((room.id, news)))

    def failing(_store: ChatStore, _pages: Iterable[Page]) -> None:
        raise ChatStoreError("the disk is full: free some space")

    with monkeypatch.context() as patched:
        patched.setattr(ChatStore, "write", failing)
        with pytest.raises(ChatStoreError):
            await channel.reception.post(room, "", "a", "hello")
    assert (tab.news, heard) == ([], [])
    first = await channel.reception.post(room, "", "a", "hello")
    assert await channel.reception.post(room, "", "a", "hello") == first
    assert tab.news == [(room.id, "entries", None)]
    assert heard == [(room.id, "entries")]
    stop()
    await channel.reception.post(room, "anna", "a", "good day")
    assert len(heard) == 1
    assert [entry.text for entry in room.conversation.since(1, 9)] == ["hello", "good day"]


async def test_marks_and_typing_are_told_and_marks_are_kept(channel: WebChatChannel, host: Host) -> None:
    room, tab = await talking(channel, host), Tab()
    await channel.reception.post(room, "anna", "a", "good day")
    channel.rooms.watch("cv_1", tab)
    channel.reception.mark(room, "customer", delivered=2)
    channel.reception.mark(room, "customer", delivered=1)
    channel.reception.mark(room, "customer", read=2)
    channel.reception.typing(room, "anna")
    channel.reception.typing(room, "")
    assert tab.news == [
        (room.id, "marks", "customer"),
        (room.id, "marks", "customer"),
        (room.id, "typing", "agent"),
        (room.id, "typing", "customer"),
    ]
    await channel.reception.post(room, "", "b", "fine")
    again = await channel.reception.keeper.load(room.id)
    assert again is not None
    assert again.marks("customer") == Marks(2, 2)


async def test_whoever_leaves_ends_it_once(channel: WebChatChannel, host: Host) -> None:
    room = await talking(channel, host)
    await channel.reception.leave(room)
    ended = host.commands[-1]
    assert isinstance(ended, EndInteraction)
    assert (ended.by, ended.reason) == ("customer", "left")
    host.wished.clear()
    await channel.reconcile(())
    assert room.conversation.ended == "left"
    count = len(host.commands)
    assert await channel.reception.leave(room) is None
    assert len(host.commands) == count


async def test_a_rating_is_the_interactions_and_its_comment_is_not(channel: WebChatChannel, host: Host) -> None:
    room = await over(channel, host)
    assert await channel.reception.rate(room, 4, "call me: 13800138000") is None
    assert await channel.reception.rate(room, 4, "call me: 13800138000") is None
    assert code(await channel.reception.rate(room, 1, "")) == "already-rated"
    notes = [each for each in host.commands if isinstance(each, NoteInteraction)]
    assert [(each.interaction_id, each.attributes) for each in notes] == [(room.id, (("chat.rating", "4"),))]
    assert "13800138000" not in repr(host.commands)
    again = await channel.reception.keeper.load(room.id)
    assert again is not None
    assert again.head.comment == "call me: 13800138000"


def test_a_visitor_has_so_many_pages(channel: WebChatChannel) -> None:
    tabs = [Tab() for _ in range(MAX_PAGES + 1)]
    assert [channel.rooms.watch("cv_1", tab) for tab in tabs] == [True] * MAX_PAGES + [False]
    channel.rooms.unwatch("cv_1", tabs[0], 1)
    channel.rooms.unwatch("cv_1", tabs[0], 1)
    assert channel.rooms.pages == MAX_PAGES - 1
    assert channel.rooms.watch("cv_1", tabs[-1])
