"""What is too old goes, and nothing else."""

import asyncio
import time
from pathlib import Path

import pytest

from acd.ports.recording_names import Label, Labels, stamp_of
from acd_webrtc.recording.recorder import Recorder
from acd_webrtc.recording.retention import delete_old
from acd_webrtc.recording.settings import Mode, RecordingOptions

DAY = 86_400
PATIENCE_SECONDS = 60.0
POLL_SECONDS = 0.05


def test_what_is_old_goes_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    labels = Labels("talk")
    old = labels.name(Label(stamp_of(1_000_000), "call-1.1")) + ".wav"
    new = labels.name(Label(stamp_of(2_000_000), "call-1.1")) + ".wav"
    stays = {new, f"{new}.part", f"my-{old}", f"{old}.part.bak", "acd-talk-2.wav"}
    for name in (*stays, old, f"{old}.part"):
        (tmp_path / name).touch()
    assert delete_old(tmp_path, labels, 1_500_000.0) == (2, 0), "what a process that died has left is no exception"
    assert {path.name for path in tmp_path.iterdir()} == stays
    assert delete_old(tmp_path / "none", labels, 1.0) == (0, 0)


def test_what_cannot_be_deleted_is_counted_and_stops_nothing(tmp_path: Path) -> None:
    labels = Labels("talk")
    stays, goes = (f"{labels.name(Label(stamp_of(at), 'call-1.1'))}.wav" for at in (1.0, 2.0))
    (tmp_path / stays).mkdir()
    (tmp_path / goes).touch()
    assert delete_old(tmp_path, labels, 3.0) == (1, 1)
    assert [path.name for path in tmp_path.iterdir()] == [stays]


@pytest.mark.parametrize("mode", ["off", "mixed"])
async def test_what_was_recorded_goes_in_time_though_nothing_is_recorded_any_more(tmp_path: Path, mode: Mode) -> None:
    old = tmp_path / f"{Labels('talk').name(Label(stamp_of(time.time() - 2 * DAY), 'call-1.1'))}.wav"
    old.touch()
    options = RecordingOptions(mode=mode, folder=tmp_path, keep_us=DAY * 1_000_000, listen=("127.0.0.1",))
    recorder = Recorder("talk", options, lambda: pytest.fail("nothing is told"))
    recorder.start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while old.exists():
                await asyncio.sleep(POLL_SECONDS)
    finally:
        await recorder.stop()
