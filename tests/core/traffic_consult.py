"""Random commands about asking for advice."""

from typing import Literal

import msgspec

import acd.core.messages as m
from tests.core.naive_model import Model
from tests.core.naive_state import Interaction
from tests.core.traffic_naming import NamingTraffic


class ConsultTraffic(NamingTraffic):
    """Consults; None when there is nothing of the kind to do just now."""

    def _consult(self, model: Model) -> m.Command | None:
        talks = [each for each in model.interactions if each.state == "active" and each.parent is None]
        # Where there is one already, as often as not: for one after the other, and for too many.
        parent = self._one([each for each in talks if each.guests]) if self._chance(0.5) else None
        parent = parent or self._one(talks)
        if parent is None or self._stray():
            parent = self._interaction(model, ("active",))
        if parent is None:
            return None
        drafts = [self._question(model, parent, queue_id) for queue_id in self.queue_ids]
        prompt = [each for each in drafts if self._is_answered_at_once(model, parent, each)]
        question = self._one(prompt) or (self._one(drafts) if self._chance(0.4) else None)
        if question is None:
            return None
        self.interactions += 1
        own = self._own_requirement() if self._chance(0.1) else ""
        return msgspec.structs.replace(question, requirement=own)

    def _question(self, model: Model, parent: Interaction, queue_id: str) -> m.EnqueueInteraction:
        request = parent.request
        return m.EnqueueInteraction(
            self._id(),
            f"i{self.interactions + 1}",
            request.channel if self._chance(0.85) else "chat",
            queue_id,
            priority=self.random.choice((0, 0, 3)),
            customer=request.customer,
            instance="pbx-2" if self._stray() else self._pick((*(request.instance,) * 6, "")),
            preferred_agent=self._adviser(model, parent),
            kind="callback" if self._stray() else "live",
            not_before_us=1 if self._stray() else 0,
            parent=self._interaction_id(model, parent),
        )

    def _is_answered_at_once(self, model: Model, parent: Interaction, question: m.EnqueueInteraction) -> bool:
        queues = [each for each in model.queues if each.settings.id == question.queue and not each.retired]
        if not queues or model.current(parent) is None:
            return False
        child = Interaction(question, queues[0], model.now, 0, parent=parent)
        return any(model.offerable(child, agent) for agent in model.agents)

    def _adviser(self, model: Model, parent: Interaction) -> str:
        """Somebody in particular, now and then; hardly ever the one who asks."""
        work = model.current(parent)
        asks = "" if work is None else work.agent.settings.id
        named = self._anybody() if self._chance(0.4) else ""
        return named if named != asks or self._stray() else ""

    def _merge_consult(self, model: Model) -> m.Command | None:
        """Or, if no adviser has answered, let one answer; or ask one."""
        consults = [each for each in model.interactions if each.parent is not None]
        child = self._one([each for each in consults if each.state == "active"])
        ringing = [work for work in model.work if work.interaction in consults and work.state == "offered"]
        if child is None and ringing and not self._stray():
            return m.AcceptOffer(self._id(), ringing[0].offer_id, ringing[0].agent.settings.id)
        if self._stray():
            child = self._interaction(model, ("active", "offered"))
        if child is None:
            return self._consult(model)
        asks = model.who_asks(child)
        agent_id = self._anybody() if asks is None or self._stray() else asks.settings.id
        how: Literal["transfer", "conference"] = "transfer" if self._chance(0.3) else "conference"
        return m.MergeConsult(self._id(), self._interaction_id(model, child), agent_id, how)

    def _leave(self, model: Model) -> m.Command | None:
        interaction = self._one([each for each in model.interactions if each.guests])
        if interaction is None or self._stray():
            interaction = self._interaction(model, ("active",)) if self._chance(0.1) else interaction
        if interaction is None:
            return None
        work = self._one([each for each in (model.current(interaction), *interaction.guests) if each is not None])
        agent_id = self._anybody() if work is None or self._stray() else work.agent.settings.id
        return m.LeaveInteraction(
            self._id(), self._interaction_id(model, interaction), agent_id, self._pick(("", "done"))
        )
