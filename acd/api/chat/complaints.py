"""What is wrong with a message that is none of ours, as the word and the sentence with which its connection ends.

Owns that. Must not know connections.
"""

from typing import Final, get_args

import msgspec
from msgspec import Struct

from acd.api.chat.messages import Message
from acd.api.sockets import Ending
from acd.api.wording import explain

MALFORMED: Final = 4400
"""Its close code."""

UNREADABLE: Final = Ending(MALFORMED, "malformed", "A message is not valid JSON, or nested too deeply.")

_SHAPES: Final[dict[str, type[Struct]]] = {str(kind.__struct_config__.tag): kind for kind in get_args(Message)}


class _Typed(Struct):
    type: str


def complaint(text: str, error: msgspec.ValidationError) -> Ending:
    """About a message that is well formed, and none of ours."""
    try:
        kind = msgspec.json.decode(text, type=_Typed).type
    except msgspec.ValidationError:
        kind = ""
    except (msgspec.DecodeError, RecursionError):
        return UNREADABLE  # what is wrong with it came before what cannot be read
    if kind not in _SHAPES:
        return Ending(MALFORMED, "unknown-type", f"type: has to be one of {', '.join(_SHAPES)}.")
    code, detail = explain(str(error), _SHAPES[kind])
    return Ending(MALFORMED, code, f"{kind}: {detail}")
