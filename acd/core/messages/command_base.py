"""What all commands have in common: an id and an origin. Must not know any command (`commands`)."""

from typing import ClassVar, Literal

from msgspec import Struct

from acd.core.messages.types import Id, OptionalId, Trace

Origin = Literal["demand", "policy", "reaction", "system"]


class _Named(Struct, frozen=True, gc=False):
    """What the id of a command is: within a window the same id returns the recorded outcome."""

    id: Id


class CommandBase(_Named, frozen=True, gc=False, kw_only=True):
    """Base of all commands. Nothing is decided by what only this class adds: it is for whoever reads the journal.

    `actor`: which token asked for it, empty if nobody did from outside. `trace`: W3C trace context (`traceparent`).
    """

    ORIGIN: ClassVar[Origin] = "demand"

    actor: OptionalId = ""
    trace: Trace = ""
