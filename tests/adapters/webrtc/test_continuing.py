"""A call instead of a conversation, before a real engine: the same place, the same agent, and nobody asked twice."""

import asyncio
import json
import random
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from acd.api.chat.calling import Calling
from acd.core.engine import Engine
from acd.core.messages import (
    AcceptOffer,
    CloseQueue,
    Command,
    DeclineOffer,
    Effect,
    EndInteraction,
    EnqueueInteraction,
    InteractionCancelled,
    InteractionQueued,
    MoveInteraction,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferRevoked,
    Outcome,
    ReleaseInteraction,
    ReprioritizeInteraction,
    SetPresence,
    SignInAgent,
    SignOutAgent,
)
from acd.errors import RouterOverloaded
from acd.ports.continuing import CONTINUES, Continuing, Origin
from acd.runtime.chat.beginning import Wanted
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.conversation import Entry, Refused
from acd.runtime.chat.rooms import Room
from acd.runtime.config import loads
from acd.runtime.journal import MemoryJournal
from acd.runtime.router import Router
from acd.testing import ManualClock
from acd_webrtc.channel import WebrtcChannel
from acd_webrtc.signalling import Limits
from tests.adapters.webrtc.callers import Caller, options
from tests.runtime.chat.chats import options as chat_options
from tests.runtime.live import idle

CONFIG = """
[channels.talk]
type = "external"
media = "voice"
[channels.shop]
type = "external"
media = "chat"
[agents.anna]
capacity = "parallel"
[agents.boris]
capacity = "parallel"
[queues.sales]
hold_for = "20s"
[queues.support]
[queues.night]
when_unstaffed = "refuse"
[queues.loose]
steps = [{ after = "10s", drop_own = true }]
[queues.loyal]
affinity = "2h"
hold_for = "20s"
"""
QUEUES = ("sales", "support", "night", "loose", "loyal")
MINUTE = 60 * 1_000_000
DAY = 1_440 * MINUTE
SOON = 10.0


def watched(told: list[Any]) -> type[Engine]:
    """An engine of which all that it ever decides is noted."""

    class Watched(Engine):
        def apply(self, command: Command, now_us: int) -> Outcome:
            outcome = super().apply(command, now_us)
            told.append(outcome.events)
            return outcome

    return Watched


class World:
    """An engine with a chat and calls, and a customer of both."""

    def __init__(self, folder: Path, journal: MemoryJournal | None = None) -> None:
        self.clock = ManualClock()
        # Nobody is missed, however far the clock is ahead: the channels look by the loop's own.
        self.shop = WebChatChannel("shop", chat_options(folder, call="talk", away_us=DAY, queues=QUEUES))
        self.talk = WebrtcChannel("talk", options(folder, away_us=DAY, limits=Limits(DAY, DAY, DAY)))
        self.told: list[Any] = []
        self.router = Router(
            loads(CONFIG, base=folder),
            journal=journal or MemoryJournal(),
            channels=[self.shop, self.talk],
            clock=self.clock,
            engine=watched(self.told),
        )
        self.ids = 0

    async def tells(self, kind: type[Command], *given: Any, **named: Any) -> Outcome:  # noqa: ANN401 - any command's
        self.ids += 1
        return await self.router.submit(kind(f"t-{self.ids}", *given, **named))

    async def ready(self, *agents: str) -> None:
        for each in agents:
            await self.tells(SignInAgent, each, ready=True)

    async def chats(self, visitor: str = "cv_1", queue: str = "sales") -> Room:
        room = await self.shop.reception.begin(visitor, Wanted("b-1", queue, attributes={"topic": "invoice"}))
        assert isinstance(room, Room)
        return room

    def ticket(self, room: Room | None, visitor: str = "cv_1", key: str = "k-1") -> str:
        assert isinstance(self.talk, Continuing)
        return Calling(self.router, self.talk).ticket(key, visitor, room).ticket  # type: ignore[arg-type]

    async def calls(self, room: Room, key: str = "k-1") -> Caller:
        """By the ticket of the conversation; what becomes of it has been told."""
        caller = await self.lets_in(self.ticket(room, room.visitor, key), key)
        await caller.say(type="begin", id=key, continues=room.id)
        return caller

    async def lets_in(self, ticket: str, key: str = "k-1") -> Caller:
        caller = Caller()
        caller.connect(self.talk.customer_page(""))
        caller.key = key
        await caller.say(type="hello", ticket=ticket, call=key)
        return caller

    async def accepts(self, agent: str) -> str:
        """The only offer of the agent's; the interaction."""
        await idle()
        (work,) = (each for each in self.router.view.agents[agent].work.values() if each.state == "offered")
        await self.tells(AcceptOffer, work.offer_id, agent)
        return work.interaction_id

    def check_offers(self) -> None:
        """Of no customer two interactions have ever rung at the same time; and many have rung."""
        customers: dict[str, str] = {}
        ringing: dict[str, str] = {}
        made = calls = 0
        for event in (event for events in self.told for event in events):
            match event:
                case InteractionQueued():
                    customers[event.interaction_id] = event.customer
                    calls += event.channel == "voice"
                case OfferMade():
                    customer = customers[event.interaction_id]
                    assert customer not in ringing, (event, ringing)
                    ringing[customer] = event.interaction_id
                    made += 1
                case OfferAccepted() | OfferDeclined() | OfferExpired() | OfferRevoked():
                    ringing.pop(customers[event.interaction_id], None)
                case _:
                    pass
        assert made > 5
        assert calls > 1

    def row(self, interaction: str) -> Any:  # noqa: ANN401 - a row, or nothing
        return self.router.view.interaction(interaction)


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    found = World(tmp_path)
    async with found.router as router:
        await router.ready()
        yield found


async def test_in_line_the_call_takes_the_place(world: World) -> None:
    room = await world.chats()
    caller = await world.calls(room)
    told = await caller.until("call", state="waiting")
    call, chat = world.row(told["id"]), world.row(room.id)
    assert (call.channel, call.queue, call.customer, call.instance) == ("voice", "sales", "cv_1", "talk")
    assert dict(call.attributes) == {"web.topic": "invoice", CONTINUES: room.id}
    assert (chat.state, chat.end_reason) == ("cancelled", "called")
    await idle()
    assert room.conversation.entries[-1].text == "called"
    await world.ready("anna")
    assert await world.accepts("anna") == call.id
    await caller.until("call", state="talking")
    assert [each.state for each in world.router.view.agents["anna"].work.values()] == ["active"]


@pytest.mark.parametrize("pause_us", [1, MINUTE // 2, 10 * MINUTE])
async def test_it_is_the_very_place(world: World, pause_us: int) -> None:
    """Nobody is overtaken who came a microsecond earlier, and nobody gets ahead who came a microsecond later."""
    rooms = []
    for number in range(3):
        rooms.append(await world.chats(f"cv_{number}"))
        world.clock.advance(pause_us)
    before, room, after = rooms
    place = world.row(room.id).place_at_us
    world.clock.advance(3 * MINUTE)
    caller = await world.calls(room)
    call = (await caller.until("call"))["id"]
    assert (world.row(call).place_at_us, world.row(call).priority) == (place, 0)
    line = [world.talk.host.place(each) for each in (before.id, call, after.id)]
    assert [place and place.position for place in line] == [1, 2, 3]
    await world.ready("anna")
    offers = [event.interaction_id for events in world.told for event in events if isinstance(event, OfferMade)]
    assert offers == [before.id, call, after.id]


async def test_the_place_is_the_one_of_the_moment_in_which_the_call_begins(world: World) -> None:
    """Whatever a supervisor does to the chat after the page has got its ticket."""
    first, room = await world.chats("cv_0", "support"), await world.chats("cv_1")
    ticket = world.ticket(room)
    await world.tells(MoveInteraction, room.id, "support")
    await world.tells(ReprioritizeInteraction, room.id, 3)
    caller = await world.lets_in(ticket)
    await caller.say(type="begin", id="k-1", continues=room.id)
    call = (await caller.until("call"))["id"]
    assert (world.row(call).queue, world.row(call).priority) == ("support", 3)
    line = [world.talk.host.place(each) for each in (call, first.id)]
    assert [place and place.position for place in line] == [1, 2]


async def test_who_is_in_line_stays_in_although_the_queue_has_closed(world: World) -> None:
    room = await world.chats()
    await world.tells(CloseQueue, "sales")
    assert (await (await world.calls(room)).until("call"))["state"] == "waiting"
    stranger = Caller()
    await stranger.hello(world.talk)
    await stranger.say(type="begin", id="k-1", queue="sales")
    assert (await stranger.until("error"))["code"] == "queue-closed"


async def test_in_talk_the_same_agent_is_asked_and_the_chat_goes_on(world: World) -> None:
    room = await world.chats()
    await world.ready("boris", "anna")
    assert await world.accepts("boris") == room.id
    caller = await world.calls(room)
    call = (await caller.until("call"))["id"]
    assert await world.accepts("boris") == call
    assert world.row(room.id).state == "active"
    assert not world.router.view.agents["anna"].work


async def test_who_talks_is_not_taken_for_silent_in_writing(world: World) -> None:
    room = await world.chats()
    await world.ready("anna")
    await world.accepts("anna")
    caller = await world.calls(room)
    await world.accepts("anna")
    await world.shop.reception.post(room, "anna", "m-1", "One moment")
    for _ in range(3):
        world.clock.advance(world.shop.options.idle_us)
        await world.shop.sweep()
    await idle()
    assert world.row(room.id).state == "active"
    await caller.say(type="leave")
    await caller.until("call", state="over")
    await world.shop.sweep()
    await idle()
    assert world.row(room.id).state == "active", "their time begins with the end of the call"
    world.clock.advance(world.shop.options.idle_us)
    await world.shop.sweep()
    async with asyncio.timeout(SOON):
        while world.row(room.id).state == "active":
            await idle()


async def test_while_the_chat_rings_nobody_else_is_asked(world: World) -> None:
    room = await world.chats()
    await world.ready("anna", "boris")
    caller = await world.calls(room)
    assert (await caller.until("error"))["code"] == "agent-asked"
    held = {agent: len(world.router.view.agents[agent].work) for agent in ("anna", "boris")}
    assert sorted(held.values()) == [0, 1]
    assert world.row(room.id).state == "offered"


async def test_a_call_that_is_refused_leaves_the_chat_at_its_place(world: World) -> None:
    await world.ready("boris")
    await world.tells(SetPresence, "boris", "not-ready", "lunch")
    room = await world.chats(queue="night")
    before = world.row(room.id)
    place, requirement, attributes = before.place_at_us, before.requirement, before.attributes
    await world.tells(SignOutAgent, "boris")
    caller = await world.calls(room)
    assert (await caller.until("error"))["code"] == "queue-unstaffed"
    found = world.row(room.id)
    assert (found.state, found.place_at_us, found.requirement, found.attributes) == (
        "queued",
        place,
        requirement,
        attributes,
    )
    await world.ready("anna")
    assert await world.accepts("anna") == room.id


@pytest.mark.parametrize("seed", range(4))
async def test_whatever_comes_when_nobody_is_asked_twice(tmp_path: Path, seed: int) -> None:
    """Of every customer one interaction at most rings, at any moment, as the engine's own events tell it."""
    chance, world = random.Random(seed), World(tmp_path)  # noqa: S311 - not for secrets
    rooms: list[Room] = []
    async with world.router as router:
        await router.ready()
        await world.ready("anna", "boris")
        for step in range(150):
            does = chance.choice(("chat", "call", "call", "answer", "decline", "end", "come", "go"))
            ringing = [work for each in router.view.agents.values() for work in each.work.values()]
            ringing = [work for work in ringing if work.state == "offered"]
            agent = chance.choice(("anna", "boris"))
            if does == "chat":
                rooms.append(await world.chats(f"cv_{step}", chance.choice(("sales", "loose"))))
            elif does == "call" and rooms:
                # And an agent comes or goes in the middle of it.
                presence = world.tells(SetPresence, agent, chance.choice(("ready", "not-ready")), "lunch")
                await asyncio.gather(world.calls(chance.choice(rooms[-3:]), f"k-{step}"), presence)
            elif does in {"answer", "decline"} and ringing:
                work = chance.choice(ringing)
                kind = AcceptOffer if does == "answer" else DeclineOffer
                await world.tells(kind, work.offer_id, work.agent_id)
            elif does == "end" and (living := list(router.view.interactions)):
                await world.tells(EndInteraction, chance.choice(living), by="customer")
            elif does in {"come", "go"}:
                await world.tells(
                    SetPresence, agent, "ready" if does == "come" else "not-ready", "" if does == "come" else "lunch"
                )
            world.clock.advance(chance.choice((0, MINUTE // 10)))
            await idle()
        world.check_offers()


async def test_what_the_engine_cannot_be_told_leaves_the_chat_at_its_place(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    room = await world.chats()

    async def overloaded(_: Command) -> Outcome:
        raise RouterOverloaded("not now")

    with monkeypatch.context() as patch:
        patch.setattr(world.talk.host, "submit", overloaded)
        caller = await world.calls(room)
    assert (await caller.until("error"))["code"] == "unavailable"
    assert world.row(room.id).state == "queued"
    await caller.say(type="begin", id="k-1", continues=room.id)
    assert (await caller.until("call"))["state"] == "waiting"
    assert world.row(room.id).end_reason == "called"


async def test_what_has_been_done_without_that_anybody_was_told_is_found_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, submit = await world.chats(), world.talk.host.submit

    async def unknown(command: Command) -> Outcome:
        await submit(command)
        raise RouterOverloaded("nobody knows")

    with monkeypatch.context() as patch:
        patch.setattr(world.talk.host, "submit", unknown)
        caller = await world.calls(room)
    assert (await caller.until("error"))["code"] == "unavailable"
    await caller.say(type="begin", id="k-1", continues=room.id)
    told = await caller.until("call", state="waiting")
    assert [each.channel for each in world.router.view.interactions.values()] == ["voice"]
    assert (world.row(room.id).end_reason, told["id"] in world.router.view.interactions) == ("called", True)


@pytest.mark.parametrize("queue", ["sales", "loose"])
async def test_an_agent_who_comes_when_the_call_has_begun_is_never_asked_to_write(
    world: World, monkeypatch: pytest.MonkeyPatch, queue: str
) -> None:
    """Also where a step has made the chat content with anybody: no requirement keeps them off, there is nothing to."""
    room = await world.chats(queue=queue)
    world.clock.advance(MINUTE)
    await idle()
    submit, told = world.talk.host.submit, len(world.told)

    async def meanwhile(command: Command) -> Outcome:
        outcome, _ = await asyncio.gather(submit(command), world.ready("anna"))
        return outcome

    monkeypatch.setattr(world.talk.host, "submit", meanwhile)
    call = (await (await world.calls(room)).until("call"))["id"]
    events = [event for events in world.told[told:] for event in events]
    assert [event.interaction_id for event in events if isinstance(event, OfferMade)] == [call]
    (ended,) = (event for event in events if isinstance(event, InteractionCancelled))
    assert (ended.interaction_id, ended.reason, ended.replaced_by) == (room.id, "called", call)


@pytest.mark.parametrize("queue", ["sales", "loose"])
async def test_an_agent_who_comes_before_the_call_has_begun_has_the_chat_for_good(
    world: World, monkeypatch: pytest.MonkeyPatch, queue: str
) -> None:
    """In the last moment, of which the page could not know: nothing is taken back from them, and they have the call."""
    room = await world.chats(queue=queue)
    world.clock.advance(MINUTE)
    await idle()
    submit = world.talk.host.submit

    async def meanwhile(command: Command) -> Outcome:
        if isinstance(command, EnqueueInteraction):
            await world.ready("anna")
        return await submit(command)

    with monkeypatch.context() as patch:
        patch.setattr(world.talk.host, "submit", meanwhile)
        caller = await world.calls(room)
    assert (await caller.until("error"))["code"] == "agent-asked"
    assert await world.accepts("anna") == room.id
    await caller.say(type="begin", id="k-1", continues=room.id)
    assert await world.accepts("anna") == (await caller.until("call", state="talking"))["id"]
    assert not [event for events in world.told for event in events if isinstance(event, OfferRevoked)]
    assert world.row(room.id).state == "active"


async def test_a_chat_that_has_just_been_moved_is_looked_for_again(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    room, submit = await world.chats(), world.talk.host.submit

    async def meanwhile(command: Command) -> Outcome:
        if isinstance(command, EnqueueInteraction):
            await world.tells(MoveInteraction, room.id, "support")
        return await submit(command)

    with monkeypatch.context() as patch:
        patch.setattr(world.talk.host, "submit", meanwhile)
        caller = await world.calls(room)
    assert (await caller.until("error"))["code"] == "agent-asked"
    assert world.row(room.id).state == "queued"
    await caller.say(type="begin", id="k-1", continues=room.id)
    assert world.row((await caller.until("call"))["id"]).queue == "support"
    assert world.row(room.id).end_reason == "called"


async def test_what_is_written_in_the_moment_is_in_the_conversation(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Between the engine's decision and its order to the chat: kept, and shown before the end; after it, said so."""
    room, perform = await world.chats(), world.shop.perform

    async def meanwhile(effect: Effect) -> None:
        if isinstance(effect, ReleaseInteraction):
            assert isinstance(await world.shop.reception.post(room, "", "m-1", "My number is 4711"), Entry)
        await perform(effect)

    monkeypatch.setattr(world.shop, "perform", meanwhile)
    await (await world.calls(room)).until("call")
    async with asyncio.timeout(SOON):
        while not room.conversation.is_over:
            await idle()
    said = [(each.kind, each.text) for each in room.conversation.entries[-2:]]
    assert said == [("message", "My number is 4711"), ("ended", "called")]
    late = await world.shop.reception.post(room, "", "m-2", "And my name")
    assert isinstance(late, Refused)
    assert late.code == "ended"


async def test_a_page_that_goes_in_the_middle_leaves_nothing_half_done(world: World) -> None:
    room = await world.chats()
    caller = await world.lets_in(world.ticket(room))
    saying = asyncio.create_task(caller.say(type="begin", id="k-1", continues=room.id))
    await asyncio.sleep(0)
    saying.cancel()
    async with asyncio.timeout(SOON):
        while world.row(room.id).state == "queued":
            await idle()
    assert world.row(room.id).state == "cancelled"
    again = Caller()
    again.connect(world.talk.customer_page(""))
    await again.say(type="hello", ticket=world.ticket(None), call="k-1")
    await again.say(type="begin", id="k-1")
    assert (await again.until("call"))["state"] == "waiting"


@pytest.mark.parametrize(
    ("key", "ticket", "code"),
    [
        ("k-1", "x.y", "ticket-invalid"),
        ("k-2", "", "ticket-foreign"),
        ("k-1", "used", "ticket-used"),
        ("k-1", "old", "ticket-expired"),
        ("k-1", "other", "ticket-foreign"),
    ],
)
async def test_stolen_expired_and_foreign_tickets(
    world: World, tmp_path: Path, key: str, ticket: str, code: str
) -> None:
    room = await world.chats()
    good = world.ticket(room)
    if ticket == "used":
        await (await world.lets_in(good)).until("welcome")
    elif ticket == "old":
        world.clock.advance(MINUTE)
    elif ticket == "other":
        other = WebrtcChannel("other", options(tmp_path))
        await other.start(world.talk.host)
        good = other.ticket(Origin("cv_1", "k-1", room.id))
        await other.stop()
    caller = await world.lets_in(ticket if "." in ticket else good, key)
    assert await caller.ended() == (4401, code)
    assert not caller.of("welcome")
    assert world.row(room.id).state == "queued"


async def test_without_the_ticket_of_a_conversation_none_is_gone_on_from(world: World) -> None:
    room, other = await world.chats(), await world.chats("cv_2")
    stranger = Caller()
    await stranger.hello(world.talk)
    await stranger.say(type="begin", id="k-1", continues=room.id)
    assert (await stranger.until("error"))["code"] == "no-ticket"
    caller = await world.lets_in(world.ticket(room))
    await caller.say(type="begin", id="k-1", continues=other.id)
    assert (await caller.until("error"))["code"] == "no-ticket"
    assert {world.row(each.id).state for each in (room, other)} == {"queued"}


async def test_a_conversation_that_is_over_is_not_gone_on_from(world: World) -> None:
    room = await world.chats()
    ticket = world.ticket(room)
    await world.shop.reception.leave(room)
    caller = await world.lets_in(ticket)
    await caller.say(type="begin", id="k-1", continues=room.id)
    assert (await caller.until("error"))["code"] == "conversation-over"


async def test_who_has_not_written_calls_as_the_same_visitor(world: World) -> None:
    caller = await world.lets_in(world.ticket(None))
    await caller.say(type="begin", id="k-1", queue="support")
    call = world.row((await caller.until("call"))["id"])
    assert (call.queue, call.customer, CONTINUES in dict(call.attributes)) == ("support", "cv_1", False)


def test_a_hello_with_a_ticket_has_a_bound() -> None:
    from acd_webrtc.messages import CUSTOMER_SAID  # noqa: PLC0415 - of this test alone

    with pytest.raises(ValueError, match="ticket"):
        CUSTOMER_SAID.decode(json.dumps({"type": "hello", "ticket": "x" * 5_000}))
