"""What the policies of a configuration come to: what can never work, waits for ever, or starves somebody.

Owns the order of the analyses. Must not know TOML: settings in, findings out. Every finding has a code (`codes`), by
which it is allowed where it is meant; POLICIES.md explains them. It is an error only if it can never work: requests may
ask for more than queues do, and agents may come later.
"""

from collections.abc import Sequence

from acd.core.messages import AgentSettings, QueueSettings
from acd.runtime.config.analysis.overflow import check_circles
from acd.runtime.config.analysis.requirements import check_asked, check_held, check_requirements
from acd.runtime.config.analysis.staff import Staff
from acd.runtime.config.analysis.staffing import check_capacity, check_reserves, check_staffing
from acd.runtime.config.analysis.starving import check_always_first, check_head_starts, check_weights
from acd.runtime.config.analysis.steps import check_conditions, check_levels_open, check_steps
from acd.runtime.config.analysis.study import Study
from acd.runtime.config.analysis.times import check_broadcasts, check_times
from acd.runtime.config.problems import Problems

_WHOEVER_THE_AGENTS_ARE = (check_requirements, check_levels_open, check_times, check_head_starts, check_circles)
_ABOUT_AGENTS = (
    check_held,
    check_asked,
    check_capacity,
    check_staffing,
    check_reserves,
    check_steps,
    check_conditions,
    check_broadcasts,
    check_weights,
    check_always_first,
)


def analyse(problems: Problems, agents: Sequence[AgentSettings], queues: Sequence[QueueSettings]) -> None:
    """Add what is found to `problems`. The settings are valid: ids are distinct, requirements can be read."""
    if not queues:
        return
    study = Study(problems, Staff(tuple(agents)), tuple(queues))
    for check in _WHOEVER_THE_AGENTS_ARE:
        check(study)
    if not agents:
        reason = "there are no agents: all that comes in waits for ever"
        problems.warn(("queues",), reason, "add some, like [agents.anna]", code="no-agents")
        return
    for check in _ABOUT_AGENTS:
        check(study)
