"""Strategies of one's own for random worlds: one that behaves, one that does not."""

from collections.abc import Mapping
from typing import Final

from acd.core.messages import Demand, Profile, Score, ScoreFunction


def uneven(demand: Demand, profile: Profile) -> int:
    """Depends on everything there is, with ties."""
    named = sum(profile.proficiency(skill) for skill in demand.skills)
    liked = sum(each.weight * profile.proficiency(each.skill) for each in demand.preferences)
    versatile = len(profile.skills) * (demand.channel == "chat")
    return named % 4 + liked % 3 + 2 * ("vip" in profile.labels) - len(profile.queues) - versatile


def faulty(demand: Demand, profile: Profile) -> int:
    """Says nonsense of some, and fails on others."""
    if demand.channel == "email":
        return 10**9 + 1 if profile.labels else -(10**9)
    first, _ = profile.skills[0]
    return profile.proficiency(first) if profile.queues else first  # type: ignore[return-value]  # that is the nonsense


FUNCTIONS: Final[Mapping[str, ScoreFunction]] = {"faulty": faulty, "uneven": uneven}

OWN: Final[Mapping[str, Score]] = {name: Score(function, f"hash-{name}") for name, function in FUNCTIONS.items()}
"""To be given to an engine."""
