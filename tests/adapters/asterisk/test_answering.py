"""When callers are answered, on the real Asterisk: what they hear before costs them nothing."""

from pathlib import Path
from typing import Final

import pytest

from acd.core.messages import InteractionAbandoned, InteractionCompleted, InteractionQueued
from acd.errors import ConfigError
from acd_asterisk.answering import Answering
from acd_asterisk.desk import Desk
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Provisioned
from acd_asterisk.options import read_options
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriChannel
from tests.adapters.asterisk.menus.plans import PLAIN
from tests.adapters.asterisk.rig import EXAMPLES, Agent, Queue, rig, until
from tests.adapters.asterisk.stand_in import StandInAri
from tests.adapters.asterisk.test_callbacks_moments import NAMES, OPTIONS

CALLER: Final = "1700000000.1"
SLOW: Final = AgentBehaviour(ring_ms=600, talk_ms=100, hang_up_chance=1.0)
LATE: Final = {"queues": {"sales": {"answer": "when-agent-answers"}}}


async def test_answered_with_the_agent(provisioned: Provisioned, tmp_path: Path) -> None:
    """The caller hears the music by early media, and the 200 comes when the agent has picked up, not before."""
    async with rig(provisioned, tmp_path, [Agent("anna", SLOW)], options=LATE) as it, Ear() as ear:
        async with it.callers(CallSpec("10001", "sales", ear=ear.port)) as callers:
            await it.event(InteractionQueued)
            await until(lambda: bool(ear.tones()), lambda: "no music")
            assert not callers.dialogs()[0].is_answered
            await it.ready("anna")
            completed = await it.event(InteractionCompleted)
            (caller,) = await callers.finished(seconds=5)
        (agent,) = it.phones.dialogs()
        assert agent.answered_us is not None
        assert caller.ringing_us is not None, "183"
        assert caller.answered_us is not None
        assert caller.ringing_us < agent.invited_us < agent.answered_us < caller.answered_us
        assert completed.agent_id == "anna"
        await it.empty()


async def test_who_could_not_be_answered_is_answered_later() -> None:
    """Whoever is in the dialplan's fallback while an engine that stood still goes on, and then comes back."""
    ari = StandInAri(lambda _method, _path: 409)
    desk = Desk("pbx1", OPTIONS, NAMES)
    call = desk.add(NAMES.interaction(CALLER), AriChannel(CALLER))
    answering = Answering(desk, Switchboard(ari.client, NAMES, OPTIONS))
    await answering.now(call)
    assert not call.is_up
    ari.status = lambda _method, _path: 204
    await answering.now(call)
    await answering.now(call)
    assert call.is_up
    assert ari.asked == [("POST", f"channels/{CALLER}/answer", None)] * 2


async def test_other_queues_are_answered_at_once(provisioned: Provisioned, tmp_path: Path) -> None:
    """And a queue can be the exception the other way round."""
    options: dict[str, object] = {"answer": "when-agent-answers", "queues": {"support": {"answer": "at-once"}}}
    queues = [Queue("sales"), Queue("support")]
    async with rig(provisioned, tmp_path, [], queues=queues, options=options) as it:
        calls = (CallSpec("10001", "support", hang_up_after_ms=200), CallSpec("10002", "sales", patience_ms=700))
        async with it.callers(*calls) as callers:
            support, sales = sorted(await callers.finished(seconds=5), key=lambda each: each.caller)
        assert support.how == "caller"
        assert (sales.how, sales.is_answered) == ("abandoned", False)
        await until(lambda: len(it.all(InteractionAbandoned)) == 2, lambda: str(it.events))
        await it.empty()


async def test_the_engine_dies_before_the_answer(provisioned: Provisioned, tmp_path: Path) -> None:
    """Another engine leaves them as they were: unanswered, with music, and then with the agent."""
    async with rig(provisioned, tmp_path, [Agent("anna", SLOW)], options=LATE) as it, Ear() as ear:
        async with it.callers(CallSpec("10001", "sales", ear=ear.port)) as callers:
            await it.event(InteractionQueued)
            await until(lambda: bool(ear.tones()), lambda: "no music")
            await it.stop_engine(crash=True)
            await it.start_engine()
            assert not callers.dialogs()[0].is_answered
            await it.ready("anna")
            (caller,) = await callers.finished(seconds=10)
        (agent,) = it.phones.dialogs()
        assert agent.answered_us is not None
        assert caller.answered_us is not None
        assert agent.answered_us < caller.answered_us
        await it.empty()


async def test_the_dialplan_begins_early_media(provisioned: Provisioned, tmp_path: Path) -> None:
    """`Progress()` before `Stasis()`, which old releases need."""
    example = (EXAMPLES / "extensions.conf").read_text()
    plan = example.replace("[acd-enter]\nexten => s,1,", "[acd-enter]\nexten => s,1,Progress()\n same => n,")
    assert plan != example
    async with rig(provisioned, tmp_path, [Agent("anna", SLOW)], options=LATE, dialplan=plan) as it, Ear() as ear:
        async with it.callers(CallSpec("10001", "sales", ear=ear.port)) as callers:
            await it.event(InteractionQueued)
            await until(lambda: bool(ear.tones()), lambda: "no music")
            assert not callers.dialogs()[0].is_answered
            await it.ready("anna")
            (caller,) = await callers.finished(seconds=10)
        (agent,) = it.phones.dialogs()
        assert agent.answered_us is not None
        assert caller.answered_us is not None
        assert agent.answered_us < caller.answered_us
        await it.empty()


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ({"answer": "never"}, "channels.pbx1.answer: 'never' is no choice"),
        ({"queues": {"sales": {"answer": 5}}}, "channels.pbx1.queues.sales.answer: is not a text"),
    ],
)
def test_problem(options: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_options("pbx1", {**PLAIN, **options})
    (found,) = caught.value.problems
    assert found.startswith(says)
