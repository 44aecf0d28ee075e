"""Times and widths that do not fit together: holds, ringing and broadcasts.

Owns these findings. Must not know requirements.
"""

from acd.core.messages import QueueSettings
from acd.runtime.config.analysis.stages import limits_wait
from acd.runtime.config.analysis.study import Study
from acd.runtime.config.durations import format_duration


def check_times(study: Study) -> None:
    """Warn of what lasts longer than anybody waits."""
    for queue in study.queues.values():
        if not limits_wait(queue):
            continue
        wait = format_duration(queue.max_wait_us)
        if queue.hold_for_us >= queue.max_wait_us:
            hold = format_duration(queue.hold_for_us)
            reason = f"{hold} is not less than max_wait = {wait}: who is held for an agent never gets another one"
            study.problems.warn(("queues", queue.id, "hold_for"), reason, "shorten it", code="hold-outlasts-wait")
        if queue.offer_timeout_us >= queue.max_wait_us:
            ringing = format_duration(queue.offer_timeout_us)
            reason = (
                f"one device may ring for {ringing}, as long as anybody waits (max_wait = {wait}): no second one rings"
            )
            key = ("queues", queue.id, "offer_timeout")
            study.problems.warn(key, reason, f"use less than {wait}", code="offer-outlasts-wait")


def check_broadcasts(study: Study) -> None:
    """Note broadcasts to more agents than there are."""
    for queue in study.queues.values():
        if queue.strategy != "broadcast":
            continue
        most = _most_eligible(study, queue)
        if 0 < most < queue.broadcast:
            reason = f"{queue.broadcast} are more than the {most} who can be offered it: every one of them is asked"
            fix = f"use {most} if you mean all, or less" if most > 1 else "use another strategy"
            study.problems.note(("queues", queue.id, "broadcast"), reason, fix, "broadcast-too-wide")


def _most_eligible(study: Study, queue: QueueSettings) -> int:
    staff = study.staff
    return max(
        int((staff.passing(stage.requirement) & staff.able).sum()) for stage in study.stages[queue.id] if stage.reached
    )
