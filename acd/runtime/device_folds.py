"""What the view makes of events about agents' devices.

Owns these folds. Must not know the other events, nor who asks the view.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from acd.core.messages import DeviceCleared, DeviceVetoed, Event
from acd.runtime.records import DeviceRecord

if TYPE_CHECKING:
    from collections.abc import Callable

    from acd.core.state import EngineState
    from acd.runtime.view import View


def table(view: View) -> dict[type[Event], Callable[[Any], None]]:
    """Event → what it does to the view's rows."""
    agents = view.agents

    def vetoed(event: DeviceVetoed) -> None:
        agent = agents[event.agent_id]
        agent.devices = {**agent.devices, event.channel: DeviceRecord(event.state, event.until_us)}

    def cleared(event: DeviceCleared) -> None:
        agent = agents[event.agent_id]
        agent.devices = {channel: each for channel, each in agent.devices.items() if channel != event.channel}

    return {DeviceVetoed: vetoed, DeviceCleared: cleared}


def restore(view: View, state: EngineState) -> None:
    """As the engine's state has them; its agents are there already."""
    for saved in state.devices:
        agent = view.agents[saved.agent_id]
        agent.devices = {**agent.devices, saved.channel: DeviceRecord(saved.state, saved.until_us)}
