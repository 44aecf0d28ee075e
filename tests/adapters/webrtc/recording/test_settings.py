"""What can be set of recordings, and what is said of mistakes, and of a library that is missing."""

from pathlib import Path

import pytest

from acd.errors import ConfigError
from acd.runtime.channels import Options
from acd_webrtc.options import read_options
from acd_webrtc.recording import settings
from acd_webrtc.recording.settings import RecordingOptions

LEAST: dict[str, object] = {"origins": ["https://shop.example"], "queues": ["sales", "support"]}


def given(folder: Path, recording: dict[str, object]) -> RecordingOptions:
    return read_options("talk", Options({**LEAST, "recording": recording}, folder)).recording


def test_nothing_is_recorded_unless_it_is_said() -> None:
    assert read_options("talk", Options(LEAST, Path("/"))).recording.mode == "off"


def test_all_that_can_be_said(tmp_path: Path) -> None:
    found = given(
        tmp_path,
        {"mode": "mixed", "queues": ["sales"], "listen": ["10.0.0.5"], "address": "198.51.100.7", "keep": "90d"},
    )
    assert (found.folder, found.keep_us) == (tmp_path / "acd-recordings-talk", 90 * 86_400 * 1_000_000)
    assert (found.mode_for("sales"), found.mode_for("support")) == ("mixed", "off")


@pytest.mark.parametrize(
    ("recording", "problem"),
    [
        ({"mode": "always"}, "channels.talk.recording.mode: 'always' is not a way of recording"),
        ({"keep": "90d"}, "channels.talk.recording.mode: is missing"),
        ({"mode": "mixed", "listen": ["everywhere"]}, "channels.talk.recording.listen: is no address"),
        ({"mode": "mixed", "address": "0.0.0.0"}, "channels.talk.recording.address: is no address"),  # noqa: S104
        ({"mode": "mixed", "longest": "1s"}, "channels.talk.recording.longest: "),
        ({"mode": "mixed", "format": "mp3"}, "channels.talk.recording.format: is not a key here"),
    ],
)
def test_mistakes_are_named(tmp_path: Path, recording: dict[str, object], problem: str) -> None:
    with pytest.raises(ConfigError) as caught:
        given(tmp_path, recording)
    assert len(caught.value.problems) == 1
    assert caught.value.problems[0].replace('"', "'").startswith(problem)


def test_a_library_that_is_missing_is_named_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(settings, "find_spec", lambda _: None)
    with pytest.raises(ConfigError) as caught:
        given(tmp_path, {"mode": "mixed"})
    (problem,) = caught.value.problems
    assert problem == (
        "channels.talk.recording.mode: needs aiortc, which is not installed;"
        ' pip install "acd-engine[recording]", or mode = "off"'
    )
    assert given(tmp_path, {"mode": "off"}).mode == "off"
