"""Admission: a command made valid and detached at the boundary, before the writer sees it.

Owns the translation of a message's faults into `CommandInvalid`. Must not know the writer or the engine.
"""

import msgspec

from acd.core.messages import Command
from acd.core.messages.codec import decode_command, encode
from acd.errors import CommandInvalid


def detach(command: Command) -> tuple[bytes, Command]:
    """A command's bytes for the journal, and a copy of it that is valid and shares nothing. Raises `CommandInvalid`."""
    try:
        raw = encode(command)
        return raw, decode_command(raw)
    except msgspec.ValidationError as error:
        raise CommandInvalid(f"{type(command).__name__}: {error}") from None
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise CommandInvalid(f"{type(command).__name__} cannot be encoded: {error}") from None
