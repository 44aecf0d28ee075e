"""An agent's lines: in which of their classes to look for the first in line, tier by tier.

Owns the order of the tiers, and finding the foremost of many classes at once. Must not know who is barred from what.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeAlias

import numpy as np

from acd.core import limits

if TYPE_CHECKING:
    from array import array
    from collections.abc import Sequence

    import numpy.typing as npt

    from acd.core.classes import Class
    from acd.core.entities import Agent
    from acd.core.queue_entity import Queue

_BANDS: Final = limits.MAX_BAND + 1
"""A tier is made of level and band."""

NOBODY: Final = (1 << 63) - 1
"""Instead of a key, when nobody waits."""


Line: TypeAlias = "tuple[int, str, Sequence[Class], npt.NDArray[np.int64] | None]"
"""The classes of an agent that are of one tier and one channel: tier, channel, classes, numbers.

The least tier is served first. `numbers` of the classes, in their order, if there are many.
"""


def lines_of(agent: Agent) -> list[Line]:
    """The agent's classes in the order in which they are served; kept until they change."""
    lines: dict[tuple[int, str], list[Class]] = {}
    for bucket in agent.home or ():
        crew = bucket.crew
        level = crew.level_of(agent)
        for cls in crew.classes:
            if level <= cls.key.reach:
                lines.setdefault((level * _BANDS + cls.key.band, crew.channel), []).append(cls)
    agent.lines = [
        (
            tier,
            channel,
            found,
            np.array([cls.number for cls in found]) if len(found) > limits.SCANNED_CLASSES else None,
        )
        for (tier, channel), found in sorted(lines.items(), key=lambda line: line[0][0])
    ]
    return agent.lines


def tier_of(agent: Agent, queue: Queue) -> int:
    """The tier of the queue's interactions for an agent."""
    return agent.level(queue.id) * _BANDS + queue.settings.band


def foremost(heads: array[int], classes: Sequence[Class], numbers: npt.NDArray[np.int64]) -> Sequence[Class]:
    """Those of the classes that need to be looked at for the first in line: usually one, or none if nobody waits.

    All of them, where the first is somebody whom not everybody may have.
    """
    keys = np.frombuffer(heads, dtype=np.int64).take(numbers)
    place = int(keys.argmin())
    key = keys[place]
    if key == NOBODY:
        return ()
    cls = classes[place]
    if cls.head is None or cls.head.owner.exclusions:
        return classes
    keys[place] = NOBODY
    return classes if keys[keys.argmin()] == key else (cls,)
