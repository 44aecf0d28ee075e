"""Whom and what random commands name: mostly what makes sense just now, now and then anything.

Owns these choices, which look at the naive model only. Must not know the commands (`traffic`).
"""

from collections.abc import Sequence
from random import Random

from tests.core.naive_model import Model
from tests.core.naive_state import Agent, Interaction, Work
from tests.core.traffic_settings import Scores, SettingsTraffic


class NamingTraffic(SettingsTraffic):
    """A world, and how many commands and interactions there have been in it."""

    def __init__(
        self, random: Random, *, agents: int | None = None, disorder: float = 0.1, scores: Scores = ()
    ) -> None:
        """As `SettingsTraffic`."""
        super().__init__(random, agents=agents, disorder=disorder, scores=scores)
        self.commands = 0
        self.interactions = 0

    def _id(self) -> str:
        return f"c{self.commands}"

    def _unheard_of(self) -> tuple[str, ...]:
        """The name of no queue, now and then."""
        return ("q-unheard-of",) if self._stray() else ()

    def _work(self, model: Model, *states: str) -> Work | None:
        return self._one([work for work in model.work if work.state in states or self._stray()])

    def _interaction(self, model: Model, states: Sequence[str]) -> Interaction | None:
        wanted = self.random.choice(states)
        return self._one([each for each in model.interactions if each.state == wanted or self._stray()])

    def _agent(self, model: Model, presences: Sequence[str]) -> Agent | None:
        wanted = self.random.choice(presences)
        return self._one(
            [each for each in model.agents if (each.presence == wanted and not each.retired) or self._stray()]
        )

    def _offer_id(self, model: Model, work: Work) -> str:
        if not self._stray():
            return work.offer_id
        ended = list(model.ended_offers)
        return self.random.choice([*ended[-8:], "i1.99", work.offer_id])

    def _interaction_id(self, model: Model, interaction: Interaction) -> str:
        if not self._stray():
            return interaction.request.interaction_id
        ended = list(model.ended_interactions)
        return self.random.choice([*ended[-8:], "i-unheard-of"])
