"""From writing to a call to a telephone: the customer's agent goes with them, over transfers, later, over a restart."""

from pathlib import Path
from typing import Any

from acd.api.chat.continued import continued
from acd.core.messages import EndInteraction, EnqueueInteraction, OfferMade, SetPresence, TransferInteraction
from acd.runtime.journal import MemoryJournal
from tests.adapters.webrtc.test_continuing import MINUTE, World, world
from tests.runtime.live import idle

__all__ = ["world"]


def offered(world: World, agent: str) -> list[str]:
    """What rings there."""
    return [each.interaction_id for each in world.router.view.agents[agent].work.values() if each.state == "offered"]


async def test_whom_a_chat_was_handed_on_to_is_whom_the_call_waits_for(world: World) -> None:
    """Not whoever is free, though they are the one who has handed it on."""
    room = await world.chats()
    await world.ready("anna")
    assert await world.accepts("anna") == room.id
    await world.ready("boris")
    await world.tells(SetPresence, "boris", "not-ready", "lunch")
    await world.tells(TransferInteraction, room.id, "anna", to_agent="boris")
    await idle()
    assert world.row(room.id).held_for == "boris"
    call = (await (await world.calls(room)).until("call", state="waiting"))["id"]
    assert world.row(call).held_for == "boris"
    assert not offered(world, "anna")
    await world.tells(SetPresence, "boris", "ready")
    assert await world.accepts("boris") == call
    assert continued(world.router.view, world.row(call)) == room.id


async def test_whoever_has_called_from_the_chat_reaches_the_same_agent_by_telephone(tmp_path: Path) -> None:
    """An hour later, and after a restart: the talk counts, though the chat that it came from never had anybody."""
    journal = MemoryJournal()
    world = World(tmp_path, journal)
    async with world.router as router:
        await router.ready()
        room = await world.chats(queue="loyal")
        customer = world.row(room.id).customer
        call = (await (await world.calls(room)).until("call", state="waiting"))["id"]
        await world.ready("anna")
        assert await world.accepts("anna") == call
        await world.tells(EndInteraction, call, by="customer")
        assert not any(isinstance(each, OfferMade) and each.interaction_id == room.id for each in told(world))
    again = World(tmp_path, journal)
    again.clock.advance(60 * MINUTE)
    async with again.router as router:
        await router.ready()
        again.ids = 1_000
        await again.tells(SetPresence, "anna", "not-ready", "lunch")
        await again.ready("boris")
        again.clock.advance(MINUTE)
        await again.tells(SetPresence, "anna", "ready")
        # Boris has been free for longer.
        await again.tells(EnqueueInteraction, "phone-1", "voice", "loyal", customer=customer)
        await idle()
        assert (offered(again, "anna"), offered(again, "boris")) == (["phone-1"], [])


def told(world: World) -> list[Any]:
    """All events so far."""
    return [event for events in world.told for event in events]
