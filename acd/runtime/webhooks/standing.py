"""How webhooks stand: how far each is, what waits for it, and what became of its last attempts.

Owns these records. Must not know HTTP, nor how anything is delivered.
"""

from typing import Literal

from msgspec import Struct

from acd.ports.stores import LineStanding
from acd.runtime.config import WebhookConfig
from acd.runtime.events import Cursor

State = Literal["idle", "delivering", "retrying"]


class Tried(Struct):
    """When an attempt last succeeded and last failed, and how that failed; 0 and empty: not since the start."""

    succeeded_at_us: int = 0
    failed_at_us: int = 0
    error: str = ""


class Pinged(Struct, frozen=True):
    """What became of a message for trying out. `status` 0: there was no answer, and `error` says why."""

    delivered: bool
    status: int
    error: str
    took_us: int


class Standing(Struct, frozen=True):
    """One webhook.

    `cursor`: up to there its events are in the outbox, or past it. `unfed`: how many events of whatever kind are after
    it, None when some of them are in memory no more. `line`: what waits in the outbox.
    """

    hook: WebhookConfig
    cursor: Cursor
    unfed: int | None
    line: LineStanding
    tried: Tried

    @property
    def state(self) -> State:
        """`idle`: nothing waits; `retrying`: the first that waits has failed, and will be tried again."""
        if self.line.attempts:
            return "retrying"
        return "delivering" if self.line.pending else "idle"
