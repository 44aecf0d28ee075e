"""An agent with several telephones, rung by the dialplan of PHONES.md, on a real Asterisk."""

from pathlib import Path

from acd.core.messages import InteractionAbandoned, InteractionCompleted, OfferAccepted, OfferDeclined, OfferExpired
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.page_text import of_language
from tests.adapters.asterisk.rig import EXAMPLES, Agent, rig

DIALPLAN = (EXAMPLES / "extensions.conf").read_text() + of_language("PHONES.md", "ini")
TEXT = """
[queues.sales]
offer_timeout = "{timeout}"
[agents.{agent}]
addresses = {{ voice = "Local/{agent}@acd-telephones/n" }}
"""
SILENT = AgentBehaviour(no_answer_chance=1.0)
TALKER = AgentBehaviour(ring_ms=300, talk_ms=400, hang_up_chance=1.0)
BUSY = AgentBehaviour(busy_chance=1.0)
CALL = CallSpec(caller="10001", dialled="sales")


def text(agent: str = "anna", timeout: str = "20s") -> str:
    return TEXT.format(agent=agent, timeout=timeout)


async def test_the_first_to_pick_up_has_the_call(provisioned: Provisioned, tmp_path: Path) -> None:
    """Both ring, and see who calls; the other one stops."""
    phones = [Agent("anna", SILENT), Agent("ben", TALKER)]
    async with rig(provisioned, tmp_path, phones, dialplan=DIALPLAN, text=text()) as it:
        await it.ready("anna")
        async with it.callers(CALL) as callers:
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        seen = {dialog.agent: (dialog.how, dialog.caller) for dialog in it.phones.dialogs()}
        assert seen == {"anna": ("cancelled", "10001"), "ben": ("agent", "10001")}
        assert (completed.by, completed.agent_id) == ("agent", "anna")


async def test_one_after_another(provisioned: Provisioned, tmp_path: Path) -> None:
    phones = [Agent("anna", SILENT), Agent("ben", TALKER)]
    async with rig(provisioned, tmp_path, phones, dialplan=DIALPLAN, text=text("carla")) as it:
        await it.ready("carla")
        async with it.callers(CALL) as callers:
            await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        first, second = it.phones.dialogs()
        assert (first.agent, first.how, second.agent, second.how) == ("anna", "cancelled", "ben", "agent")
        assert first.ended_us is not None
        assert second.invited_us >= first.ended_us - 50_000
        assert len(it.all(OfferAccepted)) == 1


async def test_numbers_outside_one_after_another(provisioned: Provisioned, tmp_path: Path) -> None:
    """The first one does not answer, the second presses the key: until then the caller waits."""
    presses = AgentBehaviour(ring_ms=50, talk_ms=400, hang_up_chance=1.0, keys="1", keys_after_ms=700)
    phones = [Agent("anna", SILENT), Agent("ben", presses)]
    dialplan = DIALPLAN.replace("13800138000@trunk,20", "13800138000@anna,1").replace("9000@trunk", "9000@ben")
    options: dict[str, object] = {"confirm": {"prompt": ["beep"]}, "agents": {"emil": {"confirm": True}}}
    async with rig(provisioned, tmp_path, phones, dialplan=dialplan, text=text("emil"), options=options) as it:
        await it.ready("emil")
        async with it.callers(CALL) as callers:
            accepted = await it.event(OfferAccepted)
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        await it.empty()
        first, second = it.phones.dialogs()
        assert [(each.agent, each.how) for each in (first, second)] == [
            ("13800138000", "cancelled"),
            ("13900139000", "agent"),
        ]
        assert second.answered_us is not None
        assert accepted.waited_us >= second.answered_us + 700_000 - first.invited_us - 20_000
        assert (completed.by, completed.agent_id) == ("agent", "emil")


async def test_nobody_picks_up(provisioned: Provisioned, tmp_path: Path) -> None:
    """At the offer's end, and when the caller leaves, all stop."""
    phones = [Agent("anna", SILENT), Agent("ben", SILENT)]
    async with rig(provisioned, tmp_path, phones, dialplan=DIALPLAN, text=text(timeout="700ms")) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales", hang_up_after_ms=2_500)) as callers:
            await it.event(OfferExpired)
            dialogs = await it.phones.wait_for(lambda all_: len(all_) == 2 and all(each.how for each in all_))
            assert [dialog.how for dialog in dialogs] == ["cancelled", "cancelled"]
            await it.presence("anna", "ready")
            await it.event(InteractionAbandoned)
            await callers.finished(seconds=5)
        dialogs = await it.phones.wait_for(lambda all_: all(each.how for each in all_))
        assert {dialog.how for dialog in dialogs} == {"cancelled"}
        await it.empty()


async def test_all_are_busy(provisioned: Provisioned, tmp_path: Path) -> None:
    """Known at once: the offer does not wait for its end."""
    phones = [Agent("anna", BUSY), Agent("ben", BUSY)]
    async with rig(provisioned, tmp_path, phones, dialplan=DIALPLAN, text=text()) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="sales", hang_up_after_ms=1_500)) as callers:
            declined = await it.event(OfferDeclined)
            assert (declined.agent_id, declined.reason) == ("anna", "busy")
            await callers.finished(seconds=5)
        await it.empty()
