"""What must hold after a soak: the telephones', the journal's and the `queue_log`'s accounts are the same.

Owns the reckoning and what is kept for it, so that it can be done again. Must not know how a soak is run.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from statistics import fmean

import msgspec

from acd_asterisk.lab import AgentDialog, CallerDialog, overlapping
from tests.adapters.asterisk.acceptance import PlannedCall
from tests.adapters.asterisk.acceptance_account import Account, Story, assert_no_overlap, by_caller, read_account
from tests.runtime.queue_log.reader import read as read_queue_log

KEPT = "soak.json"
MOST_GROWTH = 1.0
"""Per cent in ten minutes."""

RACE_US = 500_000
"""What happens within this time of a caller's hanging up may be told by one account and not by the other."""


@dataclass
class Course:
    """What has happened so far, as SIPp and whoever kills saw it. Times in µs since 1970."""

    plan: dict[str, PlannedCall] = field(default_factory=dict)
    seen: dict[str, CallerDialog] = field(default_factory=dict)
    died: set[str] = field(default_factory=set)
    """Calls that were there when Asterisk was killed."""
    pbx_killed_us: list[int] = field(default_factory=list)
    outages: list[tuple[int, int]] = field(default_factory=list)
    """The engine, or its connection, was away."""
    transfers: int = 0
    cuts: int = 0
    memory: list[tuple[float, int]] = field(default_factory=list)
    """Since nothing is killed any more: seconds, and bytes of the engine's process that are in memory."""
    rung: list[AgentDialog] = field(default_factory=list)
    """What the agents' telephones saw."""
    unanswered: int = 0
    """Requests of the last engine that had no answer."""


def keep(course: Course, folder: Path) -> None:
    """Put everything aside that is not in the folder anyway."""
    (folder / KEPT).write_bytes(msgspec.json.encode(course))


def kept(folder: Path) -> Course:
    """What `keep` has put aside."""
    return msgspec.json.decode((folder / KEPT).read_bytes(), type=Course)


def judge(course: Course, folder: Path) -> None:
    """Say what came out, then check that it is right; raises `AssertionError` with what does not hold."""
    account = read_account(folder / "acd-journal.db")
    report(course, account)
    check(course, account, folder / "queue_log")


def check(course: Course, account: Account, queue_log: Path) -> None:
    """The three accounts are the same, and the engine has not grown."""
    settled = [dialog for dialog in course.rung if not _has_died(course, dialog)]
    # An Asterisk that has stood still carries out at once what it was told meanwhile, in an order of its own.
    mixed_up = {other.call_id for _, other in overlapping(settled) if not _is_quiet(course, other.invited_us)}
    assert_no_overlap(dialog for dialog in settled if dialog.call_id not in mixed_up)
    rung = by_caller(course.rung)
    for number, call in course.plan.items():
        stories = account.stories.get(number, [])
        told = f"\n{call}\n{course.seen.get(number)}\n{rung.get(number)}\n{stories}"
        assert len(stories) <= 1, f"queued more than once{told}"
        if number in course.died:
            _check_died(stories, told)
        else:
            _check_call(call, course.seen[number], rung.get(number, []), stories, course, told)
    assert set(account.stories) <= set(course.plan)
    _check_queue_log(account, queue_log)
    slope = memory_slope(course.memory)
    assert slope is None or slope < MOST_GROWTH, f"the engine's memory grows by {slope:.2f} % in ten minutes"


def _has_died(course: Course, dialog: AgentDialog) -> bool:
    """Whether it lasted when Asterisk was killed: such a telephone never hears the end of its call."""
    over_us = inf if dialog.ended_us is None else dialog.ended_us
    return any(dialog.invited_us <= killed_us < over_us for killed_us in course.pbx_killed_us)


def _check_died(stories: Sequence[Story], told: str) -> None:
    """Whoever was on the telephone when Asterisk was killed has been ended, whatever the state."""
    assert all(story.end for story in stories), told


def _check_call(
    call: PlannedCall,
    caller: CallerDialog,
    rung: Sequence[AgentDialog],
    stories: Sequence[Story],
    course: Course,
    told: str,
) -> None:
    """Who stays is served, once; who leaves has left; and the journal says the same."""
    assert caller.ended_us is not None, told
    answered = [dialog for dialog in rung if dialog.is_answered]
    if not stories:
        # Came and went while there was no engine.
        assert caller.how == "caller", told
        assert not rung, told
        return
    (story,) = stories
    assert story.end, told
    if not call.hang_up_after_ms:
        assert caller.how == "pbx", told
        assert (story.end, story.by) == ("completed", "agent"), told
        assert answered, told
        assert answered[-1].agent == story.agent, told
        return
    assert caller.how in {"caller", "pbx"}, told
    if caller.how == "pbx" and _is_quiet(course, caller.ended_us):
        assert (story.end, story.by) == ("completed", "agent"), told
    if not answered:
        assert story.end == "abandoned" or story.by == "customer", told


def _is_quiet(course: Course, at_us: int) -> bool:
    """Whether the engine was there, with its PBX, around this moment."""
    return not any(begin - RACE_US <= at_us <= end + RACE_US for begin, end in course.outages)


def _check_queue_log(account: Account, path: Path) -> None:
    """Everybody is in the log once for every time they entered, were connected, and left."""
    found = Counter(entry.event for entry in read_queue_log(path))
    stories = account.all()
    handed_on = found["BLINDTRANSFER"]
    # Picked up, and gone before the two were joined: a talk of no length, and the caller waits again.
    lost = sum(story.returned.count("agent-leg-lost") for story in stories)
    ends = Counter(story.end for story in stories)
    assert found["ENTERQUEUE"] == len(stories) + handed_on + lost, (found, len(stories), lost)
    assert found["COMPLETEAGENT"] + found["COMPLETECALLER"] == ends["completed"] + lost, (found, ends, lost)
    assert found["CONNECT"] == sum(len(story.accepted) for story in stories), found
    gone = found["ABANDON"] + found["WITHDRAW"] + found["EXITWITHTIMEOUT"] + found["EXITEMPTY"]
    assert gone == ends["abandoned"] + ends["cancelled"], (found, ends)


def memory_slope(samples: Sequence[tuple[float, int]]) -> float | None:
    """By how many per cent the memory grows in ten minutes, by least squares; None when that was not watched for two.

    The first fifth is left out: until then caches and histories of fixed size fill.
    """
    watched = samples[len(samples) // 5 :]
    if len(watched) < 3 or watched[-1][0] - watched[0][0] < 120:
        return None
    at, size = fmean(each for each, _ in watched), fmean(each for _, each in watched)
    spread = sum((each - at) ** 2 for each, _ in watched)
    slope = sum((each - at) * (bytes_ - size) for each, bytes_ in watched) / spread
    return 100 * slope * 600 / size


def report(course: Course, account: Account) -> None:
    """Figures."""
    ends = Counter(f"{story.end} {story.reason}" for story in account.all())
    slope = memory_slope(course.memory)
    growth = "not watched for long enough" if slope is None else f"{slope:+.2f} % in ten minutes"
    last = course.memory[-1][1] / 1e6 if course.memory else 0
    print(  # noqa: T201 - the purpose
        f"{len(course.plan)} calls, {len(course.rung)} INVITEs to agents, {account.rows} rows; {len(course.died)} died"
        f" with Asterisk; {course.cuts} cuts, {course.transfers} transfers\n{dict(ends)}\n"
        f"refused: {dict(account.refusals)}\n"
        f"memory: {last:.0f} MB, {growth}\nunanswered requests of the last process: {course.unanswered}",
        flush=True,
    )
