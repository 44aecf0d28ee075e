"""Asterisk's own record: its parser, who was with whom, and that a real Asterisk writes it."""

import asyncio

import pytest

from acd_asterisk.lab import (
    AgentBehaviour,
    CallSpec,
    ChannelRecord,
    LabAgent,
    Pbx,
    PbxFailed,
    Provisioned,
    SippAgents,
    SippCallers,
    Stay,
    Talk,
    mixed,
    parse_record,
    talks,
)

POLL_SECONDS = 0.02

DIALPLAN = """
[acd-inbound]
exten => music,1,Answer(,i)
 same => n,BridgeWait(waiting)
exten => twice,1,Answer(,i)
 same => n,BridgeWait(waiting,participant,S(1))
 same => n,Dial(PJSIP/ann,5)
exten => _[+*#0-9A-Za-z].,1,Dial(PJSIP/${EXTEN},5)
"""

CALLER, LEG = "PJSIP/trunk-00000000", "PJSIP/ann-two-00000001"


def line(event: str, at: str, name: str, extra: str = "") -> str:
    quoted = extra.replace('"', '""')
    return f'"{event}","1700000000.{at}","{name}","id-{name}","id-{CALLER}","+49","{quoted}"\n'


def bridge(event: str, at: str, name: str, which: str, technology: str = "simple_bridge") -> str:
    return line(event, at, name, f'{{"bridge_id":"{which}","bridge_technology":"{technology}"}}')


def us(at: int) -> int:
    return 1_700_000_000_000_000 + at


def channel(name: str, *stays: Stay) -> ChannelRecord:
    return ChannelRecord(name, name, name, "", 0, stays=stays)


def test_a_channel_from_its_making_to_its_end() -> None:
    text = (
        line("CHAN_START", "000001", LEG)
        + line("ANSWER", "000002", LEG)
        + bridge("BRIDGE_ENTER", "000003", LEG, "talk")
        + bridge("BRIDGE_EXIT", "000009", LEG, "talk", "native_rtp")
        + line("HANGUP", "000010", LEG, f'{{"hangupcause":16,"hangupsource":"{LEG}","dialstatus":""}}')
        + line("CHAN_END", "000011", LEG)
    )
    (found,) = parse_record(text)
    assert found == ChannelRecord(
        name=LEG,
        channel_id=f"id-{LEG}",
        linked_id=f"id-{CALLER}",
        number="+49",
        made_us=us(1),
        answered_us=us(2),
        stays=(Stay("talk", is_holding=False, entered_us=us(3), left_us=us(9)),),
        ended_us=us(11),
        hung_up_by=LEG,
    )
    assert found.endpoint == "ann-two"
    assert found.left_us == us(9)
    assert found.hung_up_itself


def test_what_is_not_over_has_no_end() -> None:
    text = line("CHAN_START", "000001", CALLER) + bridge("BRIDGE_ENTER", "000003", CALLER, "hold", "holding_bridge")
    (found,) = parse_record(text + line("CHAN_END", "000004", CALLER).rstrip("\n"))  # a line half-written
    assert (found.ended_us, found.left_us, found.hung_up_itself) == (None, None, False)
    assert found.stays == (Stay("hold", is_holding=True, entered_us=us(3)),)


def test_a_channel_that_never_was_in_a_bridge_leaves_at_its_end() -> None:
    (found,) = parse_record(line("CHAN_START", "000001", LEG) + line("CHAN_END", "000005", LEG))
    assert found.left_us == us(5)


def test_an_id_that_is_made_again_is_another_channel() -> None:
    """Asterisk was killed, and its successor gives the same ids within the second."""
    text = line("CHAN_START", "000001", LEG) + line("CHAN_START", "000007", LEG) + line("CHAN_END", "000008", LEG)
    assert [(each.made_us, each.ended_us) for each in parse_record(text)] == [(us(1), None), (us(7), us(8))]


def test_the_end_of_a_channel_whose_beginning_is_missing_is_passed_over() -> None:
    assert parse_record(line("CHAN_END", "000008", LEG)) == []
    assert parse_record("") == []


@pytest.mark.parametrize(
    ("mine", "theirs", "expected"),
    [
        ((1, 9), (3, 7), [(3, 7)]),
        ((1, 5), (3, 7), [(3, 5)]),
        ((1, None), (3, 7), [(3, 7)]),
        ((1, None), (3, None), [(3, None)]),
        ((1, 3), (3, 7), []),
        ((1, 2), (3, None), []),
    ],
)
def test_a_talk_is_the_time_that_two_have_in_common(
    mine: tuple[int, int | None], theirs: tuple[int, int | None], expected: list[tuple[int, int | None]]
) -> None:
    one = channel("one", Stay("talk", is_holding=False, entered_us=mine[0], left_us=mine[1]))
    other = channel("other", Stay("talk", is_holding=False, entered_us=theirs[0], left_us=theirs[1]))
    found = [Talk("talk", *each) for each in expected]
    assert talks(one, other) == talks(other, one) == found
    assert mixed([one, other]) == ([(one, other)] if found else [])


def test_who_only_hears_music_talks_to_nobody() -> None:
    one, other = (channel(name, Stay("hold", is_holding=True, entered_us=1)) for name in ("one", "other"))
    assert not talks(one, other)
    assert not mixed([one, other])


def test_those_in_different_bridges_do_not_talk() -> None:
    one = channel("one", Stay("first", is_holding=False, entered_us=1))
    other = channel("other", Stay("second", is_holding=False, entered_us=1))
    assert not talks(one, other)
    assert not mixed([one, other])


def test_two_who_were_together_again_had_two_talks() -> None:
    one = channel("one", *(Stay("talk", is_holding=False, entered_us=at, left_us=at + 2) for at in (1, 5)))
    other = channel("other", Stay("talk", is_holding=False, entered_us=0))
    assert talks(one, other) == [Talk("talk", 1, 3), Talk("talk", 5, 7)]
    assert mixed([one, other]) == [(one, other)]


# ---- a real Asterisk


async def until_over(pbx: Pbx, channels: int) -> list[ChannelRecord]:
    """The record, when it tells of the end of so many."""
    async with asyncio.timeout(10):
        while True:
            found = pbx.record()
            if len(found) == channels and all(each.ended_us for each in found):
                return found
            await asyncio.sleep(POLL_SECONDS)


@pytest.mark.parametrize(("hangs_up", "after_ms"), [("ann", 0), ("caller", 600)])
async def test_it_is_written_by_a_real_asterisk(provisioned: Provisioned, hangs_up: str, after_ms: int) -> None:
    """It agrees with what the telephones received, as causes come before effects; and it says who hung up."""
    behaviour = AgentBehaviour(ring_ms=50, talk_ms=300, hang_up_chance=float(hangs_up == "ann"))
    async with (
        SippAgents(provisioned, [(["ann"], behaviour)]) as agents,
        Pbx(provisioned, agents=agents.telephones, replace_config={"extensions.conf": DIALPLAN}, recording=True) as pbx,
        SippCallers(provisioned, [CallSpec("+49", "ann", hang_up_after_ms=after_ms)], sip_port=pbx.sip_port) as callers,
    ):
        (seen,) = await callers.finished(seconds=10)
        (rang,) = await agents.wait_for(lambda dialogs: all(each.how for each in dialogs))
        caller, leg = await until_over(pbx, 2)
    assert (caller.endpoint, caller.number, leg.endpoint) == ("trunk", "+49", "ann")
    (talk,) = talks(caller, leg)
    assert mixed([caller, leg]) == [(caller, leg)]
    assert caller.made_us < leg.made_us < rang.invited_us
    assert leg.answered_us is not None
    assert leg.answered_us < talk.begun_us
    assert talk.ended_us is not None
    first, told_us = (leg, seen.ended_us) if hangs_up == "ann" else (caller, rang.ended_us)
    assert first.hung_up_itself
    assert talk.ended_us == first.left_us
    assert told_us is not None
    assert talk.ended_us < told_us


async def test_music_and_a_talk_after_it(provisioned: Provisioned) -> None:
    """Two who wait together hear music; of one of them the wait ends, and is followed by a talk."""
    behaviour = AgentBehaviour(ring_ms=20, talk_ms=100, hang_up_chance=1.0)
    calls = [CallSpec("+1", "music", hang_up_after_ms=700), CallSpec("+2", "twice")]
    async with (
        SippAgents(provisioned, [(["ann"], behaviour)]) as agents,
        Pbx(provisioned, agents=agents.telephones, replace_config={"extensions.conf": DIALPLAN}, recording=True) as pbx,
        SippCallers(provisioned, calls, sip_port=pbx.sip_port) as callers,
    ):
        await callers.finished(seconds=10)
        one, two, leg = await until_over(pbx, 3)
    assert [[stay.is_holding for stay in each.stays] for each in (one, two, leg)] == [[True], [True, False], [False]]
    assert one.stays[0].bridge_id == two.stays[0].bridge_id
    assert mixed([one, two, leg]) == [(two, leg)]


async def test_a_record_must_be_asked_for(provisioned: Provisioned) -> None:
    async with Pbx(provisioned, agents=[LabAgent("ann", "127.0.0.1", 9)]) as pbx:
        with pytest.raises(PbxFailed, match="recording=True"):
            pbx.record()
    async with Pbx(provisioned, recording=True) as pbx:
        assert pbx.record() == []
        assert " ERROR[" not in pbx.log_tail(1_000)
