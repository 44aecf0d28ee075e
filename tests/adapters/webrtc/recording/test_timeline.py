"""Where a piece of sound belongs, and what both sides sound like together."""

import numpy as np
from numpy.typing import NDArray

from acd_webrtc.recording.timeline import LAG_SECONDS, RATE, WINDOW_SECONDS, Placing, Track

LAG = int(LAG_SECONDS * RATE)
WINDOW = int(WINDOW_SECONDS * RATE)


def sound(level: int, length: int) -> NDArray[np.int16]:
    return np.full(length, level, np.int16)


def read(data: bytes) -> list[int]:
    return [int(each) for each in np.frombuffer(data, "<i2")]


def test_what_came_late_was_said_when_it_was_said() -> None:
    placing = Placing()
    assert placing.said(0.0, 100.5) == 100.5
    assert placing.said(1.0, 101.2) == 101.2, "the one that was under way shortest counts"
    assert placing.said(2.0, 105.0) == 102.2


def test_both_sides_are_added_up_and_never_overflow() -> None:
    track = Track()
    track.put("caller", 0, sound(30_000, 3 * LAG))
    track.put("agent", 10, sound(20_000, 3 * LAG))
    found = read(track.take(3 * LAG))
    assert len(found) == 2 * LAG
    assert found[:10] == [30_000] * 10
    assert set(found[10:]) == {32_767}
    assert len(read(track.finish(4 * LAG))) == 2 * LAG
    assert track.start == 4 * LAG


def test_nothing_is_waited_for_longer_than_the_window() -> None:
    track = Track()
    track.put("caller", 0, sound(1, RATE))
    track.put("agent", 0, sound(2, 10))
    assert len(read(track.take(2 * RATE))) == 10, "the agent may come late"
    assert len(read(track.take(WINDOW + RATE))) == RATE - 10
    track.put("agent", 10, sound(9, RATE))
    assert read(track.finish(WINDOW + 2 * RATE))[:10] == [9] * 10, "what is left of what came too late"


def test_small_gaps_are_none_and_large_ones_are_silence() -> None:
    track = Track()
    track.put("caller", 0, sound(5, 100))
    track.put("caller", 130, sound(6, 100))
    track.put("caller", 90, sound(7, 100))
    track.put("caller", 5_000, sound(8, 100))
    found = read(track.finish(5_200))
    assert found[:300] == [5] * 100 + [6] * 100 + [7] * 100
    assert set(found[300:5_000]) == {0}
    assert found[5_000:] == [8] * 100 + [0] * 100


def test_a_side_that_has_left_is_not_waited_for() -> None:
    track = Track()
    track.put("caller", 0, sound(1, 10))
    track.forget("caller")
    assert len(read(track.take(RATE))) == RATE - LAG


def test_what_claims_to_be_far_ahead_takes_no_memory() -> None:
    track = Track()
    track.put("caller", 10**12, sound(1, 10))
    assert len(read(track.finish(2 * WINDOW))) == 2 * WINDOW
