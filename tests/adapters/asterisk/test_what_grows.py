"""What the adapter keeps of calls that are over, on a real Asterisk: nothing."""

from pathlib import Path

from acd.core.messages import InteractionCompleted
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.rig import Agent, Rig, rig, until
from tests.kept import kept
from tests.runtime.test_what_grows import HISTORIES

FIRST, MORE = 8, 24
OPTIONS = {"recording": {"mode": "mixed", "announcement": ["sound:beep"]}, "devices": {"veto": True}}


async def test_nothing_grows_with_calls(provisioned: Provisioned, tmp_path: Path) -> None:
    """With recordings, and agents who decline now and then, so that there are several offers to a call."""
    talker = AgentBehaviour(ring_ms=20, talk_ms=200, hang_up_chance=1.0, decline_chance=0.3)
    agents = [Agent(name, talker) for name in ("anna", "ben", "carla", "dora")]
    async with rig(provisioned, tmp_path, agents, options=OPTIONS, text=_text(agents)) as it:
        await it.ready(*(agent.name for agent in agents))
        await _play(it, range(FIRST))
        before = kept(it.channel)
        assert before["Desk.calls"] == 0
        await _play(it, range(FIRST, FIRST + MORE))
        grown = kept(it.channel)
        grown.subtract(before)
    with_calls = {place for place, count in grown.items() if count >= MORE / 2}
    assert with_calls <= HISTORIES.keys()


def _text(agents: list[Agent]) -> str:
    lines = ["[queues.sales]", 'offer_timeout = "5s"', 'retry_after = "1s"']
    for agent in agents:
        lines += [f"[agents.{agent.name}]", f"addresses.voice = 'PJSIP/{agent.name}'"]
    return "\n".join(lines)


async def _play(it: Rig, numbers: range) -> None:
    """Calls from their beginning to their end."""
    over = len(it.all(InteractionCompleted)) + len(numbers)
    specs = [CallSpec(caller=str(10_000 + number), dialled="sales") for number in numbers]
    async with it.callers(*specs, rate=8.0) as callers:
        await until(lambda: len(it.all(InteractionCompleted)) >= over, lambda: str(it.events[-5:]), 60)
        await callers.finished(seconds=20)
    await it.empty()
