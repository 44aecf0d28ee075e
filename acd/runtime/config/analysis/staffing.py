"""Queues that nobody can ever be offered anything of, and agents who can do nothing.

Owns these findings. Must not know why a requirement cannot match (`requirements`).
"""

import numpy as np
from msgspec import structs

from acd.core.messages import QueueSettings
from acd.runtime.config.analysis.requirements import is_explained
from acd.runtime.config.analysis.stages import hands_on_unstaffed, has_way_out, offered, opening_us
from acd.runtime.config.analysis.study import Study, listed
from acd.runtime.config.durations import format_duration
from acd.runtime.config.problems import quoted


def check_capacity(study: Study) -> None:
    """Warn of agents who have no room for any channel."""
    idle = [agent.id for agent, able in zip(study.staff.agents, study.staff.able, strict=True) if not able]
    if idle:
        reason = f"no work item of any channel fits into the capacity of {listed(idle)}"
        fix = 'name channels in it, like channels = { voice = { cost = 100 } }, or "*" for every one'
        study.problems.warn(("agents", idle[0], "capacity"), reason, fix, code="no-capacity")


def check_staffing(study: Study) -> None:
    """Warn of queues that nobody, or nobody at first, can be offered anything of."""
    for queue in study.queues.values():
        if not offered(queue, study.stages[queue.id], study.staff).any():
            _never_offered(study, queue)
            continue
        first = study.stages[queue.id][0]
        if not study.staff.passing(first.requirement).any():
            if not is_explained(study, first.requirement):
                reason = f"{_nearest(study, queue)}; everybody waits for the steps"
                fix = "give it to somebody, or let the first step begin at once"
                study.problems.warn(("queues", queue.id, "requirement"), reason, fix, code="nobody-satisfies")
        else:
            _check_first_level(study, queue)


def check_reserves(study: Study) -> None:
    """Warn of reserves of agents whom no other queue asks for."""
    if not any(queue.reserve for queue in study.queues.values()):
        return
    everybody = {
        queue.id: offered(structs.replace(queue, reserve=0), study.stages[queue.id], study.staff)
        for queue in study.queues.values()
    }
    asked = np.zeros(len(study.staff.agents), dtype=np.int64)
    for who in everybody.values():
        asked += who
    for queue in study.queues.values():
        who = everybody[queue.id]
        if queue.reserve and who.any() and not (asked[who] > 1).any():
            reason = f"keeps {queue.reserve} free for other queues, and none asks for any of these agents"
            fix = "add a queue that they shall serve, or leave it out"
            study.problems.warn(("queues", queue.id, "reserve"), reason, fix, code="reserve-unused")


def _never_offered(study: Study, queue: QueueSettings) -> None:
    staff, stages = study.staff, study.stages[queue.id]
    passing = [stage for stage in stages if stage.reached and staff.passing(stage.requirement).any()]
    unstaffed = not (staff.passing(stages[0].requirement) & staff.able).any()
    handed_on = unstaffed and hands_on_unstaffed(queue)
    if handed_on:
        stages = stages[:1]
        passing = [stage for stage in passing if stage.step < 0]
    if not passing and all(is_explained(study, stage.requirement) for stage in stages if stage.reached):
        return
    if not passing:
        reason = _nearest(study, queue) + (", and no step helps" if queue.steps and not handed_on else "")
    elif not any((staff.passing(stage.requirement) & staff.able).any() for stage in passing):
        who = staff.names(staff.passing(passing[0].requirement))
        reason = f"nobody can be offered anything of it: there is no room for any channel in the capacity of {who}"
    else:
        who = staff.names(staff.passing(passing[0].requirement) & staff.able)
        reason = f"nobody can be offered anything of it: the levels of {who} open too late"
    key = ("queues", queue.id, "requirement")
    if passing and offered(structs.replace(queue, reserve=0), study.stages[queue.id], staff).any():
        key = ("queues", queue.id, "reserve")
        reason = f"nobody can be offered anything of it: no more than {queue.reserve} could ever be free, and are kept"
    if has_way_out(queue) or handed_on:
        fix = "give somebody what it asks for, or ask for less"
        study.problems.warn(key, f"{reason}; all that comes in is handed on", fix, code="never-offered")
    else:
        fix = 'give somebody what it asks for, or add a way out: max_wait = "5m" and when_overdue = "release"'
        study.problems.warn(key, f"{reason}; all that comes in waits for ever", fix, code="waits-for-ever")


def _check_first_level(study: Study, queue: QueueSettings) -> None:
    """Warn of delays of levels during which nobody is asked."""
    first = study.stages[queue.id][0]
    opens_us = opening_us(queue, study.staff)[study.staff.passing(first.requirement) & study.staff.able]
    if opens_us.size and opens_us.min() > 0:
        delay = format_duration(int(opens_us.min()))
        reason = f"nobody of the levels below has what the requirement asks for: all wait {delay} for nothing"
        fix = f"give somebody level 1 for {quoted(queue.id)}, or a first delay of 0"
        study.problems.warn(("queues", queue.id, "level_delays"), reason, fix, code="level-empty")


def _nearest(study: Study, queue: QueueSettings) -> str:
    """Who would come nearest to the queue's requirement, and what they lack."""
    agent, unmet = study.staff.nearest(study.stages[queue.id][0].requirement)
    return f"no agent satisfies it: the nearest, {quoted(agent.id)}, fails {' and '.join(unmet)}"
