"""How the routers of one process are, in words for whoever supervises it: a status, and what is stuck.

Owns when a router counts as stuck: a commit that does not come back from the disk. A journal that says why it cannot be
written is an outage, not a hang: the router sits it out, and a restart would not help. Must not know who is told.
"""

from collections.abc import Callable, Mapping
from typing import Final, Protocol

STUCK_SHARE: Final = 0.5
"""A commit that has taken longer than this share of the watchdog's timeout hangs."""

LONGEST_COMMIT_SECONDS: Final = 30.0
"""The same when there is no watchdog."""

ENDED: Final = frozenset({"closed", "fenced", "failed"})
"""How a router is that has no commits to come."""


class Healthy(Protocol):
    """What is needed of a router."""

    def health(self) -> Mapping[str, object]:
        """`domain`, `ready`, `reason`, `status` and `appending_seconds`."""
        ...


class Pulse:
    """Of all routers of this process; `routers` is asked anew each time."""

    def __init__(self, routers: Callable[[], tuple[Healthy, ...]], watchdog_seconds: float | None) -> None:
        """`watchdog_seconds`: the timeout of the watchdog that is to be fed, if there is one."""
        self._routers = routers
        self._longest = LONGEST_COMMIT_SECONDS if watchdog_seconds is None else watchdog_seconds * STUCK_SHARE

    def stuck(self) -> str:
        """What does not go on, or an empty text; while one of several goes on, a restart would be to its harm."""
        running = [health for health in self._health() if health["status"] not in ENDED]
        hung = [self._hung(health) for health in running]
        return "; ".join(hung) if all(hung) else ""

    def status(self) -> str:
        """Whether calls may be sent here, and if not, why; in one line."""
        found = [self._hung(health) or _away(health) for health in self._health()]
        return "; ".join(filter(None, found)) or "ready"

    def _hung(self, health: Mapping[str, object]) -> str:
        """What to say of a commit that hangs, if one does."""
        seconds = health["appending_seconds"]
        if not isinstance(seconds, float) or seconds <= self._longest:
            return ""
        return f"{health['domain']}: a commit has hung for {seconds:.0f} s"

    def _health(self) -> tuple[Mapping[str, object], ...]:
        return tuple(router.health() for router in self._routers())


def _away(health: Mapping[str, object]) -> str:
    return "" if health["ready"] is True else f"{health['domain']}: {health['reason']}"
