"""Spelling of TOML: names, texts, and lines of a section. Owns the notation. Must not know what is said."""

import json
import re
from collections.abc import Mapping, Sequence
from typing import Final

Value = str | int | Sequence[str] | Mapping[str, "str | int"]

_BARE: Final = re.compile(r"[A-Za-z0-9_-]+")


def text(value: str) -> str:
    r"""A text in quotes; also one of a requirement. Control characters become \u0000."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def name(key: str) -> str:
    """A key: bare if it can be."""
    return key if _BARE.fullmatch(key) else text(key)


def line(key: str, value: Value) -> str:
    """`key = value`."""
    return f"{key} = {_value(value)}"


def comment(said: str) -> str:
    """A comment on one line, whatever is in it."""
    return f"# {plain(said)}"


def plain(said: str) -> str:
    """On one line: every kind of white space is a blank, other control characters are question marks."""
    return "".join(char if char.isprintable() else " " if char.isspace() else "?" for char in said)


def _value(value: Value) -> str:
    if isinstance(value, str):
        literal = '"' in value and "'" not in value and "\\" not in value and value.isprintable()
        return f"'{value}'" if literal else text(value)
    if isinstance(value, int):
        return str(value).lower()  # True is one, too.
    if isinstance(value, Mapping):
        inner = ", ".join(f"{name(key)} = {_value(each)}" for key, each in value.items())
        return f"{{ {inner} }}"
    return f"[{', '.join(_value(each) for each in value)}]"
