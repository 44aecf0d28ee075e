"""Strategies of one's own: what their functions are given, and how they are handed to an engine.

Owns the contract of a score. Must not know who calls it. A function gets nothing but these two messages, so that
equal ones give equal scores in every process, today and when the journal is replayed.
"""

from collections.abc import Callable
from typing import NamedTuple

from msgspec import Struct

from acd.core.messages.commands import Preference


class Demand(Struct, frozen=True):
    """What an interaction asks for: its channel, the skills that its requirements name (sorted), its preferences."""

    channel: str
    skills: tuple[str, ...]
    preferences: tuple[Preference, ...] = ()


class Profile(Struct, frozen=True):
    """What an agent brings: (skill, proficiency 1 to 10), labels and queue memberships, all sorted."""

    skills: tuple[tuple[str, int], ...]
    labels: tuple[str, ...] = ()
    queues: tuple[str, ...] = ()

    def proficiency(self, skill: str) -> int:
        """How well a skill is held, 1 to 10; 0 if it is not."""
        for name, proficiency in self.skills:
            if name == skill:
                return proficiency
        return 0


ScoreFunction = Callable[[Demand, Profile], int]
"""An integer within ± `limits.MAX_SCORE`, higher is better. Pure: nothing but its arguments counts."""


class Score(NamedTuple):
    """A function, and a hash of its code, by which a journal knows that it is still the same."""

    function: ScoreFunction
    code_hash: str
