"""What the runtime takes from the machine besides time: threads and chance.

Owns the contract. Time is `acd.runtime.clock.Clock`. With both given, a router's whole run follows from what it is
told: that is how `acd.testing.simulator` repeats one.
"""

from collections.abc import Callable
from typing import Any, Protocol, TypeVar

T = TypeVar("T")


class Worker(Protocol):
    """Somewhere to run functions that block, one after another."""

    async def run(self, function: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - whatever it takes
        """Run `function(*args)` there. When the caller is cancelled, it runs to its end all the same."""
        ...

    def close(self) -> None:
        """No more functions. Nobody waits for those under way."""
        ...


OpenWorker = Callable[[str], Worker]
"""Makes one; the name is what debuggers show."""


class Machine(Protocol):
    """Threads and chance."""

    def worker(self, name: str) -> Worker:
        """A thread of its own, or something like it."""
        ...

    def token(self) -> str:
        """A fresh id that nobody can guess: 20 hexadecimal digits."""
        ...

    def chance(self) -> float:
        """A number from 0 up to 1, so that many engines do not all retry at one moment."""
        ...
