# ruff: noqa: N802 - each on_… carries the name of its command
"""Handing customers on, by the letter of ARCHITECTURE.md; a part of the naive model."""

import msgspec

import acd.core.messages as m
from tests.core.naive_consult import Consult
from tests.core.naive_entry import Entry, Route
from tests.core.naive_rules import Interaction, Queue, Refused, Work
from tests.core.naive_wrap_up import WrapUp


class Transfer(Entry, WrapUp, Consult):
    """What an agent who talks with a customer can do about it."""

    def on_TransferInteraction(self, command: m.TransferInteraction) -> None:
        interaction = self.interaction(command.interaction_id)
        work = self.current(interaction)
        if interaction.state != "active" or work is None:
            raise Refused("interaction-not-active")
        if work.agent.settings.id != command.agent_id:
            raise Refused("no-such-work")
        if interaction.guests:
            raise Refused("in-conference")
        queue = self.transfer_target(command, interaction)
        request = interaction.request
        if not command.with_context:
            request = msgspec.structs.replace(request, requirement="", preferences=(), priority=0, attributes=())
        route = Route()
        if command.to_queue:
            route = self.route(request, queue, interaction.hops)
        self.end_consults(interaction)
        self.hand_over(work, command)
        freed = self.end_part(work)
        interaction.request = request
        self.move_to_queue(interaction, queue, "transfer", keep_place=command.with_context)
        interaction.preferred, interaction.preferred_by = command.to_agent, ""
        interaction.exclusions = [each for each in interaction.exclusions if each.agent_id != command.to_agent]
        self.exclude(interaction, work.agent)
        if self.follow(interaction, route):
            self.begin_stay(interaction)
            self.place(interaction)
        if freed:
            self.serve(work.agent)

    def transfer_target(self, command: m.TransferInteraction, interaction: Interaction) -> Queue:
        if (command.to_queue, command.to_agent) == ("", "") or command.to_agent == command.agent_id:
            raise Refused("bad-target")
        asks = self.who_asks(interaction)
        if asks is not None and command.to_agent == asks.settings.id:
            raise Refused("bad-target")
        queue = self.queue(command.to_queue) if command.to_queue else interaction.queue
        if command.to_agent and self.agent(command.to_agent).retired:
            raise Refused("unknown-agent")
        return queue

    def hand_over(self, work: Work, command: m.TransferInteraction) -> None:
        work.interaction.state = "queued"
        request, agent_id = work.interaction.request, work.agent.settings.id
        self.events.append(
            m.InteractionTransferred(
                command.interaction_id,
                agent_id,
                command.to_agent,
                command.with_context,
                command.reason,
                self.now - work.since,
            )
        )
        self.effects.append(m.DisconnectAgent(work.offer_id, command.interaction_id, agent_id, request.instance))
        self.effects.append(m.ParkInteraction(command.interaction_id, request.instance))

    def end_part(self, work: Work) -> bool:
        """True if the agent has nothing more to do with it."""
        if self.begin_wrap_up(work):
            work.former = work.interaction.queue
            return False
        self.end_work(work)
        return True
