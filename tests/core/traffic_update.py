"""Random commands about what becomes known later: attributes, customers, requirements, preferences."""

import acd.core.messages as m
from acd.core import limits
from tests.core.naive_model import Model
from tests.core.traffic_consult import ConsultTraffic
from tests.core.traffic_settings import SKILLS

MANY = tuple((f"a{number}", "") for number in range(limits.MAX_ATTRIBUTES))
"""Whoever has these and another has too many."""


class UpdateTraffic(ConsultTraffic):
    """What is asked for, at first and later; None when there is nothing of the kind to do just now."""

    def _preferences(self) -> tuple[m.Preference, ...]:
        return tuple(
            m.Preference(self._pick((*SKILLS, "unheard-of")), self.random.choice((-3, 1, 1, 10, 1_000)))
            for _ in range(self.random.choice((0, 0, 0, 1, 2)))
        )

    def _attributes(self) -> tuple[tuple[str, str], ...]:
        manager = (("manager", self._anybody()), ("manager", "a0")) if self._chance(0.2) else ()
        return (("language", "fr"), *manager) if self._chance(0.1) else manager

    def _update(self, model: Model) -> m.Command | None:
        interaction = self._interaction(model, ("queued", "queued", "queued", "offered", "active", "scheduled"))
        if interaction is None:
            return None
        routed = interaction.state != "active" or self._stray()
        return m.UpdateInteraction(
            self._id(),
            self._interaction_id(model, interaction),
            self._known_now(),
            ("language",) if self._chance(0.2) else (),
            self._customer(interaction.request.customer),
            self._own_requirement() if routed and self._chance(0.4) else None,
            self._preferences() if routed and self._chance(0.2) else None,
            self._pick(("", self._anybody(), self._anybody())) if routed and self._chance(0.4) else None,
        )

    def _known_now(self) -> tuple[tuple[str, str], ...]:
        dice = self.random.random()
        if dice < 0.02:
            return MANY
        if dice < 0.04:
            return (("language", "de"), ("language", "fr"))
        if dice < 0.4:
            return (("manager", self._anybody()),)
        return (("language", self._pick(("de", "fr"))),) if dice < 0.6 else ()

    def _customer(self, known: str) -> str:
        """Mostly of whom nobody knew."""
        if known and not self._stray():
            return self._pick(("", "", known))
        return self._pick(("", "person-1", "person-2", "person-3"))
