"""What an agent hears before the caller, and the caller does not: by both ears, on a real Asterisk."""

from pathlib import Path

from acd.core.messages import InteractionCompleted, InteractionRequeued, OfferAccepted
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Provisioned
from acd_asterisk.lab.tones import tone
from tests.adapters.asterisk.page_text import options
from tests.adapters.asterisk.rig import Agent, Rig, rig, until

OPTIONS = options("PHONES.md", "What the agent hears first: a whisper")
SOUND = 1_700
SOUND_MS = 600


def agent(ear: Ear, talk_ms: int) -> Agent:
    return Agent("anna", AgentBehaviour(ring_ms=50, talk_ms=talk_ms, hang_up_chance=1.0, ear=ear.port))


def add_sound(it: Rig) -> None:
    it.pbx.add_sound("custom/sales", tone(SOUND, SOUND_MS))


async def test_agent_hears_the_queue(provisioned: Provisioned, tmp_path: Path) -> None:
    """Alone: the caller hears music meanwhile, and then they talk."""
    async with (
        Ear() as agents,
        Ear() as callers_ear,
        rig(provisioned, tmp_path, [agent(agents, talk_ms=1_500)], options=OPTIONS) as it,
    ):
        add_sound(it)
        await it.ready("anna")
        async with it.callers(CallSpec("10001", "sales", ear=callers_ear.port)) as callers:
            await it.event(OfferAccepted)
            await until(lambda: SOUND in agents.tones(), lambda: f"the agent heard {agents.tones()}")
            assert callers_ear.tones()
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        assert completed.by == "agent"
        assert agents.tones() == [SOUND]
        assert SOUND not in callers_ear.tones()


async def test_agent_hangs_up_before_its_end(provisioned: Provisioned, tmp_path: Path) -> None:
    """They have not met: the caller keeps the place, and is not taken for one who was served."""
    async with (
        Ear() as agents,
        rig(provisioned, tmp_path, [agent(agents, talk_ms=SOUND_MS // 2)], options=OPTIONS) as it,
    ):
        add_sound(it)
        await it.ready("anna")
        async with it.callers(CallSpec("10001", "sales", hang_up_after_ms=3_000)) as callers:
            requeued = await it.event(InteractionRequeued)
            await it.presence("anna", "not-ready", "test")
            await callers.finished(seconds=5)
        await it.empty()
        assert requeued.reason == "agent-leg-lost"
        assert not it.all(InteractionCompleted)


async def test_connection_is_lost_meanwhile(provisioned: Provisioned, tmp_path: Path) -> None:
    """The comparison after it lets them meet all the same, once the agent has heard it."""
    async with (
        Ear() as agents,
        rig(provisioned, tmp_path, [agent(agents, talk_ms=3_000)], options=OPTIONS, proxied=True) as it,
    ):
        add_sound(it)
        await it.ready("anna")
        async with it.callers(CallSpec("10001", "sales")) as callers:
            await it.event(OfferAccepted)
            await until(lambda: SOUND in agents.tones(), lambda: f"the agent heard {agents.tones()}")
            await it.proxy.cut()
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        assert completed.by == "agent"
