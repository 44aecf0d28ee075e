"""After-call work: asked for, extended, ended; and dispositions. Owns those commands' checks and moves."""

from acd.core.consulting import talking
from acd.core.deadlines import ANY_LENGTH
from acd.core.domain import Domain
from acd.core.entities import Work
from acd.core.handlers.agents import work_of
from acd.core.messages import (
    DispositionSet,
    EndWrapUp,
    ExtendWrapUp,
    Refusal,
    RequestWrapUp,
    SetDisposition,
    WrapUpExtended,
    WrapUpRequested,
)
from acd.core.states import work as work_states

_WORK = work_states.TABLE


def request_wrap_up(domain: Domain, command: RequestWrapUp) -> Refusal | None:
    """While they talk: there shall be after-call work. Asking twice is asking once."""
    found = work_of(domain, command.agent_id, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    if found.state not in ("active", "held"):
        return Refusal("work-not-active", f"the work on {command.interaction_id} is {found.state}, not active")
    policy = found.queue.settings.wrap_up_policy
    if policy != "optional":
        where = f"queue {found.queue.id}"
        return Refusal("wrap-up-not-optional", f"{where} does not leave the wrap-up to the agent: it is {policy}")
    if not found.wants_wrap_up:
        found.wants_wrap_up = True
        domain.events.append(WrapUpRequested(command.agent_id, command.interaction_id))
    return None


def extend_wrap_up(domain: Domain, command: ExtendWrapUp) -> Refusal | None:
    """A later end, within what the queue grants at most."""
    found = _wrapping_up(domain, command.agent_id, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    settings = found.queue.settings
    deadline = found.deadline
    if deadline is None or settings.wrap_up_policy != "extended":
        return Refusal("wrap-up-not-extendable", f"queue {settings.id} has no wrap-up that can be extended")
    until_us = min(deadline.key + command.by_us, found.since + settings.wrap_up_most_us)
    if until_us <= deadline.key:
        return Refusal("wrap-up-limit", f"the wrap-up takes as long as queue {settings.id} grants (wrap_up_most)")
    found.state = _WORK[found.state]["extend"]
    deadline.alive = False
    found.deadline = domain.deadlines.register(until_us, domain.next_seq(), found, ANY_LENGTH)
    domain.events.append(WrapUpExtended(command.agent_id, command.interaction_id, until_us))
    return None


def set_disposition(domain: Domain, command: SetDisposition) -> Refusal | None:
    """While they talk, or afterwards: how it ended."""
    found = work_of(domain, command.agent_id, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    if found.state == "offered":
        return Refusal("work-not-active", f"the work on {command.interaction_id} is {found.state}, not active")
    settings = found.queue.settings
    if command.code not in settings.dispositions:
        known = ", ".join(settings.dispositions) or "none"
        return Refusal("unknown-disposition", f"queue {settings.id} has the dispositions: {known}")
    found.disposition = command.code
    domain.events.append(DispositionSet(command.agent_id, command.interaction_id, command.code))
    return None


def end_wrap_up(domain: Domain, command: EndWrapUp) -> Refusal | None:
    """Wrap-up → ended, before its time."""
    found = _wrapping_up(domain, command.agent_id, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    queue = found.queue
    if queue.disposition_required and not found.disposition:
        return Refusal("disposition-required", f"queue {queue.id} asks for a disposition first")
    finish_wrap_up(domain, found)
    return None


def finish_wrap_up(domain: Domain, work: Work) -> None:
    """The after-call work is done, or its time is up."""
    former = work.former
    domain.release(work)
    if former is not None:
        parent = work.interaction.parent
        if parent is None or work.agent not in talking(parent):
            domain.unbar(work.interaction, work.agent)
        former.live -= 1
        domain.forget_if_empty(former)
    domain.forget_if_done(work.interaction)
    domain.come_free(work.agent)


def _wrapping_up(domain: Domain, agent_id: str, interaction_id: str) -> Work | Refusal:
    found = work_of(domain, agent_id, interaction_id)
    if isinstance(found, Work) and found.state != "wrap-up":
        return Refusal("not-in-wrap-up", f"the work on {interaction_id} is {found.state}, not in wrap-up")
    return found
