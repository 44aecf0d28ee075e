"""Visitors' tokens: nobody makes one without the key, none outlives its end, none is good for another channel."""

import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.runtime.chat.visitors import MAX_TOKEN, issue, new_visitor, redeem


def sign(text: str) -> bytes:
    return hmac.digest(b"key", text.encode(), hashlib.sha256)


def other(text: str) -> bytes:
    return hmac.digest(b"another", text.encode(), hashlib.sha256)


def test_a_token_says_who_until_it_expires() -> None:
    visitor = new_visitor()
    token = issue(sign, "shop", visitor, 1_000)
    assert len(token) < MAX_TOKEN
    assert redeem(sign, "shop", token, 999) == (visitor, "")
    assert redeem(sign, "shop", token, 1_000) == ("", "expired")
    assert redeem(other, "shop", token, 999) == ("", "invalid")
    assert redeem(sign, "bank", token, 999) == ("", "invalid")


def test_visitors_are_not_guessed() -> None:
    assert len({new_visitor() for _ in range(1_000)}) == 1_000
    assert len(new_visitor()) == 29


@given(at=st.integers(0, 200), to=st.characters())
def test_an_altered_token_is_none(at: int, to: str) -> None:
    token = issue(sign, "shop", "cv_a", 1_000)
    at %= len(token)
    altered = token[:at] + to + token[at + 1 :]
    # The last character of base 64 has bits that mean nothing; the text is compared all the same.
    assert (redeem(sign, "shop", altered, 0) == ("cv_a", "")) == (altered == token)


@pytest.mark.parametrize("token", ["", ".", "a", "é.é", "x" * 10_000, "a.b.c", "\ud800.x"])
def test_what_is_no_token_is_invalid(token: str) -> None:
    assert redeem(sign, "shop", token, 0) == ("", "invalid")
