"""msgspec's complaints in our words: field first, then reason and fix, never the value that was sent.

Owns the wording. Must not know HTTP. A value may be somebody's number, and a name that a client sent is
repeated only where it is shaped like a name.
"""

import re
from typing import Final

import msgspec
from msgspec import Struct

from acd.runtime.config.problems import did_you_mean

MAX_NAME: Final = 60
"""Characters of a misspelt name that are looked at."""

_PLACE = re.compile(r" - at `(?:key in )?\$\.?([^`]*)`$")
_UNKNOWN = re.compile(r"Object contains unknown field `(.*?)`", re.DOTALL)
_MISSING = re.compile(r"Object missing required field `(\w+)`")
_NAME = re.compile(r"[a-z_-]{1,60}", re.IGNORECASE)


def explain(message: str, shape: type[Struct] | None = None) -> tuple[str, str]:
    """A `msgspec.ValidationError`'s text → (code, sentence). `shape` is what was being decoded, for hints."""
    place = _PLACE.search(message)
    path = place[1] if place else ""
    reason = message[: place.start()] if place else message
    if unknown := _UNKNOWN.match(reason):
        where = f"{path}." if path else ""
        name = shown(unknown[1], "a field")
        return "unknown-field", f"{where}{name}: is not known; {nearest(unknown[1], _fields(shape, path))}"
    if missing := _MISSING.match(reason):
        return "missing-field", f"{f'{path}.' if path else ''}{missing[1]}: is required."
    return "invalid-field", f"{path or 'the body'}: {_plain(reason, _options(shape, path))}."


def nearest(name: str, known: tuple[str, ...]) -> str:
    """A hint for a misspelt name."""
    return did_you_mean(name[:MAX_NAME], known)


def shown(name: str, otherwise: str) -> str:
    """A name that a client sent, if it is shaped like a name; somebody's number is not."""
    return name if _NAME.fullmatch(name) else otherwise


def _plain(reason: str, options: tuple[str, ...]) -> str:
    """`Expected `int`, got `str`` → `expected int, got str`."""
    if reason.startswith("Invalid enum value"):
        return f"has to be one of {', '.join(options)}" if options else "is none of the values that are allowed"
    if "matching regex" in reason:
        return "has white space or a control character in it, or is empty"
    words = re.sub(r"\bobject\b", "an object", reason.replace("`", ""))
    words = re.sub(r"\barray\b", "an array", words)
    return words[:1].lower() + words[1:]


def _fields(shape: type[Struct] | None, path: str) -> tuple[str, ...]:
    """The names that are known at a path: those of the Struct that the field there holds, if it holds one."""
    if shape is None:
        return ()
    name = path.partition("[")[0]
    for info in msgspec.structs.fields(shape) if name else ():
        if info.name == name:
            nested = _struct_in(info.type)
            return nested.__struct_fields__ if nested else ()
    return shape.__struct_fields__


def _struct_in(kind: object) -> type[Struct] | None:
    """The Struct within an annotation such as `tuple[Wish, ...]` or `str | Person`."""
    if isinstance(kind, type) and issubclass(kind, Struct):
        return kind
    return next(filter(None, map(_struct_in, getattr(kind, "__args__", ()))), None)


def _options(shape: type[Struct] | None, path: str) -> tuple[str, ...]:
    """The values that a field with a closed choice allows."""
    for info in msgspec.structs.fields(shape) if shape is not None else ():
        if info.name == path:
            return tuple(sorted(re.findall(r"'([a-z-]+)'", str(info.type))))
    return ()
