"""How channels hear of agents: all of them at first, then whoever has changed, as committed."""

import asyncio
from collections.abc import AsyncGenerator
from pathlib import Path

from acd.core.messages import (
    AcceptOffer,
    CancelInteraction,
    EndInteraction,
    EnqueueInteraction,
    OfferMade,
    SetPresence,
    SignInAgent,
    SignOutAgent,
)
from acd.ports.channel import AgentStanding, InteractionStanding, Place
from acd.runtime import staff
from acd.runtime.journal import MemoryJournal
from acd.runtime.router import Router
from acd.testing import ManualClock
from tests.runtime.live import TEXT, configuration, quiet

WRAP_UP = f'{TEXT}\nwrap_up = "30s"\n'


def make(tmp_path: Path, text: str = TEXT) -> Router:
    return Router(configuration(tmp_path, text), journal=MemoryJournal(), clock=ManualClock(), channels=())


async def following(news: AsyncGenerator[tuple[AgentStanding, ...], None]) -> tuple[AgentStanding, ...]:
    async with asyncio.timeout(5):
        return await anext(news)


async def test_all_first_then_whoever_has_changed(tmp_path: Path) -> None:
    async with make(tmp_path) as router:
        news = router.watch_agents()
        everyone = await following(news)
        assert [(each.agent_id, each.presence) for each in everyone] == [
            ("anna", "signed-out"),
            ("boris", "signed-out"),
        ]
        await router.submit(SignInAgent("c1", "anna", ready=True))
        assert await following(news) == (AgentStanding("anna", "ready"),)
        await router.submit(SetPresence("c2", "anna", "not-ready", "lunch"))
        assert await following(news) == (AgentStanding("anna", "not-ready", "lunch"),)
        await router.submit(SignOutAgent("c3", "anna"))
        (anna,) = await following(news)
        assert (anna.presence, router.agent("anna")) == ("signed-out", anna)
        await news.aclose()
        assert router.agent("nobody") is None
        assert len(router.agents()) == 2


async def test_work_in_hand(tmp_path: Path) -> None:
    """Rung, talking, in after-call work, and what queue it is from."""
    async with make(tmp_path, WRAP_UP) as router:
        await router.submit(SignInAgent("c1", "anna", ready=True))
        news = router.watch_agents()
        await following(news)
        outcome = await router.submit(EnqueueInteraction("c2", "i1", "voice", "sales", attributes=(("order", "4711"),)))
        (made,) = (event for event in outcome.events if isinstance(event, OfferMade))
        assert (await following(news))[0].work == (("i1", "offered"),)
        assert router.queue_of("i1") == "sales"
        rung = InteractionStanding("i1", "offered", "sales", (("order", "4711"),), "anna")
        assert router.interaction("i1") == rung
        await router.submit(EnqueueInteraction("c2b", "i1b", "voice", "sales"))
        assert router.place("i1") == Place("sales", 1)
        place = router.place("i1b")
        assert place is not None
        assert (place.queue, place.position) == ("sales", 2)
        assert place.expected_us is not None
        assert place.expected_us > 0
        await router.submit(CancelInteraction("c2c", "i1b"))
        assert router.place("i1b") is router.place("nobody") is None
        await router.submit(AcceptOffer("c3", made.offer_id, "anna"))
        assert (await following(news))[0].work == (("i1", "active"),)
        await router.submit(EndInteraction("c4", "i1", by="customer"))
        assert (await following(news))[0].work == (("i1", "wrap-up"),)
        await news.aclose()
        assert router.queue_of("i2") == ""
        ended = router.interaction("i1")
        assert ended is not None
        assert (ended.state, ended.agent_id, ended.reason) == ("completed", "anna", "customer")
        assert ended.waited_us is not None
        assert router.interaction("i2") is None


async def test_agents_come_and_go(tmp_path: Path) -> None:
    """One who is in the configuration no more is told as gone, a new one with those that are there."""
    async with make(tmp_path) as router:
        news = router.watch_agents()
        await following(news)
        changed = TEXT.replace("boris", "carla")
        await router.reconfigure(configuration(tmp_path, changed))
        told: dict[str, AgentStanding] = {}
        while "carla" not in told or not told.get("boris", told["carla"]).gone:
            told.update({each.agent_id: each for each in await following(news)})
        assert not told["carla"].gone
        await news.aclose()


async def test_slow_reader_is_told_everybody_anew(tmp_path: Path) -> None:
    """Whoever reads too slowly has missed nothing in the end: what is told is how it stands now."""
    async with make(tmp_path) as router:
        news = router.watch_agents()
        await following(news)
        await router.submit(SignInAgent("c0", "anna", ready=True))
        for number in range(staff.BUFFER + 1):
            await router.submit(SetPresence(f"p{number}", "anna", "not-ready", f"reason {number}"))
        await quiet(router)
        everyone = {each.agent_id: each for each in await following(news)}
        assert set(everyone) == {"anna", "boris"}
        assert everyone["anna"].reason == f"reason {staff.BUFFER}"
        await news.aclose()


async def test_it_ends_with_the_router(tmp_path: Path) -> None:
    async with make(tmp_path) as router:
        news = router.watch_agents()
        await following(news)
    async with asyncio.timeout(5):
        assert [each async for each in news] == []
