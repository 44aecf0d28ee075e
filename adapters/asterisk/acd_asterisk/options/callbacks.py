"""`[channels.NAME.callbacks]`: how this PBX calls back the customers of queues with `callback_channel = "NAME"`.

Owns the names, bounds and defaults of these options, and what may be dialled. Must not know ARI, calls or queues.
"""

import re
import unicodedata
from collections.abc import Iterable, Iterator
from typing import Final, Literal

import phonenumbers
from msgspec import Struct

from acd_asterisk.options.reader import SECOND_US, Reader
from acd_asterisk.options.sounds import read_media
from acd_asterisk.translate import is_endpoint

NumberForm = Literal["as-known", "national", "e164"]
"""As it came, without punctuation; as one dials from the `region`; with + and the country's code."""

_CHECKED: Final[tuple[NumberForm, ...]] = ("national", "e164")
"""Those in which a number is dialled only if it is somebody's."""

MAX_PREFIXES: Final = 100
MAX_DIALLED: Final = 20

NUMBER: Final = "{number}"

_PUNCTUATION: Final = re.compile(r"[ ()./-]")
_DIALLED: Final = re.compile(rf"\+?[0-9]{{2,{MAX_DIALLED}}}")
_PREFIX: Final = re.compile(r"\+?[0-9]{1,15}")
_KEY: Final = re.compile(r"[0-9*#]")
_REGION: Final = re.compile(r"[A-Z]{2}")
_CALLED: Final = frozenset(
    {
        phonenumbers.PhoneNumberType.FIXED_LINE,
        phonenumbers.PhoneNumberType.MOBILE,
        phonenumbers.PhoneNumberType.FIXED_LINE_OR_MOBILE,
        phonenumbers.PhoneNumberType.VOIP,
        phonenumbers.PhoneNumberType.TOLL_FREE,
    }
)
"""Whose numbers are dialled, where they are understood: those of people and companies, at ordinary cost."""
_CALLER_ID: Final = re.compile(r"\+?[0-9]{2,20}")


class CallbackOptions(Struct, frozen=True, kw_only=True):
    """All of it. Durations in µs end in `_us`."""

    dial: str = ""
    """Where customers are called, with `{number}`: `PJSIP/{number}@trunk`. Empty: nobody is."""
    number: NumberForm = "as-known"
    region: str = "CN"
    """Whose numbers come without a country's code, and from where is dialled."""
    only: tuple[str, ...] = ()
    """Beginnings of numbers that may be dialled, in the form in which they are; empty: any."""
    caller_id: str = ""
    """The number that customers see; empty: whatever Asterisk makes of it."""
    ring_us: int = 30 * SECOND_US
    """How long their telephone rings."""
    prompt: tuple[str, ...] = ()
    """What they hear before the agent: "you asked us to call"."""
    key: str = ""
    """What has to be pressed after that, so that no voicemail has an agent; empty: nothing."""
    answer_us: int = 5 * SECOND_US
    """How long a key is waited for."""
    tries: int = 2
    """How often the prompt is said."""
    progress: tuple[str, ...] = ("tone:ring",)
    """What the agent hears meanwhile."""

    @property
    def reaches_within_us(self) -> int:
        """How long it may take from the first ring until the key: as far as that is certain, without the prompt."""
        return self.ring_us + (self.tries * self.answer_us if self.key else 0)

    @property
    def cautions(self) -> tuple[tuple[str, str, str], ...]:
        """What works and had better be otherwise: key, reason, fix."""
        if not self.dial:
            return ()
        if not self.only:
            reason = "is missing: whoever calls with a forged number has you call any number, at your cost"
            example = '["+8613", "+8621"]' if self.number == "e164" else '["13", "021"]'
            return (("only", reason, f"name what you call, as it is dialled: only = {example}"),)
        return unchecked(self.number, self.only, self.region)

    def endpoint(self, number: str) -> str:
        """The dial string for somebody's number; empty if there is none that may be dialled."""
        dialled = self.allowed(number)
        found = self.dial.replace(NUMBER, dialled) if dialled else ""
        return found if is_endpoint(found) else ""

    def allowed(self, number: str) -> str:
        """Somebody's number as it is dialled; empty if it may not be."""
        dialled = self._dialled(number)
        return dialled if dialled and (not self.only or self._is_named(dialled)) else ""

    def _is_named(self, dialled: str) -> bool:
        """Whether it has one of the beginnings; what leads abroad only by one that says so: 00 is not meant by 0."""
        abroad = re.match(f"00|{_way_abroad(self.region)}", dialled)
        least = 0 if abroad is None else abroad.end()
        return any(dialled.startswith(each) and len(each) >= least for each in self.only)

    def _dialled(self, number: str) -> str:
        """Digits, perhaps behind a +; nothing else is ever part of a dial string. Full-width ones are digits, too."""
        folded = unicodedata.normalize("NFKC", number)
        text = "".join(each for each in folded if unicodedata.category(each) != "Cf").strip()
        text = _PUNCTUATION.sub("", text[4:] if text[:4].lower() == "tel:" else text)
        if not _DIALLED.fullmatch(text):
            return ""
        return text if self.number == "as-known" else self._understood(text)

    def _understood(self, text: str) -> str:
        """A number as it is dialled; empty unless it is somebody's, at ordinary cost, and still the same number."""
        try:
            parsed = phonenumbers.parse(text, self.region)
            if self.number == "e164":
                dialled = _e164(parsed)
            else:
                national = phonenumbers.format_out_of_country_calling_number(parsed, self.region)
                dialled = re.sub(r"[^0-9]", "", national)
            again = phonenumbers.parse(dialled, self.region)
        except phonenumbers.NumberParseException:
            return ""
        # A number of no known kind is none in use; a short one (the police, a bank) is nobody's.
        is_called = phonenumbers.is_valid_number(parsed) and phonenumbers.number_type(parsed) in _CALLED
        return dialled if is_called and _e164(again) == _e164(parsed) else ""


def unchecked(form: NumberForm, only: tuple[str, ...], region: str) -> tuple[tuple[str, str, str], ...]:
    """The caution against numbers as they are known: key, reason, fix; none for other forms."""
    if form != "as-known":
        return ()
    reason = "is as-known: what only lets through goes by how a number was written, and none is checked"
    forms = [each for each in _CHECKED if not any(never_begins(only, each, region))]
    fix = f'use "{forms[0]}"' if forms else 'use "national" or "e164", and write only in that form'
    return (("number", reason, fix),)


def never_begins(only: Iterable[str], form: NumberForm, region: str) -> Iterator[tuple[str, str]]:
    """Which of these beginnings no number of this form has, so that they let nothing through: reason and fix of each.

    As far as that is certain: of a number as known nobody knows how it was written.
    """
    if form == "as-known":
        return
    country, abroad = str(phonenumbers.country_code_for_region(region)), _usual_way_abroad(region)
    for each in only:
        reason = f'"{each}" begins no number that is dialled'
        international = each.startswith("+")
        if form == "e164" and not international:
            yield f'{reason}: with number = "e164" all begin with +', f'write "{_with_country(each, country, region)}"'
        elif form == "national" and international:
            fix = f'"{abroad}{each[1:]}"' if not each.startswith(f"+{country}") else "it without the country's code"
            yield f'{reason}: with number = "national" none begins with +', f'write {fix}, or number = "e164"'
        elif international or (abroad and each.startswith(abroad)):
            code = each[1:] if international else each.removeprefix(abroad)
            if form == "national" and code.startswith(country):
                yield f"{reason}: {country} is the country's own code", "write what follows it as one dials at home"
            elif not _begins_country(code):
                yield f"{reason}: no country's code begins like that", "leave it out"


def read_callbacks(table: Reader) -> CallbackOptions:
    """Read the table; problems are the reader's."""
    options = CallbackOptions(
        dial=_dial(table),
        number=table.choice("number", "as-known", "national", "e164"),
        region=read_region(table),
        only=read_prefixes(table),
        caller_id=table.pattern("caller_id", "", _CALLER_ID, "a number, digits perhaps behind a +")
        if table.has("caller_id")
        else "",
        ring_us=table.duration("ring", 30 * SECOND_US, 5 * SECOND_US, 120 * SECOND_US),
        prompt=read_media(table, "prompt"),
        key=table.pattern("key", "", _KEY, "a key: 0 to 9, * or #") if table.has("key") else "",
        answer_us=table.duration("answer_within", 5 * SECOND_US, SECOND_US, 60 * SECOND_US),
        tries=table.integer("tries", 2, 1, 5),
        progress=read_media(table, "progress", CallbackOptions().progress),
    )
    if table.names() and not table.has("dial"):
        table.problem("dial", "is missing", 'write it like "PJSIP/{number}@trunk"')
    if options.key and not options.prompt:
        table.problem("prompt", "is missing: nobody would know that a key is needed", "name a sound, or leave key out")
    for reason, fix in never_begins(filter(_PREFIX.fullmatch, options.only), options.number, options.region):
        table.problem("only", reason, fix)
    return options


def _dial(table: Reader) -> str:
    text = table.text("dial", "") or ""
    if not text:
        return ""
    if text.count(NUMBER) != 1 or not is_endpoint(text.replace(NUMBER, "1")):
        table.problem("dial", f"{text!r} is no dial string with {NUMBER}", 'write it like "PJSIP/{number}@trunk"')
        return ""
    return text


def read_region(table: Reader) -> str:
    """`region`: whose numbers come without a country's code."""
    region = table.pattern("region", "CN", _REGION, 'two capitals, like "CN"')
    if region not in phonenumbers.SUPPORTED_REGIONS:
        table.problem("region", f"{region!r} is no region whose numbers are known", 'use two capitals, like "CN"')
        return "CN"
    return region


def _e164(number: phonenumbers.PhoneNumber) -> str:
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def _way_abroad(region: str) -> str:
    """The pattern of what is dialled there before another country's code: 00, or a carrier's code and then 00."""
    known = phonenumbers.PhoneMetadata.metadata_for_region(region)
    return (known and known.international_prefix) or "00"


def _usual_way_abroad(region: str) -> str:
    """What is dialled for numbers of other countries, as `national` does; empty where it is not one and the same."""
    known = phonenumbers.PhoneMetadata.metadata_for_region(region)
    usual = (known and (known.preferred_international_prefix or known.international_prefix)) or "00"
    digits = usual.replace("~", "")
    return digits if digits.isdecimal() else ""


def _with_country(beginning: str, country: str, region: str) -> str:
    """The international form of how numbers begin that are dialled from a region."""
    abroad, at_home = _usual_way_abroad(region), phonenumbers.ndd_prefix_for_region(region, strip_non_digits=True)
    if abroad and beginning.startswith(abroad):
        return f"+{beginning.removeprefix(abroad)}"
    return f"+{country}{beginning.removeprefix(at_home or '')}"


def _begins_country(digits: str) -> bool:
    """Whether a country's code begins with these digits, or the digits with it."""
    codes = map(str, phonenumbers.COUNTRY_CODE_TO_REGION_CODE)
    return any(each.startswith(digits) or digits.startswith(each) for each in codes)


def read_prefixes(table: Reader) -> tuple[str, ...]:
    """`only`: beginnings of numbers."""
    given = table.texts("only", (), MAX_PREFIXES, '["13", "021"]')
    for each in given:
        if not _PREFIX.fullmatch(each):
            table.problem("only", f"{each!r} begins no number", "write digits, perhaps behind a +")
    return given
