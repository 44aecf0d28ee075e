"""The day of every queue over a restart: the file beside the journal, and that it is whole or the one before.

Owns that file's form. Must not know events, nor when it is written. All blocks.
"""

import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from acd.runtime.board.counting import Standing
from acd.runtime.board.series import Series
from acd.runtime.events import Cursor

MODE: Final = 0o600
MAX_BYTES: Final = 512 * 1024 * 1024
SUFFIX: Final = ".day"
"""What the file is called, after the journal's name."""


class Kept(Struct, frozen=True):
    """After the event at (`seq`, `index`) of the journal's life `life`, at `at_us`: the series, and who lives."""

    domain: str
    life: str
    seq: int
    index: int
    at_us: int
    series: dict[str, Series]
    live: dict[str, Standing]

    @property
    def cursor(self) -> Cursor:
        """The place after which events are missing."""
        return Cursor(self.seq, self.index)


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Kept).decode


def path_of(journal: Path) -> Path:
    """The file of a journal."""
    return journal.with_name(f"{journal.name}{SUFFIX}")


def load(path: Path) -> Kept | None:
    """None when there is none. Raises `OSError`, and `ValueError` when it is damaged."""
    try:
        with path.open("rb") as file:
            return _decode(file.read(MAX_BYTES))
    except FileNotFoundError:
        return None


def save(path: Path, kept: Kept) -> None:
    """In place of the one before, at once. Raises `OSError`.

    What a power failure takes of it is told again from the journal, so nobody waits for the disk.
    """
    new = path.with_name(f"{path.name}.new")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, MODE)
    with os.fdopen(fd, "wb") as file:
        file.write(_encode(kept))
    new.replace(path)
