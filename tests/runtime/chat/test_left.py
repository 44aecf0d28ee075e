"""Messages that are left while nobody can be reached: they become work when somebody can, and nobody waits."""

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import NamedTuple

import pytest

from acd.core.messages import (
    AcceptOffer,
    CloseQueue,
    Command,
    EndInteraction,
    FailCallback,
    NoteReached,
    OpenQueue,
    Outcome,
    ReachCustomer,
    SignInAgent,
)
from acd.ports.channel import Desired, InteractionStanding
from acd.runtime.chat.beginning import Wanted
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import Refused
from acd.runtime.chat.rooms import Room
from acd.runtime.config import loads
from acd.runtime.router import Router
from acd.testing.recording_host import RecordingHost
from tests.runtime.chat.chats import options
from tests.runtime.live import idle

CONFIG = """
[channels.shop]
type = "external"
media = "chat"
[agents.anna]
[queues.sales]
max_wait = "1s"
when_overdue = "release"
callback_attempts = 2
callback_retry = "10s"
"""
DAY_US = 24 * 3_600_000_000
LEFT = Wanted("first", left="My shoes are too small", number="+8613800138000")


class World(NamedTuple):
    """A router with one web chat, whose queue is closed."""

    router: Router
    channel: WebChatChannel

    async def left(self, wanted: Wanted = LEFT, visitor: str = "cv_1") -> Room:
        room = await self.channel.reception.begin(visitor, wanted)
        assert isinstance(room, Room), room
        return room

    async def does(self, command: Command) -> Outcome:
        outcome = await self.router.submit(command)
        assert outcome.refusal is None, outcome.refusal
        return outcome

    async def taken(self, room: Room) -> None:
        """The agent accepts it."""
        await until(lambda: bool(room.conversation.ringing))
        (offer_id,) = room.conversation.ringing
        await self.does(AcceptOffer(self.router.new_id(), offer_id, "anna"))
        await until(lambda: bool(room.conversation.talking))

    def state(self, room: Room) -> str:
        standing = self.channel.host.interaction(room.id)
        assert standing is not None
        return standing.state


async def until(found: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not found():
            await idle()


def files(folder: Path, text: str = CONFIG) -> str:
    personal = f'[personal]\npath = "{folder / "p.db"}"\nkey_file = "{folder / "p.key"}"\n'
    return f'{text}\n[journal]\npath = "{folder / "acd.db"}"\n{personal}'


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    channel = WebChatChannel("shop", options(tmp_path, messages=True, message_priority=-10))
    async with Router(loads(files(tmp_path)), channels=[channel]) as router:
        await router.ready()
        found = World(router, channel)
        await found.does(SignInAgent("in", "anna", ready=True))
        await found.does(CloseQueue("close", "sales", "night"))
        yield found


async def test_it_waits_for_the_queue_to_open_and_is_the_first_entry(world: World) -> None:
    room = await world.left()
    assert world.state(room) == "scheduled"
    await world.channel.reconcile(world.channel.host.desired())
    assert not room.conversation.is_over
    assert [(each.kind, each.text, each.key) for each in room.conversation.entries] == [
        ("message", "My shoes are too small", "first")
    ]
    await world.does(OpenQueue("open", "sales"))
    await world.taken(room)
    row = world.router.view.interaction(room.id)
    assert row is not None
    assert (row.kind, row.priority, row.queue) == ("callback", -10, "sales")


async def test_said_again_it_is_the_same(world: World) -> None:
    room = await world.left()
    assert await world.left() is room
    assert len(room.conversation.entries) == 1


async def test_a_restart_keeps_it(tmp_path: Path) -> None:
    for life in range(2):
        channel = WebChatChannel("shop", options(tmp_path, messages=True))
        async with Router(loads(files(tmp_path)), channels=[channel]) as router:
            await router.ready()
            world = World(router, channel)
            if not life:
                await world.does(CloseQueue("close", "sales", "night"))
                await world.left()
                continue
            room = channel.reception.living("cv_1")
            assert room is not None
            assert room.conversation.head.later
            await world.does(SignInAgent("in", "anna", ready=True))
            await world.does(OpenQueue("open", "sales"))
            await world.taken(room)


async def test_nobody_who_has_left_one_has_to_be_there(tmp_path: Path) -> None:
    """Neither while it waits, however long, nor when the agent answers; who comes back and writes is there again."""
    channel, host = WebChatChannel("shop", options(tmp_path, messages=True)), RecordingHost(lambda _agent, _channel: "")
    await channel.start(host)
    room = await World(Router(loads(CONFIG)), channel).left()
    host.interactions[room.id] = InteractionStanding(room.id, "scheduled", "sales", kind="callback")
    host.ahead_us = DAY_US
    await channel.sweep()
    host.wished[room.id] = Desired(room.id, "waiting")
    await channel.sweep()
    host.wished[room.id] = Desired(room.id, "connected", "o.1", "anna")
    await channel.reconcile(host.desired())
    host.ahead_us = 2 * DAY_US
    await channel.sweep()
    assert not [each for each in host.commands if isinstance(each, EndInteraction)]
    await channel.reception.post(room, "", "m-2", "I am back")
    host.ahead_us = 3 * DAY_US
    await channel.sweep()
    assert [each.reason for each in host.commands if isinstance(each, EndInteraction)] == ["idle"]
    await channel.stop()


async def test_whom_the_agent_does_not_reach_is_tried_again(world: World) -> None:
    room = await world.left()
    await world.does(OpenQueue("open", "sales"))
    await world.taken(room)
    await world.does(FailCallback("fail-1", room.id, "no-answer"))
    await until(lambda: not room.conversation.talking)
    assert (world.state(room), room.conversation.is_over) == ("scheduled", False)
    await world.channel.reconcile(world.channel.host.desired())
    assert not room.conversation.is_over
    kinds = [each.kind for each in room.conversation.entries]
    assert kinds == ["message", "joined", "left"]


async def test_where_customers_come_first_the_message_is_there_already(tmp_path: Path) -> None:
    channel, host = WebChatChannel("shop", options(tmp_path, messages=True)), RecordingHost(lambda _agent, _channel: "")
    await channel.start(host)
    room = await World(Router(loads(CONFIG)), channel).left()
    await channel.perform(ReachCustomer(room.id, "shop", 1, 0))
    reached = host.commands[-1]
    assert isinstance(reached, NoteReached)
    assert (reached.interaction_id, reached.attempt) == (room.id, 1)
    await channel.stop()


async def test_two_visitors_may_say_the_same_number(world: World) -> None:
    """Nobody vouches for it: it is not who they are, and the one does not stand in the other's way."""
    first = await world.left()
    second = await world.left(visitor="cv_2")
    rows = [world.router.view.interaction(each.id) for each in (first, second)]
    assert [row.customer for row in rows if row is not None] == ["cv_1", "cv_2"]


async def test_who_withdraws_it_leaves_nothing_to_do(world: World) -> None:
    room = await world.left()
    assert await world.channel.reception.leave(room) is None
    await until(lambda: room.conversation.is_over)
    await world.does(OpenQueue("open", "sales"))
    assert world.state(room) == "abandoned"


async def test_where_none_can_be_left_it_is_refused(tmp_path: Path) -> None:
    channel = WebChatChannel("shop", options(tmp_path))
    await channel.start(RecordingHost(lambda _agent, _channel: ""))
    answer = await channel.reception.begin("cv_1", LEFT)
    await channel.stop()
    assert isinstance(answer, Refused)
    assert answer.code == "no-messages"
    for text, code in (("   ", "invalid-field"), ("a\x00b", "invalid-field")):
        channel = WebChatChannel("shop", options(tmp_path, messages=True))
        await channel.start(RecordingHost(lambda _agent, _channel: ""))
        answer = await channel.reception.begin("cv_1", Wanted("first", left=text))
        assert isinstance(answer, Refused)
        assert answer.code == code
        assert channel.reception.living("cv_1") is None
        await channel.stop()
