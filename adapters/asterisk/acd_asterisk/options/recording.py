"""The options of `[channels.NAME.recording]`: which calls are recorded, how, and how long the files stay.

Owns validation. Must not know how anything is recorded, and does no IO.
"""

import re
from typing import Final, Literal

from msgspec import Struct

from acd_asterisk.options.reader import HOUR_US, SECOND_US, Reader
from acd_asterisk.options.sounds import read_media
from acd_asterisk.translate import is_queue_name

Mode = Literal["off", "mixed", "both-legs"]

MAX_QUEUES: Final = 1_000
"""Queues that one list may name."""

DAY_US: Final = 24 * HOUR_US

_CODE: Final = re.compile(r"[0-9*#]{2,6}")
_FORMAT: Final = re.compile(r"[A-Za-z0-9]{1,16}")


class Recording(Struct, frozen=True, kw_only=True):
    """What is recorded. Durations in µs end in `_us`."""

    mode: Mode = "off"
    """`mixed`: one file with everybody in it; `both-legs`: one for each telephone, with what is said into it."""
    queues: frozenset[str] = frozenset()
    """Those whose calls are recorded; empty: all."""
    format: str = "wav"
    """Asterisk's name of it: wav, gsm, ulaw, sln16, …"""
    beep: bool = False
    """Whether Asterisk says by a beep that it begins."""
    announcement: tuple[str, ...] = ()
    """What both hear once, when a call begins to be recorded."""
    pause_code: str = ""
    """Keys by which an agent pauses and resumes from the telephone; empty: none."""
    longest_us: int = 4 * HOUR_US
    """When one recording ends by itself, should nobody be there to end it."""
    longest_pause_us: int = 300 * SECOND_US
    """When a pause ends by itself."""
    keep_us: int = 0
    """How long files stay on the PBX; 0: for ever."""

    def mode_for(self, queue: str) -> Mode:
        """How calls of a queue are recorded."""
        return self.mode if not self.queues or queue in self.queues else "off"


def read_recording(reader: Reader) -> Recording:
    """Check everything; problems are the reader's."""
    queues = reader.texts("queues", (), MAX_QUEUES, '["sales"]')
    for each in queues:
        if not is_queue_name(each):
            reader.problem("queues", f"{each!r} is no queue's name", "name queues of acd.toml")
    recording = Recording(
        mode=reader.choice("mode", "off", "mixed", "both-legs"),
        queues=frozenset(queues),
        format=reader.pattern("format", "wav", _FORMAT, 'a format of Asterisk\'s, like "wav"'),
        beep=reader.flag("beep", default=False),
        announcement=read_media(reader, "announcement", ()),
        pause_code=reader.pattern("pause_code", "", _CODE, "two to six keys, like *7")
        if reader.has("pause_code")
        else "",
        longest_us=reader.duration("longest", 4 * HOUR_US, 60 * SECOND_US, 24 * HOUR_US),
        longest_pause_us=reader.duration("longest_pause", 300 * SECOND_US, SECOND_US, HOUR_US),
        keep_us=reader.duration("keep", 0, DAY_US, 3_650 * DAY_US) if reader.has("keep") else 0,
    )
    if not reader.has("mode"):
        for key in reader.names():
            reader.problem(key, "is there, but nothing is recorded", 'set mode = "mixed" or "both-legs", or "off"')
    return recording
