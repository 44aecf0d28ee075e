# ruff: noqa: N802 - each on_… carries the name of its command
"""The naive model of what becomes known about an interaction after it has come."""

import msgspec

import acd.core.messages as m
from acd.core import limits
from tests.core.naive_affinity import Affinity
from tests.core.naive_callbacks import Callbacks
from tests.core.naive_relaxation import Relaxing
from tests.core.naive_rules import Interaction, Refused


class Update(Callbacks, Affinity, Relaxing):
    """The command."""

    def on_UpdateInteraction(self, command: m.UpdateInteraction) -> None:
        interaction = self.interaction(command.interaction_id)
        request = self.improved(interaction, command)
        wanted = {"requirement": command.requirement, "preferences": command.preferences}
        wanted["preferred_agent"] = command.preferred_agent
        changed = ["attributes"] if command.attributes or command.remove else []
        changed += ["customer"] if command.customer else []
        changed += [name for name, value in wanted.items() if value is not None]
        before = interaction.preferred
        after = before if command.preferred_agent is None else command.preferred_agent
        interaction.request = request
        self.events.append(
            m.InteractionUpdated(
                command.interaction_id, tuple(changed), request.attributes, request.customer, request.requirement, after
            )
        )
        if after != before:
            if interaction.hold is not None:
                self.end_hold(interaction, "updated")
            interaction.preferred, interaction.preferred_by = after, ""
        if interaction.state == "queued":
            self.reconsider_hold(interaction)
            nobody = not interaction.preferred
            if nobody:
                self.prefer(interaction, interaction.queue)
            if interaction.preferred and (nobody or after != before):
                self.begin_hold(interaction)
            self.place(interaction)

    def on_NoteInteraction(self, command: m.NoteInteraction) -> None:
        known = [each for each in self.interactions if each.request.interaction_id == command.interaction_id]
        update = m.UpdateInteraction(command.id, command.interaction_id, command.attributes)
        for interaction in known:
            if interaction.state in {"queued", "offered", "active", "scheduled", "reaching"}:
                self.on_UpdateInteraction(update)
                return
            interaction.request = self.improved(interaction, update)
        if len(dict(command.attributes)) < len(command.attributes):
            raise Refused("duplicate-attribute")
        self.events.append(m.InteractionNoted(command.interaction_id, command.attributes))

    def on_SuperviseInteraction(self, command: m.SuperviseInteraction) -> None:
        interaction = self.interaction(command.interaction_id)
        known = [each for each in self.agents if each.settings.id == command.agent_id and not each.retired]
        if not known:
            raise Refused("unknown-agent")
        if command.mode != "off" and interaction.state != "active":
            raise Refused("interaction-not-active")

    def improved(self, interaction: Interaction, command: m.UpdateInteraction) -> m.EnqueueInteraction:
        """The request as it is now; or refused."""
        request = interaction.request
        named = [*[name for name, _ in command.attributes], *command.remove]
        if len(set(named)) < len(named):
            raise Refused("duplicate-attribute")
        attributes = [(name, value) for name, value in request.attributes if name not in named]
        attributes += command.attributes
        if len(attributes) > limits.MAX_ATTRIBUTES:
            raise Refused("too-many-attributes")
        if command.customer not in {"", request.customer}:
            if request.customer:
                raise Refused("customer-known")
            others = [each for each in self.interactions if each is not interaction and self.waits_like(each, request)]
            if request.kind == "callback" and any(each.request.customer == command.customer for each in others):
                raise Refused("duplicate-callback")
        improved = msgspec.structs.replace(
            request, attributes=tuple(attributes), customer=command.customer or request.customer
        )
        if command.requirement is not None:
            improved = msgspec.structs.replace(improved, requirement=command.requirement)
        if command.preferences is not None:
            improved = msgspec.structs.replace(improved, preferences=command.preferences)
        self.check_routing(interaction, command, improved)
        return improved

    def waits_like(self, other: Interaction, request: m.EnqueueInteraction) -> bool:
        """Another callback in the queue that was asked for."""
        alive = other.state in {"queued", "offered", "active", "scheduled", "reaching"}
        return alive and (other.request.kind, other.request.queue) == ("callback", request.queue)

    def check_routing(
        self, interaction: Interaction, command: m.UpdateInteraction, improved: m.EnqueueInteraction
    ) -> None:
        if (command.requirement, command.preferences, command.preferred_agent) == (None, None, None):
            return
        if interaction.state == "active":
            raise Refused("interaction-active")
        asks = self.who_asks(interaction)
        if asks is not None and command.preferred_agent == asks.settings.id:
            raise Refused("bad-consult")
        if command.requirement is not None and command.requirement.strip():
            if command.requirement not in self.trees:
                raise Refused("bad-requirement")
            if self.misspelt(improved, interaction.queue):
                raise Refused("unknown-skill")
