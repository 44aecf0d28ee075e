"""What a look has come to. Owns the form of a finding. Must not know what is looked at."""

from typing import Final, Literal

from msgspec import Struct

from acd.runtime.config.problems import Key

State = Literal["good", "warning", "wrong", "unknown"]

MAX_NAMED: Final = 10
"""Things that one sentence names; of more it says how many there are."""


class Finding(Struct, frozen=True):
    """One sentence. `wrong`: calls will not be handled as they should; `unknown`: it could not be looked at."""

    check: str
    """In kebab-case, the same for ever: for programs."""
    state: State
    text: str
    key: Key = ()
    """What had to be changed in the configuration, from its top; empty: nothing there, or no one thing."""


def good(check: str, text: str) -> Finding:
    """As it should be."""
    return Finding(check, "good", text)


def warning(check: str, text: str, key: Key = ()) -> Finding:
    """It works, and had better be otherwise."""
    return Finding(check, "warning", text, key)


def wrong(check: str, text: str, key: Key = ()) -> Finding:
    """It will not work."""
    return Finding(check, "wrong", text, key)


def unknown(check: str, text: str) -> Finding:
    """Nothing can be said."""
    return Finding(check, "unknown", text)


def named(things: list[str]) -> str:
    """Several things in one sentence."""
    shown = ", ".join(things[:MAX_NAMED])
    return shown if len(things) <= MAX_NAMED else f"{shown} and {len(things) - MAX_NAMED} more"


def it_or_them(things: list[str]) -> str:
    """How a sentence goes on that has named them."""
    return "it" if len(things) == 1 else "them"
