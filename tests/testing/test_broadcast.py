"""Several devices that ring for one customer, in the channels that ship for tests, through a real router."""

import asyncio
from pathlib import Path

from acd.core.messages import (
    ConnectInteraction,
    OfferAccepted,
    OfferInteraction,
    OfferRescinded,
    RevokeOffer,
    SignInAgent,
)
from acd.ports.channel import Desired
from acd.runtime.journal import MemoryJournal
from acd.runtime.router import Router
from acd.testing import FakeChannel
from acd.testing.simulated import Behaviour, SimulatedChannel
from tests.runtime.live import configuration, idle

TEXT = """
[agents.anna]
[agents.ben]
[agents.chloe]
[queues.field]
strategy = "broadcast"
broadcast = 3
offer_timeout = "50ms"
late = "1h"
retry_after = "1ms"
"""
LONG = TEXT.replace("50ms", "1h")
AGENTS = ("anna", "ben", "chloe")
AT_ONCE = (0.0, 0.001)


async def _all_ring(router: Router, fake: FakeChannel) -> str:
    for agent in AGENTS:
        await router.submit(SignInAgent(router.new_id(), agent, ready=True))
    customer = await fake.arrive("field")
    await fake.until(lambda: len(fake.performed(OfferInteraction)) == len(AGENTS))
    return customer


async def test_all_ring_and_the_first_to_answer_talks(tmp_path: Path) -> None:
    fake = FakeChannel()
    async with Router(configuration(tmp_path, LONG), journal=MemoryJournal(), channels=[fake]) as router:
        customer = await _all_ring(router, fake)
        rung = [fake.rings(agent) for agent in AGENTS]
        assert rung == [(f"{customer}.1",), (f"{customer}.2",), (f"{customer}.3",)]
        await fake.decline(f"{customer}.1")
        await fake.expect(RevokeOffer, lambda effect: effect.reason == "declined")
        assert [len(fake.rings(agent)) for agent in AGENTS] == [0, 1, 1]
        outcome = await fake.answer(f"{customer}.3")
        assert [type(event) for event in outcome.events] == [OfferAccepted, OfferRescinded]
        await fake.expect(ConnectInteraction, lambda effect: effect.agent_id == "chloe")
        await fake.expect(RevokeOffer, lambda effect: (effect.agent_id, effect.reason) == ("ben", "rescinded"))
        call = fake.calls[customer]
        assert (call.standing, call.offer_id, call.agent_id) == ("connected", f"{customer}.3", "chloe")
        assert [fake.rings(agent) for agent in AGENTS] == [(), (), ()]


async def test_two_pick_up_and_one_of_them_comes_too_late(tmp_path: Path) -> None:
    fake = FakeChannel()
    async with Router(configuration(tmp_path, LONG), journal=MemoryJournal(), channels=[fake]) as router:
        customer = await _all_ring(router, fake)
        fake.hang("perform")
        assert (await fake.answer(f"{customer}.2")).refusal is None
        late = await fake.answer(f"{customer}.1")
        assert late.refusal is not None
        assert late.refusal.code == "offer-ended"
        fake.resume("perform")
        await fake.until(lambda: len(fake.performed(RevokeOffer)) == 2)
        call = fake.calls[customer]
        assert (call.standing, call.agent_id, call.ringing) == ("connected", "ben", {})
        assert len(fake.performed(ConnectInteraction)) == 1


async def test_a_restart_finds_all_that_ring_and_whoever_picked_up_meanwhile(tmp_path: Path) -> None:
    journal, fake = MemoryJournal(), FakeChannel()
    async with Router(configuration(tmp_path, LONG), journal=journal, channels=[fake]) as router:
        customer = await _all_ring(router, fake)
    await fake.answer(f"{customer}.2", silently=True)
    fake.stop_ringing(f"{customer}.3")
    async with Router(configuration(tmp_path, LONG), journal=journal, channels=[fake]):
        await fake.until(lambda: fake.calls[customer].standing == "connected")
        await fake.until(lambda: not fake.calls[customer].ringing)
        others = tuple((f"{customer}.{number}", agent) for number, agent in enumerate(AGENTS[1:], 2))
        assert fake.reconciles[-1] == (Desired(customer, "offered", f"{customer}.1", "anna", others),)
        assert fake.calls[customer].agent_id == "ben"


async def test_people_answer_decline_and_let_it_ring(tmp_path: Path) -> None:
    behaviour = Behaviour(
        ring=AT_ONCE, talk=AT_ONCE, patience=(3600.0, 3600.0), back=AT_ONCE, no_answer=0.3, decline=0.3, seed=5
    )
    channel = SimulatedChannel("sim", behaviour)
    async with Router(configuration(tmp_path, TEXT), journal=MemoryJournal(), channels=[channel]) as router:
        for agent in AGENTS:
            await router.submit(SignInAgent(router.new_id(), agent, ready=True))
        feed = router.subscribe()
        for _ in range(30):
            await channel.call("", "field")
        figures = router.view.queues["field"].figures
        async with asyncio.timeout(20):
            while figures.completed < 30:
                await anext(feed)
        await idle()
        assert channel.calls == {}
        assert figures.rescinded > 0
        assert figures.declined > 0
        assert figures.offers == figures.accepted + figures.declined + figures.expired + figures.rescinded
        assert all(agent.presence == "ready" for agent in router.view.agents.values())
