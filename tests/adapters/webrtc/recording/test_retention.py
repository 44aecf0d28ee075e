"""What is too old goes, and nothing else."""

from pathlib import Path

from acd.ports.recording_names import Label, Labels, stamp_of
from acd_webrtc.recording.retention import delete_old


def test_what_is_old_goes_and_what_is_not_ours_stays(tmp_path: Path) -> None:
    labels = Labels("talk")
    old = labels.name(Label(stamp_of(1_000_000), "call-1.1")) + ".wav"
    new = labels.name(Label(stamp_of(2_000_000), "call-1.1")) + ".wav"
    for name in (old, new, f"my-{old}", f"{old}.part", "acd-talk-2.wav"):
        (tmp_path / name).touch()
    assert delete_old(tmp_path, labels, 1_500_000.0) == 1
    assert not (tmp_path / old).exists()
    assert len(list(tmp_path.iterdir())) == 4
    assert delete_old(tmp_path / "none", labels, 1.0) == 0
