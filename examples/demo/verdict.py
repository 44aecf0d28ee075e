"""What came of it, from the telephones' side: figures, and checks that can fail.

Owns the reckoning. Must not know the stage, nor what the engine says of itself.
"""

from __future__ import annotations

from collections.abc import Mapping
from statistics import median

from msgspec import Struct

from examples.demo.cast import AGENTS, SERVICE_LEVEL_SECONDS, PlannedCall, qualified
from examples.demo.stage import Seen, Talk


class Outage(Struct, frozen=True):
    """The engine was away from `from_us` until `until_us`; these conversations were going on when it was killed."""

    from_us: int
    until_us: int
    talks: tuple[Talk, ...]


class Check(Struct, frozen=True):
    """A claim, whether it held, and what was counted."""

    claim: str
    held: bool
    counted: str


class Figures(Struct, frozen=True):
    """Offered = answered + gave up + refused + open. Waits in seconds, from the call to an agent's answer."""

    offered: int
    answered: int
    gave_up: int
    refused: int
    open: int
    in_time: int
    wait_p50: float
    wait_max: float

    @property
    def service_level(self) -> float:
        """Answered in time ÷ (answered + gave up), 0 to 1; 1 of nothing."""
        decided = self.answered + self.gave_up
        return self.in_time / decided if decided else 1.0


def figures(seen: Seen) -> Figures:
    """Count."""
    first: dict[str, int] = {}
    for talk in seen.talks:
        first[talk.number] = min(talk.answered_us, first.get(talk.number, talk.answered_us))
    waits = [(first[caller.number] - caller.called_us) / 1_000_000 for caller in seen.callers if caller.number in first]
    unanswered = [caller for caller in seen.callers if caller.number not in first]
    return Figures(
        offered=len(seen.callers),
        answered=len(waits),
        gave_up=sum(caller.ended_us is not None and not caller.failed for caller in unanswered),
        refused=sum(caller.failed for caller in unanswered),
        open=sum(caller.ended_us is None for caller in unanswered),
        in_time=sum(wait <= SERVICE_LEVEL_SECONDS for wait in waits),
        wait_p50=median(waits) if waits else 0.0,
        wait_max=max(waits, default=0.0),
    )


def checks(seen: Seen, plan: Mapping[str, PlannedCall], outage: Outage | None, journal_problem: str) -> list[Check]:
    """Everything that must hold, whatever the traffic."""
    people = {person.id: person for person in AGENTS}
    wrong = [
        talk
        for talk in seen.talks
        if talk.number not in plan or talk.agent not in people or not qualified(people[talk.agent], plan[talk.number])
    ]
    counted = figures(seen)
    found = [
        Check(
            "every call was answered by someone qualified",
            bool(seen.talks) and not wrong,
            f"{len(seen.talks) - len(wrong)} of {len(seen.talks)} pick-ups{_twice(seen)}",
        ),
        Check("no agent was rung while busy", seen.clashes == 0, f"{seen.clashes} clashes"),
        Check(
            "no caller was refused or forgotten",
            counted.refused == 0 and counted.open == 0,
            f"{counted.refused} refused, {counted.open} left over",
        ),
        Check("the journal is whole, and every decision repeats", not journal_problem, journal_problem or "verified"),
    ]
    if outage is not None:
        found.insert(2, _survival(seen, outage))
    return found


def both(first: list[Check], second: list[Check]) -> list[Check]:
    """The same checks made twice: each held if it did both times. None was made the first time: none did."""
    before = {check.claim: check for check in first}
    found = []
    for check in second:
        earlier = before.get(check.claim, Check(check.claim, held=False, counted="not looked at in time"))
        found.append(check if earlier.held else earlier)
    return found


def _survival(seen: Seen, outage: Outage) -> Check:
    """Conversations that were going on when the engine was killed ended because somebody hung up."""
    now = {(talk.number, talk.agent, talk.answered_us): talk for talk in seen.talks}
    cut = sum(now[talk.number, talk.agent, talk.answered_us].cut for talk in outage.talks)
    alive = len(outage.talks)
    return Check("killing the engine cut no conversation", cut == 0, f"{alive - cut} of {alive} conversations went on")


def _twice(seen: Seen) -> str:
    """Why there are more of them than calls, if there are."""
    again = len(seen.talks) - len({talk.number for talk in seen.talks})
    return f"; {again} in the outage, rung again" if again else ""
