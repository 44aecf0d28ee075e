"""An interaction's life. Owns its table; must not know the engine."""

from typing import Final

INITIAL: Final = "queued"

TABLE: Final[dict[str, dict[str, str]]] = {
    "queued": {
        "offer": "offered",
        "abandon": "abandoned",
        "cancel": "cancelled",
        "overflow": "overflowed",
        "schedule": "scheduled",
        "call": "reaching",
    },
    "reaching": {
        "reach": "queued",
        "schedule": "scheduled",
        "fail": "failed",
        "abandon": "abandoned",
        "cancel": "cancelled",
    },
    "offered": {
        "offer": "offered",
        "requeue": "queued",
        "accept": "active",
        "abandon": "abandoned",
        "cancel": "cancelled",
    },
    "active": {
        "requeue": "queued",
        "transfer": "queued",
        "complete": "completed",
        "schedule": "scheduled",
        "fail": "failed",
    },
    "scheduled": {"enter": "queued", "abandon": "abandoned", "cancel": "cancelled"},
    "completed": {},
    "abandoned": {},
    "cancelled": {},
    "overflowed": {},
    "failed": {},
}
