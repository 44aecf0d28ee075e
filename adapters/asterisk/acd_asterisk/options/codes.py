"""`[channels.NAME.codes]`: which digits an agent dials for what, and what a code in the dialplan means.

Owns the names of the actions, their options, and how what was dialled is read. Must not know the engine, nor how
agents are found.
"""

import re
from collections.abc import Sequence
from typing import Final, Literal, get_args

from msgspec import Struct

from acd.core import limits
from acd_asterisk.options.reader import Reader

Action = Literal["sign-in", "sign-out", "sign-in-out", "pause", "resume", "pause-resume", "wrap-up-end"]
"""What an agent can do by dialling: three of them toggle, or end all wrap-ups at hand."""

Result = Literal["signed-in", "signed-out", "paused", "resumed", "wrap-up-ended", "refused"]
"""What an agent hears of it."""

ACTIONS: Final[tuple[Action, ...]] = get_args(Action)

MAX_REASONS: Final = 100
MAX_SHARED: Final = 1_000
"""Telephones that several agents use in turn."""

_DIGITS: Final = re.compile(r"[*#0-9]{1,16}")
_REASON_KEY: Final = re.compile(r"[0-9]{1,4}")
_ENDPOINT: Final = re.compile(r"[A-Za-z0-9]{1,32}/[A-Za-z0-9_.+-]{1,64}")
_BEHIND: Final = re.compile(r"([0-9]{0,4})(?:\*([0-9]{1,16}))?")
"""Behind a code: a reason's digits, then a star and an agent's number."""
_SOUND: Final = re.compile(r"[\w./-]{1,200}")

_SOUNDS: Final[dict[Result, str]] = {
    "signed-in": "agent-loginok",
    "signed-out": "agent-loggedoff",
    "paused": "activated",
    "resumed": "de-activated",
    "wrap-up-ended": "beep",
    "refused": "beeperr",
}
"""All of them in Asterisk's core sounds, in every language."""


class Dialled(Struct, frozen=True, gc=False):
    """A code as it was dialled. `reason`: why the agent pauses; `number`: whose code it is, on a shared telephone."""

    action: Action
    reason: str = ""
    number: str = ""


class CodeOptions(Struct, frozen=True, kw_only=True):
    """What is dialled for what."""

    codes: tuple[tuple[str, Action], ...] = ()
    """Digits and what they mean."""
    pause_reason: str = "break"
    """Without digits for another."""
    reasons: tuple[tuple[str, str], ...] = ()
    """Digits behind the code for a pause, and the reason that they stand for."""
    ready: bool = True
    """Whether whoever signs in is ready at once."""
    shared: frozenset[str] = frozenset()
    """Telephones, as `PJSIP/lobby`, from which agents dial their number behind the code."""
    sounds: tuple[tuple[Result, str], ...] = tuple(_SOUNDS.items())

    def sound(self, result: Result) -> str:
        """What is played of a result, as ARI takes it."""
        return f"sound:{dict(self.sounds)[result]}"

    def read(self, words: Sequence[str]) -> Dialled | None:
        """What the dialplan hands over behind `code:`; None when it means nothing.

        `("*471*1001",)` are digits as they were dialled; `("pause", "1", "1001")` a word, the digits or the text of a
        reason, and an agent's number, of which the last two may be missing.
        """
        first, reason, number = (word.strip() for word in (*words, "", "", "")[:3])
        action = next((each for each in ACTIONS if each == first), None)
        if action is None:
            return self._by_digits(first)
        if number and not number.isdecimal():
            return None
        return self._meant(action, reason, number, is_text=not reason.isdecimal())

    def _by_digits(self, digits: str) -> Dialled | None:
        for code, action in self.codes:
            behind = _BEHIND.fullmatch(digits.removeprefix(code)) if digits.startswith(code) else None
            if behind is not None:
                return self._meant(action, behind[1], behind[2] or "", is_text=False)
        return None

    def _meant(self, action: Action, reason: str, number: str, *, is_text: bool) -> Dialled | None:
        if action not in {"pause", "pause-resume"}:
            return None if reason else Dialled(action, "", number)
        if not reason:
            return Dialled(action, self.pause_reason, number)
        text = reason if is_text else dict(self.reasons).get(reason, "")
        return Dialled(action, text, number) if text and len(text) <= limits.MAX_TEXT else None


def read_codes(reader: Reader) -> CodeOptions:
    """Read the table; problems are the reader's."""
    codes = tuple((digits, action) for action in ACTIONS if (digits := _digits(reader, action)))
    _check_apart(reader, codes)
    reason = reader.text("pause_reason", "break") or "break"
    if len(reason) > limits.MAX_TEXT:
        reader.problem("pause_reason", "is too long", f"use at most {limits.MAX_TEXT} characters")
    return CodeOptions(
        codes=codes,
        pause_reason=reason,
        reasons=_reasons(reader),
        ready=reader.flag("ready", default=True),
        shared=_shared(reader),
        sounds=_sounds(reader.table("sounds", "feature codes' sounds")),
    )


def _digits(reader: Reader, action: Action) -> str:
    key = action.replace("-", "_")
    if not reader.has(key):
        return ""
    return reader.pattern(key, "*", _DIGITS, 'what is dialled, like "*45"')


def _check_apart(reader: Reader, codes: tuple[tuple[str, Action], ...]) -> None:
    """Digits may follow a code: none may begin as another one does."""
    for at, (digits, action) in enumerate(codes):
        for other, other_action in codes[:at]:
            if digits.startswith(other) or other.startswith(digits):
                reason = f'"{digits}" cannot be told apart from "{other}" of {other_action.replace("-", "_")}'
                reader.problem(action.replace("-", "_"), reason, "let none begin with another")


def _reasons(reader: Reader) -> tuple[tuple[str, str], ...]:
    table = reader.entries("reasons", "feature codes' reasons", MAX_REASONS)
    found: list[tuple[str, str]] = []
    for key in table.names():
        text = table.text(key, "")
        if not _REASON_KEY.fullmatch(key):
            table.problem(key, "are no digits", 'write it like 1 = "lunch", with at most four digits')
        elif text is not None and not 0 < len(text) <= limits.MAX_TEXT:
            table.problem(key, "has no reason, or too long a one", f"use 1 to {limits.MAX_TEXT} characters")
        elif text:
            found.append((key, text))
    return tuple(found)


def _shared(reader: Reader) -> frozenset[str]:
    given = reader.texts("shared", (), MAX_SHARED, '["PJSIP/lobby"]')
    for each in given:
        if not _ENDPOINT.fullmatch(each):
            reader.problem("shared", f"{each!r} is no telephone", 'write it like "PJSIP/lobby"')
    return frozenset(given)


def _sounds(table: Reader) -> tuple[tuple[Result, str], ...]:
    meaning = "a sound's name, like agent-loginok"
    return tuple(
        (result, table.pattern(result.replace("-", "_"), sound, _SOUND, meaning)) for result, sound in _SOUNDS.items()
    )
