"""What agents do on their screens about advice: ask for it, bring the adviser to the customer, leave a conference.

Owns these commands. Must not know when they are given (`desk`).
"""

from random import Random

from acd.core.messages import Command, EndInteraction, EnqueueInteraction, LeaveInteraction, MergeConsult
from acd.runtime.records import AgentRecord, InteractionRecord
from acd.runtime.view import View


def ask(command_id: str, agent: AgentRecord, view: View, dice: Random) -> Command | None:
    """About somebody whom the agent is responsible for; in any queue, as often as not of somebody in particular."""
    own = [row for row in _talks(agent, view) if row.agent_id == agent.id and not row.parent]
    if not own:
        return None
    row = dice.choice(own)
    others = [each for each in view.agents.values() if each.id != agent.id]
    free = [each for each in others if each.presence == "ready" and not each.work]
    if not free and dice.random() < 0.7:  # noqa: PLR2004 - mostly only if somebody may have time
        return None
    return EnqueueInteraction(
        command_id,
        f"about-{row.id}-{command_id}",
        row.channel,
        dice.choice([each.id for each in view.settings.queues]),
        instance=row.instance,
        priority=dice.choice((0, 20)),
        preferred_agent=dice.choice(("", dice.choice(free or others).id)),
        parent=row.id,
    )


def merge(command_id: str, agent: AgentRecord, view: View, dice: Random) -> Command | None:
    """As soon as there is an adviser: hand over, or talk together."""
    answered = [row for row in _asked(agent, view) if row.state == "active"]
    if not answered:
        return None
    return MergeConsult(command_id, dice.choice(answered).id, agent.id, dice.choice(("transfer", "conference")))


def give_up(command_id: str, agent: AgentRecord, view: View, dice: Random) -> Command | None:
    """Nobody needs the advice any more."""
    asked = _asked(agent, view)
    return EndInteraction(command_id, dice.choice(asked).id, "customer", "knows it") if asked else None


def leave(command_id: str, agent: AgentRecord, view: View, dice: Random) -> Command | None:
    """Others are there, too."""
    together = [row for row in _talks(agent, view) if row.participants]
    return LeaveInteraction(command_id, dice.choice(together).id, agent.id, "lunch") if together else None


def _talks(agent: AgentRecord, view: View) -> list[InteractionRecord]:
    return [view.interactions[item.interaction_id] for item in agent.work.values() if item.state in ("active", "held")]


def _asked(agent: AgentRecord, view: View) -> list[InteractionRecord]:
    return [row for row in view.interactions.values() if row.asking == agent.id and not row.ended_at_us]
