# ruff: noqa: N802 - each on_… carries the name of its command
"""Conferences, by the letter of ARCHITECTURE.md; a part of the naive model.

`guests` are the work items of those who take part, but for the one who is responsible, oldest first.
"""

import acd.core.messages as m
from acd.core import limits
from tests.core.naive_rules import Interaction, Refused, Work
from tests.core.naive_transfer import Transfer


class Conference(Transfer):
    """Joining and leaving."""

    def on_MergeConsult(self, command: m.MergeConsult) -> None:
        child = self.interaction(command.interaction_id)
        parent, work = child.parent, self.current(child)
        if parent is None:
            raise Refused("not-a-consult")
        if child.state != "active" or work is None:
            raise Refused("interaction-not-active")
        owner = self.current(parent)
        assert owner is not None
        self.check_merge(command, parent, owner, work)
        name, agent_id, asks = parent.request.interaction_id, work.agent.settings.id, owner.agent.settings.id
        child.state, child.parent = "completed", None
        child.exclusions, child.opening = [], None
        talked = self.now - work.since
        self.events.append(m.InteractionCompleted(command.interaction_id, agent_id, "system", "merged", talked))
        work.interaction, work.state, work.since = parent, "active", self.now
        work.wants_wrap_up, work.disposition = False, ""
        talked = self.now - owner.since if command.how == "transfer" else 0
        self.events.append(
            m.ConsultMerged(name, command.interaction_id, agent_id, work.offer_id, command.how, asks, talked)
        )
        instance = parent.request.instance
        self.effects.append(m.JoinAgent(work.offer_id, name, agent_id, instance, command.interaction_id))
        parent.guests.append(work)
        self.forget_if_done(child)
        if command.how == "transfer":
            self.take_over(parent, owner, work)
        elif owner.state == "held":
            owner.state = "active"
            self.events.append(m.WorkResumed(asks, name))

    def check_merge(self, command: m.MergeConsult, parent: Interaction, owner: Work, work: Work) -> None:
        if owner.agent.settings.id != command.agent_id:
            raise Refused("no-such-work")
        one, other = parent.request, work.interaction.request
        if one.channel != other.channel or one.instance != other.instance:
            raise Refused("other-channel")
        if parent in [each.interaction for each in self.work_of(work.agent)]:
            raise Refused("already-on-it")
        if command.how == "transfer" and parent.guests:
            raise Refused("in-conference")
        if len(parent.guests) + 2 > limits.MAX_CONFERENCE:
            raise Refused("conference-full")

    def take_over(self, interaction: Interaction, owner: Work, guest: Work) -> None:
        """The guest has the customer, and the owner's part is over."""
        self.end_consults(interaction)
        self.disconnect(owner)
        freed = self.end_part(owner)
        interaction.guests.remove(guest)
        if freed:
            self.serve(owner.agent)

    def on_LeaveInteraction(self, command: m.LeaveInteraction) -> None:
        interaction = self.interaction(command.interaction_id)
        owner = self.current(interaction)
        if interaction.state != "active" or owner is None:
            raise Refused("interaction-not-active")
        own = [each for each in (owner, *interaction.guests) if each.agent.settings.id == command.agent_id]
        if not own:
            raise Refused("no-such-work")
        if not interaction.guests:
            raise Refused("last-agent")
        self.step_out(own[0], command.reason)
        freed = self.end_part(own[0])
        if freed or self.consults_of(interaction):
            self.serve(own[0].agent)

    def step_out(self, work: Work, reason: str) -> None:
        interaction = work.interaction
        owner = self.current(interaction)
        if work is owner:
            self.end_consults(interaction)
            owner = interaction.guests[0]
            interaction.guests.pop(0)
        else:
            interaction.guests.remove(work)
        assert owner is not None
        name, agent_id = interaction.request.interaction_id, work.agent.settings.id
        self.events.append(m.AgentLeft(name, agent_id, owner.agent.settings.id, reason, self.now - work.since))
        self.disconnect(work)

    def disconnect(self, work: Work) -> None:
        request, agent_id = work.interaction.request, work.agent.settings.id
        self.effects.append(m.DisconnectAgent(work.offer_id, request.interaction_id, agent_id, request.instance))
