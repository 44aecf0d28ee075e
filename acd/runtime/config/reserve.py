"""Agents who are kept free for other queues: whether a queue's reserve leaves anything to itself, and to anybody else.

Owns these warnings. Must not know the other keys of queues (`people`), nor who is free when (`acd.core.reserving`).
"""

from collections.abc import Iterator

from acd.core.messages import QueueSettings
from acd.core.requirement import parse
from acd.runtime.config.model import AgentConfig, QueueConfig
from acd.runtime.config.table import Table


def check_reserves(root: Table, agents: tuple[AgentConfig, ...], queues: tuple[QueueConfig, ...]) -> None:
    """Warn of reserves that nobody is beyond, and of those that no other queue could use."""
    known = {queue.settings.id: queue.settings for queue in queues}
    for settings in known.values():
        reserve = settings.reserve
        if not reserve:
            continue
        most = max(_eligible(each, agents) for each in _alternatives(settings, known))
        key = ("queues", settings.id, "reserve")
        if most <= reserve:
            reason = f"keeps {reserve} free, and {most} can serve this queue: its interactions wait for ever"
            root.problems.warn(key, reason, "keep fewer than there are, or leave it out")
        elif len(known) == 1:
            reason = "keeps agents free for other queues, and there is none"
            root.problems.warn(key, reason, "add a queue that they shall serve, or leave it out")


def _alternatives(settings: QueueSettings, known: dict[str, QueueSettings]) -> Iterator[tuple[str, ...]]:
    """What the queue asks for: at first, and after each of its steps. Any of the requirements will do."""
    requirement = settings.requirement
    wider: tuple[str, ...] = ()
    yield (requirement,)
    for step in settings.steps:
        requirement = step.requirement or requirement
        wider += tuple(known[each].requirement for each in step.queues if each in known)
        yield (requirement, *wider)


def _eligible(requirements: tuple[str, ...], agents: tuple[AgentConfig, ...]) -> int:
    """How many agents satisfy any of these."""
    parsed = [parse(each) for each in requirements]
    return sum(
        any(each.matches(dict(agent.settings.skills), agent.settings.labels, agent.settings.queues) for each in parsed)
        for agent in agents
    )
