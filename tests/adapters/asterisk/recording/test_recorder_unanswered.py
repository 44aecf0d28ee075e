"""Recordings on the real Asterisk of which it is not known whether they run: a pause is for all of them."""

from pathlib import Path

import pytest

from acd.core.messages import OfferAccepted, TransferInteraction
from acd_asterisk.lab import Provisioned
from tests.adapters.asterisk.lost_answers import Lost
from tests.adapters.asterisk.recording.test_recorder import (
    ANNA,
    BEN,
    CALLER,
    MIXED,
    QUEUES,
    attribute,
    channel_of,
    end,
    folder_of,
    heard,
    pbx_seconds,
    talking,
)
from tests.adapters.asterisk.rig import rig, until


@pytest.mark.parametrize(("mode", "kind"), [("mixed", "recording.1"), ("both-legs", "recording.1.caller")])
async def test_one_that_began_without_an_answer_is_the_one_that_pauses(
    provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: str, kind: str
) -> None:
    lost = Lost(monkeypatch)
    async with rig(provisioned, tmp_path, [ANNA], options={"recording": {"mode": mode}}) as it:
        await it.ready("anna")
        lost.next("POST", "/record", times=2 if mode == "both-legs" else 1)
        async with it.callers(CALLER):
            call, file = await talking(it, kind)
            assert lost.left == 0
            await until(lambda: channel_of(it).recording_of(call) == "recording", lambda: "off")
            await heard(file, 0.5)
            await channel_of(it).pause_recording(call)
            before = {each: each.stat().st_size for each in folder_of(it).iterdir()}
            assert len(before) == (1 if mode == "mixed" else 2)
            await pbx_seconds(it, 2)
            for each, size in before.items():
                assert each.stat().st_size - size < 8_000
            await channel_of(it).resume_recording(call)
            await heard(file, before[file] / 16_000 + 1.0)
            await end(it, call)
            await attribute(it, call, f"{kind}.seconds")


async def test_it_is_not_off_while_nobody_knows(
    provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Lost(monkeypatch)
    async with rig(provisioned, tmp_path, [ANNA], options=MIXED) as it:
        await it.ready("anna")
        lost.next("POST", "/record")
        async with it.callers(CALLER):
            accepted = await it.event(OfferAccepted)
            await until(lambda: lost.left == 0, lambda: "not recorded")
            await until(lambda: bool(list(folder_of(it).iterdir())), lambda: "no file")
            assert channel_of(it).recording_of(accepted.interaction_id) == "recording"
            await channel_of(it).pause_recording(accepted.interaction_id)
            assert channel_of(it).recording_of(accepted.interaction_id) == "paused"
            (file,) = folder_of(it).iterdir()
            before = file.stat().st_size
            await pbx_seconds(it, 2)  # The comparison has been meanwhile.
            assert list(folder_of(it).iterdir()) == [file]
            assert file.stat().st_size - before < 8_000
            await end(it, accepted.interaction_id)


async def test_one_whose_stop_had_no_answer_is_stopped_again(
    provisioned: Provisioned, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lost = Lost(monkeypatch)
    options = {"recording": {"mode": "both-legs"}}
    async with rig(provisioned, tmp_path, [ANNA, BEN], queues=QUEUES, options=options) as it:
        await it.ready("anna", "ben")
        async with it.callers(CALLER):
            call, first = await talking(it, "recording.1.caller")
            await heard(first, 0.5)
            # The agent's ends with their leg, perhaps before it has been told to.
            lost.next("DELETE", ":caller", sent=False)
            done = await it.router.submit(TransferInteraction(it.router.new_id(), call, "anna", "support"))
            assert done.refusal is None
            second = folder_of(it) / await attribute(it, call, "recording.2.caller")
            assert lost.left == 0
            await attribute(it, call, "recording.1.caller.seconds")
            size = first.stat().st_size
            await heard(second, 1.5)
            assert first.stat().st_size == size
            await end(it, call)
