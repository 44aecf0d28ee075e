"""The engine is away: the dialplan's fallback, the dead-man's switch, and coming back to calls in every state."""

import asyncio
from pathlib import Path

from acd.core.messages import (
    InteractionAbandoned,
    InteractionCancelled,
    InteractionCompleted,
    InteractionQueued,
    InteractionRequeued,
    OfferAccepted,
    OfferExpired,
    OfferMade,
    OfferRevoked,
)
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.raw_caller import raw_caller
from tests.adapters.asterisk.rig import EXAMPLES, Agent, rig, until

LISTENER = AgentBehaviour(ring_ms=20, talk_ms=60_000)
SILENT = AgentBehaviour(no_answer_chance=1.0)
TALKER = AgentBehaviour(ring_ms=20, talk_ms=300, hang_up_chance=1.0)
DEAD_MAN_SECONDS = 3


def call(number: str, seconds: float = 0) -> CallSpec:
    """A caller who hangs up after so long, or never."""
    return CallSpec(caller=number, dialled="sales", hang_up_after_ms=int(seconds * 1000))


def dialplan() -> str:
    """The example's, with a short dead-man's switch."""
    return (EXAMPLES / "extensions.conf").read_text().replace("ACD_DEAD_MAN = 30", f"ACD_DEAD_MAN = {DEAD_MAN_SECONDS}")


async def test_fallback_without_a_controller(provisioned: Provisioned, tmp_path: Path) -> None:
    """Nobody is connected: the caller is served by Asterisk's own queue at once."""
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)]) as it:
        await it.stop_engine()
        async with it.callers(call("10001")) as callers:
            (dialog,) = await it.phones.wait_for(lambda dialogs: any(each.is_answered for each in dialogs))
            assert dialog.caller == "10001"
            await callers.finished(seconds=10)
        await it.empty()
        assert not it.all(InteractionQueued)


async def test_dead_mans_switch(provisioned: Provisioned, tmp_path: Path) -> None:
    """Heartbeats keep a caller waiting; when they stop, Asterisk's own queue serves the caller; talks go on."""
    options: dict[str, object] = {"heartbeat": "500ms", "dead_man": f"{DEAD_MAN_SECONDS}s"}
    agents = [Agent("anna", TALKER), Agent("ben", LISTENER)]
    async with rig(provisioned, tmp_path, agents, options=options, dialplan=dialplan()) as it:
        await it.ready("ben")
        async with raw_caller(it.pbx.sip_port, "10001", "sales"):
            await it.event(OfferAccepted)
            async with it.callers(call("10002")) as waiting:
                await until(lambda: len(it.all(InteractionQueued)) == 2, lambda: str(it.events))
                loop = asyncio.get_running_loop()
                began = loop.time()
                await until(
                    lambda: loop.time() - began > DEAD_MAN_SECONDS + 1.5 or bool(it.all(InteractionAbandoned)),
                    lambda: "time",
                )
                assert not it.all(InteractionAbandoned)
                assert not it.all(InteractionCancelled)
                await it.stop_engine(crash=True)
                stopped = loop.time()
                dialogs = await it.phones.wait_for(
                    lambda dialogs: any(each.agent == "anna" and each.is_answered for each in dialogs)
                )
                assert loop.time() - stopped < DEAD_MAN_SECONDS + 2
                (served,) = [each for each in dialogs if each.agent == "anna"]
                assert served.caller == "10002"
                await waiting.finished(seconds=10)
                (talk,) = [each for each in it.phones.dialogs() if each.agent == "ben"]
                assert talk.how is None
            await it.start_engine()
        completed = await it.event(InteractionCompleted)
        assert completed.talked_us > 2 * DEAD_MAN_SECONDS * 1_000_000
        await it.event(InteractionAbandoned, lambda each: each.reason == "gone-while-away")
        await it.empty()


async def test_engine_dies_with_calls_in_every_state(provisioned: Provisioned, tmp_path: Path) -> None:
    """Talking goes on, ringing goes on, who waits is served in the old order, nobody is punished, nothing is left."""
    agents = [Agent("anna", LISTENER), Agent("ben", SILENT), Agent("cleo", TALKER)]
    async with rig(provisioned, tmp_path, agents) as it:
        await it.ready("anna")
        async with it.callers(call("10001", seconds=4)) as talking:
            await it.event(OfferAccepted)
            await it.talking()
            await it.presence("anna", "not-ready", "lunch")
            await it.ready("ben")
            async with it.callers(call("10002", seconds=5), call("10003"), call("10004"), rate=20) as others:
                await until(lambda: len(it.all(InteractionQueued)) == 4, lambda: str(it.events))
                await until(lambda: len(it.all(OfferMade)) == 2, lambda: str(it.events))
                await it.stop_engine(crash=True)
                await it.start_engine()
                await it.ready("cleo")
                await until(lambda: len(it.all(InteractionCompleted)) == 3, lambda: str(it.events))
                assert [each.caller for each in it.phones.dialogs() if each.agent == "cleo"] == ["10003", "10004"]
                await others.finished(seconds=10)
            await talking.finished(seconds=5)
        await it.empty()
        assert not it.all(OfferExpired)
        assert not it.all(InteractionRequeued)
        assert [event.reason for event in it.all(OfferRevoked)] == ["customer-left"]
        assert it.router.view.agents["ben"].presence == "ready"


async def test_what_happened_while_the_engine_was_away(provisioned: Provisioned, tmp_path: Path) -> None:
    """An agent who hung up, a caller who left, a device that stopped ringing: found out on coming back."""
    agents = [Agent("anna", AgentBehaviour(ring_ms=20, talk_ms=1_000, hang_up_chance=1.0)), Agent("ben", SILENT)]
    async with rig(provisioned, tmp_path, agents) as it:
        await it.ready("anna")
        async with it.callers(call("10001")) as first:
            await it.event(OfferAccepted)
            await it.talking()
            await it.presence("anna", "not-ready", "lunch")
            await it.ready("ben")
            async with it.callers(call("10002", seconds=1), rate=20) as second:
                await until(lambda: len(it.all(OfferMade)) == 2, lambda: str(it.events))
                await it.stop_engine(crash=True)
                await second.finished(seconds=5)
                await it.phones.wait_for(lambda dialogs: any(each.how == "agent" for each in dialogs))
                await it.start_engine()
                completed = await it.event(InteractionCompleted)
                assert (completed.by, completed.reason) == ("agent", "agent-hung-up")
                await it.event(InteractionAbandoned)
                (caller,) = await first.finished(seconds=5)
                assert caller.how == "pbx"
        await it.empty()


async def test_callers_whom_nobody_noticed(provisioned: Provisioned, tmp_path: Path) -> None:
    """They came while the engine was dying: in the application, but unknown. Served in the order of arrival."""
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)]) as it:
        await it.stop_engine(crash=True)
        async with it.callers(call("10001"), call("10002"), call("10003"), rate=20) as callers:
            # Asterisk believes that somebody listens, as it does until it notices that a connection is dead.
            async with it.listener() as listener:
                arrived = [await listener.receive_json() for _ in range(3)]
            assert {each["type"] for each in arrived} == {"StasisStart"}
            await it.start_engine()
            await it.ready("anna")
            await callers.finished(seconds=10)
        assert [each.caller for each in it.phones.dialogs()] == ["10001", "10002", "10003"]
        await it.empty()
