"""How conversations begin: once, whatever is cut off meanwhile, and without a trace when they come to nothing."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from acd.core.messages import Command, EnqueueInteraction, Outcome, Refusal
from acd.errors import ChatStoreError, CommandInvalid, JournalUnavailable, OutcomeUnknown
from acd.ports.channel import Desired
from acd.runtime.chat import beginning
from acd.runtime.chat.beginning import Invitation, Wanted
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import Refused
from acd.runtime.chat.reception import Reception
from acd.runtime.chat.rooms import Room
from acd.runtime.chat.store import ChatStore
from tests.runtime.chat.chats import Host, Page, options
from tests.runtime.live import idle

CLOSED = Outcome((), (), Refusal("queue-closed", "the queue sales is closed"))
TAKEN = Outcome((), (), Refusal("duplicate-interaction", "it exists already"))


@pytest.fixture
def host() -> Host:
    return Host()


@pytest.fixture
async def channel(tmp_path: Path, host: Host) -> AsyncIterator[WebChatChannel]:
    found = WebChatChannel("shop", options(tmp_path))
    await found.start(host)
    yield found
    await found.stop()


@pytest.fixture
def reception(channel: WebChatChannel) -> Reception:
    return channel.reception


async def begun(reception: Reception, key: str = "first") -> Room:
    room = await reception.begin("cv_1", Wanted(key))
    assert isinstance(room, Room)
    return room


def code(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.code


def asked(host: Host) -> list[EnqueueInteraction]:
    return [each for each in host.commands if isinstance(each, EnqueueInteraction)]


async def rows(reception: Reception) -> int:
    """What the file has, whether anybody may find it or not."""
    return len(await reception.keeper.heads_of("cv_1", 99))


async def test_what_a_page_says_of_a_customer_stays_with_the_conversation(reception: Reception, host: Host) -> None:
    """Nobody vouches for it: it must not be taken for what is known of the person who has that number."""
    room = await reception.begin("cv_1", Wanted("k", name="Evil", number="13800138000"))
    assert isinstance(room, Room)
    assert asked(host)[0].customer == "cv_1"
    assert host._people == {}
    assert (room.conversation.head.name, room.conversation.head.number) == ("Evil", "13800138000")
    again = await reception.keeper.load(room.id)
    assert again is not None
    assert (again.head.name, again.head.number) == ("Evil", "13800138000")


async def test_while_it_begins_nobody_finds_it(channel: WebChatChannel, host: Host) -> None:
    reception, tab = channel.reception, Page()
    channel.rooms.watch("cv_1", tab)
    host.gate.clear()
    asking = asyncio.create_task(reception.begin("cv_1", Wanted("k")))
    while not (rooms := list(channel.rooms)) or not rooms[0].conversation.is_stored:
        await idle()
    assert reception.living("cv_1") is None
    assert await reception.latest("cv_1") is None
    assert await reception.find(rooms[0].id) is None
    assert await reception.past("cv_1", 9) == []
    host.answer = CLOSED
    host.gate.set()
    assert code(await asking) == "queue-closed"
    assert (tab.news, await rows(reception)) == ([], 0)


@pytest.mark.parametrize("answer", [CLOSED, JournalUnavailable("a full disk")])
async def test_what_came_to_nothing_is_nothing_even_if_it_cannot_be_forgotten(
    channel: WebChatChannel, host: Host, monkeypatch: pytest.MonkeyPatch, answer: Outcome | Exception
) -> None:
    reception = channel.reception

    def failing(_store: ChatStore, _conversation_id: str) -> list[str]:
        raise ChatStoreError("the disk is full: free some space")

    host.answer = answer
    with monkeypatch.context() as patched:
        patched.setattr(ChatStore, "forget", failing)
        assert isinstance(await reception.begin("cv_1", Wanted("k")), Refused)
    assert await rows(reception) == 1
    assert (await reception.latest("cv_1"), await reception.past("cv_1", 9)) == (None, [])
    host.answer = Outcome()
    room = await begun(reception, "k")
    assert (room.id in host.wished, await rows(reception)) == (True, 1)
    await channel.sweep()
    assert await rows(reception) == 1, "it is another one now"


async def test_what_could_not_be_forgotten_is_forgotten_later(
    channel: WebChatChannel, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(_store: ChatStore, _conversation_id: str) -> list[str]:
        raise ChatStoreError("the disk is full: free some space")

    host.answer = CLOSED
    with monkeypatch.context() as patched:
        patched.setattr(ChatStore, "forget", failing)
        assert code(await channel.reception.begin("cv_1", Wanted("k"))) == "queue-closed"
    await channel.sweep()
    assert await rows(channel.reception) == 0


async def test_a_page_that_goes_meanwhile_finds_it_begun(channel: WebChatChannel, host: Host) -> None:
    host.gate.clear()
    asking = asyncio.create_task(channel.reception.begin("cv_1", Wanted("first")))
    while not len(channel.rooms):
        await idle()
    asking.cancel()
    await asyncio.wait((asking,))
    host.gate.set()
    room = await begun(channel.reception)
    assert (len(asked(host)), room.id in host.wished) == (1, True)
    await channel.reconcile(host.desired())
    assert not room.conversation.is_over


async def test_what_nobody_knows_is_asked_again_until_somebody_does(
    channel: WebChatChannel, host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(beginning, "AGAIN_SECONDS", 0)
    host.answer = OutcomeUnknown("the journal is away")
    asking = asyncio.create_task(channel.reception.begin("cv_1", Wanted("k")))
    while len(asked(host)) < 3:
        await idle()
    host.answer = Outcome()
    assert isinstance(await asking, Room)
    assert len({each.id for each in asked(host)}) == 1, "the same command is carried out once"


async def test_what_the_engine_has_already_has_begun(channel: WebChatChannel, host: Host) -> None:
    """Carried out, and not known here: the file was restored, or written too late."""
    first = await begun(channel.reception)
    await channel.reception.keeper.forget(first.id)
    channel.rooms.drop(first)
    host.answer = TAKEN
    again = await begun(channel.reception)
    assert (again.id, again.conversation.is_over) == (first.id, False)
    assert not isinstance(await channel.reception.post(again, "", "a", "hello"), Refused)


async def test_an_id_that_is_used_up_is_followed_by_another(channel: WebChatChannel) -> None:
    class Used(Host):
        async def submit(self, command: Command) -> Outcome:
            first = isinstance(command, EnqueueInteraction) and not asked(self)
            self.answer = TAKEN if first else Outcome()
            return await super().submit(command)

    channel._host = used = Used()
    room = await begun(channel.reception)
    one, other = asked(used)
    assert one.interaction_id != other.interaction_id == room.id
    assert await begun(channel.reception) is room
    used.wished.clear()
    await channel.reconcile(())
    assert await begun(channel.reception) is room, "said again, it is the same one also after its end"
    assert len(asked(used)) == 2


async def test_what_the_engine_does_not_take_is_named_and_upsets_nobody(reception: Reception, host: Host) -> None:
    host.answer = CommandInvalid("attributes[0][0] is too long")
    answer = await reception.begin("cv_1", Wanted("k", attributes={"x": "y"}))
    assert code(answer) == "invalid-field"
    assert (host.reconciles, await rows(reception)) == (0, 0)


async def test_a_file_that_is_large_enough_takes_what_has_begun_and_nothing_else(tmp_path: Path, host: Host) -> None:
    channel = WebChatChannel("shop", options(tmp_path, megabytes=1, keep_us=0))
    await channel.start(host)
    room = await begun(channel.reception)
    chat = room.conversation
    for number in range(24):
        if await channel.reception.keeper.size() >= 1_000_000:
            break
        for each in range(4):
            chat.post("", f"{number}.{each}", "字" * 4_000, 1)
        await channel.reception.keeper.keep(chat)
    assert not isinstance(await channel.reception.post(room, "", "a", "still here"), Refused)
    assert code(await channel.reception.begin("cv_2", Wanted("k"))) == "unavailable"
    host.wished.clear()
    await channel.reconcile(())
    host.ahead_us = 11 * 60_000_000
    await channel.sweep()
    assert isinstance(await channel.reception.begin("cv_2", Wanted("k")), Room), "what is forgotten makes room"
    await channel.stop()


async def test_an_invitation_is_its_agents_own(reception: Reception, host: Host) -> None:
    def invited(agent: str, text: str = "May I help you?") -> Invitation:
        return Invitation(agent, "i-1", text)

    room = await reception.begin("cv_1", Wanted("i-1"), invited("anna"))
    assert isinstance(room, Room)
    assert await reception.begin("cv_1", Wanted("i-1"), invited("anna")) is room
    assert code(await reception.begin("cv_1", Wanted("i-1"), invited("anna", "Something else"))) == "id-reused"
    assert code(await reception.begin("cv_1", Wanted("i-1"), invited("boris"))) == "conversation-active"
    assert await reception.begin("cv_1", Wanted("i-1")) is room, "the customer's page sees the one there is"
    assert len(asked(host)) == 1


async def test_an_invitation_does_not_find_what_a_customer_began(channel: WebChatChannel, host: Host) -> None:
    customers = await begun(channel.reception, "i-1")
    host.wished.clear()
    await channel.reconcile(())
    room = await channel.reception.begin("cv_1", Wanted("i-1"), Invitation("anna", "i-1", "Good day"))
    assert isinstance(room, Room)
    assert room.id != customers.id
    assert [entry.text for entry in room.conversation.entries] == ["Good day"]


async def test_a_conversation_that_was_wished_for_meanwhile_is_there(channel: WebChatChannel, host: Host) -> None:
    """An agent is with it before the engine's answer has come back here."""
    host.gate.clear()
    asking = asyncio.create_task(begun(channel.reception))
    while not (rooms := list(channel.rooms)) or not rooms[0].conversation.is_stored:
        await idle()
    room = rooms[0]
    host.wished[room.id] = Desired(room.id, "connected", f"{room.id}.1", "anna")
    await channel.reconcile(host.desired())
    assert room.conversation.talking
    host.gate.set()
    assert await asking is room
    assert channel.reception.living("cv_1") is room
