"""Pauses for card numbers, on the real Asterisk: nothing of them is in any file, whoever dies or is cut off then."""

from pathlib import Path

import pytest

from acd_asterisk.lab import Provisioned
from tests.adapters.asterisk.recording.test_recorder import (
    ANNA,
    CALLER,
    attribute,
    channel_of,
    end,
    folder_of,
    heard,
    pbx_seconds,
    talking,
)
from tests.adapters.asterisk.rig import Rig, rig, until

PAUSED_SECONDS = 2
LATE_BYTES = 8_000
"""What was on its way to the disk; two seconds are 32,000 bytes."""


def sizes(files: list[Path]) -> list[int]:
    return [file.stat().st_size for file in files]


async def recorded(it: Rig, mode: str) -> tuple[str, list[Path]]:
    """The interaction that is being recorded, and all its files."""
    kind = "recording.1.caller" if mode == "both-legs" else "recording.1"
    call, first = await talking(it, kind)
    files = [first]
    if mode == "both-legs":
        files.append(folder_of(it) / await attribute(it, call, "recording.1.agent"))
    for file in files:
        await heard(file, 0.5)
    return call, files


async def test_both_sides_are_silent(provisioned: Provisioned, tmp_path: Path) -> None:
    """Each has a file of its own, and nothing is written into either."""
    async with rig(provisioned, tmp_path, [ANNA], options={"recording": {"mode": "both-legs"}}) as it:
        await it.ready("anna")
        async with it.callers(CALLER):
            call, files = await recorded(it, "both-legs")
            await channel_of(it).pause_recording(call)
            before = sizes(files)
            await pbx_seconds(it, PAUSED_SECONDS)
            assert [after - size < LATE_BYTES for after, size in zip(sizes(files), before, strict=True)] == [True, True]
            await channel_of(it).resume_recording(call)
            for file, size in zip(files, before, strict=True):
                await heard(file, size / 16_000 + 1.0)
            await end(it, call)
            for side in ("caller", "agent"):
                await attribute(it, call, f"recording.1.{side}.seconds")


@pytest.mark.parametrize("mode", ["mixed", "both-legs"])
@pytest.mark.parametrize("how", ["engine-killed", "line-cut"])
async def test_a_pause_outlasts_the_engine_and_the_line(
    provisioned: Provisioned, tmp_path: Path, how: str, mode: str
) -> None:
    """Whoever comes back knows that it is paused, and ends it when it has lasted long enough."""
    options = {"recording": {"mode": mode, "longest_pause": f"{3 * PAUSED_SECONDS}s"}}
    async with rig(provisioned, tmp_path, [ANNA], options=options, proxied=how == "line-cut") as it:
        await it.ready("anna")
        async with it.callers(CALLER):
            call, files = await recorded(it, mode)
            await channel_of(it).pause_recording(call)
            before = sizes(files)
            if how == "engine-killed":
                await it.stop_engine(crash=True)
                await it.start_engine()
            else:
                await it.proxy.cut()
                await it.connected(connected=False)
                await it.connected()
            await until(
                lambda: channel_of(it).recording_of(call) == "paused", lambda: channel_of(it).recording_of(call)
            )
            await pbx_seconds(it, PAUSED_SECONDS)
            assert channel_of(it).recording_of(call) == "paused"
            assert all(after - size < LATE_BYTES for after, size in zip(sizes(files), before, strict=True))
            await until(lambda: channel_of(it).recording_of(call) == "recording", lambda: "still paused", 10)
            for file, size in zip(files, before, strict=True):
                await heard(file, size / 16_000 + 1.0)
            await end(it, call)
        await it.empty()
