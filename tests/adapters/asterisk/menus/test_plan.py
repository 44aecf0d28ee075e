"""Forms of numbers, and prompts by language."""

import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd_asterisk.menus.plan import fits, is_pattern, sounds


@pytest.mark.parametrize(
    ("pattern", "right", "wrong"),
    [
        ("1[38]XXXXXXXXX", ["13912345678", "18000000000"], ["14912345678", "1391234567", "139123456789", ""]),
        ("ZN", ["12", "99"], ["02", "11", "1"]),
        ("9.", ["91", "9123456789"], ["9", "81", ""]),
        ("XXXX", ["0000", "9999"], ["000", "00000", "00*0", "٠٠٠٠"]),
    ],
)
def test_forms(pattern: str, right: list[str], wrong: list[str]) -> None:
    assert is_pattern(pattern)
    assert [each for each in right if not fits(pattern, each)] == []
    assert [each for each in wrong if fits(pattern, each)] == []


@pytest.mark.parametrize("text", ["", ".", "(a+)+$", "[a-z]", "[]", "X.X", "1{3}", "X" * 65, "1\n"])
def test_what_is_no_form(text: str) -> None:
    assert not is_pattern(text)


@given(
    parts=st.lists(st.sampled_from(["X", "Z", "N", "7", "[135]"]), min_size=1, max_size=64),
    is_open=st.booleans(),
    digits=st.text("0123456789", max_size=64),
)
def test_as_a_regular_expression_has_it(*, parts: list[str], is_open: bool, digits: str) -> None:
    classes = {"X": "[0-9]", "Z": "[1-9]", "N": "[2-9]"}
    expected = re.fullmatch("".join(classes.get(part, part) for part in parts) + ("[0-9]+" if is_open else ""), digits)
    pattern = "".join(parts) + ("." if is_open else "")
    assert is_pattern(pattern)
    assert fits(pattern, digits) is (expected is not None)


def test_no_form_takes_long() -> None:
    begun = time.perf_counter()
    assert not fits("X" * 64 + ".", "1" * 64)
    assert time.perf_counter() - begun < 0.05


def test_sounds_by_language() -> None:
    spoken = (("zh", ("a",)), ("", ("b", "c")))
    assert sounds(spoken, "zh") == ("a",)
    assert sounds(spoken, "en") == sounds(spoken, "") == ("b", "c")
    assert sounds((), "zh") == ()
