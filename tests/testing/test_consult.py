"""Advice and conferences in the channels that ship for tests, through a real router."""

import asyncio
from pathlib import Path
from typing import Literal

from acd.core.messages import (
    ConnectInteraction,
    DisconnectAgent,
    EnqueueInteraction,
    JoinAgent,
    LeaveInteraction,
    MergeConsult,
    OfferInteraction,
    ReleaseInteraction,
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
[queues.sales]
offer_timeout = "1h"
wrap_up_policy = "none"
"""
HOUR = (3600.0, 3600.0)
AT_ONCE = (0.0, 0.001)


async def _advised(router: Router, fake: FakeChannel) -> tuple[str, str]:
    """Anna talks with a customer, and with Ben about it."""
    await router.submit(SignInAgent(router.new_id(), "anna", ready=True))
    customer = await fake.arrive("sales")
    await fake.expect(OfferInteraction)
    await fake.answer(f"{customer}.1")
    await fake.expect(ConnectInteraction)
    await router.submit(SignInAgent(router.new_id(), "ben", ready=True))
    asked = EnqueueInteraction(router.new_id(), "question", "voice", "sales", instance=fake.name, parent=customer)
    assert (await router.submit(asked)).refusal is None
    await fake.expect(OfferInteraction, lambda effect: effect.agent_id == "ben")
    await fake.answer("question.1")
    await fake.expect(ConnectInteraction, lambda effect: effect.agent_id == "ben")
    return customer, "question"


async def _merge(router: Router, consult: str, how: Literal["transfer", "conference"]) -> None:
    assert (await router.submit(MergeConsult(router.new_id(), consult, "anna", how))).refusal is None


async def test_an_adviser_joins_and_the_owner_leaves(tmp_path: Path) -> None:
    fake = FakeChannel()
    async with Router(configuration(tmp_path, TEXT), journal=MemoryJournal(), channels=[fake]) as router:
        customer, consult = await _advised(router, fake)
        assert fake.calls[consult].talking == {"question.1": "ben"}
        await _merge(router, consult, "conference")
        await fake.expect(JoinAgent)
        assert fake.calls.keys() == {customer}
        assert fake.calls[customer].talking == {f"{customer}.1": "anna", "question.1": "ben"}
        await router.submit(LeaveInteraction(router.new_id(), customer, "anna"))
        await fake.expect(DisconnectAgent, lambda effect: effect.agent_id == "anna")
        assert fake.calls[customer].talking == {"question.1": "ben"}
        await fake.hang_up(customer)
        await idle()
        assert fake.calls == {}
        assert router.view.work == {}
        assert not fake.health()["calls"]


async def test_a_consult_ends_with_the_customer(tmp_path: Path) -> None:
    fake = FakeChannel()
    async with Router(configuration(tmp_path, TEXT), journal=MemoryJournal(), channels=[fake]) as router:
        customer, consult = await _advised(router, fake)
        await fake.hang_up(customer)
        await fake.expect(ReleaseInteraction, lambda effect: effect.interaction_id == consult)
        assert fake.calls == {}


async def test_an_order_to_join_that_was_lost_is_healed_by_a_restart(tmp_path: Path) -> None:
    journal, fake = MemoryJournal(), FakeChannel()
    async with Router(configuration(tmp_path, TEXT), journal=journal, channels=[fake]) as router:
        customer, consult = await _advised(router, fake)
        fake.lose()
        await _merge(router, consult, "conference")
        await fake.until(lambda: bool(fake.lost))
        assert fake.calls.keys() == {customer, consult}
    async with Router(configuration(tmp_path, TEXT), journal=journal, channels=[fake]):
        await fake.until(lambda: len(fake.calls[customer].talking) > 1)
        assert fake.calls.keys() == {customer}
        assert fake.reconciles[-1] == (
            Desired(customer, "connected", f"{customer}.1", "anna", (("question.1", "ben"),)),
        )


async def test_a_restart_knows_who_asks_whom(tmp_path: Path) -> None:
    journal, fake = MemoryJournal(), FakeChannel()
    async with Router(configuration(tmp_path, TEXT), journal=journal, channels=[fake]) as router:
        customer, consult = await _advised(router, fake)
    del fake.calls[consult]
    async with Router(configuration(tmp_path, TEXT), journal=journal, channels=[fake]) as router:
        await fake.until(lambda: consult in fake.calls)
        wished = Desired(consult, "connected", "question.1", "ben", parent=customer, asking="anna")
        assert fake.reconciles[-1][-1] == wished
        assert fake.calls[consult].talking == {"question.1": "ben"}
        await _merge(router, consult, "transfer")
        await fake.expect(DisconnectAgent)
        assert fake.calls[customer].talking == {"question.1": "ben"}
        assert router.view.interactions[customer].agent_id == "ben"


async def test_simulated_people_give_advice(tmp_path: Path) -> None:
    behaviour = Behaviour(ring=AT_ONCE, talk=HOUR, patience=HOUR, no_answer=0.0, decline=0.0)
    channel = SimulatedChannel("sim", behaviour)
    async with Router(configuration(tmp_path, TEXT), journal=MemoryJournal(), channels=[channel]) as router:
        for agent in ("anna", "ben"):
            await router.submit(SignInAgent(router.new_id(), agent, ready=True))
        feed = router.subscribe()

        async def talking(interaction_id: str, agents: int) -> None:
            async with asyncio.timeout(5):
                while len(channel.calls[interaction_id].talking) < agents:
                    await anext(feed)
                    await idle()

        customer = await channel.call("", "sales")
        await talking(customer, 1)
        owner = router.view.interactions[customer].agent_id
        ask = EnqueueInteraction(router.new_id(), "question", "voice", "sales", instance="sim", parent=customer)
        assert (await router.submit(ask)).refusal is None
        await talking("question", 1)
        await router.submit(MergeConsult(router.new_id(), "question", owner, "conference"))
        await talking(customer, 2)
        assert channel.calls.keys() == {customer}
