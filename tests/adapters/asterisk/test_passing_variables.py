"""What the dialplan finds on a caller's channel, on the real Asterisk: after an agent, a refusal, and while talking."""

import asyncio
from pathlib import Path
from typing import Final

from acd.core.messages import CancelInteraction, InteractionQueued, OfferAccepted
from acd_asterisk.lab import AgentBehaviour, CallSpec, Pbx, Provisioned
from acd_asterisk.passing import clean
from tests.adapters.asterisk.hostile import HOSTILE
from tests.adapters.asterisk.rig import PATIENCE_SECONDS, POLL_SECONDS, Agent, rig
from tests.adapters.asterisk.test_variables import was_made

TALKER = AgentBehaviour(ring_ms=20, talk_ms=300, hang_up_chance=1.0)

SHOWN: Final = ("ACD_RESULT", "ACD_AGENT", "ACD_QUEUE", "ACD_WAIT", "ACD_REASON", "ACD_REFUSAL", "ACD_DATA_TIER")

DIALPLAN: Final = f"""
[acd-inbound]
exten => _X.,1,Set(X_ACD_TIER=金卡)
 same => n,Set(ACD_REASON=left from before)
 same => n,Stasis(acd,${{EXTEN:1}},after=continue,tier=${{URIENCODE(${{X_ACD_TIER}})}})
 same => n,Set(GLOBAL(SEEN_${{CALLERID(num)}})={"/".join(f"${{{name}}}" for name in SHOWN)})
 same => n,Set(GLOBAL(SEEN_INTERACTION)=${{ACD_INTERACTION}})
 same => n,Hangup()
[acd-agents]
exten => _X.,1,Hangup()
""".replace("_X.,1,Set(X_ACD", "_X[a-z].,1,Set(X_ACD")


async def seen(pbx: Pbx, variable: str = "SEEN_10001") -> str:
    """A global variable, waiting until it is set."""
    async with asyncio.timeout(PATIENCE_SECONDS), pbx.ami() as ami:
        while not (value := (await ami.action("Getvar", Variable=variable)).get("Value", "")):
            await asyncio.sleep(POLL_SECONDS)
    return value


async def test_after_the_agent(provisioned: Provisioned, tmp_path: Path) -> None:
    options: dict[str, object] = {"data": {"attributes": ["tier"]}, "heartbeat": 0}
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], options=options, dialplan=DIALPLAN) as it:
        await it.ready("anna")
        async with it.callers(CallSpec("10001", "1sales")) as callers:
            await callers.finished(seconds=10)
        assert await seen(it.pbx) == "completed/anna/sales/0/agent-hung-up//金卡"
        queued = await it.event(InteractionQueued)
        assert await seen(it.pbx, "SEEN_INTERACTION") == queued.interaction_id
        await it.empty()


async def test_refused_and_cancelled(provisioned: Provisioned, tmp_path: Path) -> None:
    options: dict[str, object] = {"data": {"attributes": ["tier"]}, "heartbeat": 0}
    async with rig(provisioned, tmp_path, [Agent("anna")], options=options, dialplan=DIALPLAN) as it:
        async with it.callers(CallSpec("10001", "1nowhere")) as callers:
            await callers.finished(seconds=10)
        assert await seen(it.pbx) == "refused///0//unknown-queue/"
        async with it.callers(CallSpec("10002", "1sales")) as callers:
            queued = await it.event(InteractionQueued)
            await it.router.submit(CancelInteraction(it.router.new_id(), queued.interaction_id, reason="closing"))
            await callers.finished(seconds=10)
        assert await seen(it.pbx, "SEEN_10002") == "cancelled//sales/0/closing//金卡"
        await it.empty()


async def test_while_talking(provisioned: Provisioned, tmp_path: Path) -> None:
    """With `set_on_connect` they are there as soon as the agent is."""
    options: dict[str, object] = {"data": {"attributes": ["tier"], "set_on_connect": True}, "heartbeat": 0}
    talker = AgentBehaviour(ring_ms=20, talk_ms=3_000, hang_up_chance=1.0)
    async with rig(provisioned, tmp_path, [Agent("anna", talker)], options=options, dialplan=DIALPLAN) as it:
        await it.ready("anna")
        async with it.callers(CallSpec("10001", "1sales", hang_up_after_ms=1_500)) as callers:
            await it.event(OfferAccepted)
            (channel,) = (each for each in await it.pbx.channels() if not each["id"].startswith("acd-"))
            path = f"channels/{channel['id']}/variable?variable="
            async with asyncio.timeout(PATIENCE_SECONDS):
                while (await it.pbx.ari_get(f"{path}CHANNEL(state)"))["value"] != "Up" or not (
                    await _value(it.pbx, f"{path}ACD_RESULT")
                ):
                    await asyncio.sleep(POLL_SECONDS)
            names = ("ACD_RESULT", "ACD_AGENT", "ACD_QUEUE", "ACD_DATA_TIER")
            assert [await _value(it.pbx, path + name) for name in names] == ["connected", "anna", "sales", "金卡"]
            await callers.finished(seconds=10)
        await it.empty()


async def test_when_it_is_over(provisioned: Provisioned, tmp_path: Path) -> None:
    """A dialplan's `h` extension, for records of its own, finds them, too."""
    plan = """
[acd-inbound]
exten => _X[a-z].,1,Stasis(acd,${EXTEN:1})
exten => h,1,Set(GLOBAL(SEEN_${CALLERID(num)})=${ACD_RESULT}/${ACD_AGENT}/${ACD_REASON})
[acd-agents]
exten => _X.,1,Hangup()
"""
    options: dict[str, object] = {"data": {"set_on_connect": True}, "heartbeat": 0}
    async with rig(provisioned, tmp_path, [Agent("anna", TALKER)], options=options, dialplan=plan) as it:
        await it.ready("anna")
        async with it.callers(CallSpec("10001", "1sales")) as callers:
            await callers.finished(seconds=10)
        assert await seen(it.pbx) == "completed/anna/agent-hung-up"
        await it.empty()


async def _value(pbx: Pbx, path: str) -> str:
    try:
        return str((await pbx.ari_get(path))["value"])
    except OSError:
        return ""  # Not set yet: 404.


HOSTILE_PLAN: Final = """
[acd-inbound]
exten => _X[a-z].,1,Set(X_ACD_EVIL=${PJSIP_HEADER(read,X-Evil)})
 same => n,Stasis(acd,${EXTEN:1},after=continue,evil=${URIENCODE(${X_ACD_EVIL})})
 same => n,Set(GLOBAL(SEEN_${CALLERID(num)})=<${ACD_DATA_EVIL}>)
 same => n,Set(GLOBAL(EVALUATED_${CALLERID(num)})=<${EVAL(${ACD_DATA_EVIL})}>)
 same => n,Hangup()
[acd-agents]
exten => _X.,1,Hangup()
"""


async def test_hostile_values_go_on_in_the_dialplan(provisioned: Provisioned, tmp_path: Path) -> None:
    """What a caller said is text there, even for a dialplan that evaluates it."""
    marker = tmp_path / "acd-was-here"
    values = [value.replace("MARKER", str(marker)) for value in HOSTILE]
    options: dict[str, object] = {"data": {"attributes": ["evil"]}, "heartbeat": 0}
    agents = [Agent("anna", AgentBehaviour(ring_ms=20, talk_ms=20, hang_up_chance=1.0))]
    async with rig(provisioned, tmp_path, agents, options=options, dialplan=HOSTILE_PLAN) as it:
        await it.ready("anna")
        calls = [CallSpec(f"1{n:04}", "1sales", headers={"X-Evil": value}) for n, value in enumerate(values)]
        async with it.callers(*calls) as callers:
            await callers.finished(seconds=20)
        for number, value in enumerate(values):
            assert await seen(it.pbx, f"SEEN_1{number:04}") == f"<{clean(value)}>"
            assert await seen(it.pbx, f"EVALUATED_1{number:04}") == f"<{clean(value)}>"
        assert not was_made(marker)
        await it.empty()
