"""Places in line and levels of agents: reading levels, and whether what is said makes sense.

Owns these errors and warnings. Must not know the other keys of agents and queues (`people`).
"""

from acd.core import limits
from acd.core.messages import QueueSettings
from acd.runtime.config.model import AgentConfig, QueueConfig
from acd.runtime.config.problems import did_you_mean, quoted
from acd.runtime.config.table import Table


def check_ordering(table: Table, settings: QueueSettings) -> None:
    """What one queue says about its line."""
    if settings.ordering == "due":
        if not settings.target_us:
            reason = "orders by when a target is over, and there is none"
            table.problems.error(table.at("ordering"), reason, 'say how soon to answer, like target = "20s"')
    elif "target" in table.raw:
        reason = f"has no effect with the ordering {settings.ordering}"
        table.problems.warn(table.at("target"), reason, 'use ordering = "due", or leave it out', code="no-effect")
    if settings.ordering == "strict":
        reason = "promises nothing to low priorities: they may wait for ever while higher ones keep coming"
        fix = 'use "head-start" unless that is what you want'
        table.problems.warn(table.at("ordering"), reason, fix, code="strict-ordering")
        if "head_start" in table.raw:
            reason = "has no effect with the ordering strict"
            table.problems.warn(table.at("head_start"), reason, "leave it out", code="no-effect")


def check_bands(root: Table, queues: tuple[QueueConfig, ...]) -> None:
    """Across queues of a band keys are compared, which different orderings make in different ways."""
    first: dict[int, QueueSettings] = {}
    for queue in queues:
        settings = queue.settings
        other = first.setdefault(settings.band, settings)
        if other.ordering != settings.ordering:
            reason = f"differs from {other.ordering} of {quoted(other.id)}, which is in the same band, {settings.band}"
            fix = "give both the same ordering, or put one into another band"
            root.problems.warn(("queues", settings.id, "ordering"), reason, fix, code="mixed-orderings")


def read_levels(table: Table) -> tuple[tuple[str, int], ...]:
    """An agent's sorted (queue, level)."""
    levels = table.table("levels")
    if len(levels.raw) > limits.MAX_SKILLS:
        table.problems.error(levels.key, f"has {len(levels.raw)} entries", f"{limits.MAX_SKILLS} at most")
    return tuple(
        (queue, levels.integer(queue, 1, 1, limits.MAX_LEVEL))
        for queue in sorted(levels.raw)
        if levels.check_id(levels.at(queue), queue)
    )


def check_levels(root: Table, agents: tuple[AgentConfig, ...], queues: tuple[QueueConfig, ...]) -> None:
    """Warn of levels for queues that are not there, and of delays for levels that nobody has."""
    names = {queue.settings.id for queue in queues}
    highest: dict[str, int] = {}
    for agent in agents:
        for queue, level in agent.settings.levels:
            highest[queue] = max(level, highest.get(queue, 1))
            if queue not in names:
                key = ("agents", agent.settings.id, "levels", queue)
                fix = did_you_mean(queue, names)
                root.problems.warn(key, f"{quoted(queue)} is not a queue", fix, code="unknown-queue")
    for config in queues:
        settings = config.settings
        if len(settings.level_delays_us) >= highest.get(settings.id, 1):
            reason = (
                f"names {len(settings.level_delays_us)}, and no agent has a level above {highest.get(settings.id, 1)}"
            )
            fix = f"give agents levels, like levels = {{ {settings.id} = 2 }}, or leave it out"
            root.problems.warn(("queues", settings.id, "level_delays"), reason, fix, code="level-unused")
