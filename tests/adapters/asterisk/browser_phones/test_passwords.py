"""Passwords of telephones in the browser: what they follow from, and files that nobody else may read."""

import base64
import hashlib
import hmac
from pathlib import Path

import pytest

from acd_asterisk.browser_phones.passwords import (
    MICROSECONDS,
    NoPassword,
    digest_of,
    make_key,
    password_of,
    turn_credentials,
)
from acd_asterisk.options.browser_phones import BrowserPhoneOptions


def options(folder: Path) -> BrowserPhoneOptions:
    return BrowserPhoneOptions(
        url="wss://pbx.example.com/ws",
        addresses=("PJSIP/*",),
        key_file=folder / "phones.key",
        ice=("turn:turn.example.com",),
        turn_secret_file=folder / "turn.secret",
    )


def secret(path: Path, text: str, mode: int = 0o600) -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    path.chmod(mode)
    return path


def test_each_has_another_one_and_always_the_same(tmp_path: Path) -> None:
    given = options(tmp_path)
    assert make_key(given)
    assert not make_key(given)
    assert given.key_file.stat().st_mode & 0o777 == 0o600
    anna = password_of(given, "anna")
    assert len(anna) == 32
    assert password_of(given, "anna") == anna != password_of(given, "anna2")
    given.key_file.unlink()
    assert make_key(given)
    assert password_of(given, "anna") != anna


def test_an_own_one_goes_before(tmp_path: Path) -> None:
    assert password_of(options(tmp_path), "anna", secret(tmp_path / "anna", "of her own\n")) == "of her own"


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644])
def test_a_file_that_others_read_is_refused(tmp_path: Path, mode: int) -> None:
    given = options(tmp_path)
    make_key(given)
    given.key_file.chmod(mode)
    with pytest.raises(NoPassword, match="chmod 600"):
        password_of(given, "anna")
    with pytest.raises(NoPassword, match="chmod 600") as caught:
        password_of(given, "anna", secret(tmp_path / "anna", "canary", mode))
    assert "canary" not in str(caught.value)


@pytest.mark.parametrize("text", ["", "two\nlines", "x" * 600, "\x00"])
def test_a_file_without_a_password_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(NoPassword, match="one line"):
        password_of(options(tmp_path), "anna", secret(tmp_path / "anna", text))


def test_without_a_key_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(NoPassword, match=r"phones\.key cannot be read"):
        password_of(options(tmp_path), "anna")
    with pytest.raises(NoPassword, match="cannot be read"):
        password_of(options(tmp_path), "anna", tmp_path / "nothing")


def test_the_digest_is_the_one_of_the_protocol(tmp_path: Path) -> None:
    """RFC 2617, 3.2.2.2."""
    expected = hashlib.md5(b"anna:asterisk:secret", usedforsecurity=False).hexdigest()
    assert digest_of(options(tmp_path), "anna", "secret") == expected


def test_turn_is_let_in_for_a_while(tmp_path: Path) -> None:
    """As coturn checks it: the name begins with the second of its end, the password is the name's HMAC."""
    given = options(tmp_path)
    secret(tmp_path / "turn.secret", "shared\n")
    name, password = turn_credentials(given, "web-anna", now_us=1_000 * MICROSECONDS)
    assert name == "4600:web-anna"
    assert base64.b64decode(password) == hmac.digest(b"shared", name.encode(), "sha1")
