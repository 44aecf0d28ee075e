"""A call instead of a conversation, and an engine that falls in between: both are there afterwards, or neither."""

import asyncio
from pathlib import Path

import pytest

from acd.api.chat.continued import continued
from acd.core.messages import Effect
from acd.ports.continuing import CONTINUES
from acd.runtime.journal import MemoryJournal
from tests.adapters.webrtc.test_continuing import SOON, World
from tests.runtime.live import idle


async def test_a_fall_before_the_chat_was_told_of_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its customer is told what has become of it, as if nothing had been; and the call is in line, at its place."""
    journal = MemoryJournal()
    world = World(tmp_path, journal)

    async def nothing(*_: Effect) -> None:
        """What the engine has decided does not reach the chat any more, by no way."""

    async with world.router as router:
        await router.ready()
        room = await world.chats()
        await world.shop.reception.post(room, "", "m-1", "Where is my parcel?")
        place = world.row(room.id).place_at_us
        monkeypatch.setattr(world.shop, "perform", nothing)
        monkeypatch.setattr(world.shop, "sweep", nothing)
        call = (await (await world.calls(room)).until("call"))["id"]
        assert not room.conversation.is_over
    again = World(tmp_path, journal)
    async with again.router as router:
        await router.ready()
        async with asyncio.timeout(SOON):
            while (found := await again.shop.reception.find(room.id)) is None or not found.conversation.is_over:
                await idle()
        assert [(each.kind, each.text) for each in found.conversation.entries] == [
            ("message", "Where is my parcel?"),
            ("ended", "called"),
        ]
        row = again.row(call)
        assert (row.state, row.place_at_us, dict(row.attributes)[CONTINUES]) == ("queued", place, room.id)
        assert continued(again.router.view, row) == room.id
        await again.ready("anna")
        assert await again.accepts("anna") == call


async def test_a_fall_before_the_call_had_begun(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then there is none, and the chat is where it was."""
    journal = MemoryJournal()
    world = World(tmp_path, journal)
    async with world.router as router:
        await router.ready()
        room = await world.chats()
        place = world.row(room.id).place_at_us

        async def never(_: object) -> None:
            await asyncio.Event().wait()

        monkeypatch.setattr(world.talk.host, "submit", never)
        caller = await world.lets_in(world.ticket(room))
        saying = asyncio.create_task(caller.say(type="begin", id="k-1", continues=room.id))
        await idle()
        saying.cancel()
    again = World(tmp_path, journal)
    async with again.router as router:
        await router.ready()
        row = again.row(room.id)
        assert (row.state, row.place_at_us) == ("queued", place)
        assert list(again.router.view.interactions) == [room.id]
        await again.ready("anna")
        assert await again.accepts("anna") == room.id


async def test_an_attribute_alone_is_no_proof_after_a_restart_either(tmp_path: Path) -> None:
    """Whoever names another's conversation has begun a call by themselves: its text is none of theirs."""
    journal = MemoryJournal()
    world = World(tmp_path, journal)
    async with world.router as router:
        await router.ready()
        room = await world.chats()
        await world.shop.reception.leave(room)
        await idle()
    again = World(tmp_path, journal)
    async with again.router as router:
        await router.ready()
        forged = await again.chats("cv_2")
        row = again.row(forged.id)
        row.attributes = (*row.attributes, (CONTINUES, room.id))
        assert again.row(room.id).partial
        assert not continued(again.router.view, row)
