"""Durations as people write them: "20s", "1m30s", "250ms", "2h", or a number of seconds. Owns the notation."""

import math
import re
from fractions import Fraction

FIX = 'write it like "20s", "1m30s", "250ms" or "2h", or as a number of seconds'

_UNITS = {"d": 86_400_000_000, "h": 3_600_000_000, "m": 60_000_000, "s": 1_000_000, "ms": 1_000, "us": 1}
_TEXT = re.compile(
    r"(?:(\d{1,9}(?:\.\d{1,9})?)d)?(?:(\d{1,9}(?:\.\d{1,9})?)h)?(?:(\d{1,9}(?:\.\d{1,9})?)m)?"
    r"(?:(\d{1,9}(?:\.\d{1,9})?)s)?(?:(\d{1,9}(?:\.\d{1,9})?)ms)?(?:(\d{1,15})us)?",
    re.ASCII,
)


def parse_duration(value: object) -> int | None:
    """A TOML value → µs, rounded to the nearest; None when it is not a duration, or negative."""
    if isinstance(value, bool):
        return None
    if isinstance(value, int):
        return value * 1_000_000 if value >= 0 else None
    if isinstance(value, float):
        return round(Fraction(str(value)) * 1_000_000) if math.isfinite(value) and value >= 0 else None
    if not isinstance(value, str):
        return None
    match = _TEXT.fullmatch(value.strip())
    if match is None or not any(match.groups()):
        return None
    amounts = zip(match.groups(), _UNITS.values(), strict=True)
    return round(sum((Fraction(amount) * unit for amount, unit in amounts if amount), Fraction(0)))


def format_duration(micros: int) -> str:
    """µs → the shortest of the notations above: 90_000_000 → "1m30s", 0 → "0s"."""
    text = ""
    for unit, size in _UNITS.items():
        amount, micros = divmod(micros, size)
        if amount:
            text += f"{amount}{unit}"
    return text or "0s"
