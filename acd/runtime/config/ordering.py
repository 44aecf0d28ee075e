"""Whether what queues say about places in line makes sense.

Owns these errors and warnings. Must not know how the keys are read (`people`).
"""

from acd.core.messages import QueueSettings
from acd.runtime.config.model import QueueConfig
from acd.runtime.config.problems import quoted
from acd.runtime.config.table import Table


def check_ordering(table: Table, settings: QueueSettings) -> None:
    """What one queue says about its line."""
    if settings.ordering == "due":
        if not settings.target_us:
            reason = "orders by when a target is over, and there is none"
            table.problems.error(table.at("ordering"), reason, 'say how soon to answer, like target = "20s"')
    elif "target" in table.raw:
        reason = f"has no effect with the ordering {settings.ordering}"
        table.problems.warn(table.at("target"), reason, 'use ordering = "due", or leave it out')
    if settings.ordering == "strict":
        reason = "promises nothing to low priorities: they may wait for ever while higher ones keep coming"
        table.problems.warn(table.at("ordering"), reason, 'use "head-start" unless that is what you want')
        if "head_start" in table.raw:
            reason = "has no effect with the ordering strict"
            table.problems.warn(table.at("head_start"), reason, "leave it out")


def check_bands(root: Table, queues: tuple[QueueConfig, ...]) -> None:
    """Across queues of a band keys are compared, which different orderings make in different ways."""
    first: dict[int, QueueSettings] = {}
    for queue in queues:
        settings = queue.settings
        other = first.setdefault(settings.band, settings)
        if other.ordering != settings.ordering:
            reason = f"differs from {other.ordering} of {quoted(other.id)}, which is in the same band, {settings.band}"
            fix = "give both the same ordering, or put one into another band"
            root.problems.warn(("queues", settings.id, "ordering"), reason, fix)
