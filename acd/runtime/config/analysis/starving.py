"""Weights, head starts and bands by which somebody never comes up, or that decide nothing.

Owns these findings, and what counts as a plausible wait. Must not know steps' times.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from acd.core import limits
from acd.core.messages import QueueSettings
from acd.runtime.config.analysis.stages import has_way_out
from acd.runtime.config.analysis.study import Study, listed
from acd.runtime.config.durations import format_duration

HOUR_US: Final = 3_600_000_000

PLAUSIBLE_WAIT_US: Final = 4 * HOUR_US
"""Nobody waits in line for longer: a head start from here on is as good as strict priority."""

PLAUSIBLE_IDLE_US: Final = 8 * HOUR_US
"""Nobody has been idle for longer: fit that counts for more leaves nothing to idle time."""

NEGLIGIBLE_US: Final = 1_000_000
"""Idle times differ by more than this anyhow: fit that counts for less decides nothing."""

MAX_COMPARED: Final = 50_000_000
"""Queues × agents, and queues × queues × `FEW`, up to which queues are compared with one another."""

FEW: Final = 16
"""Agents by whom most pairs of queues are ruled out."""

_NOT_THEIRS: Final = 1_000
"""More than any (level, band): the agent does not serve the queue."""

Ranks = npt.NDArray[np.int16]


def check_head_starts(study: Study) -> None:
    """Warn of points of priority that outweigh every wait."""
    for queue in study.queues.values():
        if queue.ordering != "strict" and queue.head_start_us >= PLAUSIBLE_WAIT_US:
            length = format_duration(queue.head_start_us)
            reason = f"a point of priority is worth {length} of waiting, more than anybody waits: lower ones may starve"
            fix = 'use minutes; or say so with ordering = "strict"'
            key = ("queues", queue.id, "head_start")
            study.problems.warn(key, reason, fix, code="head-start-too-large")


def check_weights(study: Study) -> None:
    """Say where fit decides everything or nothing among the agents that there are."""
    for queue in study.queues.values():
        if queue.strategy not in {"weighted", "best-fit"}:
            continue
        first = study.stages[queue.id][0].requirement
        fits = study.staff.matrix.fits(first.skills, ())[study.staff.passing(first) & study.staff.able]
        if first.skills and fits.size > 1:
            _check_spread(study, queue, int(fits.max() - fits.min()))


def check_always_first(study: Study) -> None:
    """Warn of queues that always go before others with whom they share all the others' agents."""
    queues = tuple(study.queues.values())
    size = len(queues) * max(len(study.staff.agents), FEW * len(queues))
    if size > MAX_COMPARED or not _go_apart(study, queues):
        return
    ranks = np.stack([_ranks(study, queue) for queue in queues])
    behind: dict[str, list[str]] = {}
    for queue, own in zip(queues, ranks, strict=True):
        theirs = np.flatnonzero(own != _NOT_THEIRS)
        if not theirs.size or has_way_out(queue):
            continue
        # A few agents rule most queues out; only the rest are compared for everybody.
        few = theirs[:: max(1, theirs.size // FEW)]
        for other in np.flatnonzero((ranks[:, few] < own[few]).all(axis=1)):
            if (ranks[other, theirs] < own[theirs]).all():
                behind.setdefault(queues[int(other)].id, []).append(queue.id)
    for first, others in behind.items():
        reason = f"always goes before {listed(others)}, with every agent they have: they may wait for ever"
        fix = "use the same band, or give those behind a max_wait; allow it if that is meant"
        study.problems.warn(("queues", first, "band"), reason, fix, code="always-first")


def _check_spread(study: Study, queue: QueueSettings, spread: int) -> None:
    key = ("queues", queue.id, "strategy")
    if not spread:
        reason = f"fit decides nothing with the strategy {queue.strategy}: all who satisfy the requirement fit equally"
        study.problems.note(key, reason, "only a request's preferences can make a difference", "fit-is-equal")
    elif queue.strategy == "weighted":
        worth_us = spread * queue.fit_weight_us
        worth, key = format_duration(worth_us), ("queues", queue.id, "fit_weight")
        if worth_us >= PLAUSIBLE_IDLE_US:
            reason = f"the best fit counts as {worth} of idle time against the least: the least never comes up"
            fix = 'use less; or say so with strategy = "best-fit"'
            study.problems.warn(key, reason, fix, code="fit-weight-too-large")
        elif worth_us < NEGLIGIBLE_US:
            reason = f"the best fit counts as {worth} of idle time against the least: it decides nothing"
            fix = 'use more; or say so with strategy = "longest-idle"'
            study.problems.warn(key, reason, fix, code="fit-weight-too-small")


def _go_apart(study: Study, queues: tuple[QueueSettings, ...]) -> bool:
    """Whether any queue goes before another at all."""
    bands = {queue.band for queue in queues}
    return len(bands) > 1 or any(study.staff.has_levels(queue.id) for queue in queues)


def _ranks(study: Study, queue: QueueSettings) -> Ranks:
    """How each agent ranks the queue, by level and then band; `_NOT_THEIRS` if they do not serve it."""
    staff = study.staff
    serving = np.zeros(len(staff.agents), dtype=np.bool_)
    for stage in study.stages[queue.id]:
        serving |= staff.passing(stage.requirement)
    ranks: Ranks = staff.levels(queue.id).astype(np.int16) * (limits.MAX_BAND + 1) + queue.band
    ranks[~(serving & staff.able)] = _NOT_THEIRS
    return ranks
