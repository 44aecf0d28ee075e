"""Processes that stand still for a while, as they do when their machine is moved or its disk hangs.

Owns stopping and waking. Must not know which process it is.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def frozen(pid: int) -> Iterator[None]:
    """A child of this process stands still until the block ends."""
    os.kill(pid, signal.SIGSTOP)
    try:
        # Each of its threads stops a moment after the signal, and the system says so when all of them have.
        os.waitid(os.P_PID, pid, os.WSTOPPED | os.WNOWAIT)
        yield
    finally:
        os.kill(pid, signal.SIGCONT)
