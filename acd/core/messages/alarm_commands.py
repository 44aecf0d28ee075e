"""Commands about alarms of queues. As `commands`, whose union has them all."""

from typing import Annotated, ClassVar, Literal

from msgspec import Meta

from acd.core import limits
from acd.core.messages.command_base import CommandBase, Origin
from acd.core.messages.types import Id

AlarmKind = Literal["longest-wait", "waiting", "service-level", "no-agent-ready"]

Figure = Annotated[int, Meta(ge=0, le=limits.MAX_DURATION_US)]


class NoteAlarm(CommandBase, frozen=True, gc=False, tag=True):
    """A figure of a queue has passed its threshold (`raised`), or is back where it should be.

    Said once each: what is raised already is not raised again, and what is not is not cleared. `value`, `threshold`:
    whole seconds of a wait, interactions, per cent of a service level, or whole seconds without anybody ready. An
    alarm decides nothing.
    """

    ORIGIN: ClassVar[Origin] = "system"

    queue: Id
    alarm: AlarmKind
    raised: bool
    value: Figure = 0
    threshold: Figure = 0
