"""MessagePack and validation of messages: the boundary of the core.

Owns encoding. `decode_command(encode(command))` validates every field and detaches the message from
whatever the caller still holds; the runtime does so with every command before `Engine.apply` sees it.
"""

import msgspec

from acd.core.messages.commands import Command
from acd.core.messages.outcome import Outcome

encode = msgspec.msgpack.Encoder().encode
"""Any message → MessagePack bytes. Struct fields by name, unions by `type`."""

decode_command = msgspec.msgpack.Decoder(Command).decode
"""MessagePack bytes → command. Raises `msgspec.ValidationError` naming the field."""

decode_outcome = msgspec.msgpack.Decoder(Outcome).decode
"""MessagePack bytes → outcome."""
