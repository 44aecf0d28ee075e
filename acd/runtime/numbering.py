"""One form for one number, however it was written, so that the same caller is the same customer.

Owns the normal form. Must not know where numbers are kept. A normal form begins with `tel:` for a number
of the public network (E.164), with `id:` for anything else: an extension, a SIP user, an account in
a messaging service.
"""

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

import phonenumbers

ANONYMOUS: Final = frozenset(
    {"", "anonymous", "asterisk", "none", "private", "restricted", "unavailable", "unknown", "withheld"}
)
"""What networks send instead of a number, and an Asterisk of whoever has none; nobody can be recognised by it. Neither
by zeros alone."""

COUNTRIES: Final[tuple[str | int, ...]] = (
    *sorted(phonenumbers.SUPPORTED_REGIONS),
    *sorted(phonenumbers.COUNTRY_CODES_FOR_NON_GEO_REGIONS),
)
"""How the numbers of each are read lies in a file of its own, which is read when the first of them comes."""

_DIALLED: Final = re.compile(r"\+?\(?[0-9][0-9 ()./-]*")
_PUNCTUATION: Final = re.compile(r"[ ()./-]")

_MOBILE: Final = "1(?:[3-689][0-9]|7[0-8])[0-9]{8}"
_CITY: Final = "(?:10|2[0-9])[0-9]{8}"
_CHINESE: Final = re.compile(rf"\+86({_MOBILE}|{_CITY})")
_WITHIN_CHINA: Final = re.compile(rf"({_MOBILE})|0({_CITY})")
"""Mobiles, and lines of the largest cities. The library takes up to 0.2 ms over each, while a caller waits; a test
compares with it."""


def normalised(number: str, region: str) -> str:
    """The normal form of a number; empty when it names nobody. `region` (ISO 3166, `CN`) reads national numbers.

    Full-width digits, spaces, brackets and invisible marks make no difference.
    """
    # ASCII is folded already, and has no invisible marks.
    text = (number if number.isascii() else _folded(number)).strip()
    text = text[4:] if text[:4].lower() == "tel:" else text
    plain = _CHINESE.fullmatch(text) or (_WITHIN_CHINA.fullmatch(text) if region == "CN" else None)
    if plain is not None:
        return f"tel:+86{plain[plain.lastindex or 1]}"
    if text.lower() in ANONYMOUS or not text.strip("+0"):
        return ""
    if _DIALLED.fullmatch(text) is None:
        return f"id:{text}"
    return _public(text, region) or f"id:{_PUNCTUATION.sub('', text)}"


def know_countries(countries: Iterable[str | int]) -> None:
    """Read the files of these countries now, some 0.5 ms each, so that nobody has to wait for it later."""
    for country in countries:
        if isinstance(country, int):
            phonenumbers.PhoneMetadata.metadata_for_nongeo_region(country)
        else:
            phonenumbers.PhoneMetadata.metadata_for_region(country)


def known_region(region: str) -> bool:
    """Whether numbers of this region can be read."""
    return region in phonenumbers.SUPPORTED_REGIONS


def _folded(number: str) -> str:
    folded = unicodedata.normalize("NFKC", number)
    return "".join(character for character in folded if unicodedata.category(character) != "Cf")


def _public(text: str, region: str) -> str:
    try:
        parsed = phonenumbers.parse(text, region)
    except phonenumbers.NumberParseException:
        return ""
    # By its length, not by whether the range is in use today: a number must not change its form, and with it
    # its customer, when a later release of the library learns of a new range.
    if phonenumbers.is_possible_number_with_reason(parsed) != phonenumbers.ValidationResult.IS_POSSIBLE:
        return ""
    return f"tel:{phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)}"
