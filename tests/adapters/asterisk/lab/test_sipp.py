"""SIPp's agents and callers against a real Asterisk, each behaviour proven by what both sides saw."""

import asyncio
import base64
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest

from acd_asterisk.lab import (
    AgentBehaviour,
    AgentDialog,
    CallerDialog,
    CallSpec,
    Dialplan,
    Pbx,
    Provisioned,
    SippAgents,
    SippCallers,
    overlapping,
)
from acd_asterisk.lab.sipp import complaints

DIRECT = """
[acd-inbound]
exten => _[+*#0-9A-Za-z].,1,Dial(PJSIP/${EXTEN},2)
 same => n,Hangup(${HANGUPCAUSE})
exten => music,1,Answer(,i)
 same => n,MusicOnHold(default)
"""


async def one_call(
    provisioned: Provisioned, behaviour: AgentBehaviour, call: CallSpec
) -> tuple[CallerDialog, AgentDialog]:
    """Have `call` dial the agent ann directly; what the caller saw and what ann saw."""
    async with (
        SippAgents(provisioned, [(["ann"], behaviour)]) as agents,
        Pbx(provisioned, agents=agents.telephones, replace_config={"extensions.conf": DIRECT}) as pbx,
        SippCallers(provisioned, [call], sip_port=pbx.sip_port) as callers,
    ):
        (caller,) = await callers.finished(seconds=20)
        (agent,) = await agents.wait_for(lambda seen: all(dialog.how is not None for dialog in seen))
        assert callers.errors() + agents.errors() == ""
        assert agent.caller == caller.caller
        assert caller.invited_us < agent.invited_us
        return caller, agent


async def test_fifty_calls_at_twenty_a_second_are_all_answered_and_none_overlap(provisioned: Provisioned) -> None:
    names = [f"agent-{number:02}" for number in range(25)]
    # The same agent is called every 1.25 s, and is free again after 0.45 s.
    calls = [CallSpec(f"+49{n:06}", names[n % 25], hang_up_after_ms=400) for n in range(50)]
    agents = SippAgents(provisioned, [(names, AgentBehaviour(ring_ms=50))])
    async with (
        agents,
        Pbx(provisioned, agents=agents.telephones, replace_config={"extensions.conf": DIRECT}) as pbx,
        SippCallers(provisioned, calls, sip_port=pbx.sip_port, rate=20) as callers,
    ):
        called = await callers.finished(seconds=30)
        rang = await agents.wait_for(lambda seen: sum(dialog.how is not None for dialog in seen) == 50)
        assert Counter(dialog.how for dialog in called) == {"caller": 50}
        assert Counter(dialog.how for dialog in rang) == {"pbx": 50}
        assert all(dialog.is_answered for dialog in rang)
        assert Counter(dialog.agent for dialog in rang) == dict.fromkeys(names, 2)
        assert sorted(dialog.caller for dialog in rang) == sorted(call.caller for call in calls)
        assert overlapping(rang) == []
        assert callers.errors() + agents.errors() == ""
        assert await pbx.channels() == []


async def test_the_agent_rings_as_long_as_told_and_hangs_up(provisioned: Provisioned) -> None:
    behaviour = AgentBehaviour(ring_ms=300, talk_ms=500, hang_up_chance=1)
    caller, agent = await one_call(provisioned, behaviour, CallSpec("+1", "ann"))
    assert (caller.how, agent.how) == ("pbx", "agent")
    assert agent.answered_us is not None
    assert agent.ended_us is not None
    assert 300_000 <= agent.answered_us - agent.invited_us < 800_000
    assert 500_000 <= agent.ended_us - agent.answered_us < 1_000_000


async def test_the_caller_hangs_up(provisioned: Provisioned) -> None:
    caller, agent = await one_call(provisioned, AgentBehaviour(), CallSpec("+1", "ann", hang_up_after_ms=300))
    assert (caller.how, agent.how) == ("caller", "pbx")
    assert caller.answered_us is not None
    assert caller.ended_us is not None
    assert 300_000 <= caller.ended_us - caller.answered_us < 800_000


async def test_both_hang_up_at_once(provisioned: Provisioned) -> None:
    behaviour = AgentBehaviour(ring_ms=50, talk_ms=300, hang_up_chance=1)
    caller, agent = await one_call(provisioned, behaviour, CallSpec("+1", "ann", hang_up_after_ms=300))
    assert caller.how in {"caller", "pbx"}
    assert agent.how in {"agent", "pbx"}


async def test_an_agent_who_does_not_answer_is_cancelled(provisioned: Provisioned) -> None:
    caller, agent = await one_call(provisioned, AgentBehaviour(no_answer_chance=1), CallSpec("+1", "ann"))
    assert (caller.how, agent.how) == ("failed", "cancelled")
    assert agent.ringing_us is not None
    assert not agent.is_answered
    assert agent.ended_us is not None
    assert agent.ended_us - agent.invited_us > 1_900_000


async def test_a_busy_agent(provisioned: Provisioned) -> None:
    caller, agent = await one_call(provisioned, AgentBehaviour(busy_chance=1), CallSpec("+1", "ann"))
    assert (caller.how, caller.code, agent.how) == ("failed", 486, "busy")
    assert agent.ringing_us is None


async def test_an_agent_who_declines(provisioned: Provisioned) -> None:
    behaviour = AgentBehaviour(ring_ms=200, decline_chance=1)
    caller, agent = await one_call(provisioned, behaviour, CallSpec("+1", "ann"))
    assert (caller.how, agent.how) == ("failed", "declined")
    assert agent.ended_us is not None
    assert 200_000 <= agent.ended_us - agent.invited_us < 700_000


async def test_a_caller_out_of_patience_cancels_while_the_agent_rings(provisioned: Provisioned) -> None:
    caller, agent = await one_call(provisioned, AgentBehaviour(ring_ms=1_500), CallSpec("+1", "ann", patience_ms=400))
    assert (caller.how, agent.how) == ("abandoned", "cancelled")
    assert caller.ended_us is not None
    assert 400_000 <= caller.ended_us - caller.invited_us < 900_000


async def test_an_agent_who_answers_in_the_moment_of_the_cancel_leaves_nothing_behind(
    provisioned: Provisioned,
) -> None:
    calls = [CallSpec(f"+{n}", "ann", patience_ms=100) for n in range(1, 41)]
    agents = SippAgents(provisioned, [(["ann"], AgentBehaviour(ring_ms=(90, 104)))])
    async with (
        agents,
        Pbx(provisioned, agents=agents.telephones, replace_config={"extensions.conf": DIRECT}) as pbx,
        SippCallers(provisioned, calls, sip_port=pbx.sip_port, rate=40) as callers,
    ):
        answered = await callers.wait_for(lambda seen: sum(d.is_answered or d.how is not None for d in seen) == 40)
        await pbx.cli("channel request hangup all")
        await callers.finished(seconds=20)
        rang = await agents.wait_for(lambda seen: all(dialog.how is not None for dialog in seen))
        assert {dialog.how for dialog in answered} <= {"abandoned", None, "pbx"}
        assert {dialog.how for dialog in rang} <= {"cancelled", "pbx"}
        assert await pbx.channels() == []


async def test_a_caller_who_hears_music_hangs_up_by_bye(provisioned: Provisioned) -> None:
    call = CallSpec("+1", "music", hang_up_after_ms=300, patience_ms=2_000)
    async with (
        Pbx(provisioned, replace_config={"extensions.conf": DIRECT}) as pbx,
        SippCallers(provisioned, [call], sip_port=pbx.sip_port) as callers,
    ):
        (caller,) = await callers.finished(seconds=20)
        assert caller.how == "caller"
        assert caller.is_answered


async def test_agents_of_one_pbx_may_behave_differently(provisioned: Provisioned) -> None:
    groups = [(["ann"], AgentBehaviour(busy_chance=1)), (["ben"], AgentBehaviour(ring_ms=0))]
    calls = [CallSpec("+1", "ann"), CallSpec("+2", "ben", hang_up_after_ms=100)]
    async with (
        SippAgents(provisioned, groups) as agents,
        Pbx(provisioned, agents=agents.telephones, replace_config={"extensions.conf": DIRECT}) as pbx,
        SippCallers(provisioned, calls, sip_port=pbx.sip_port) as callers,
    ):
        await callers.finished(seconds=20)
        seen = await agents.wait_for(lambda dialogs: all(dialog.how is not None for dialog in dialogs))
        assert {dialog.agent: dialog.how for dialog in seen} == {"ann": "busy", "ben": "pbx"}


async def test_chances_are_shares_of_the_calls(provisioned: Provisioned) -> None:
    behaviour = AgentBehaviour(ring_ms=10, busy_chance=0.3, decline_chance=0.3)
    calls = [CallSpec(f"+{n}", "ann", hang_up_after_ms=50) for n in range(1, 201)]
    async with (
        SippAgents(provisioned, [(["ann"], behaviour)]) as agents,
        Pbx(provisioned, agents=agents.telephones, replace_config={"extensions.conf": DIRECT}) as pbx,
        SippCallers(provisioned, calls, sip_port=pbx.sip_port, rate=100) as callers,
    ):
        await callers.finished(seconds=30)
        count = Counter(dialog.how for dialog in agents.dialogs())
        # Seven standard deviations around 60, 60 and 80.
        assert 15 < count["busy"] < 105
        assert 15 < count["declined"] < 105
        assert count["busy"] + count["declined"] + count["pbx"] == 200


async def test_headers_of_the_invite_become_variables(provisioned: Provisioned) -> None:
    headers = {"X-ACD-Customer": 'c 42, "gold" ${EXTEN}', "x-acd-tier": "gold", "X-Other": "no"}
    wanted = {"X_ACD_CUSTOMER": headers["X-ACD-Customer"], "X_ACD_TIER": "gold", "X_OTHER": "", "ACD_DID": "4900"}
    call = CallSpec("+1", "4900", headers=headers)
    async with (
        Pbx(provisioned, dialplan=Dialplan(fallback=["Wait(30)"])) as pbx,
        pbx.ami() as session,
        SippCallers(provisioned, [call], sip_port=pbx.sip_port),
    ):
        event = await session.event("UserEvent", lambda event: event["UserEvent"] == "AcdFallback")
        seen = {
            name: (await session.action("Getvar", Channel=event["Channel"], Variable=name))["Value"] for name in wanted
        }
        assert seen == wanted


async def test_without_a_controller_the_fallback_queue_serves_the_caller(provisioned: Provisioned) -> None:
    async with (
        SippAgents(provisioned, [(["ann"], AgentBehaviour())]) as agents,
        Pbx(provisioned, agents=agents.telephones) as pbx,
        pbx.ami() as session,
    ):
        calls = [CallSpec("+1", "4900", hang_up_after_ms=500)]
        async with SippCallers(provisioned, calls, sip_port=pbx.sip_port) as callers:
            event = await session.event("UserEvent", lambda event: event["UserEvent"] == "AcdFallback")
            assert (event["Reason"], event["Did"], event["Caller"]) == ("absent", "4900", "+1")
            await agents.wait_for(lambda seen: [dialog.how for dialog in seen] == ["pbx"])
            await callers.finished(seconds=10)
            assert agents.dialogs()[0].is_answered


@asynccontextmanager
async def silent_controller(pbx: Pbx, app: str) -> AsyncIterator[None]:
    """A controller that connects over a WebSocket and then does nothing."""
    port = int(pbx.ari_url.split(":")[2].split("/")[0])
    token = base64.b64encode(f"{pbx.ari_user}:{pbx.ari_password}".encode()).decode()
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    request = (
        f"GET /ari/events?app={app} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {token}\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    )
    writer.write(request.encode())
    assert b" 101 " in await reader.readuntil(b"\r\n\r\n")
    try:
        yield
    finally:
        writer.close()


async def test_a_controller_that_goes_silent_loses_the_caller_to_the_fallback(provisioned: Provisioned) -> None:
    dialplan = Dialplan(deadman_seconds=1, fallback=["Hangup(17)"])
    async with (
        Pbx(provisioned, dialplan=dialplan) as pbx,
        silent_controller(pbx, "acd"),
        pbx.ami() as session,
        SippCallers(provisioned, [CallSpec("+1", "4900")], sip_port=pbx.sip_port) as callers,
    ):
        event = await session.event("UserEvent", lambda event: event["UserEvent"] == "AcdFallback")
        assert (event["Reason"], event["Did"]) == ("dead-man", "4900")
        (caller,) = await callers.finished(seconds=10)
        assert caller.code == 486
        assert await pbx.channels() == []


def test_a_list_of_no_calls_is_refused(provisioned: Provisioned) -> None:
    with pytest.raises(ValueError, match="at least one call"):
        SippCallers(provisioned, [], sip_port=5060)


def test_what_sipp_says_of_the_machine_is_no_complaint() -> None:
    heading = "The following events occurred:\n"
    slow = "2026-11-22\t19:51:59\t1795.7: Overload warning: the minor watchdog timer 500ms has been tripped (784).\n\n"
    strange = "2026-11-22\t19:52:01\t1795.9: Aborting call on unexpected message for Call-Id '1-2@127.0.0.1'\n"
    assert complaints(f"{heading}{slow}") == ""
    assert complaints(f"{heading}{slow}{heading}{strange}") == f"{heading}{heading}{strange}"
    assert complaints("") == ""
