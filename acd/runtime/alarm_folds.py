"""What the view makes of events about alarms of queues.

Owns these folds. Must not know the other events, nor who asks the view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acd.core.messages import AlarmCleared, AlarmRaised, Event
from acd.runtime.records import AlarmRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from acd.core.state import EngineState
    from acd.runtime.view import View


def table(view: View) -> dict[type[Event], Callable[[Any], None]]:
    """Event → what it does to the view's rows."""
    queues = view.queues

    def raised(event: AlarmRaised) -> None:
        queues[event.queue].alarms[event.alarm] = AlarmRecord(view.at_us, event.value, event.threshold)

    def cleared(event: AlarmCleared) -> None:
        queues[event.queue].alarms.pop(event.alarm, None)

    return {AlarmRaised: raised, AlarmCleared: cleared}


def restore(view: View, state: EngineState) -> None:
    """As the engine's state has them; its queues are there already."""
    for saved in state.alarms:
        view.queues[saved.queue].alarms[saved.alarm] = AlarmRecord(saved.since_us, saved.value, saved.threshold)
