"""The end of a world, where liveness shows: nobody new comes, everybody works, and time goes on.

Owns what people do then, and what must have come of it: whoever can be served at all has been. Looks at the naive
model only; the pair compares every step with the engine.
"""

from typing import Final

import msgspec

import acd.core.messages as m
from tests.core.naive_model import Model
from tests.core.naive_state import Interaction
from tests.core.side_by_side import Mismatch, Pair, Steps
from tests.core.tally import Tally

ROUNDS: Final = 60
"""Steps per interaction, work item and agent within which a world comes to rest."""


def wind_down(pair: Pair, steps: Steps, tally: Tally) -> None:
    """Serve everybody. Appends to `steps`; raises `Mismatch`."""
    model = pair.model
    now_us = model.now
    most = ROUNDS * (1 + len(model.interactions) + len(model.work) + len(model.agents))
    for number in range(most):
        command = _next(model, f"rest-{number}")
        if command is None:
            due = model.next_deadline()
            if due is None:
                break
            now_us = max(now_us, due)
            command = m.Tick(f"rest-{number}")
        steps.append((command, now_us))
        outcome = pair.step(command, now_us)
        tally.count(command, outcome)
        if outcome.refusal is not None:
            raise Mismatch(f"at the end {command} was refused: {outcome.refusal}")
    else:
        raise Mismatch(f"no rest after {most} steps")
    pair.compare_states()
    for interaction in model.interactions:
        _cannot_be_served(model, interaction)


def _next(model: Model, command_id: str) -> m.Command | None:
    """What somebody would do now; None if all wait for something."""
    for queue in model.queues:
        if queue.closed is not None and not queue.retired:
            return m.OpenQueue(command_id, queue.settings.id)
    for agent in model.agents:
        if not agent.retired and agent.presence == "signed-out":
            return m.SignInAgent(command_id, agent.settings.id, ready=True)
        if not agent.retired and agent.presence != "ready":
            return m.SetPresence(command_id, agent.settings.id, "ready")
    for each in model.interactions:
        if each.state == "reaching":
            return m.NoteReached(command_id, each.request.interaction_id, each.attempts + 1)
    for work in model.work:
        agent_id, interaction_id = work.agent.settings.id, work.interaction.request.interaction_id
        if work.state == "offered":
            return m.AcceptOffer(command_id, work.offer_id, agent_id)
        if work.state in {"active", "held"}:
            return m.EndInteraction(command_id, interaction_id, "system", "closing")
        queue_settings = work.queue.settings
        if not queue_settings.disposition_required or work.disposition:
            return m.EndWrapUp(command_id, agent_id, interaction_id)
        if queue_settings.dispositions:
            return m.SetDisposition(command_id, agent_id, interaction_id, queue_settings.dispositions[0])
        if work.deadline is None:
            return m.ApplyConfig(command_id, _without_dispositions(model))
    return None


def _without_dispositions(model: Model) -> m.CoreSettings:
    """The settings, where nobody needs a disposition that does not exist; retired queues as plain ones."""
    named = {each.id: msgspec.structs.replace(each, disposition_required=False) for each in model.settings.queues}
    retired = [each.settings.id for each in model.queues if each.retired]
    return msgspec.structs.replace(
        model.settings, queues=(*named.values(), *(m.QueueSettings(each) for each in retired))
    )


def _cannot_be_served(model: Model, interaction: Interaction) -> None:
    """Raises `Mismatch` if the agents who are there would do."""
    if interaction.state != "queued":
        raise Mismatch(f"at rest, and {interaction.request.interaction_id} is {interaction.state}")
    channel = interaction.request.channel
    able = [
        agent.settings.id
        for agent in model.agents
        if not agent.retired and model.satisfies(agent, interaction) and model.has_room(agent, channel)
    ]
    if len(able) > interaction.queue.settings.reserve:
        raise Mismatch(f"at rest {interaction.request.interaction_id} waits, and {able} are idle")
