"""Signed statements about a customer: what is let in, and everything that is not."""

import base64
import json
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.runtime.config.secrets import Secret
from acd.runtime.vouching import MAX_LIFE_SECONDS, MAX_STATEMENT, SKEW_SECONDS, NotVouched, Vouched, vouched
from tests.runtime.chat.chats import IDENTITY_SECRET, signed

NOW: Final = 1_790_000_000
SECRETS: Final = (Secret(IDENTITY_SECRET),)
CLAIMS: Final = {"sub": "4711", "aud": "shop", "exp": NOW + 600, "number": "+49 170 1234567", "name": "Chen Wei"}


def read(statement: str, *secrets: Secret, now: int = NOW) -> Vouched | NotVouched:
    return vouched(secrets or SECRETS, "shop", statement, now * 1_000_000)


def code(found: Vouched | NotVouched) -> str:
    assert isinstance(found, NotVouched), found
    assert "4711" not in found.detail
    return found.code


def but(**changes: Any) -> dict[str, Any]:  # noqa: ANN401 - whatever JSON has
    return {key: value for key, value in {**CLAIMS, **changes}.items() if value is not None}


def test_a_statement_says_who() -> None:
    assert read(signed(CLAIMS)) == Vouched("4711", "+49 170 1234567", "Chen Wei")
    assert read(signed(but(number=None, name=None))) == Vouched("4711")
    assert read(signed(but(aud=["bank", "shop"], iat=NOW, iss="https://shop.example", exp=NOW + 0.5))) == read(
        signed(CLAIMS)
    )
    assert read(signed(CLAIMS, {"alg": "HS256"})) == read(signed(CLAIMS, {"alg": "HS256", "typ": "JWT", "kid": "1"}))


def test_it_is_what_a_library_makes() -> None:
    """RFC 7515, appendix A.1, signs the same bytes: header and claims as they came, Base64 without padding."""
    head, body, signature = signed({"sub": "a", "aud": "shop", "exp": 1}, {"typ": "JWT", "alg": "HS256"}).split(".")
    assert json.loads(base64.urlsafe_b64decode(head + "==")) == {"typ": "JWT", "alg": "HS256"}
    assert len(signature) == 43
    assert "=" not in head + body + signature


@pytest.mark.parametrize(
    "claims",
    [
        but(aud="bank"),
        but(aud=["bank"]),
        but(aud=None),
        but(sub=None),
        but(sub=""),
        but(sub="x" * 101),
        but(sub="two words"),
        but(sub="Ä"),
        but(sub=5),
        but(exp=None),
        but(exp="tomorrow"),
        but(exp=True),
        but(exp=NOW + MAX_LIFE_SECONDS + SKEW_SECONDS + 1),
        but(exp=10**30),
        but(nbf=NOW + SKEW_SECONDS + 1),
        but(number="anonymous"),
        but(number="+49" * 20),
        but(number="1"),
        but(name="x" * 101),
        but(name="two\nlines"),
        [CLAIMS],
        "text",
    ],
)
def test_what_is_signed_may_still_be_nothing(claims: object) -> None:
    assert code(read(signed(claims))) == "identity-invalid"


def test_it_is_in_force_for_its_time_and_a_minute_for_clocks() -> None:
    edge = NOW + 600 + SKEW_SECONDS
    assert isinstance(read(signed(CLAIMS), now=edge - 1), Vouched)
    assert code(read(signed(CLAIMS), now=edge)) == "identity-expired"
    assert isinstance(read(signed(but(nbf=NOW + SKEW_SECONDS))), Vouched)


@pytest.mark.parametrize(
    "head",
    [
        {"alg": "none"},
        {"alg": "None", "typ": "JWT"},
        {"alg": "HS512"},
        {"alg": "hs256"},
        {"alg": "RS256"},
        {"typ": "JWT"},
        {"alg": "HS256", "crit": ["exp"]},
        {"alg": "HS256", "jwk": {}},
        {"alg": "HS256", "b64": False},
    ],
)
def test_there_is_one_algorithm_whatever_the_header_says(head: dict[str, Any]) -> None:
    assert code(read(signed(CLAIMS, head))) == "identity-invalid"
    unsigned = signed(CLAIMS, head).rpartition(".")[0] + "."
    assert code(read(unsigned)) == "identity-invalid"


def test_nobody_signs_without_the_secret() -> None:
    other = Secret("another secret of thirty-two characters and more")
    assert code(read(signed(CLAIMS), other)) == "identity-invalid"
    assert isinstance(read(signed(CLAIMS), other, *SECRETS), Vouched)  # while it is being changed
    assert code(vouched((), "shop", signed(CLAIMS), NOW * 1_000_000)) == "identity-invalid"


@given(st.data())
def test_no_character_can_be_another(data: st.DataObject) -> None:
    statement = signed(CLAIMS)
    at = data.draw(st.integers(0, len(statement) - 1))
    character = data.draw(st.characters().filter(lambda each: each != statement[at]))
    assert code(read(f"{statement[:at]}{character}{statement[at + 1 :]}")) == "identity-invalid"


@given(st.text(max_size=60) | st.from_regex(r"[\w-]{0,20}\.[\w-]{0,20}\.[\w-]{0,50}", fullmatch=True))
def test_any_other_text_is_nothing(text: str) -> None:
    assert code(read(text)) == "identity-invalid"


@pytest.mark.parametrize("change", ["{0}.", "{0}=", ".{0}", "{0}.{0}", " {0}", "{0}\n"])
def test_nothing_is_put_around_it(change: str) -> None:
    assert code(read(change.format(signed(CLAIMS)))) == "identity-invalid"


def test_long_and_deep_ones_cost_nothing() -> None:
    assert len(signed(CLAIMS)) < MAX_STATEMENT
    assert code(read(signed(but(more="x" * MAX_STATEMENT)))) == "identity-invalid"
    assert code(read(signed(CLAIMS, raw=b"[" * 1_000))) == "identity-invalid"
