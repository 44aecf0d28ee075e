"""Queues that send whoever comes in round in a circle, each for a reason of its own.

Owns this finding. Must not know circles in which all are in the same situation (`acd.runtime.config.entry`).
"""

from typing import Final, NamedTuple

from acd.core.messages import Action, QueueSettings
from acd.runtime.config.analysis.study import Study

AT_ONCE: Final = ("when_closed", "when_unstaffed", "when_full")
"""Situations in which a queue hands on whoever comes in. One that is overdue has at least waited somewhere."""


class _Hop(NamedTuple):
    queue: str
    situation: str
    target: str


def check_circles(study: Study) -> None:
    """Warn of circles of queues that hand on at once, for different reasons; each queue is in one finding at most."""
    hops = {queue.id: _hops(queue) for queue in study.queues.values()}
    done = {queue for queue in hops for situation in AT_ONCE if _is_in_circle(hops, queue, situation)}
    for start in hops:
        if start in done:
            continue
        circle = _circle(hops, start, done)
        if circle:
            done |= {hop.queue for hop in circle}
            way = " → ".join(f"{hop.queue} ({hop.situation})" for hop in circle)
            reason = f"may lead round in a circle: {way} → {start}"
            fix = "callers are then released with the reason overflow-loop; end the chain with a release"
            key = ("queues", start, circle[0].situation)
            study.problems.warn(key, reason, fix, code="overflow-loop")


def _hops(queue: QueueSettings) -> list[_Hop]:
    actions: list[tuple[str, Action]] = [(situation, getattr(queue, situation)) for situation in AT_ONCE]
    return [_Hop(queue.id, situation, action.queue) for situation, action in actions if action.kind == "queue"]


def _is_in_circle(hops: dict[str, list[_Hop]], start: str, situation: str) -> bool:
    """Whether the queue comes round to itself by one situation alone."""
    seen: set[str] = set()
    at = start
    while at not in seen:
        seen.add(at)
        target = next((hop.target for hop in hops.get(at, ()) if hop.situation == situation), None)
        if target is None:
            return False
        at = target
    return at == start


def _circle(hops: dict[str, list[_Hop]], start: str, without: set[str]) -> list[_Hop]:
    """The shortest way from the queue back to itself, or nothing."""
    came_by: dict[str, _Hop] = {}
    reached = [start]
    for queue in reached:
        for hop in hops.get(queue, ()):
            if hop.target in came_by or hop.target in without:
                continue
            came_by[hop.target] = hop
            if hop.target == start:
                return _way_back(came_by, start)
            reached.append(hop.target)
    return []


def _way_back(came_by: dict[str, _Hop], start: str) -> list[_Hop]:
    way = [came_by[start]]
    while way[0].queue != start:
        way.insert(0, came_by[way[0].queue])
    return way
