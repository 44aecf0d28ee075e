"""Asking for advice, by the letter of ARCHITECTURE.md; a part of the naive model.

A consult is an interaction with a `parent`, for as long as it has not ended.
"""

import acd.core.messages as m
from acd.core import limits
from tests.core.naive_rules import Agent, Interaction, Refused, Rules

LIVE = {"queued", "offered", "active", "scheduled", "reaching"}


class Consult(Rules):
    """Who asks, who must not be asked, and when that is over."""

    def parent_of(self, command: m.EnqueueInteraction) -> Interaction:
        parent = self.interaction(command.parent)
        if parent.parent is not None:
            raise Refused("nested-consult")
        if parent.state != "active":
            raise Refused("interaction-not-active")
        if len(self.consults_of(parent)) >= limits.MAX_CONSULTS:
            raise Refused("too-many-consults")
        if (
            command.kind == "callback"
            or command.not_before_us > 0
            or command.instance not in {"", parent.request.instance}
            or command.preferred_agent == self.who_talks(parent).settings.id
        ):
            raise Refused("bad-consult")
        return parent

    def consults_of(self, interaction: Interaction) -> list[Interaction]:
        found = [each for each in self.interactions if each.parent is interaction and each.state in LIVE]
        return sorted(found, key=lambda each: each.seq)

    def who_talks(self, interaction: Interaction) -> Agent:
        work = self.current(interaction)
        assert work is not None
        return work.agent

    def who_asks(self, interaction: Interaction) -> Agent | None:
        return None if interaction.parent is None else self.who_talks(interaction.parent)

    def who_talks_about(self, interaction: Interaction) -> list[Agent]:
        """With the customer of the parent of a consult."""
        if interaction.parent is None:
            return []
        return [self.who_talks(interaction.parent), *(work.agent for work in interaction.parent.guests)]

    def offerable(self, interaction: Interaction, agent: Agent) -> bool:
        return agent not in self.who_talks_about(interaction) and super().offerable(interaction, agent)

    def end_consults(self, interaction: Interaction) -> None:
        """Whoever asks is about to end the talk."""
        consults = self.consults_of(interaction)
        waiting = [each for each in consults if each.state == "queued"]
        for each in waiting + [each for each in consults if each not in waiting]:
            if each.state == "active":
                self.complete(each, "system", "consult-over")
            else:
                self.give_up(each, "consult-over", abandoned=False)

    def complete(self, interaction: Interaction, by: str, reason: str) -> None:
        raise NotImplementedError

    def give_up(self, interaction: Interaction, reason: str, *, abandoned: bool) -> None:
        raise NotImplementedError
