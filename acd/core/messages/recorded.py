"""Decoding commands that were checked before they were recorded: their form again, their bounds no more.

Owns that decoding. Must not know where they were recorded. Most of what decoding a command costs are the patterns that
its ids must match. So every command has a *bare* twin here: the same fields without bounds, decoded in its place.
"""

from typing import Annotated, Any, Final, Union, get_args, get_origin

from msgspec import NODEFAULT, Struct, defstruct
from msgspec.msgpack import Decoder
from msgspec.structs import astuple, fields

from acd.core.messages.codec import LARGE, decode_command
from acd.core.messages.commands import Command
from acd.core.messages.config_commands import ApplyConfig

_AS_EVER: Final = ApplyConfig
"""Too rare, and too deep, to be worth a twin."""


def _bare(type_: object) -> object:
    """The type without bounds. Parts that are messages themselves keep theirs."""
    origin = get_origin(type_)
    if origin is Annotated:
        return _bare(get_args(type_)[0])
    if origin is tuple:
        return tuple.__class_getitem__(tuple(part if part is ... else _bare(part) for part in get_args(type_)))
    return type_


def _twin(kind: type[Struct]) -> type[Struct]:
    parts = [
        (each.name, _bare(each.type)) if each.default is NODEFAULT else (each.name, _bare(each.type), each.default)
        for each in fields(kind)
    ]
    return defstruct(kind.__name__, parts, tag=True, frozen=True, gc=False)


_KIND: Final[dict[type[Struct], type[Command]]] = {
    _twin(kind): kind for kind in get_args(Command) if kind is not _AS_EVER
}
_decode_bare = Decoder(Union[(*_KIND, _AS_EVER)]).decode


def decode_recorded(raw: bytes) -> Command:
    """MessagePack bytes of a command that was validated once → command. Raises `msgspec.DecodeError`.

    Fields of the wrong type are still found; a value out of bounds is not.
    """
    if len(raw) > LARGE:
        return decode_command(raw)
    bare: Any = _decode_bare(raw)
    kind: Any = _KIND.get(type(bare))
    if kind is None:
        command: Command = bare
    else:
        *values, actor, trace = astuple(bare)
        command = kind(*values, actor=actor, trace=trace) if actor or trace else kind(*values)
    return command
