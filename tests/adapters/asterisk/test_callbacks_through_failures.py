"""Callbacks when engine, WebSocket or PBX die: nobody is called twice at once, and nothing is lost."""

import asyncio
from pathlib import Path

import pytest

from acd.core.messages import (
    InteractionCompleted,
    InteractionScheduled,
)
from acd_asterisk.lab import AgentBehaviour, Provisioned
from acd_asterisk.snapshot import STASIS
from tests.adapters.asterisk.rig import PATIENCE_SECONDS, POLL_SECONDS, Rig, rig, until
from tests.adapters.asterisk.test_callbacks import (
    NUMBER,
    OPTIONS,
    QUEUE,
    TALKS,
    call_me,
    people,
)

SLOW = AgentBehaviour(ring_ms=3_500, talk_ms=700, hang_up_chance=1.0)


def called(it: Rig) -> int:
    """How often the customer's telephone has rung."""
    return sum(each.agent == NUMBER for each in it.phones.dialogs())


async def rings(it: Rig) -> None:
    """Until the customer's telephone rings."""
    await until(lambda: called(it) == 1, lambda: str(it.phones.dialogs()))


async def no_customer(it: Rig) -> None:
    """Until the PBX has no channel of the customer's any more."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while any(":back:" in each["id"] for each in await it.pbx.channels()):
            await asyncio.sleep(POLL_SECONDS)


async def customer_in(it: Rig) -> None:
    """Until the customer has picked up and is in the application."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not any(
            ":back:" in each["id"] and each["dialplan"]["app_name"] == STASIS for each in await it.pbx.channels()
        ):
            await asyncio.sleep(POLL_SECONDS)


async def away(it: Rig, how: str) -> None:
    """The engine does not hear the PBX any more."""
    if how == "killed":
        await it.stop_engine(crash=True)
    else:
        it.proxy.refuse()
        await it.proxy.cut()
        await it.connected(connected=False)


async def back(it: Rig, how: str) -> None:
    """It does again."""
    if how == "killed":
        await it.start_engine()
    else:
        it.proxy.accept()
        await it.connected()


async def test_the_customer_has_answered_another_controller(provisioned: Provisioned, tmp_path: Path) -> None:
    """Whoever is in the application, and is not told anything, is found, and talks with the agent who has waited."""
    customer = AgentBehaviour(ring_ms=3_500, talk_ms=8_000, hang_up_chance=1.0)
    async with rig(provisioned, tmp_path, people(customer), queues=[QUEUE], options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it)
        await rings(it)
        await away(it, "killed")
        async with it.listener():
            await customer_in(it)
        await back(it, "killed")
        await it.talking()
        completed = await it.event(InteractionCompleted)
        await it.empty()
        assert completed.by == "customer"
        assert called(it) == 1


@pytest.mark.parametrize("how", ["killed", "cut"])
async def test_the_customer_answers_meanwhile(provisioned: Provisioned, tmp_path: Path, how: str) -> None:
    """Asterisk lets nobody into an application without a controller: the attempt has failed, the next one has not."""
    customer = AgentBehaviour(ring_ms=1_500, talk_ms=2_000, hang_up_chance=1.0)
    async with rig(provisioned, tmp_path, people(customer), queues=[QUEUE], options=OPTIONS, proxied=True) as it:
        await it.ready("anna")
        await call_me(it)
        await rings(it)
        await away(it, how)
        await no_customer(it)
        await back(it, how)
        scheduled = await it.event(InteractionScheduled)
        completed = await it.event(InteractionCompleted)
        await it.empty()
        assert (scheduled.attempts, completed.by) == (1, "customer")
        assert called(it) == 2


@pytest.mark.parametrize("how", ["killed", "cut"])
async def test_the_customer_hangs_up_meanwhile(provisioned: Provisioned, tmp_path: Path, how: str) -> None:
    """They have talked, so that it is over, and nobody calls them again."""
    customer = AgentBehaviour(ring_ms=50, talk_ms=1_200, hang_up_chance=1.0)
    async with rig(provisioned, tmp_path, people(customer), queues=[QUEUE], options=OPTIONS, proxied=True) as it:
        await it.ready("anna")
        await call_me(it)
        await it.talking()
        await until(
            lambda: dict(it.router.view.interactions["callback"].attributes).get("callback.reached") == "1",
            lambda: str(it.events),
        )
        await away(it, how)
        await no_customer(it)
        await back(it, how)
        completed = await it.event(InteractionCompleted)
        await it.empty()
        assert completed.interaction_id == "callback"
        assert called(it) == 1
        assert not it.all(InteractionScheduled)


@pytest.mark.parametrize("how", ["killed", "cut"])
async def test_while_the_agents_telephone_rings(provisioned: Provisioned, tmp_path: Path, how: str) -> None:
    """The agent picks up in the end; then the customer is called, once."""
    anna = AgentBehaviour(ring_ms=3_500, talk_ms=60_000)
    async with rig(provisioned, tmp_path, people(TALKS, anna), queues=[QUEUE], options=OPTIONS, proxied=True) as it:
        await it.ready("anna")
        await call_me(it)
        await it.phones.wait_for(lambda seen: len(seen) == 1)
        await away(it, how)
        await back(it, how)
        completed = await it.event(InteractionCompleted)
        await it.empty()
        assert completed.by == "customer"
        assert called(it) == 1


async def test_the_pbx_dies_while_they_talk(provisioned: Provisioned, tmp_path: Path) -> None:
    """The talk is over, as any other would be."""
    customer = AgentBehaviour(ring_ms=50, talk_ms=60_000)
    async with rig(provisioned, tmp_path, people(customer), queues=[QUEUE], options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it)
        await it.talking()
        await it.pbx.kill()
        await it.connected(connected=False)
        await it.pbx.start()
        await it.connected()
        completed = await it.event(InteractionCompleted)
        await it.empty()
        assert (completed.by, completed.reason) == ("system", "pbx-restarted")
        assert called(it) == 1
