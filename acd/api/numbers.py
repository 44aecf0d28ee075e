"""A transfer to a telephone number: who may, and what is said when it cannot be. `acd.api.work` has the route.

Owns that it is the agent who is responsible for the customer, and alone with them. Must not know which numbers may be
dialled, nor how (`acd.ports.numbers`). The number is in no journal, log or answer.
"""

from typing import Any

from acd.api.bodies import Transfer
from acd.api.interactions import visible
from acd.api.problems import Problem, not_found, refused
from acd.api.routes import Call
from acd.core.messages import EndInteraction, Refusal
from acd.ports.channel import TRANSFERRED_OUT, Channel
from acd.ports.numbers import HasNumbers, NoNumbers, NumberNotAllowed
from acd.runtime.records import InteractionRecord


async def transfer_to_number(call: Call[Transfer, Any]) -> None:
    """The interaction ends, and the channel dials the number for the customer. Raises a Problem, or `ChannelError`."""
    body, interaction_id, agent_id = call.body, call.path("interaction"), call.path("agent")
    command = EndInteraction(call.command_id(), interaction_id, by="agent", reason=TRANSFERRED_OUT)

    problems: list[Problem] = []

    async def end() -> bool:
        try:
            await call.submit(command)
        except Problem as problem:
            problems.append(problem)
        return not problems

    if call.is_repetition():
        await call.submit(command)
        return
    if body.to_queue or body.to_agent:
        raise refused(Refusal("bad-target", "a number is instead of to_queue and to_agent"))
    row = visible(call)
    _check(row, agent_id)
    channel = call.context.router.channel(row.instance)
    try:
        if not isinstance(channel, HasNumbers):
            raise NoNumbers
        await channel.numbers.transfer(interaction_id, agent_id, body.to_number, end)
    except NoNumbers:
        raise Problem(409, "no-numbers", "Nobody is transferred to numbers on this channel.") from None
    except NumberNotAllowed:
        raise Problem(409, "number-not-allowed", "It is no number that may be dialled.") from None
    if problems:
        raise problems[0]


def has_numbers(channel: Channel | None) -> bool:
    """Whether customers on a channel can be transferred to any number."""
    return isinstance(channel, HasNumbers) and channel.numbers.are_there


def _check(row: InteractionRecord, agent_id: str) -> None:
    """Raise a Problem unless this agent is responsible for the customer, and alone with them."""
    if agent_id != row.agent_id and not any(agent_id == each for _, each in row.participants):
        raise not_found("work item")
    if row.state != "active" or row.parent:
        raise refused(Refusal("interaction-not-active", "nobody talks with the customer"))
    if row.agent_id != agent_id or row.participants:
        raise refused(Refusal("in-conference", "others talk with the customer, too"))
