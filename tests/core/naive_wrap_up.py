# ruff: noqa: N802 - each on_… carries the name of its command
"""After-call work and dispositions, by the letter of ARCHITECTURE.md; a part of the naive model."""

import acd.core.messages as m
from tests.core.naive_rules import Refused, Rules, Work


class WrapUp(Rules):
    """What queues grant after a conversation, and what agents make of it."""

    def finish_talk(self, work: Work) -> None:
        """The conversation is over for one agent."""
        if not self.begin_wrap_up(work):
            self.finish(work)

    def begin_wrap_up(self, work: Work) -> bool:
        """False if the queue grants none."""
        settings = work.interaction.queue.settings
        limit = settings.wrap_up_us
        granted = {
            "none": False,
            "timed": limit > 0,
            "extended": limit > 0,
            "optional": work.wants_wrap_up,
            "forced": True,
        }[settings.wrap_up_policy]
        if not granted:
            return False
        until = 0
        if limit and settings.wrap_up_policy != "forced":
            until = self.now + limit
            work.deadline = (until, self.next_seq())
        work.state = "wrap-up"
        work.since = self.now
        name = work.interaction.request.interaction_id
        self.events.append(m.WrapUpStarted(work.agent.settings.id, name, until))
        return True

    def on_RequestWrapUp(self, command: m.RequestWrapUp) -> None:
        work = self.work_on(command.agent_id, command.interaction_id)
        if work.state not in {"active", "held"}:
            raise Refused("work-not-active")
        if work.queue.settings.wrap_up_policy != "optional":
            raise Refused("wrap-up-not-optional")
        if not work.wants_wrap_up:
            work.wants_wrap_up = True
            self.events.append(m.WrapUpRequested(command.agent_id, command.interaction_id))

    def on_ExtendWrapUp(self, command: m.ExtendWrapUp) -> None:
        work = self.work_on(command.agent_id, command.interaction_id)
        if work.state != "wrap-up":
            raise Refused("not-in-wrap-up")
        settings = work.queue.settings
        if settings.wrap_up_policy != "extended" or work.deadline is None:
            raise Refused("wrap-up-not-extendable")
        until = min(work.deadline[0] + command.by_us, work.since + settings.wrap_up_most_us)
        if until <= work.deadline[0]:
            raise Refused("wrap-up-limit")
        work.deadline = (until, self.next_seq())
        self.events.append(m.WrapUpExtended(command.agent_id, command.interaction_id, until))

    def on_SetDisposition(self, command: m.SetDisposition) -> None:
        work = self.work_on(command.agent_id, command.interaction_id)
        if work.state == "offered":
            raise Refused("work-not-active")
        if command.code not in work.queue.settings.dispositions:
            raise Refused("unknown-disposition")
        work.disposition = command.code
        self.events.append(m.DispositionSet(command.agent_id, command.interaction_id, command.code))

    def on_EndWrapUp(self, command: m.EndWrapUp) -> None:
        work = self.work_on(command.agent_id, command.interaction_id)
        if work.state != "wrap-up":
            raise Refused("not-in-wrap-up")
        if work.queue.settings.disposition_required and work.disposition == "":
            raise Refused("disposition-required")
        self.finish(work)
