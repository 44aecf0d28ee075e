"""Calls that wait for their turn on the event loop: some at once, then everybody else has theirs.

Owns their order. Must not know what is called. With a handle of the loop for each, a thousand sockets would be written
to before the loop looks at anything else, commits among it.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from typing import Final

AT_ONCE: Final = 32
"""Calls of one turn of the event loop."""


class Turns:
    """First come, first called. Whoever adds a call does so once until it is called, and so bounds them."""

    def __init__(self, at_once: int = AT_ONCE) -> None:
        """Nobody waits."""
        self._at_once = at_once
        self._waiting: deque[Callable[[], None]] = deque()
        self._is_due = False

    def add(self, call: Callable[[], None]) -> None:
        """Have it called, and soon; it must not raise."""
        self._waiting.append(call)
        if not self._is_due:
            self._is_due = True
            asyncio.get_running_loop().call_soon(self._run)

    def _run(self) -> None:
        waiting = self._waiting
        for _ in range(min(self._at_once, len(waiting))):
            waiting.popleft()()
        self._is_due = bool(waiting)
        if waiting:
            asyncio.get_running_loop().call_soon(self._run)
