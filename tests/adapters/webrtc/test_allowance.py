"""How much somebody may say: never more than at once and what time gives back, and never less."""

from hypothesis import given
from hypothesis import strategies as st

from acd_webrtc.allowance import Allowance


@given(st.integers(1, 20), st.integers(1, 1_000), st.lists(st.integers(0, 2_000), max_size=60))
def test_it_lets_through_what_it_says(at_once: int, period_us: int, pauses: list[int]) -> None:
    allowance, now_us, left_us = Allowance(at_once, period_us=period_us), 0, at_once * period_us
    for pause_us in pauses:
        now_us += pause_us
        left_us = min(at_once * period_us, left_us + pause_us)
        taken = allowance.take(now_us)
        assert taken == (left_us >= period_us)
        left_us -= period_us * taken
        assert allowance.is_full(now_us) == (left_us == at_once * period_us)
