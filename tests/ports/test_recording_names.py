"""Names of recordings: made, read, and never taken for another's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.ports.recording_names import Label, Labels, Side, next_number, stamp_of

STAMP = "20260131T081500Z"
LABELS = Labels("acd")


def test_a_name_says_when_which_offer_and_whose_side() -> None:
    label = Label(STAMP, "pbx1-1795254033.0~2.3", "agent")
    assert LABELS.name(label) == "acd-acd-20260131T081500Z-pbx1-1795254033.0~2.3-agent"
    assert label.attribute == "recording.3.agent"
    assert Label(STAMP, "c1.3").attribute == "recording.3"
    assert stamp_of(label.at()) == STAMP


@given(
    offer=st.from_regex(r"[A-Za-z0-9._:@+~-]{1,100}\.[0-9]{1,4}", fullmatch=True),
    side=st.sampled_from(("", "caller", "agent")),
    number=st.integers(1, 9_999),
)
def test_what_was_written_is_read(offer: str, side: Side, number: int) -> None:
    label = Label(STAMP, offer, side, number)
    assert LABELS.read(LABELS.name(label)) == label


@given(owner=st.text(min_size=1, max_size=64), offer=st.text(min_size=1, max_size=128))
def test_a_name_holds_nothing_that_a_file_may_not(owner: str, offer: str) -> None:
    labels = Labels(owner)
    name = labels.name(Label(STAMP, offer))
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@+~-")
    assert len(name) < 240
    assert labels.read(name) is not None


@pytest.mark.parametrize(
    "name",
    [
        "voicemail",
        "acd-other-20260131T081500Z-c1.1",
        "acd-acd-x-20260131T081500Z-c1.1",
        "acd-acd-20260131T081500-c1.1",
        "acd-acd-20260131T081500Z-",
        "acd-acd-20260131T081500Z-../etc/passwd",
        "x/acd-acd-20260131T081500Z-c1.1",
    ],
)
def test_what_is_not_ours_is_not_read(name: str) -> None:
    assert LABELS.read(name) is None


def test_a_moment_that_there_is_not_is_none() -> None:
    assert Label("20261331T081500Z", "c1.1").at() == 0


def test_attributes_and_their_numbers() -> None:
    assert Label(STAMP, "call-1.3", "agent", 2).attribute == "recording.3.2.agent"
    there = ["recording", "recording.1", "recording.3.caller", "recording.3.caller.seconds", "recording.3.2.agent", "x"]
    assert [next_number(there, f"call-1.{offer}") for offer in (1, 2, 3)] == [2, 1, 3]


def test_what_is_old_comes_first_and_what_is_not_ours_not_at_all() -> None:
    names = [LABELS.name(Label(stamp_of(at), "call-1.1")) for at in (3_000, 1_000, 2_000)]
    assert LABELS.old([*names, "acd-acd-1", f"my-{names[0]}"], 3_000) == [names[1], names[2]]
