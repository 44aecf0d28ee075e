"""Bringing an adviser to the customer, and leaving a conference. Owns those commands' checks and moves."""

from acd.core import conference, limits
from acd.core.domain import Domain
from acd.core.ending import end_consults, part
from acd.core.entities import Interaction, Work
from acd.core.handlers.interactions import live
from acd.core.messages import (
    ConsultMerged,
    InteractionCompleted,
    JoinAgent,
    LeaveInteraction,
    MergeConsult,
    Refusal,
    WorkResumed,
)
from acd.core.states import work as work_states

_WORK = work_states.TABLE


def merge(domain: Domain, command: MergeConsult) -> Refusal | None:
    """The consult ends, and its adviser's work goes on with the customer."""
    child = live(domain, command.interaction_id)
    if isinstance(child, Refusal):
        return child
    parent, work = child.parent, child.current
    if parent is None:
        return Refusal("not-a-consult", f"interaction {child.id} is no consult")
    if child.state != "active" or work is None:
        return Refusal("interaction-not-active", f"interaction {child.id} is {child.state}, not with an adviser")
    refusal = _wrong(command, parent, work)
    if refusal is not None:
        return refusal
    owner = parent.current
    assert owner is not None, parent.id
    _take_along(domain, child, parent, owner, command.how)
    if command.how == "conference":
        conference.join(domain, parent, work)
        if owner.state == "held":
            owner.state = _WORK[owner.state]["resume"]
            domain.events.append(WorkResumed(owner.agent.id, parent.id))
        return None
    if parent.consults:
        end_consults(domain, parent)
    parent.current = work
    conference.disconnect(domain, owner)
    if part(domain, owner):
        domain.serve(owner.agent)
    return None


def leave(domain: Domain, command: LeaveInteraction) -> Refusal | None:
    """One agent less."""
    found = live(domain, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    if found.state != "active" or found.current is None:
        return Refusal("interaction-not-active", f"interaction {found.id} is {found.state}, not with an agent")
    talks = {work.agent.id: work for work in (found.current, *(found.participants or ()))}
    work = talks.get(command.agent_id)
    if work is None:
        return Refusal("no-such-work", f"agent {command.agent_id} has no conversation on interaction {found.id}")
    if not found.participants:
        return Refusal("last-agent", f"nobody else is there in interaction {found.id}; end it, or transfer it")
    conference.step_out(domain, work, command.reason)
    if part(domain, work) or found.consults:
        domain.serve(work.agent)
    return None


def _wrong(command: MergeConsult, parent: Interaction, work: Work) -> Refusal | None:
    """Why this agent cannot bring the adviser to the customer, if that is so."""
    child, owner = work.interaction, parent.current
    if owner is None or owner.agent.id != command.agent_id:
        return Refusal("no-such-work", f"agent {command.agent_id} is not who asks in consult {child.id}")
    asked, given = parent.request, child.request
    if (asked.channel, asked.instance) != (given.channel, given.instance):
        return Refusal("other-channel", f"consult {child.id} is on another channel or instance than {parent.id}")
    if any(each.interaction is parent for each in work.agent.work.values()):
        return Refusal("already-on-it", f"agent {work.agent.id} has work on interaction {parent.id} already")
    talking = 1 + len(parent.participants or ())
    if command.how == "transfer" and talking > 1:
        return Refusal("in-conference", f"other agents talk in interaction {parent.id}, too; make it a conference")
    if command.how == "conference" and talking >= limits.MAX_CONFERENCE:
        return Refusal("conference-full", f"{talking} agents talk in interaction {parent.id}; there cannot be more")
    return None


def _take_along(domain: Domain, child: Interaction, parent: Interaction, owner: Work, how: str) -> None:
    """The consult ends, and its work item belongs to the parent, as if it had been accepted there now."""
    work = child.current
    assert work is not None, child.id
    agent_id = work.agent.id
    domain.close(child, "complete")
    domain.events.append(InteractionCompleted(child.id, agent_id, "system", "merged", domain.now_us - work.since))
    child.current = None
    child.open_work -= 1
    if child.open_work:
        child.ended_with = agent_id
    parent.open_work += 1
    work.interaction = parent
    domain.lend(work, child.id)
    work.state = _WORK[work.state]["join"]
    work.since = domain.now_us
    work.wants_wrap_up, work.disposition = False, ""
    talked_us = domain.now_us - owner.since if how == "transfer" else 0
    domain.events.append(ConsultMerged(parent.id, child.id, agent_id, work.offer_id, how, owner.agent.id, talked_us))
    domain.effects.append(JoinAgent(work.offer_id, parent.id, agent_id, parent.request.instance, child.id))
    domain.forget_if_done(child)
