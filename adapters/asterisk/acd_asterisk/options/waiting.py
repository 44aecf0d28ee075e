"""What callers who wait in a queue hear and may press, of `[channels.NAME.queues.QUEUE]`.

Owns their names, bounds and defaults. Must not know what sounds there are (`sounds`), nor when anything is said.
"""

import re
from collections.abc import Mapping
from typing import Final, Literal, get_args

from msgspec import Struct

from acd_asterisk.media import LANGUAGE, MUSIC_CLASS
from acd_asterisk.options.reader import HOUR_US, SECOND_US, Reader
from acd_asterisk.options.sounds import read_media

PositionMode = Literal["off", "every", "improved"]
"""Not at all; with every announcement; besides that, when it has become better."""

KeyAction = Literal["leave", "message", "callback"]
"""On in the dialplan, which is told so; or there, to leave a message; or let go, to be called back."""

KEY_ACTIONS: Final[tuple[KeyAction, ...]] = get_args(KeyAction)

LEAST_PERIOD_US: Final = 5 * SECOND_US

_KEY: Final = re.compile(r"[0-9*#]")


class Waiting(Struct, frozen=True, kw_only=True):
    """One queue's. Durations in µs end in `_us`."""

    music_class: str = ""
    """Empty: the channel's."""
    language: str = ""
    """Of everything that is said; empty: the one that the caller's channel has."""
    greeting: tuple[str, ...] = ()
    """Once, when the caller begins to wait."""
    position: PositionMode = "off"
    position_limit: int = 20
    """A worse position than this is not said."""
    wait: bool = False
    """Say how long it is expected to take, too."""
    every_us: int = 0
    """How often position, wait and announcements are said; 0: never."""
    announcements: tuple[str, ...] = ()
    """One of them each time, in turn."""
    keys: Mapping[str, KeyAction] = {}


def read_waiting(table: Reader) -> Waiting:
    """Read them; problems are the reader's."""
    found = Waiting(
        music_class=_optional(table, "music_class", MUSIC_CLASS, "a class of musiconhold.conf"),
        language=_optional(table, "language", LANGUAGE, 'a language\'s name, like "zh" or "en"'),
        greeting=read_media(table, "greeting"),
        position=table.choice("position", "off", "every", "improved"),
        position_limit=table.integer("position_limit", 20, 1, 1_000),
        wait=table.flag("wait", default=False),
        every_us=table.duration("every", 0, 0, HOUR_US),
        announcements=read_media(table, "announcements"),
        keys=_keys(table.table("keys", "keys for callers who wait")),
    )
    wants = [key for key in ("wait", "announcements") if getattr(found, key)]
    if found.position == "every":
        wants.insert(0, "position")
    if wants and not found.every_us:
        table.problem("every", f"is missing, so that {' and '.join(wants)} would never be said", 'set it, like "30s"')
    if 0 < found.every_us < LEAST_PERIOD_US:
        table.problem("every", "is too often for anybody to listen", f"at least {LEAST_PERIOD_US // SECOND_US} seconds")
    return found


def _optional(table: Reader, key: str, form: re.Pattern[str], meaning: str) -> str:
    return table.pattern(key, "", form, meaning) if table.has(key) else ""


def _keys(table: Reader) -> Mapping[str, KeyAction]:
    found: dict[str, KeyAction] = {}
    for key in table.names():
        if not _KEY.fullmatch(key):
            table.problem(key, "is no key of a telephone", "use 0 to 9, * or #")
        found[key] = table.choice(key, *KEY_ACTIONS)
    return found
