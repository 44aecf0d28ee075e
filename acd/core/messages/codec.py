"""MessagePack and validation of messages: the boundary of the core.

Owns encoding. `decode_command(encode(command))` validates every field and detaches the message from
whatever the caller still holds; the runtime does so with every command before `Engine.apply` sees it.
"""

from contextlib import suppress
from typing import Final

import msgspec

from acd.core.messages.commands import Command
from acd.core.messages.outcome import Outcome
from acd.core.messages.sharing import decode_config

LARGE: Final = 100_000
"""Bytes from which on a command is worth decoding by parts: only a configuration has so many."""

encode = msgspec.msgpack.Encoder().encode
"""Any message → MessagePack bytes. Struct fields by name, unions by `type`."""

_decode_command = msgspec.msgpack.Decoder(Command).decode

decode_outcome = msgspec.msgpack.Decoder(Outcome).decode
"""MessagePack bytes → outcome."""


def decode_command(raw: bytes) -> Command:
    """MessagePack bytes → command. Raises `msgspec.ValidationError` naming the field."""
    if len(raw) > LARGE:
        with suppress(msgspec.ValidationError):
            return decode_config(raw)
    command: Command = _decode_command(raw)
    return command
