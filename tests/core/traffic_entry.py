"""Random settings of entry and overflow, for the random configurations of `traffic_settings`."""

from collections.abc import Sequence
from random import Random
from typing import Any, Final

import acd.core.messages as m

KINDS: Final[dict[str, tuple[m.ActionKind, ...]]] = {
    "when_closed": ("refuse", "wait", "callback", "queue", "release"),
    "when_unstaffed": ("wait", "callback", "refuse", "queue", "release"),
    "when_full": ("refuse", "callback", "wait", "queue", "release"),
    "when_overdue": ("wait", "queue", "queue", "callback", "callback", "release"),
}

SECOND: Final = 1_000_000


def entry_settings(random: Random, queue_id: str, queue_ids: Sequence[str]) -> dict[str, Any]:
    """Fields of a queue's settings; for half of the queues none, so that interactions get somewhere."""
    if random.random() < 0.5:
        return {}
    others = [each for each in queue_ids if each != queue_id]
    fields: dict[str, Any] = {name: _action(random, kinds, others) for name, kinds in KINDS.items()}
    return {
        **fields,
        "max_wait_us": random.choice((0, 1, 5 * SECOND, 25 * SECOND, 25 * SECOND, 60 * SECOND)),
        "callback_attempts": random.choice((1, 2, 3)),
        "callback_retry_us": random.choice((0, 5 * SECOND, 40 * SECOND)),
    }


def _action(random: Random, kinds: Sequence[m.ActionKind], others: Sequence[str]) -> m.Action:
    kind = random.choice(kinds)
    if kind != "queue":
        return m.Action(kind, reason=random.choice(("", "sorry")))
    return m.Action(kind, random.choice(others)) if others else m.Action("release")
