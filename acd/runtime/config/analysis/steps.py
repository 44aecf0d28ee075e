"""Steps and levels that come too late, loosen nothing, take something away, or have conditions that decide nothing.

Owns these findings. Must not know who can be offered anything at all (`staffing`).
"""

from acd.core.expression import Not, all_of
from acd.core.messages import Step
from acd.core.relaxing import holds
from acd.runtime.config.analysis.satisfiable import can_hold
from acd.runtime.config.analysis.stages import Stage, delays_us, longest_wait_us
from acd.runtime.config.analysis.study import Study
from acd.runtime.config.durations import format_duration
from acd.runtime.config.problems import Key


def check_steps(study: Study) -> None:
    """Warn of steps that cannot be reached or loosen nothing."""
    for queue in study.queues.values():
        stages = study.stages[queue.id]
        for before, after, step in zip(stages, stages[1:], queue.steps, strict=False):
            key: Key = ("queues", queue.id, "steps", after.step)
            if not after.reached:
                wait = format_duration(queue.max_wait_us)
                reason = f"is never reached: after max_wait = {wait} nothing is left in the queue"
                study.problems.warn((*key, "after"), reason, "let it come earlier", code="step-too-late")
            elif step.requirement or step.queues:
                _check_step(study, key, before, after, step)


def check_conditions(study: Study) -> None:
    """Warn of conditions on the eligible agents that hold with all numbers of them that there can be, or with none.

    Any of the steps before may have been skipped; all that could have been asked for by then is taken together.
    """
    for queue in study.queues.values():
        could = study.staff.passing(study.stages[queue.id][0].requirement)
        for stage, step in zip(study.stages[queue.id][1:], queue.steps, strict=True):
            condition = step.when
            if condition is not None and condition.kind == "eligible_agents":
                most = int(could.sum())
                numbers = {0, most, *(condition.value + each for each in (-1, 0, 1))}
                held = {holds(condition, number) for number in numbers if 0 <= number <= most}
                key: Key = ("queues", queue.id, "steps", stage.step, "when")
                who = f"of the agents in this file {most} could be eligible at most"
                if held == {False}:
                    study.problems.warn(key, f"never holds: {who}", "compare with less", code="condition-never")
                elif held == {True}:
                    fix = "compare with less, or leave it out"
                    study.problems.warn(key, f"always holds: {who}", fix, code="condition-always")
            could = could | study.staff.passing(stage.requirement)


def check_levels_open(study: Study) -> None:
    """Warn of the first level of each queue that opens when nothing can be waiting any more."""
    for queue in study.queues.values():
        most_us = longest_wait_us(queue)
        late = next((index for index, opens_us in enumerate(delays_us(queue)) if opens_us > most_us), None)
        if late is not None:
            wait = format_duration(queue.max_wait_us)
            reason = f"level {late + 2} never opens: after max_wait = {wait} nothing is left in the queue"
            key = ("queues", queue.id, "level_delays", late)
            study.problems.warn(key, reason, "let it open earlier", code="level-too-late")


def _check_step(study: Study, key: Key, before: Stage, after: Stage, step: Step) -> None:
    staff = study.staff
    could, can = (staff.passing(stage.requirement) & staff.able for stage in (before, after))
    lost = could & ~can
    if lost.any():
        reason = f"takes away what it should loosen: {staff.names(lost)} cannot be offered it any more"
        fix = "write what was asked for before, too: … || …"
        study.problems.warn((*key, "requirement"), reason, fix, code="step-narrows")
        return
    if step.drop_own or step.priority or step.announce:
        return
    if (can & ~could).any():
        return
    if not can_hold(all_of((after.requirement.tree, Not(before.requirement.tree)))):
        reason = "changes nothing: whoever satisfies it was asked before"
        study.problems.warn(key, reason, "ask for less, or leave it out", code="step-changes-nothing")
    else:
        reason = "adds nobody to those who were asked before"
        study.problems.warn(key, reason, "ask for less, or leave it out", code="step-adds-nobody")
