"""How often Python looks for unreachable cycles while the engine runs.

Owns the collector's thresholds of the process. Must not know what is allocated. What comes in and stays (interactions
in line, their events) makes Python's own thresholds walk through all of it again every few thousand requests: that took
an eighth of a durable enqueue's time, and paused everybody for some 40 ms each time.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

THRESHOLDS: Final = (2_000, 10, 25)
"""Containers that are new, then how many collections of a generation before one of the next: everything is looked
through after half a million more, some 50 MB. Memory that only cycles hold can grow by as much before it is found."""


@contextmanager
def collecting_rarely() -> Iterator[None]:
    """Leave what is there now out of all collections, and make those of the rest rare; afterwards as before."""
    before = gc.get_threshold()
    gc.collect()
    gc.freeze()
    gc.set_threshold(*THRESHOLDS)
    try:
        yield
    finally:
        gc.set_threshold(*before)
        gc.unfreeze()
