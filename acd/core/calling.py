"""Customers who are called before any agent is asked: the state `reaching` of a callback.

Owns `Interaction.reaching`, `Interaction.reached` and `Queue.reaching`. Must not know commands, nor what becomes of an
attempt that has reached nobody (`callbacks`).

A callback of a queue with `callback_first = "customer"` stands in line like any other. When its turn has come, an agent
being free for it, its customer is called, and the agent goes on to whoever is next. Of one queue no more than
`callback_ahead` are called at once: beyond that the classes of those not called yet are *full*, and nobody finds them.
One without an instance nobody could call: it is offered like any other, and the agents call.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from acd.core import holding, levels, limits, relaxing
from acd.core.entities import Interaction, Reaching
from acd.core.messages import CustomerCalled, CustomerReached, ReachCustomer
from acd.core.moving import begin_stay
from acd.core.states import interaction as interaction_states

if TYPE_CHECKING:
    from acd.core.domain import Domain
    from acd.core.matching import Matching

_INTERACTION: Final = interaction_states.TABLE


def call(domain: Matching, interaction: Interaction) -> None:
    """It is the turn of a queued callback, which is not in the line: its customer is called."""
    queue, settings = interaction.queue, interaction.queue.settings
    queue.unanswered -= 1
    interaction.state = _INTERACTION[interaction.state]["call"]
    _stand_by(domain, interaction)
    length_us = settings.callback_reach_us
    until_us = domain.now_us + length_us
    reaching = interaction.reaching = Reaching(interaction, domain.now_us)
    reaching.deadline = domain.deadlines.register(until_us, domain.next_seq(), reaching, length_us)
    queue.reaching += 1
    if queue.reaching >= settings.callback_ahead:
        domain.classes.fill(queue)
    attempt = interaction.attempts + 1
    domain.events.append(CustomerCalled(interaction.id, attempt, until_us))
    domain.effects.append(ReachCustomer(interaction.id, interaction.request.instance, attempt, until_us))


def arrive(domain: Domain, interaction: Interaction) -> None:
    """The customer is there: they wait as any caller does, at the place that the callback has."""
    reaching = interaction.reaching
    assert reaching is not None, interaction.id
    stop(domain, interaction)
    interaction.state = _INTERACTION[interaction.state]["reach"]
    interaction.reached = True
    interaction.queue.unanswered += 1
    # The place is the callback's, the wait is the customer's.
    interaction.entered_at = interaction.enqueued_at = domain.now_us
    domain.reclassify(interaction)
    domain.events.append(CustomerReached(interaction.id, interaction.attempts + 1, domain.now_us - reaching.since_us))
    domain.park(interaction)
    begin_stay(domain, interaction)
    domain.place(interaction)


def stop(domain: Matching, interaction: Interaction) -> None:
    """Nobody is called for it any more, for whatever reason: somebody else may be."""
    reaching = interaction.reaching
    if reaching is None:
        return
    interaction.reaching = None
    if reaching.deadline is not None:
        reaching.deadline.alive = False
    queue = interaction.queue
    queue.reaching -= 1
    if queue.reaching < queue.settings.callback_ahead:
        domain.classes.make_room(queue)


def _stand_by(domain: Matching, interaction: Interaction) -> None:
    """What counts from the entry into the queue is over; it begins when the customer is there."""
    if interaction.held is not None:
        holding.drop(domain, interaction)
    if interaction.next_step is not None:
        relaxing.unschedule(interaction)
    if interaction.opening is not None:
        levels.drop(interaction)
    interaction.reach = limits.MAX_LEVEL
    interaction.relaxed = None
    domain.reclassify(interaction)
