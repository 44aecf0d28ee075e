"""How far the log has been told, and all that is needed to go on: the file beside it.

Owns that file's form, and that it is whole or the one before. Must not know lines, nor when it is written. All blocks.
"""

import os
from pathlib import Path
from typing import Final

import msgspec
from msgspec import Struct

from acd.core.messages import CoreSettings
from acd.runtime.queue_log.calls import Call
from acd.runtime.queue_log.file import Place
from acd.runtime.queue_log.staff import Member

MODE: Final = 0o600
MAX_BYTES: Final = 512 * 1024 * 1024
"""Size of the file; 200,000 agents take a twentieth of it."""


class Standing(Struct, frozen=True):
    """After row `seq` of the journal's life `life`, at `at_us`: `place` in the file, and what lives.

    `begun`: whether the first lines, which tell who is there, have been written.
    """

    domain: str
    life: str
    seq: int
    at_us: int
    place: Place
    begun: bool
    order: int
    calls: tuple[Call, ...]
    members: tuple[Member, ...]
    settings: CoreSettings


_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(Standing).decode


def load(path: Path) -> Standing | None:
    """None when there is none. Raises `OSError`, and `ValueError` when it is damaged."""
    try:
        with path.open("rb") as file:
            return _decode(file.read(MAX_BYTES))
    except FileNotFoundError:
        return None


def save(path: Path, standing: Standing) -> None:
    """Durable on return. Raises `OSError`."""
    new = path.with_name(f"{path.name}.new")
    fd = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, MODE)
    with os.fdopen(fd, "wb") as file:
        file.write(_encode(standing))
        file.flush()
        os.fsync(fd)
    new.replace(path)
    folder = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
