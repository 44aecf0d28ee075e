"""What can be played."""

import pytest

from acd_asterisk import media


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("queue-thankyou", "sound:queue-thankyou"),
        ("custom/欢迎", "sound:custom/欢迎"),
        ("sound:digits/3", "sound:digits/3"),
        ("number:-42", "number:-42"),
        ("digits:4711#", "digits:4711#"),
        ("tone:ring;tonezone=us", "tone:ring;tonezone=us"),
        ("recording:acd/i1", "recording:acd/i1"),
    ],
)
def test_what_can_be_played(text: str, expected: str) -> None:
    assert media.media_of(text) == expected


@pytest.mark.parametrize(
    "text", ["", "sound:", "nonsense:x", "a b", "a&b", "a\nb", "${X}", "number:three", "http://x/y"]
)
def test_what_cannot(text: str) -> None:
    assert media.media_of(text) is None


def test_figures() -> None:
    assert (media.number(3), media.digits("07")) == ("number:3", "digits:07")
    assert media.sound_name("sound:vm-goodbye") == "vm-goodbye"
    assert media.sound_name(media.number(3)) is None
