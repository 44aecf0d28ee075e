"""What only the collector finds: objects that know one another in a circle, and that nobody else knows.

The engine lets the collector look rarely (`acd/cli/collecting.py`): by what is left in circles it grows until then.
"""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def circles() -> Iterator[list[object]]:
    """The collector stands still meanwhile; at the end of the block the list has all that was left in circles."""
    found: list[object] = []
    gc.collect()
    gc.disable()
    try:
        yield found
        gc.set_debug(gc.DEBUG_SAVEALL)
        gc.collect()
        found.extend(gc.garbage)
    finally:
        gc.set_debug(0)
        gc.garbage.clear()
        gc.enable()
