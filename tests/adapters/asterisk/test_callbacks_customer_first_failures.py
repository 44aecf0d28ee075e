"""Customers who are called before any agent, when engine, WebSocket or PBX die: called once at a time, counted once."""

import asyncio
from pathlib import Path

import pytest

from acd.core.messages import (
    CustomerReached,
    EndInteraction,
    InteractionCancelled,
    InteractionCompleted,
    InteractionScheduled,
    OfferMade,
)
from acd_asterisk.lab import AgentBehaviour, Provisioned
from tests.adapters.asterisk.places import places, until_places
from tests.adapters.asterisk.rig import Queue, rig, until
from tests.adapters.asterisk.test_callbacks import DIAL, MORE, OPTIONS, call_me, people
from tests.adapters.asterisk.test_callbacks_customer_first import QUEUE, STAYS
from tests.adapters.asterisk.test_callbacks_through_failures import (
    LATE_NO,
    SLOW,
    away,
    back,
    called,
    customer_in,
    no_customer,
    rings,
)

DEAD_MAN_SECONDS = 2
PATIENT = Queue(
    more=MORE.replace("callback_attempts", 'callback_first = "customer"\ncallback_attempts').replace(
        'callback_retry = "1s"', 'callback_retry = "1h"'
    )
)


@pytest.mark.parametrize("how", ["killed", "cut"])
async def test_while_it_rings(provisioned: Provisioned, tmp_path: Path, how: str) -> None:
    """It rings on, the customer answers when everybody is back, and gets an agent; called once."""
    async with rig(provisioned, tmp_path, people(SLOW), queues=[QUEUE], options=OPTIONS, proxied=True) as it:
        await it.ready("anna")
        await call_me(it)
        await rings(it)
        await away(it, how)
        await back(it, how)
        completed = await it.event(InteractionCompleted)
        await it.empty()
        assert (completed.by, completed.agent_id) == ("customer", "anna")
        assert called(it) == 1
        assert len(it.all(CustomerReached)) == 1


@pytest.mark.parametrize("how", ["killed", "cut"])
async def test_the_customer_refuses_meanwhile(provisioned: Provisioned, tmp_path: Path, how: str) -> None:
    """What came of it nobody heard: an attempt that has failed. Not called again at once."""
    async with rig(provisioned, tmp_path, people(LATE_NO), queues=[PATIENT], options=OPTIONS, proxied=True) as it:
        await it.ready("anna")
        await call_me(it)
        await rings(it)
        await away(it, how)
        await no_customer(it)
        await back(it, how)
        scheduled = await it.event(InteractionScheduled)
        await it.empty()
        assert scheduled.attempts == 1
        assert called(it) == 1


@pytest.mark.parametrize("how", ["killed", "cut"])
async def test_who_has_answered_waits_on(provisioned: Provisioned, tmp_path: Path, how: str) -> None:
    """Until the agent picks up, whose telephone rings all the while."""
    anna = AgentBehaviour(ring_ms=4_000, talk_ms=400, hang_up_chance=1.0)
    async with rig(provisioned, tmp_path, people(STAYS, anna), queues=[QUEUE], options=OPTIONS, proxied=True) as it:
        await it.ready("anna")
        await call_me(it)
        await it.event(OfferMade)
        await until_places(it.pbx, {"anna": "", "chen": "hold"})
        await away(it, how)
        await back(it, how)
        completed = await it.event(InteractionCompleted)
        await it.empty()
        assert completed.by == "agent"
        assert called(it) == 1
        assert len(it.all(CustomerReached)) == 1


async def test_who_waits_is_not_hung_up_on(provisioned: Provisioned, tmp_path: Path) -> None:
    """There is no dialplan that the dead-man's switch could hand them to: they wait on, and get an agent afterwards."""
    options: dict[str, object] = {**OPTIONS, "heartbeat": "300ms", "dead_man": f"{DEAD_MAN_SECONDS}s"}
    anna = AgentBehaviour(no_answer_chance=1.0)
    async with rig(provisioned, tmp_path, people(STAYS, anna), queues=[QUEUE], options=options) as it:
        await it.ready("anna")
        await call_me(it)
        await until_places(it.pbx, {"anna": "", "chen": "hold"})
        loop = asyncio.get_running_loop()
        began = loop.time()
        await until(lambda: loop.time() > began + 1, lambda: "the switch is wound up")
        await it.stop_engine(crash=True)
        await until(lambda: loop.time() > began + 1 + 2 * DEAD_MAN_SECONDS, lambda: "the switch has fired")
        assert (await places(it.pbx)).get("chen") == "hold"
        await it.start_engine()
        await it.router.submit(EndInteraction("end", "callback", by="system", reason="boss"))
        cancelled = await it.event(InteractionCancelled)
        await it.empty()
        assert (cancelled.reason, called(it)) == ("boss", 1)


@pytest.mark.parametrize("how", ["killed", "cut"])
async def test_before_the_key(provisioned: Provisioned, tmp_path: Path, how: str) -> None:
    """Between picking up and the key: the customer is asked again; no agent's telephone has rung before."""
    customer = AgentBehaviour(ring_ms=50, talk_ms=60_000, keys="111111", keys_after_ms=2_500)
    asking = {"callbacks": {**DIAL, "prompt": ["beep"], "key": "1", "answer_within": "20s"}}
    async with rig(provisioned, tmp_path, people(customer), queues=[QUEUE], options=asking, proxied=True) as it:
        await it.ready("anna")
        await call_me(it)
        await customer_in(it)
        await away(it, how)
        await back(it, how)
        await it.talking(seconds=20)
        kinds = [type(each) for each in it.events]
        assert kinds.index(CustomerReached) < kinds.index(OfferMade)
        await it.router.submit(EndInteraction("end", "callback", by="system", reason="boss"))
        await it.empty()
        assert called(it) == 1
        assert not it.all(InteractionScheduled)


async def test_the_pbx_dies_while_it_rings(provisioned: Provisioned, tmp_path: Path) -> None:
    """Whether anybody has answered nobody knows: an attempt that has failed, and the next one reaches them."""
    async with rig(provisioned, tmp_path, people(SLOW), queues=[QUEUE], options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it)
        await rings(it)
        await it.pbx.kill()
        await it.connected(connected=False)
        await it.pbx.start()
        await it.connected()
        scheduled = await it.event(InteractionScheduled)
        completed = await it.event(InteractionCompleted, seconds=20)
        await it.empty()
        assert (scheduled.attempts, completed.by) == (1, "customer")
        assert called(it) == 2


async def test_the_pbx_dies_while_they_wait(provisioned: Provisioned, tmp_path: Path) -> None:
    """They are gone as any caller would be."""
    anna = AgentBehaviour(no_answer_chance=1.0)
    async with rig(provisioned, tmp_path, people(STAYS, anna), queues=[QUEUE], options=OPTIONS) as it:
        await it.ready("anna")
        await call_me(it)
        await until_places(it.pbx, {"anna": "", "chen": "hold"})
        await it.pbx.kill()
        await it.connected(connected=False)
        await it.pbx.start()
        await it.connected()
        cancelled = await it.event(InteractionCancelled)
        await it.empty()
        assert (cancelled.interaction_id, cancelled.reason) == ("callback", "pbx-restarted")
        assert called(it) == 1
