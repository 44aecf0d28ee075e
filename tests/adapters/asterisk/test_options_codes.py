"""Options of feature codes: what digits and words mean, and every problem with the key it is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.errors import ConfigError
from acd_asterisk.options import read_options
from acd_asterisk.options.codes import ACTIONS, CodeOptions, Dialled

PLAIN: dict[str, object] = {"url": "http://127.0.0.1:8088/ari", "user": "acd", "password": "x"}
GIVEN: dict[str, object] = {
    "sign_in": "*45",
    "pause": "*47",
    "pause_resume": "#1",
    "reasons": {"1": "lunch", "12": "培训"},
    "pause_reason": "away",
}


def read(**codes: object) -> CodeOptions:
    return read_options("pbx1", {**PLAIN, "codes": codes}).codes


@pytest.mark.parametrize(
    ("words", "meant"),
    [
        (("*45",), Dialled("sign-in")),
        (("*45*1001",), Dialled("sign-in", "", "1001")),
        (("*47",), Dialled("pause", "away")),
        (("*471",), Dialled("pause", "lunch")),
        (("*4712*7",), Dialled("pause", "培训", "7")),
        (("#112",), Dialled("pause-resume", "培训")),
        (("pause",), Dialled("pause", "away")),
        (("pause", "1"), Dialled("pause", "lunch")),
        (("pause", "coffee", "1001"), Dialled("pause", "coffee", "1001")),
        (("sign-in", "", "1001"), Dialled("sign-in", "", "1001")),
        (("wrap-up-end",), Dialled("wrap-up-end")),
        (("*451",), None),
        (("*479",), None),
        (("*47*",), None),
        (("*4700000",), None),
        (("*46",), None),
        (("",), None),
        ((), None),
        (("sign-in", "lunch"), None),
        (("sign-in", "", "10x1"), None),
        (("pause", "9"), None),
        (("pause", "x" * 1_001), None),
    ],
)
def test_what_is_meant(words: tuple[str, ...], meant: Dialled | None) -> None:
    assert read(**GIVEN).read(words) == meant


@given(st.lists(st.text(max_size=40), max_size=5))
def test_whatever_is_dialled(words: list[str]) -> None:
    """Nothing but the configuration's own words, a reason of the dialplan's and digits come out of it."""
    meant = read(**GIVEN).read(words)
    if meant is not None:
        assert meant.action in ACTIONS
        assert meant.number == "" or meant.number.isdecimal()
        assert meant.reason in {"", "away", "lunch", "培训", *(word.strip() for word in words)}


def test_words_need_no_table() -> None:
    options = read_options("pbx1", PLAIN).codes
    assert options.read(("pause", "lunch")) == Dialled("pause", "lunch")
    assert options.read(("*45",)) is None
    assert options.sound("signed-in") == "sound:agent-loginok"
    assert read(sounds={"signed_in": "custom/in"}).sound("signed-in") == "sound:custom/in"


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"sign_in": "45a"}, "codes.sign_in: '45a' cannot be used"),
        ({"sign_in": "*4", "pause": "*47"}, 'codes.pause: "*47" cannot be told apart from "*4" of sign_in'),
        ({"sign_in": "*4", "resume": "*4"}, 'codes.resume: "*4" cannot be told apart from "*4" of sign_in'),
        ({"pause_reason": "x" * 1_001}, "codes.pause_reason: is too long"),
        ({"reasons": {"x": "lunch"}}, "codes.reasons.x: are no digits"),
        ({"reasons": {"1": ""}}, "codes.reasons.1: has no reason"),
        ({"reasons": {"1": 1}}, "codes.reasons.1: is not a text"),
        ({"reasons": {str(at): "x" for at in range(101)}}, "codes.reasons: has 101 entries"),
        ({"shared": ["lobby"]}, "codes.shared: 'lobby' is no telephone"),
        ({"ready": 1}, "codes.ready: 1 is not true or false"),
        ({"sounds": {"signed_in": "a b"}}, "codes.sounds.signed_in: 'a b' cannot be used"),
        ({"sounds": {"dance": "x"}}, "codes.sounds.dance: is no option of feature codes' sounds"),
        ({"signin": "*45"}, "codes.signin: is no option of feature codes; did you mean sign_in?"),
    ],
)
def test_problem(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**changes)
    (problem,) = caught.value.problems
    assert problem.startswith(f"channels.pbx1.{says}"), problem
