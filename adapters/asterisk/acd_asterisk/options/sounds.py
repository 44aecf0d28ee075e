"""`[channels.NAME.sounds.LANGUAGE]`: what callers who wait are told, as lists of sounds, by language.

Owns the names of what can be told, what is told unless anything else is configured, and the checks. Must not know when
anything is told.

What is shipped are names of Asterisk's own sounds, which are there in every language for which sounds are installed.
`{position}`, `{ahead}` and `{minutes}` stand for numbers, which Asterisk says by the rules of the language.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Final

from msgspec import Struct

from acd_asterisk.media import LANGUAGE, MAX_MEDIA, MEANING, media_of
from acd_asterisk.options.reader import Reader

MAX_LANGUAGES: Final = 32

ANY_LANGUAGE: Final = "any"
"""`[channels.NAME.sounds.any]`: for languages without a table of their own."""

POSITION, AHEAD, MINUTES = "{position}", "{ahead}", "{minutes}"
FIGURES: Final = (POSITION, AHEAD, MINUTES)

BUILT_IN: Final = (
    "callback",
    "callback-impossible",
    "duplicate-callback",
    "closed",
    "unstaffed",
    "full",
    "overdue",
    "overflow-loop",
)
"""Announcements whose names no queue has to say: what becomes of callbacks, and why callers are let go."""

_NEAR: Final = 0.85
"""How alike, of 1, a name and a built-in one are that were meant to be the same."""

_NAME: Final = re.compile(r"[\w.:-]{1,128}")


def _sounds(*names: str) -> tuple[str, ...]:
    return tuple(each if each in FIGURES else media_of(each) or each for each in names)


class Sounds(Struct, frozen=True, kw_only=True):
    """One language's. Each is media as ARI takes them, and figures."""

    next: tuple[str, ...] = _sounds("queue-youarenext")
    """Nobody stands before the caller."""
    position: tuple[str, ...] = _sounds("queue-thereare", POSITION, "queue-callswaiting")
    wait: tuple[str, ...] = _sounds("queue-holdtime", MINUTES, "queue-minutes")
    wait_minute: tuple[str, ...] = _sounds("queue-holdtime", MINUTES, "queue-minute")
    """One minute."""
    wait_short: tuple[str, ...] = _sounds("queue-holdtime", "queue-less-than", "number:1", "queue-minute")
    """Less than that."""
    thanks: tuple[str, ...] = _sounds("queue-thankyou")
    """After a position or a wait."""
    announcements: Mapping[str, tuple[str, ...]] = {}
    """By name: what a queue's steps announce, and why callers are let go."""


LISTS: Final = tuple(name for name in Sounds.__struct_fields__ if name != "announcements")


def read_sounds(reader: Reader) -> Mapping[str, Sounds]:
    """Read `sounds` of the channel's table; problems are the reader's."""
    tables = reader.tables("sounds", "sounds of a language")
    if len(tables) > MAX_LANGUAGES:
        reader.problem("sounds", f"has {len(tables)} languages", f"{MAX_LANGUAGES} at most")
    for language in tables:
        if language != ANY_LANGUAGE and not LANGUAGE.fullmatch(language):
            reader.problem(f"sounds.{language}", "is no language", 'name it as Asterisk does: "zh", "en"')
    return {language: _of_language(table) for language, table in tables.items()}


def sound_cautions(sounds: Mapping[str, Sounds]) -> tuple[tuple[str, str, str], ...]:
    """Announcements that look like misspelt built-in ones: key, reason, fix."""
    named = [(language, name) for language, each in sounds.items() for name in each.announcements]
    return tuple(
        (f"{language}.announcements.{name}", "is said only if a queue names it", f"did you mean {close[0]}?")
        for language, name in named
        if name not in BUILT_IN and (close := get_close_matches(name, BUILT_IN, n=1, cutoff=_NEAR))
    )


def read_media(table: Reader, key: str, default: tuple[str, ...] = (), *, figures: bool = False) -> tuple[str, ...]:
    """A list of sounds; with `figures` also of what stands for numbers."""
    example = '["queue-thereare", "{position}", "queue-callswaiting"]' if figures else '["custom/welcome"]'
    given = table.texts(key, default, MAX_MEDIA, example)
    found: list[str] = []
    for each in given:
        media = each if figures and each in FIGURES else media_of(each)
        if media is None:
            more = f", or one of {', '.join(FIGURES)}" if figures else ""
            table.problem(key, f"{each!r} cannot be played", f"it takes {MEANING}{more}")
        else:
            found.append(media)
    return tuple(found)


def _of_language(table: Reader) -> Sounds:
    shipped = Sounds()
    lists = {name: read_media(table, name, getattr(shipped, name), figures=True) for name in LISTS}
    announcements = table.table("announcements", "announcements by name")
    named: dict[str, tuple[str, ...]] = {}
    for name in announcements.names():
        if not _NAME.fullmatch(name):
            announcements.problem(name, "is no name of an announcement", "letters, digits, - and _")
        named[name] = read_media(announcements, name)
    return Sounds(**lists, announcements=named)
