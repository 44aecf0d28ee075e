"""What agents do: sign in and out, presence, hold. Owns those commands' checks and moves."""

from acd.core.domain import Domain
from acd.core.entities import Work
from acd.core.messages import (
    HoldWork,
    Refusal,
    ResumeWork,
    SetPresence,
    SignInAgent,
    SignOutAgent,
    WorkHeld,
    WorkResumed,
)
from acd.core.states import work as work_states

_WORK = work_states.TABLE


def sign_in(domain: Domain, command: SignInAgent) -> Refusal | None:
    """Signed-out → not-ready, and on to ready if asked."""
    agent = domain.agents.get(command.agent_id)
    if agent is None or agent.retired:
        return _unknown(command.agent_id)
    if agent.presence != "signed-out":
        return Refusal("already-signed-in", f"agent {agent.id} is signed in already ({agent.presence})")
    domain.enter(agent, "sign-in", command.reason)
    if command.ready:
        domain.restart_idle(agent)
        domain.enter(agent, "make-ready", "")
        domain.serve(agent)
    return None


def sign_out(domain: Domain, command: SignOutAgent) -> Refusal | None:
    """Towards signed-out."""
    agent = domain.agents.get(command.agent_id)
    if agent is None:
        return _unknown(command.agent_id)
    if agent.presence == "signed-out":
        return _signed_out(command.agent_id)
    if not agent.retired:
        domain.rest(agent, "signed-out", "")
        if agent.presence == "signed-out":
            domain.see_off(agent)
    return None


def set_presence(domain: Domain, command: SetPresence) -> Refusal | None:
    """Ready, or towards not-ready."""
    agent = domain.agents.get(command.agent_id)
    ready = command.presence == "ready"
    if agent is None or (agent.retired and ready):
        return _unknown(command.agent_id)
    if agent.presence == "signed-out":
        return _signed_out(command.agent_id)
    if not ready:
        if not agent.retired:
            domain.rest(agent, "not-ready", command.reason)
    elif agent.presence != "ready":
        if agent.presence == "not-ready":
            domain.restart_idle(agent)
        domain.enter(agent, "make-ready", "")
        domain.serve(agent)
    return None


def hold_work(domain: Domain, command: HoldWork) -> Refusal | None:
    """Active → held."""
    found = work_of(domain, command.agent_id, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    if found.state != "active":
        return Refusal("work-not-active", f"the work on {command.interaction_id} is {found.state}, not active")
    found.state = _WORK[found.state]["hold"]
    domain.events.append(WorkHeld(command.agent_id, command.interaction_id))
    return None


def resume_work(domain: Domain, command: ResumeWork) -> Refusal | None:
    """Held → active."""
    found = work_of(domain, command.agent_id, command.interaction_id)
    if isinstance(found, Refusal):
        return found
    if found.state != "held":
        return Refusal("work-not-held", f"the work on {command.interaction_id} is {found.state}, not held")
    found.state = _WORK[found.state]["resume"]
    domain.events.append(WorkResumed(command.agent_id, command.interaction_id))
    return None


def work_of(domain: Domain, agent_id: str, interaction_id: str) -> Work | Refusal:
    """The agent's work item on the interaction."""
    agent = domain.agents.get(agent_id)
    if agent is None:
        return _unknown(agent_id)
    for work in agent.work.values():
        if work.interaction.id == interaction_id:
            return work
    return Refusal("no-such-work", f"agent {agent_id} has no work on interaction {interaction_id}")


def _unknown(agent_id: str) -> Refusal:
    return Refusal("unknown-agent", f"no agent {agent_id} is configured")


def _signed_out(agent_id: str) -> Refusal:
    return Refusal("signed-out", f"agent {agent_id} is signed out; sign in first")
