"""Customers who are called before any agent, when engine, WebSocket or PBX die: called once at a time, counted once."""

import asyncio
from pathlib import Path

import pytest

from acd.core.messages import (
    CustomerReached,
    EndInteraction,
    InteractionCancelled,
    InteractionCompleted,
    InteractionFailed,
    InteractionScheduled,
    OfferMade,
)
from acd_asterisk import heartbeat
from acd_asterisk.heartbeat import LEAST_BACK_SECONDS
from acd_asterisk.lab import AgentBehaviour, Provisioned
from acd_asterisk.switchboard import NEVER_SECONDS
from tests.adapters.asterisk.places import places, until_places
from tests.adapters.asterisk.rig import PATIENCE_SECONDS, POLL_SECONDS, Queue, rig, until
from tests.adapters.asterisk.test_callbacks import DIAL, OPTIONS, TALKS, call_me, people
from tests.adapters.asterisk.test_callbacks_customer_first import QUEUE, STAYS
from tests.adapters.asterisk.test_callbacks_through_failures import (
    away,
    back,
    called,
    customer_in,
    no_customer,
)

DEAD_MAN_SECONDS = 2


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


async def test_who_hears_the_prompt_is_watched_over(provisioned: Provisioned, tmp_path: Path) -> None:
    """If the engine dies for good, they do not hold the line for ever; with an agent they talk as long as they like."""
    asking = {"callbacks": {**DIAL, "prompt": ["beep"], "key": "1", "answer_within": "20s"}}
    customer = AgentBehaviour(ring_ms=50, talk_ms=60_000, keys="111111", keys_after_ms=2_500)
    async with rig(provisioned, tmp_path, people(customer), queues=[QUEUE], options=asking) as it:
        await it.ready("anna")
        await call_me(it)
        await customer_in(it)
        (customers,) = [each["id"] for each in await it.pbx.channels() if ":back:" in each["id"]]
        switch = f"channels/{customers}/variable?variable=TIMEOUT(absolute)"
        left = 0.0
        async with asyncio.timeout(PATIENCE_SECONDS):
            while left == 0:
                await asyncio.sleep(POLL_SECONDS)
                left = float((await it.pbx.ari_get(switch))["value"])
        assert left <= LEAST_BACK_SECONDS
        assert not it.all(CustomerReached)
        await it.talking(seconds=20)
        async with asyncio.timeout(PATIENCE_SECONDS):
            while float((await it.pbx.ari_get(switch))["value"]) < NEVER_SECONDS / 2:
                await asyncio.sleep(POLL_SECONDS)


async def test_the_engine_dies_for_good_while_they_hear_the_prompt(
    provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody asks them anything any more: the line is free again in the end, and nothing of it is left."""
    monkeypatch.setattr(heartbeat, "LEAST_BACK_SECONDS", DEAD_MAN_SECONDS)
    asking = {"callbacks": {**DIAL, "prompt": ["beep"], "key": "1", "answer_within": "60s"}}
    options: dict[str, object] = {**asking, "heartbeat": "300ms", "dead_man": f"{DEAD_MAN_SECONDS}s"}
    patient = Queue(more=QUEUE.more.replace('callback_retry = "1s"', 'callback_retry = "1h"'))
    async with rig(provisioned, tmp_path, people(STAYS), queues=[patient], options=options) as it:
        await it.ready("anna")
        await call_me(it)
        await customer_in(it)
        loop = asyncio.get_running_loop()
        began = loop.time()
        await until(lambda: loop.time() > began + 2 * DEAD_MAN_SECONDS, lambda: "the switch is wound up")
        await customer_in(it)
        await it.stop_engine(crash=True)
        await no_customer(it)
        await it.start_engine()
        scheduled = await it.event(InteractionScheduled)
        await it.empty()
        assert (scheduled.attempts, called(it)) == (1, 1)


async def test_the_pbx_is_away_for_their_whole_turn(provisioned: Provisioned, tmp_path: Path) -> None:
    """Nobody could call: no attempt. The first that there is reaches them when the PBX is back."""
    once = QUEUE.more.replace('callback_retry = "1s"', 'callback_retry = "1h"\ncallback_timeout = "5s"')
    async with rig(
        provisioned, tmp_path, people(TALKS), queues=[Queue(more=once)], options=OPTIONS, proxied=True
    ) as it:
        await away(it, "cut")
        await it.ready("anna")
        await call_me(it)
        scheduled = await it.event(InteractionScheduled)
        assert (scheduled.attempts, scheduled.uncalled) == (0, 1)
        await back(it, "cut")
        completed = await it.event(InteractionCompleted, seconds=30)
        await it.empty()
        assert (completed.by, completed.agent_id) == ("customer", "anna")
        assert called(it) == 1
        assert not it.all(InteractionFailed)


async def test_the_trunk_is_down(provisioned: Provisioned, tmp_path: Path) -> None:
    """Asterisk has nowhere to dial: no attempt, and nobody's telephone has rung."""
    nowhere = {"callbacks": {**DIAL, "dial": "PJSIP/{number}@nobody"}}
    async with rig(provisioned, tmp_path, people(TALKS), queues=[QUEUE], options=nowhere) as it:
        await it.ready("anna")
        await call_me(it)
        scheduled = await it.event(InteractionScheduled)
        assert (scheduled.attempts, scheduled.uncalled) == (0, 1)
        await it.event(InteractionScheduled, lambda each: each.uncalled > 1, seconds=30)
        assert it.phones.dialogs() == []


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
