"""A strategy of one's own: who speaks fewest of the languages that were not asked for goes first.

Those who speak many stay free for the callers whom only they can serve; among equals, fit decides.
"""

from acd import Demand, Profile


def spare_the_linguists(demand: Demand, profile: Profile) -> int:
    """Minus one for every further language of the agent's; higher is better."""
    languages = ("cantonese", "english", "french", "german", "mandarin")
    return -sum(1 for skill, _ in profile.skills if skill in languages and skill not in demand.skills)
