"""Recordings on the real Asterisk: caller and agent each say a tone, and the file is listened to."""

import asyncio
import re
from pathlib import Path

import pytest

from acd.core.messages import (
    EndInteraction,
    InteractionCompleted,
    InteractionNoted,
    InteractionUpdated,
    MergeConsult,
    OfferAccepted,
    TransferInteraction,
)
from acd.errors import ChannelError
from acd_asterisk.channel import AsteriskChannel
from acd_asterisk.lab import AgentBehaviour, CallSpec, Ear, Provisioned
from acd_asterisk.lab.tones import linear, tone
from tests.adapters.asterisk.recording.sounds import loudness, samples_of, seconds
from tests.adapters.asterisk.rig import POLL_SECONDS, Agent, Queue, Rig, rig, until
from tests.adapters.asterisk.test_consult import CONSULT, advised, ask, do
from tests.adapters.asterisk.test_consult import talking as conversation

CALLER_HZ, ANNA_HZ, BEN_HZ = 400, 900, 1_700
BEEP_HZ = 700
"""Asterisk's own, to the nearest hundred."""
LOUD, QUIET = 1_500.0, 300.0
ANNA = Agent("anna", AgentBehaviour(ring_ms=10, voice_hz=ANNA_HZ), {"anna": 1})
BEN = Agent("ben", AgentBehaviour(ring_ms=10, voice_hz=BEN_HZ), {"ben": 1})
CALLER = CallSpec("10001", "sales", voice_hz=CALLER_HZ)
MIXED = {"recording": {"mode": "mixed"}}
QUEUES = (Queue("sales", "skills.anna >= 1"), Queue("support", "skills.ben >= 1"))


def channel_of(it: Rig) -> AsteriskChannel:
    assert isinstance(it.channel, AsteriskChannel)
    return it.channel


def folder_of(it: Rig) -> Path:
    return it.pbx.folder / "spool" / "recording"


def attributes_of(it: Rig, interaction_id: str) -> dict[str, str]:
    row = it.router.view.interaction(interaction_id)
    assert row is not None
    return dict(row.attributes)


async def attribute(it: Rig, interaction_id: str, name: str) -> str:
    """The value of an attribute, once it is there."""
    await until(
        lambda: name in attributes_of(it, interaction_id), lambda: f"{name}: {attributes_of(it, interaction_id)}"
    )
    return attributes_of(it, interaction_id)[name]


async def talking(it: Rig, kind: str = "recording.1") -> tuple[str, Path]:
    """The interaction, and its file as soon as there is one."""
    accepted = await it.event(OfferAccepted)
    return accepted.interaction_id, folder_of(it) / await attribute(it, accepted.interaction_id, kind)


async def heard(file: Path, least_seconds: float) -> None:
    """Wait until so much is in the file, whose header is written at its end."""
    least = least_seconds * 16_000
    await until(lambda: file.exists() and file.stat().st_size >= least, lambda: f"{file} is not that long", 10)


async def pbx_seconds(it: Rig, seconds: int) -> None:
    """Wait while so much time passes at the PBX."""

    async def uptime() -> int:
        found = re.search(r"System uptime: ([0-9]+)", await it.pbx.cli("core show uptime seconds"))
        assert found is not None
        return int(found[1])

    begun = await uptime()
    async with asyncio.timeout(10):
        while await uptime() <= begun + seconds:
            await asyncio.sleep(POLL_SECONDS)


async def end(it: Rig, interaction_id: str) -> None:
    outcome = await it.router.submit(EndInteraction(it.router.new_id(), interaction_id, "agent"))
    assert outcome.refusal is None


async def test_both_are_in_one_file_that_the_interaction_knows(provisioned: Provisioned, tmp_path: Path) -> None:
    async with rig(provisioned, tmp_path, [ANNA], options=MIXED) as it:
        await it.ready("anna")
        async with it.callers(CALLER):
            call, file = await talking(it)
            assert channel_of(it).health()["recording"] == 1
            await heard(file, 1.5)
            await end(it, call)
            noted = await it.event(InteractionNoted)
        await it.empty()
        samples = samples_of(file)
        assert loudness(samples, CALLER_HZ) > LOUD
        assert loudness(samples, ANNA_HZ) > LOUD
        assert loudness(samples, BEN_HZ) < QUIET
        assert file.name.startswith("acd-acd-")
        assert file.name.endswith(f"-{call}.1.wav")
        assert noted.interaction_id == call
        said = int(dict(noted.attributes)["recording.1.seconds"])
        assert said - 1 <= seconds(samples) <= said + 1
        assert attributes_of(it, call)["recording.1"] == file.name
        assert channel_of(it).health()["recording"] == 0


async def test_each_side_has_its_own_file(provisioned: Provisioned, tmp_path: Path) -> None:
    async with rig(provisioned, tmp_path, [ANNA], options={"recording": {"mode": "both-legs"}}) as it:
        await it.ready("anna")
        async with it.callers(CALLER):
            call, caller = await talking(it, "recording.1.caller")
            agent = folder_of(it) / await attribute(it, call, "recording.1.agent")
            await heard(caller, 1.0)
            await heard(agent, 1.0)
            await end(it, call)
            await attribute(it, call, "recording.1.caller.seconds")
            await attribute(it, call, "recording.1.agent.seconds")
        await it.empty()
        assert loudness(samples_of(caller), CALLER_HZ) > LOUD
        assert loudness(samples_of(caller), ANNA_HZ) < QUIET
        assert loudness(samples_of(agent), ANNA_HZ) > LOUD
        assert loudness(samples_of(agent), CALLER_HZ) < QUIET


async def test_what_is_said_during_a_pause_is_nowhere(provisioned: Provisioned, tmp_path: Path) -> None:
    async with rig(provisioned, tmp_path, [ANNA], options=MIXED) as it:
        await it.ready("anna")
        async with it.callers(CALLER):
            call, file = await talking(it)
            await heard(file, 0.5)
            await channel_of(it).pause_recording(call)
            assert channel_of(it).recording_of(call) == "paused"
            before = file.stat().st_size
            await pbx_seconds(it, 2)
            # What was on its way to the disk has come there; two seconds are 32,000 bytes.
            assert file.stat().st_size - before < 8_000
            await channel_of(it).resume_recording(call)
            assert channel_of(it).recording_of(call) == "recording"
            await heard(file, before / 16_000 + 1.0)
            await end(it, call)
            await attribute(it, call, "recording.1.seconds")


async def test_a_pause_ends_by_itself(provisioned: Provisioned, tmp_path: Path) -> None:
    options = {"recording": {"mode": "mixed", "longest_pause": "1s"}}
    async with rig(provisioned, tmp_path, [ANNA], options=options) as it:
        await it.ready("anna")
        async with it.callers(CALLER):
            call, _ = await talking(it)
            await channel_of(it).pause_recording(call)
            await until(lambda: channel_of(it).recording_of(call) == "recording", lambda: "still paused", 5)
            await end(it, call)
        with pytest.raises(ChannelError, match="not being recorded"):
            await channel_of(it).pause_recording(call)


async def test_after_a_transfer_the_next_part_begins(provisioned: Provisioned, tmp_path: Path) -> None:
    async with rig(provisioned, tmp_path, [ANNA, BEN], queues=QUEUES, options=MIXED) as it:
        await it.ready("anna", "ben")
        async with it.callers(CALLER):
            call, first = await talking(it)
            await heard(first, 1.0)
            done = await it.router.submit(TransferInteraction(it.router.new_id(), call, "anna", "support"))
            assert done.refusal is None
            second = folder_of(it) / await attribute(it, call, "recording.2")
            assert await attribute(it, call, "recording.1.seconds") in {"1", "2"}
            await heard(second, 1.0)
            await end(it, call)
            await attribute(it, call, "recording.2.seconds")
        assert loudness(samples_of(first), BEN_HZ) < QUIET < LOUD < loudness(samples_of(first), ANNA_HZ)
        assert loudness(samples_of(second), ANNA_HZ) < QUIET < LOUD < loudness(samples_of(second), BEN_HZ)


async def test_calls_of_other_queues_are_not_recorded(provisioned: Provisioned, tmp_path: Path) -> None:
    options = {"recording": {"mode": "mixed", "queues": ["support"]}}
    async with rig(provisioned, tmp_path, [ANNA, BEN], queues=QUEUES, options=options) as it:
        await it.ready("anna", "ben")
        async with it.callers(CALLER, CallSpec("10002", "support", voice_hz=CALLER_HZ)):
            await until(lambda: channel_of(it).health()["recording"] == 1, lambda: "nothing is recorded")
            await it.event(OfferAccepted, lambda event: event.agent_id == "anna")
            ben = await it.event(OfferAccepted, lambda event: event.agent_id == "ben")
            anna = await it.event(OfferAccepted, lambda event: event.agent_id == "anna")
            await attribute(it, ben.interaction_id, "recording.1")
            await end(it, anna.interaction_id)
            await end(it, ben.interaction_id)
            await attribute(it, ben.interaction_id, "recording.1.seconds")
        assert not [name for name in attributes_of(it, anna.interaction_id) if name.startswith("recording")]
        assert len(list(folder_of(it).iterdir())) == 1


@pytest.mark.parametrize("mode", ["mixed", "both-legs"])
async def test_a_recording_goes_on_while_the_engine_is_dead(
    provisioned: Provisioned, tmp_path: Path, mode: str
) -> None:
    kind = "recording.1" if mode == "mixed" else "recording.1.caller"
    async with rig(provisioned, tmp_path, [ANNA], options={"recording": {"mode": mode}}) as it:
        await it.ready("anna")
        async with it.callers(CALLER):
            call, file = await talking(it, kind)
            await it.stop_engine(crash=True)
            await heard(file, 1.0)
            await it.start_engine()
            await until(lambda: channel_of(it).recording_of(call) == "recording", lambda: "not taken up")
            await channel_of(it).pause_recording(call)
            await channel_of(it).resume_recording(call)
            await end(it, call)
            assert int(await attribute(it, call, f"{kind}.seconds")) >= 1
        await it.empty()
        assert loudness(samples_of(file), CALLER_HZ) > LOUD
        assert len(list(folder_of(it).iterdir())) == (1 if mode == "mixed" else 2)


async def test_a_call_that_ends_while_the_engine_is_dead_keeps_its_recording(
    provisioned: Provisioned, tmp_path: Path
) -> None:
    async with rig(provisioned, tmp_path, [ANNA], options=MIXED) as it:
        await it.ready("anna")
        async with it.callers(CALLER) as callers:
            call, file = await talking(it)
            await it.stop_engine(crash=True)
            await heard(file, 0.5)
        assert callers.pids == []
        for channel in await it.pbx.channels():
            await it.pbx.cli(f"channel request hangup {channel['name']}")
        await it.start_engine()
        await it.event(InteractionCompleted, lambda event: event.interaction_id == call)
        noted = await it.event(InteractionNoted, lambda event: event.interaction_id == call)
        assert dict(noted.attributes) == {"recording.1": file.name}
        assert loudness(samples_of(file), CALLER_HZ) > LOUD


async def test_what_the_pbx_had_written_when_it_died_is_linked_and_said_to_be_cut(
    provisioned: Provisioned, tmp_path: Path
) -> None:
    async with rig(provisioned, tmp_path, [ANNA], options=MIXED) as it:
        await it.ready("anna")
        async with it.callers(CALLER):
            call, file = await talking(it)
            await heard(file, 0.5)
            await it.pbx.kill()
            await it.connected(connected=False)
            await it.pbx.start()
            await it.connected()
            assert await attribute(it, call, "recording.1.state") == "cut"
            assert attributes_of(it, call)["recording.1"] == file.name
        assert file.stat().st_size > 8_000
        assert channel_of(it).health()["recording"] == 0


async def test_old_files_of_ours_go_and_no_others(provisioned: Provisioned, tmp_path: Path) -> None:
    async with rig(provisioned, tmp_path, [ANNA], options={"recording": {"mode": "mixed", "keep": "90d"}}) as it:
        for name in ("acd-acd-20200101T000000Z-pbx1-1.0.1", "acd-acd-20260101T000000Z-pbx1-1.0.1", "acd-acd-mine"):
            (folder_of(it) / f"{name}.wav").write_bytes(b"RIFF")
        (folder_of(it) / "acd-other-20200101T000000Z-pbx1-1.0.1.wav").write_bytes(b"RIFF")
        assert await channel_of(it)._recorder.retention.sweep(1_767_225_600.0 + 86_400) == 1
        assert sorted(file.name for file in folder_of(it).iterdir()) == [
            "acd-acd-20260101T000000Z-pbx1-1.0.1.wav",
            "acd-acd-mine.wav",
            "acd-other-20200101T000000Z-pbx1-1.0.1.wav",
        ]
        assert await channel_of(it)._recorder.retention.sweep() == 0  # Not time yet.


async def test_a_call_that_cannot_be_recorded_goes_on_and_is_counted(provisioned: Provisioned, tmp_path: Path) -> None:
    async with rig(provisioned, tmp_path, [ANNA], options=MIXED) as it:
        folder_of(it).rmdir()
        await it.ready("anna")
        async with it.callers(CALLER):
            accepted = await it.event(OfferAccepted)
            await until(lambda: channel_of(it).health()["recordings_failed"] == 1, lambda: "not counted")
            assert channel_of(it).recording_of(accepted.interaction_id) == "off"
            await end(it, accepted.interaction_id)
        assert not it.all(InteractionUpdated)


async def test_both_hear_that_it_is_recorded_and_so_does_the_file(provisioned: Provisioned, tmp_path: Path) -> None:
    said_hz = 2_100
    options = {"recording": {"mode": "mixed", "announcement": ["lab-recorded"]}}
    async with Ear(CALLER_HZ) as caller, Ear(ANNA_HZ) as agent:
        anna = Agent("anna", AgentBehaviour(ring_ms=300, ear=agent.port))
        async with rig(provisioned, tmp_path, [anna], options=options) as it:
            it.pbx.add_sound("lab-recorded", tone(said_hz, 1_000))
            await it.ready("anna")
            async with it.callers(CallSpec("10001", "sales", ear=caller.port)):
                call, file = await talking(it)
                for ear in (caller, agent):
                    await until(lambda ear=ear: loud_lately(ear, said_hz), lambda: "nothing was said")  # type: ignore[misc]
                await heard(file, 1.5)
                await end(it, call)
                await attribute(it, call, "recording.1.seconds")
            assert loudness(samples_of(file)[:16_000], said_hz) > QUIET


def loud_lately(ear: Ear, hertz: int) -> bool:
    packets = range(0, max(ear.packets - 10, 1), 10)
    return any(loudness(tuple(map(linear, ear.coded(at)[: 10 * 160])), hertz) > LOUD for at in packets)


async def test_an_agent_pauses_by_a_code(provisioned: Provisioned, tmp_path: Path) -> None:
    options = {"recording": {"mode": "mixed", "pause_code": "*7"}}
    async with Ear(CALLER_HZ) as caller, Ear(ANNA_HZ) as agent:
        anna = Agent("anna", AgentBehaviour(ring_ms=300, ear=agent.port))
        async with rig(provisioned, tmp_path, [anna], options=options) as it:
            await it.ready("anna")
            async with it.callers(CallSpec("10001", "sales", ear=caller.port)):
                call, _ = await talking(it)
                await press(it, "1*7")
                await until(lambda: channel_of(it).recording_of(call) == "paused", lambda: "not paused")
                await until(lambda: attributes_of(it, call).get("recording") == "paused", lambda: "not noted")
                await press(it, "7*7")
                await until(lambda: channel_of(it).recording_of(call) == "recording", lambda: "not resumed")
                await until(lambda: attributes_of(it, call).get("recording") == "recording", lambda: "not noted")
                await end(it, call)


async def test_after_the_code_they_hear_each_other_again(provisioned: Provisioned, tmp_path: Path) -> None:
    """The agent hears the beeps apart from the customer, and is back with them as soon as they are over."""
    options = {"recording": {"mode": "mixed", "pause_code": "*7"}}
    async with Ear(CALLER_HZ) as caller, Ear(ANNA_HZ) as agent:
        anna = Agent("anna", AgentBehaviour(ring_ms=300, ear=agent.port))
        async with rig(provisioned, tmp_path, [anna], options=options) as it:
            await it.ready("anna")
            async with it.callers(CallSpec("10001", "sales", ear=caller.port)):
                call, _ = await talking(it)
                for standing in ("paused", "recording"):
                    since = agent.packets
                    await press(it, "*7")
                    await until(lambda: channel_of(it).recording_of(call) == standing, lambda: "nothing")  # noqa: B023
                    await until(lambda: BEEP_HZ in agent.tones(since), lambda: f"no beep: {agent.tones(since)}")  # noqa: B023
                    begun = {CALLER_HZ: (agent, agent.packets), ANNA_HZ: (caller, caller.packets)}
                    for hertz, (ear, since) in begun.items():
                        await until(lambda: hears(ear, hertz, since), lambda: f"{hertz} Hz is not heard")  # noqa: B023
                await end(it, call)


def hears(ear: Ear, hertz: int, since: int) -> bool:
    """Within the last half of a second, all of it since then."""
    last = ear.packets - 25
    return last >= since and loudness(tuple(map(linear, ear.coded(last))), hertz) > LOUD


async def press(it: Rig, keys: str) -> None:
    (leg,) = [each["name"] for each in await it.pbx.channels() if ":leg:" in each["id"]]
    async with it.pbx.ami() as ami:
        for key in keys:
            await ami.action("PlayDTMF", Channel=leg, Digit=key, Receive="yes")
            await ami.event("DTMFEnd", lambda event, key=key: event["Digit"] == key)  # type: ignore[misc]


async def test_a_recording_goes_on_over_a_lost_connection(provisioned: Provisioned, tmp_path: Path) -> None:
    async with rig(provisioned, tmp_path, [ANNA], options=MIXED, proxied=True) as it:
        await it.ready("anna")
        async with it.callers(CALLER):
            call, file = await talking(it)
            await it.proxy.cut()
            await it.connected(connected=False)
            await it.connected()
            await heard(file, 0.5)
            assert channel_of(it).recording_of(call) == "recording"
            await channel_of(it).pause_recording(call)
            await channel_of(it).resume_recording(call)
            await end(it, call)
            assert int(await attribute(it, call, "recording.1.seconds")) >= 0
        assert len(list(folder_of(it).iterdir())) == 1


async def test_a_consult_that_is_merged_is_recorded_no_more(provisioned: Provisioned, tmp_path: Path) -> None:
    """The adviser is part of the customer's recording then, and a pause of that concerns all that is said."""
    options: dict[str, object] = {"recording": {"mode": "both-legs"}}
    async with conversation(provisioned, tmp_path, options=options) as (it, customer):
        await ask(it, customer)
        await advised(it, customer)
        await until(lambda: len(attributes_of(it, CONSULT)) == 2, lambda: str(attributes_of(it, CONSULT)))
        await do(it, MergeConsult("merge", CONSULT, "anna", "conference"))
        for side in ("caller", "agent"):
            await attribute(it, CONSULT, f"recording.1.{side}.seconds")
        assert channel_of(it).recording_of(CONSULT) == "off"
        await until(lambda: len(attributes_of(it, customer)) >= 3, lambda: str(attributes_of(it, customer)))
        await channel_of(it).pause_recording(customer)
        assert channel_of(it).recording_of(customer) == "paused"
