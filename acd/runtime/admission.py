"""Admission: a command made valid and detached at the boundary, before the writer sees it.

Owns the translation of a message's faults into `CommandInvalid`. Must not know the writer or the engine.
"""

from typing import Final

import msgspec

from acd.core.messages import Command
from acd.core.messages.codec import decode_command, encode
from acd.errors import CommandInvalid

_QUOTED: Final = 200
"""Characters that are told of the beginning and of the end of what is wrong: it may quote a value of any length."""


def detach(command: Command) -> tuple[bytes, Command]:
    """A command's bytes for the journal, and a copy of it that is valid and shares nothing. Raises `CommandInvalid`."""
    try:
        raw = encode(command)
        return raw, decode_command(raw)
    except msgspec.ValidationError as error:
        raise CommandInvalid(f"{type(command).__name__}: {_shortened(str(error))}") from None
    except (TypeError, ValueError, OverflowError, msgspec.MsgspecError) as error:
        raise CommandInvalid(f"{type(command).__name__} cannot be encoded: {_shortened(str(error))}") from None


def _shortened(text: str) -> str:
    """The text without its middle, if it is long: the field is named at its end."""
    return text if len(text) <= 2 * _QUOTED else f"{text[:_QUOTED]} … {text[-_QUOTED:]}"
