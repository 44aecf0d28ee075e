"""What supervisors and applications order, of the whole contact centre.

Owns the table. Must not know who hands the orders in (`desk`). Whoever adds such a command to the core adds a row.
"""

from collections.abc import Callable
from random import Random
from typing import Final

from msgspec import Struct

from acd.core.messages import (
    CallBackInteraction,
    CancelInteraction,
    CloseQueue,
    Command,
    EndInteraction,
    EnqueueInteraction,
    FailCallback,
    MoveInteraction,
    NoteReached,
    OpenQueue,
    RecallInteraction,
    ReprioritizeInteraction,
    UpdateInteraction,
)
from acd.runtime.view import View

SECOND: Final = 1_000_000

DRILL: Final = "fire drill"
"""Why supervisors close queues. Whoever closes one opens it again in the end."""

CUSTOMERS: Final = ("regular-1", "regular-2", "regular-3", "regular-4")
"""Who asks to be called back."""

LATER_US: Final = (SECOND, 30 * SECOND)
"""Least and most until a callback that is asked for a time."""


class Moment(Struct, frozen=True):
    """What an order is made of: a fresh id, what is to be seen, the engine's clock and dice."""

    id: str
    view: View
    now_us: int
    dice: Random


Make = Callable[[Moment], Command | None]


class Order(Struct, frozen=True):
    """`make` gives the command, or None when it makes no sense now.

    `share`: of the glances at which it is given; `willing`: of those once nothing goes wrong any more. Only given if
    `policy` is switched on, where there is one.
    """

    name: str
    share: float
    make: Make
    policy: str = ""
    willing: float = 0.0


def _on_interaction(*states: str, make: Callable[[Moment, str], Command]) -> Make:
    def order(moment: Moment) -> Command | None:
        found = [row.id for row in moment.view.interactions.values() if row.state in states]
        return make(moment, moment.dice.choice(found)) if found else None

    return order


def _look_up(moment: Moment, interaction_id: str) -> Command:
    """Who it is, and what about: now and then somebody in particular is to be asked."""
    dice = moment.dice
    anybody = dice.choice([each.id for each in moment.view.settings.agents])
    known = (("tier", dice.choice(("gold", "iron"))),)
    live = moment.view.interactions[interaction_id].state != "active"
    preferred = anybody if live and dice.random() < 0.3 else None  # noqa: PLR2004 - often enough
    return UpdateInteraction(moment.id, interaction_id, known, preferred_agent=preferred)


def _queue(moment: Moment) -> str:
    return moment.dice.choice([each.id for each in moment.view.settings.queues])


def _call_me_back(moment: Moment) -> Command:
    """A page on the web where customers leave their number, now or for later."""
    later_us = moment.dice.randrange(*LATER_US) if moment.dice.random() < 0.4 else 0  # noqa: PLR2004 - often enough
    return EnqueueInteraction(
        moment.id,
        f"web-{moment.id}",
        "voice",
        _queue(moment),
        customer=moment.dice.choice(CUSTOMERS),
        kind="callback",
        not_before_us=moment.now_us + later_us if later_us else 0,
    )


def _while_called(*, reached: bool) -> Make:
    """What a dialler of one's own says of a customer whom it calls before any agent."""

    def order(moment: Moment) -> Command | None:
        called = [row for row in moment.view.interactions.values() if row.state == "reaching"]
        if not called:
            return None
        row = moment.dice.choice(called)
        attempt = row.attempts + 1
        if reached:
            return NoteReached(moment.id, row.id, attempt)
        was_called = moment.dice.random() < 0.7  # noqa: PLR2004 - often enough
        return FailCallback(moment.id, row.id, "no answer", attempt, was_called)

    return order


def _open_again(moment: Moment) -> Command | None:
    """After the drill; what a calendar has closed it opens itself."""
    shut = [row.id for row in moment.view.queues.values() if row.closed == DRILL and not row.retired]
    return OpenQueue(moment.id, shut[0]) if shut else None


ORDERS: Final = (
    Order(
        "cancel",
        0.05,
        _on_interaction("queued", "offered", make=lambda moment, who: CancelInteraction(moment.id, who, "boss")),
    ),
    Order(
        "cancel for good",
        0.1,
        _on_interaction("scheduled", make=lambda moment, who: CancelInteraction(moment.id, who, "boss")),
    ),
    Order(
        "reprioritize",
        0.1,
        _on_interaction(
            "queued",
            "offered",
            make=lambda moment, who: ReprioritizeInteraction(moment.id, who, moment.dice.choice((-1, 0, 3))),
        ),
    ),
    Order("look up", 0.3, _on_interaction("queued", "offered", "scheduled", "active", make=_look_up)),
    Order(
        "move",
        0.1,
        _on_interaction(
            "queued",
            "offered",
            make=lambda moment, who: MoveInteraction(moment.id, who, _queue(moment), moment.dice.choice((True, False))),
        ),
    ),
    Order(
        "recall",
        0.2,
        _on_interaction("offered", make=lambda moment, who: RecallInteraction(moment.id, who)),
    ),
    Order("close", 0.05, lambda moment: CloseQueue(moment.id, _queue(moment), DRILL)),
    Order("open", 0.1, lambda moment: OpenQueue(moment.id, _queue(moment))),
    Order("open again", 0.0, _open_again, willing=1.0),
    Order(
        "would rather be called back",
        0.1,
        _on_interaction("queued", "offered", make=lambda moment, who: CallBackInteraction(moment.id, who)),
        "callbacks",
    ),
    Order("call me back", 0.3, _call_me_back, "callbacks"),
    Order(
        "cancel while the customer is called",
        0.1,
        _on_interaction("reaching", make=lambda moment, who: CancelInteraction(moment.id, who, "boss")),
        "callbacks",
    ),
    Order(
        "the customer calls us while we call",
        0.2,
        _on_interaction("reaching", make=lambda moment, who: EndInteraction(moment.id, who, "customer", "solved")),
        "callbacks",
    ),
    Order("the customer answers", 0.5, _while_called(reached=True), "callbacks"),
    Order("the customer does not answer", 0.2, _while_called(reached=False), "callbacks"),
    Order(
        "do not call back",
        0.1,
        _on_interaction("scheduled", make=lambda moment, who: EndInteraction(moment.id, who, "customer", "solved")),
        "callbacks",
    ),
)
"""What a supervisor or an application may order at a glance."""
