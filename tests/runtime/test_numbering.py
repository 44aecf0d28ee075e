"""The normal form of numbers."""

import phonenumbers
import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.runtime.numbering import known_region, normalised


@pytest.mark.parametrize(
    "number",
    [
        "13812345678",
        "+86 138 1234 5678",
        "+86-138-1234-5678",
        "008613812345678",
        "8613812345678",
        "013812345678",
        "(138) 12345678",
        "１３８１２３４５６７８",
        "\u202a+8613812345678\u202c",
        "tel:+8613812345678",
        " 13812345678 ",
    ],
)
def test_one_mobile_however_it_is_written(number: str) -> None:
    assert normalised(number, "CN") == "tel:+8613812345678"


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("010-62345678", "tel:+861062345678"),
        ("+1 (212) 555-1234", "tel:+12125551234"),
        ("1001", "id:1001"),
        ("10-01", "id:1001"),
        ("10086", "id:10086"),
        ("anna", "id:anna"),
        ("Anna", "id:Anna"),
        ("sip:anna@example.com", "id:sip:anna@example.com"),
        ("wxid_0123456789ab", "id:wxid_0123456789ab"),
        ("1-800-FLOWERS", "id:1-800-FLOWERS"),
        ("*97", "id:*97"),
        ("9" * 200, "id:" + "9" * 200),
    ],
)
def test_other_numbers_and_accounts(number: str, expected: str) -> None:
    assert normalised(number, "CN") == expected


@pytest.mark.parametrize(
    "number", ["", "  ", "anonymous", "Anonymous", "UNKNOWN", "restricted", "asterisk", "0000000000", "+0"]
)
def test_nobody(number: str) -> None:
    assert normalised(number, "CN") == ""


def test_the_region_reads_national_numbers() -> None:
    assert normalised("020 7946 0018", "GB") == "tel:+442079460018"
    assert known_region("GB")
    assert not known_region("XX")


@given(st.from_regex(r"(\+86|0|)(1[0-9]|2[0-9])[0-9]{7,10}", fullmatch=True), st.sampled_from(["CN", "GB", "US"]))
def test_what_is_read_without_the_library_is_read_as_by_it(number: str, region: str) -> None:
    parsed = phonenumbers.parse(number, region)
    expected = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    found = normalised(number, region)
    if phonenumbers.is_possible_number_with_reason(parsed) == phonenumbers.ValidationResult.IS_POSSIBLE:
        assert found == f"tel:{expected}"
    else:
        assert found == f"id:{number}"
