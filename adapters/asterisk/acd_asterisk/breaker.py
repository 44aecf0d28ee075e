"""The circuit breaker: where nobody answers, nobody is asked for a moment.

Owns the count of requests without an answer. Must not know what is asked, nor how.
"""

import time
from typing import Final

BREAKER_FAILURES: Final = 8
"""Requests in a row without an answer after which none is tried for a while."""

BREAKER_PAUSE_SECONDS: Final = 1.0


class Breaker:
    """Counts requests without an answer. After too many in a row it is open for a pause, and after each further one."""

    def __init__(self) -> None:
        """Closed."""
        self._failures = 0
        self._closed_again = 0.0

    @property
    def is_open(self) -> bool:
        """Whether requests are refused without being tried."""
        return self._failures >= BREAKER_FAILURES and time.monotonic() < self._closed_again

    def succeeded(self) -> None:
        """There was an answer, of whatever status."""
        self._failures = 0

    def failed(self) -> None:
        """There was none."""
        self._failures += 1
        self._closed_again = time.monotonic() + BREAKER_PAUSE_SECONDS
