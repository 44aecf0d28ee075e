"""What the dialplan says of a call arrives, by every way there is; what a caller says does no harm."""

from pathlib import Path

import pytest

from acd.core.messages import InteractionCompleted, InteractionQueued
from acd_asterisk.lab import AgentBehaviour, CallSpec, Provisioned
from tests.adapters.asterisk.hostile import HOSTILE
from tests.adapters.asterisk.rig import EXAMPLES, Agent, Queue, rig

TALKER = AgentBehaviour(ring_ms=20, talk_ms=50, hang_up_chance=1.0)


def was_made(file: Path) -> bool:
    return file.exists()


async def test_variables_arrive(provisioned: Provisioned, tmp_path: Path) -> None:
    """Queue, requirement, priority and attributes, Chinese ones, too."""
    headers = {
        "X-ACD-Queue": "support",
        "X-ACD-Requirement": "skills.english >= 5",
        "X-ACD-Priority": "7",
        "X-ACD-Customer-Tier": "金卡 VIP",
    }
    agents = [Agent("anna", TALKER, {"english": 4}), Agent("ben", TALKER, {"english": 9})]
    async with rig(provisioned, tmp_path, agents, queues=[Queue("sales"), Queue("support")]) as it:
        await it.ready("anna", "ben")
        async with it.callers(CallSpec(caller="10001", dialled="4000", headers=headers)) as callers:
            completed = await it.event(InteractionCompleted)
            await callers.finished(seconds=5)
        queued = await it.event(InteractionQueued)
        assert completed.agent_id == "ben"
        assert (queued.queue, queued.requirement, queued.priority) == ("support", "skills.english >= 5", 7)
        assert dict(queued.attributes) == {"did": "4000", "customer_tier": "金卡 VIP"}
        await it.empty()


async def test_numbers_of_the_example(provisioned: Provisioned, tmp_path: Path) -> None:
    """`examples/asterisk/extensions.conf`: 2000 is support, for English speakers, before others, gold."""
    agents = [Agent("anna", TALKER, {"english": 5})]
    async with rig(provisioned, tmp_path, agents, queues=[Queue("sales"), Queue("support")]) as it:
        await it.ready("anna")
        async with it.callers(CallSpec(caller="10001", dialled="2000")) as callers:
            await callers.finished(seconds=5)
        queued = await it.event(InteractionQueued)
        assert (queued.queue, queued.requirement, queued.priority) == ("support", "skills.english >= 5", 2)
        assert dict(queued.attributes) == {"did": "2000", "tier": "gold"}
        await it.empty()


@pytest.mark.parametrize("name", ["extensions.conf", "extensions_ami.conf"])
async def test_the_agent_whom_the_dialplan_names(provisioned: Provisioned, tmp_path: Path, name: str) -> None:
    """`X_ACD_AGENT` with the example's `acd-enter`: ben, although anna has been idle for longer."""
    dialplan = (EXAMPLES / name).read_text().replace("Set(X_ACD_TIER=gold)", "Set(X_ACD_AGENT=ben)")
    agents = [Agent(each, TALKER, {"english": 5}) for each in ("anna", "ben")]
    over_ami = name == "extensions_ami.conf"
    async with rig(
        provisioned, tmp_path, agents, queues=[Queue("support")], dialplan=dialplan, over_ami=over_ami
    ) as it:
        await it.ready("anna")
        await it.ready("ben")
        async with it.callers(CallSpec(caller="10001", dialled="2000")) as callers:
            await callers.finished(seconds=5)
        assert (await it.event(InteractionCompleted)).agent_id == "ben"
        assert "agent" not in dict((await it.event(InteractionQueued)).attributes)
        await it.empty()


@pytest.mark.parametrize("way", ["fetched", "channelvars"])
async def test_variables_of_an_existing_dialplan(provisioned: Provisioned, tmp_path: Path, way: str) -> None:
    """A dialplan that merely sets X_ACD_… and runs `Stasis(acd)`: fetched by one request, or in the event itself."""
    dialplan = """
[acd-inbound]
exten => _X.,1,Set(X_ACD_QUEUE=support)
 same => n,Set(X_ACD_PRIORITY=3)
 same => n,Set(X_ACD_TIER=金,卡&100% "gold"\\; |)
 same => n,Stasis(acd)
 same => n,Hangup()
"""
    options: dict[str, object] = {"variables": ["X_ACD_TIER"], "heartbeat": 0}
    async with rig(
        provisioned,
        tmp_path,
        [Agent("anna", TALKER)],
        queues=[Queue("sales"), Queue("support")],
        options=options,
        dialplan=dialplan,
    ) as it:
        if way == "channelvars":
            ari = it.pbx.folder / "config" / "ari.conf"
            text = ari.read_text().replace(
                "[general]", "[general]\nchannelvars = X_ACD_QUEUE,X_ACD_PRIORITY,X_ACD_TIER"
            )
            ari.write_text(text)
            await it.pbx.restart()
            await it.connected(connected=False)
            await it.connected()
        await it.ready("anna")
        before = 0
        for caller in ("10001", "10002"):
            # What follows a connect may still be under way with the first one.
            before = int(it.channel.health()["requests"])
            async with it.callers(CallSpec(caller=caller, dialled="4000")) as callers:
                await callers.finished(seconds=5)
            await it.empty()
        queued = await it.event(InteractionQueued)
        assert (queued.queue, queued.priority) == ("support", 3)
        assert dict(queued.attributes) == {"did": "4000", "tier": '金,卡&100% "gold"; |'}
        # Answer, hold, ring, note it, bridge, join, hang up, destroy; the leg ended by itself.
        assert int(it.channel.health()["requests"]) - before == (9 if way == "fetched" else 8)


async def test_hostile_values(provisioned: Provisioned, tmp_path: Path) -> None:
    """Whatever stands in a header is an attribute and nothing else: one agent rings, once, and no command runs."""
    hostile = [value.replace("MARKER", str(tmp_path / "acd-was-here")) for value in HOSTILE]
    marker = tmp_path / "acd-was-here"
    calls = [
        CallSpec(caller=f"1{index:04}", dialled="sales", headers={"X-ACD-Evil": value})
        for index, value in enumerate(hostile)
    ]
    # Long enough that nobody has hung up before being joined, however slow the machine: the caller would ring again.
    talker = AgentBehaviour(ring_ms=20, talk_ms=300, hang_up_chance=1.0)
    agents = [Agent("anna", talker), Agent("ben", talker)]
    async with rig(provisioned, tmp_path, agents) as it:
        await it.ready("anna")
        async with it.callers(*calls) as callers:
            await callers.finished(seconds=20)
        queued = it.all(InteractionQueued)
        assert sorted(dict(each.attributes)["evil"] for each in queued) == sorted(value.strip() for value in hostile)
        dialogs = it.phones.dialogs()
        assert len(dialogs) == len(hostile)
        assert {dialog.agent for dialog in dialogs} == {"anna"}
        assert not was_made(marker)
        await it.empty()
