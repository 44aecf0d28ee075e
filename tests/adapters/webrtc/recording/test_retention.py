"""Names of recordings and of the attributes that hold them; what is too old goes, and nothing else."""

from pathlib import Path

import pytest

from acd_webrtc.recording.label import Label, Labels, Side, next_number, stamp_of
from acd_webrtc.recording.retention import delete_old
from acd_webrtc.recording.wire import MAX_FRAME, ORDERS, Frames, Ping, framed

STAMP = "20260131T081500Z"


@pytest.mark.parametrize("number", [1, 2, 17])
@pytest.mark.parametrize("side", ["", "caller", "agent"])
@pytest.mark.parametrize("offer", ["call-5d41.1", "call-2.12", "chat-2.3"])
def test_a_name_says_what_it_is(number: int, side: Side, offer: str) -> None:
    labels, label = Labels("talk"), Label(STAMP, offer, number, side)
    assert labels.read(labels.name(label)) == label
    assert Labels("other").read(labels.name(label)) is None


def test_attributes_and_their_numbers() -> None:
    assert Label(STAMP, "call-1.3").attribute == "recording.3"
    assert Label(STAMP, "call-1.3", 2, "agent").attribute == "recording.3.2.agent"
    there = ["recording", "recording.1", "recording.3.caller", "recording.3.caller.seconds", "recording.3.2.agent", "x"]
    assert [next_number(there, f"call-1.{offer}") for offer in (1, 2, 3)] == [2, 1, 3]


def test_an_offer_that_no_file_can_be_called_by_is_a_digest() -> None:
    name = Labels("talk/../x").name(Label(STAMP, "../../etc.1"))
    assert "/" not in name
    assert ".." not in name


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


def test_messages_are_taken_apart_wherever_they_are_cut() -> None:
    data = b"".join(framed(Ping(number)) for number in range(20))
    for size in (1, 3, 7, len(data)):
        frames, found = Frames(), []
        for at in range(0, len(data), size):
            found += [ORDERS.decode(each) for each in frames.feed(data[at : at + size])]
        assert found == [Ping(number) for number in range(20)]
    with pytest.raises(ValueError, match="at most"):
        Frames().feed((MAX_FRAME + 1).to_bytes(4, "big"))
