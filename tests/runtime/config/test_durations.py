"""Durations as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.runtime.config.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("written", "micros"),
    [
        ("20s", 20_000_000),
        ("1m30s", 90_000_000),
        ("250ms", 250_000),
        ("2h", 7_200_000_000),
        ("1d", 86_400_000_000),
        ("7us", 7),
        ("1.5s", 1_500_000),
        (" 20s ", 20_000_000),
        ("0s", 0),
        (20, 20_000_000),
        (0, 0),
        (0.1, 100_000),
        (1.0000015, 1_000_002),
        (1e20, 10**26),
    ],
)
def test_accepted(written: object, micros: int) -> None:
    assert parse_duration(written) == micros


@pytest.mark.parametrize(
    "written",
    [
        *("", "20", "s", "20 s", "s20", "1s1m", "-1s", "+1s", "1e3s", "20S", "２０s", "1s1s", "½h", "1_000s"),
        *(-1, -0.5, float("nan"), float("inf"), True, None, [], {}),
    ],
)
def test_refused(written: object) -> None:
    assert parse_duration(written) is None


@given(st.integers(0, 400 * 86_400_000_000))
def test_what_is_shown_can_be_typed(micros: int) -> None:
    assert parse_duration(format_duration(micros)) == micros
