"""Random commands about what becomes known later: attributes, customers, requirements, preferences."""

import msgspec

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

    def _note(self, model: Model) -> m.Command | None:
        """What has come of somebody who mostly has ended."""
        done = [each for each in model.interactions if each.state == "completed"]
        found = self._one(done) if self._chance(0.6) else None
        live = self._interaction(model, ("queued", "offered", "active", "scheduled")) if self._chance(0.5) else None
        interaction_id = found.request.interaction_id if found else self._interaction_id(model, live) if live else ""
        known = self._known_now() or (("survey.1", self._pick("12345")),)
        return m.NoteInteraction(self._id(), interaction_id or "long-gone", known)

    def _supervise(self, model: Model) -> m.Command | None:
        found = self._interaction(model, ("active", "active", "queued"))
        if found is None:
            return None
        mode = self._pick(("listen", "whisper", "barge", "off"))
        agent_id = self._pick((self._anybody(), *self._unheard_of()))
        return m.SuperviseInteraction(self._id(), self._interaction_id(model, found), agent_id, mode)  # type: ignore[arg-type]

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

    def _configure_agents(self, model: Model) -> m.Command:
        """Somebody learns something, somebody comes, somebody goes; now and then several at once."""
        there = [each.settings.id for each in model.agents if not each.retired or self._stray()]
        changed = {
            each: self._edited(model, each) for each in self.agent_ids if self._chance(0.5 / len(self.agent_ids))
        }
        gone = [each for each in (*there, *self._unheard_of()) if self._chance(0.3 / len(self.agent_ids))]
        agents = tuple(each for agent_id, each in changed.items() if agent_id not in gone or self._stray())
        return m.ConfigureAgents(self._id(), agents * 2 if self._chance(0.02) else agents, tuple(gone))

    def _edited(self, model: Model, agent_id: str) -> m.AgentSettings:
        """Wholly anew, or in one respect."""
        fresh = self._agent_settings(agent_id)
        known = [each.settings for each in model.agents if each.settings.id == agent_id]
        if not known or self._chance(0.3):
            return fresh
        name = self._pick(("skills", "labels", "queues", "capacity", "position", "levels"))
        return msgspec.structs.replace(known[0], **{name: getattr(fresh, name)})
