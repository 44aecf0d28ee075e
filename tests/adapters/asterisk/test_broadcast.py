"""Of a broadcast every telephone rings, and the engine's commit says who talks. On a real Asterisk."""

from pathlib import Path

import pytest

from acd.core.messages import (
    InteractionCompleted,
    OfferAccepted,
    OfferExpired,
    OfferMade,
    OfferRescinded,
    OfferRevoked,
)
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.rig import Agent, Queue, Rig, rig, until

ALL = Queue(more='strategy = "broadcast"\nbroadcast = 3\noffer_timeout = "20s"\nretry_after = "1s"')
SILENT = AgentBehaviour(no_answer_chance=1.0)
QUICK = AgentBehaviour(ring_ms=1_000, talk_ms=600, hang_up_chance=1.0)
CALLER = CallSpec(caller="10001", dialled="sales")


async def three_ring(it: Rig) -> None:
    """Wait until they do."""
    await it.phones.wait_for(lambda dialogs: sum(each.ringing_us is not None for each in dialogs) == 3)


async def test_two_answer_at_once_and_one_talks(provisioned: Provisioned, tmp_path: Path) -> None:
    """Both have picked up in the same instant: one is let go at once, as is the one who rings on."""
    agents = [Agent("anna", QUICK), Agent("ben", QUICK), Agent("cleo", SILENT)]
    async with rig(provisioned, tmp_path, agents, queues=[ALL]) as it:
        await it.ready("anna", "ben", "cleo")
        async with it.callers(CALLER) as callers:
            await three_ring(it)
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        (accepted,) = it.all(OfferAccepted)
        assert completed.agent_id == accepted.agent_id
        assert {each.agent_id for each in it.all(OfferRescinded)} == {"anna", "ben", "cleo"} - {accepted.agent_id}
        dialogs = {each.agent: each for each in await it.phones.wait_for(lambda seen: all(each.how for each in seen))}
        assert dialogs[accepted.agent_id].how == "agent"
        loser = dialogs[({"anna", "ben"} - {accepted.agent_id}).pop()]
        assert loser.how in {"pbx", "cancelled"}
        assert loser.ended_us is not None
        assert loser.invited_us is not None
        assert loser.ended_us < (dialogs[accepted.agent_id].ended_us or 0)
        assert dialogs["cleo"].how == "cancelled"
        assert {it.router.view.agents[agent].presence for agent in dialogs} == {"ready"}
        assert not it.all(OfferExpired)


@pytest.mark.parametrize("how", ["engine-killed", "line-cut"])
async def test_three_ring_while_nobody_listens(provisioned: Provisioned, tmp_path: Path, how: str) -> None:
    """They ring on, each once; one who picks up afterwards talks, and the others stop."""
    slow = AgentBehaviour(ring_ms=3_000, talk_ms=200, hang_up_chance=1.0)
    agents = [Agent("anna", SILENT), Agent("ben", slow), Agent("cleo", SILENT)]
    async with rig(provisioned, tmp_path, agents, queues=[ALL], proxied=how == "line-cut") as it:
        await it.ready("anna", "ben", "cleo")
        async with it.callers(CALLER) as callers:
            await three_ring(it)
            if how == "engine-killed":
                await it.stop_engine(crash=True)
                await it.start_engine()
            else:
                await it.proxy.cut()
                await it.connected(connected=False)
                await it.connected()
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        assert completed.agent_id == "ben"
        dialogs = await it.phones.wait_for(lambda seen: all(each.how for each in seen))
        assert sorted((each.agent, each.how) for each in dialogs) == [
            ("anna", "cancelled"),
            ("ben", "agent"),
            ("cleo", "cancelled"),
        ]
        assert not it.all(OfferRevoked)


async def test_picked_up_while_the_engine_was_away(provisioned: Provisioned, tmp_path: Path) -> None:
    """Two have picked up, one rings no more: found out on coming back, and exactly one talks."""
    quick = AgentBehaviour(ring_ms=800, talk_ms=2_000, hang_up_chance=1.0)
    refuses = AgentBehaviour(ring_ms=800, decline_chance=1.0)
    agents = [Agent("anna", quick), Agent("ben", quick), Agent("cleo", refuses)]
    async with rig(provisioned, tmp_path, agents, queues=[ALL]) as it:
        await it.ready("anna", "ben", "cleo")
        async with it.callers(CALLER) as callers:
            await three_ring(it)
            await it.stop_engine(crash=True)
            async with it.listener():  # Without a controller Asterisk lets nobody who picks up into the application.
                await it.phones.wait_for(lambda seen: sum(each.is_answered for each in seen) == 2)
            await it.start_engine()
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        (accepted,) = it.all(OfferAccepted)
        assert accepted.agent_id == completed.agent_id
        assert len(it.all(OfferMade)) == 3
        await until(lambda: it.router.view.agents["cleo"].presence == "ready", lambda: "cleo is not to blame")
