"""Random commands about asking for advice."""

import acd.core.messages as m
from tests.core.naive_model import Model
from tests.core.naive_state import Interaction
from tests.core.traffic_naming import NamingTraffic


class ConsultTraffic(NamingTraffic):
    """Consults; None when there is nothing of the kind to do just now."""

    def _consult(self, model: Model) -> m.Command | None:
        talks = [each for each in model.interactions if each.state == "active" and each.parent is None]
        parent = self._one(talks)
        if parent is None or self._stray():
            parent = self._interaction(model, ("active",))
        if parent is None:
            return None
        self.interactions += 1
        request = parent.request
        return m.EnqueueInteraction(
            self._id(),
            f"i{self.interactions}",
            request.channel if self._chance(0.8) else "chat",
            self._pick(self.queue_ids),
            requirement=self._own_requirement() if self._chance(0.3) else "",
            priority=self.random.choice((0, 0, 3)),
            customer=request.customer,
            instance="pbx-2" if self._stray() else self._pick((request.instance, request.instance, "")),
            preferred_agent=self._adviser(model, parent),
            kind="callback" if self._stray() else "live",
            not_before_us=1 if self._stray() else 0,
            parent=self._interaction_id(model, parent),
        )

    def _adviser(self, model: Model, parent: Interaction) -> str:
        """Somebody in particular, now and then; hardly ever the one who asks."""
        work = model.current(parent)
        asks = "" if work is None else work.agent.settings.id
        named = self._anybody() if self._chance(0.4) else ""
        return named if named != asks or self._stray() else ""
