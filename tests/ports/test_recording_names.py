"""Names of recordings: made, read, and never taken for another's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd_asterisk.recording.label import Label, Labels, Side, stamp_of

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
)
def test_what_was_written_is_read(offer: str, side: Side) -> None:
    label = Label(STAMP, offer, side)
    assert LABELS.read(LABELS.name(label)) == label


@given(offer=st.text(min_size=1, max_size=128))
def test_a_name_holds_nothing_that_a_file_may_not(offer: str) -> None:
    name = LABELS.name(Label(STAMP, offer))
    assert set(name) <= set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:@+~-")
    assert len(name) < 200
    assert LABELS.read(name) is not None


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
