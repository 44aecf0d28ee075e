"""One recording's files: what is in them, what a pause keeps out, and what a disk that takes nothing makes of them."""

import resource
import wave
from pathlib import Path

import numpy as np
import pytest

from acd.ports.recording_names import Label, Labels, stamp_of
from acd_webrtc.recording.tape import Tape
from acd_webrtc.recording.timeline import GUARD_SECONDS, RATE
from acd_webrtc.recording.wavefile import WavFile, salvage
from acd_webrtc.recording.wire import Begin

LABELS = Labels("talk")
SECOND = np.ones(RATE, np.int16)
MIXED = (("", "acd-talk-a"),)
LEGS = (("caller", "acd-talk-a-caller"), ("agent", "acd-talk-a-agent"))


def begin(files: object = MIXED, *, paused: bool = False) -> Begin:
    return Begin(1, "t", files, 60.0, paused)  # type: ignore[arg-type] # literals


def read(path: Path) -> list[int]:
    with wave.open(str(path)) as file:
        return [int(each) for each in np.frombuffer(file.readframes(file.getnframes()), "<i2")]


def test_both_are_in_one_file(tmp_path: Path) -> None:
    tape = Tape(tmp_path, begin(), 100.0)
    tape.put("caller", 100.0, SECOND)
    tape.put("agent", 100.0, SECOND)
    tape.write(101.5)
    assert [path.name for path in tmp_path.iterdir()] == ["acd-talk-a.wav.part"]
    ended = tape.end(102.0)
    assert (ended.seconds, ended.states, ended.fault) == (2.0, (("", ""),), "")
    assert [path.name for path in tmp_path.iterdir()] == ["acd-talk-a.wav"]
    assert read(tmp_path / "acd-talk-a.wav") == [2] * RATE + [0] * RATE


def test_who_was_never_heard_is_said(tmp_path: Path) -> None:
    tape = Tape(tmp_path, begin(LEGS), 100.0)
    tape.put("agent", 100.5, SECOND)
    assert tape.end(102.0).states == (("caller", "failed"), ("agent", ""))
    assert len(read(tmp_path / "acd-talk-a-caller.wav")) == 2 * RATE, "as long as the other one"
    mixed = Tape(tmp_path, begin(), 100.0)
    mixed.put("agent", 100.0, SECOND)
    assert mixed.end(101.0).states == (("", "partial"),)


def test_a_pause_is_left_out_and_what_was_under_way_at_its_end(tmp_path: Path) -> None:
    tape = Tape(tmp_path, begin(), 100.0)
    tape.put("caller", 100.0, SECOND)
    tape.pause(101.0)
    tape.pause(101.5)
    tape.put("caller", 101.0, 7 * SECOND)
    tape.resume(110.0)
    # Said in the pause, and come after it.
    tape.put("caller", 109.9, 7 * SECOND)
    tape.put("caller", 110.0 + GUARD_SECONDS, SECOND)
    ended = tape.end(112.0)
    found = read(tmp_path / "acd-talk-a.wav")
    assert ended.seconds == 3.0
    assert set(found) == {0, 1}
    assert found == [1] * RATE + [0] * (RATE // 2) + [1] * RATE + [0] * (RATE // 2)


def test_it_may_begin_with_a_pause_and_ends_by_itself(tmp_path: Path) -> None:
    tape = Tape(tmp_path, begin(paused=True), 100.0)
    tape.put("caller", 100.0, SECOND)
    assert not tape.is_over(200.0)
    tape.resume(200.0)
    assert not tape.is_over(259.0)
    assert tape.is_over(260.0)
    assert tape.end(270.0).seconds == 60.0


def test_a_name_that_is_taken_is_refused_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "acd-talk-a-agent.wav").write_text("somebody's")
    with pytest.raises(FileExistsError):
        Tape(tmp_path, begin(LEGS), 100.0)
    assert [path.name for path in tmp_path.iterdir()] == ["acd-talk-a-agent.wav"]


def test_a_disk_that_takes_no_more_ends_it_with_what_there_is(tmp_path: Path) -> None:
    tape = Tape(tmp_path, begin(), 100.0)
    tape.put("caller", 100.0, SECOND)
    tape.put("caller", 101.0, SECOND)
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, limits[1]))
    try:
        tape.write(101.9)
        assert tape.is_over(101.9)
        ended = tape.end(102.0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert ended.fault == "File too large"
    assert ended.states == (("", "failed"),)
    assert read(tmp_path / "acd-talk-a.wav") == [1] * ((20_000 - 44) // 2)


def test_what_another_process_left_gets_its_name_and_what_is_written_stays(tmp_path: Path) -> None:
    name, talks_on = (LABELS.name(Label(stamp_of(1.0), offer)) for offer in ("call-1.1", "call-2.1"))
    others = Labels("talk-2").name(Label(stamp_of(1.0), "call-1.1"))
    document = tmp_path / "document"
    document.write_bytes(b"somebody's, and no recording")
    (tmp_path / f"{LABELS.name(Label(stamp_of(1.0), 'call-3.1'))}.wav.part").symlink_to(document)
    left = WavFile(tmp_path, name)
    left.write(SECOND.tobytes() + b"x")
    open_still = WavFile(tmp_path, talks_on)
    (tmp_path / f"{others}.wav.part").write_bytes(b"")
    (tmp_path / "copy.part").write_bytes((tmp_path / f"{name}.wav.part").read_bytes())
    left.remove()
    (tmp_path / "copy.part").rename(tmp_path / f"{name}.wav.part")
    assert list(salvage(tmp_path, LABELS)) == [(name, 1.0)]
    assert read(tmp_path / f"{name}.wav") == [1] * RATE
    assert (tmp_path / f"{talks_on}.wav.part").exists()
    assert document.read_bytes() == b"somebody's, and no recording"
    assert (tmp_path / f"{others}.wav.part").exists(), "another channel's, which is to say that it was cut"
    open_still.close()
    assert read(tmp_path / f"{talks_on}.wav") == []
