"""The referee: the first broken rule ends the run, wherever it was noticed.

Owns the verdict. Must not know the rules. Whoever notices something may be deep inside the runtime, which deals with
exceptions in its own way: so the verdict is kept here as well as raised.
"""

import asyncio
from typing import Any

from acd.testing.simulator.process import ProcessDied


class Violation(AssertionError):
    """A rule is broken. The text says which, and by what."""


class Referee:
    """`verdict` is empty as long as all is well; `called` is set when it no longer is."""

    def __init__(self) -> None:
        self.verdict = ""
        self.called = asyncio.Event()

    def require(self, condition: object, rule: str) -> None:
        """Go on, or raise `Violation`."""
        if not condition:
            self.verdict = self.verdict or rule
            self.called.set()
            raise Violation(rule)

    def unexpected(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """The loop's exception handler: nothing may fail with nobody noticing, except inside a dead process."""
        del loop
        error = context.get("exception")
        if isinstance(error, ProcessDied | Violation):
            return
        self.verdict = self.verdict or f"{context.get('message')}: {type(error).__name__}: {error}"
        self.called.set()
