"""Reach: how far among levels of agents an interaction reaches after a time in its queue.

Owns that number. Must not know interactions, classes or agents (`levels` applies it).
"""

from acd.core import limits


def reach_after(delays_us: tuple[int, ...], elapsed_us: int, reach: int = 1) -> int:
    """How far an interaction reaches that has been in the queue for `elapsed_us`, and reached that far before.

    `delays_us` are those of levels 2, 3, …; a level opens when its own delay and all before it are over.
    """
    while reach <= len(delays_us) and delays_us[reach - 1] <= elapsed_us:
        reach += 1
    return reach if reach <= len(delays_us) else limits.MAX_LEVEL
