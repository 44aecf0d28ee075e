"""The words of a scenario about agents' devices.

    device AGENT CHANNEL in-use|unavailable|clear [for 30s]
    expect vetoed AGENT CHANNEL as in-use       expect cleared AGENT CHANNEL

Owns these words. Must not know the others (`scenario_words`, `scenario_events`), which include them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, assert_never

from acd.core.limits import USUAL_VETO_US
from acd.core.messages import Command, DeviceCleared, DeviceVetoed, NoteDevice
from acd.runtime.config.durations import format_duration
from acd.testing.scenario_statement import Statement

DeviceEvent = DeviceVetoed | DeviceCleared

LENGTHS: Final = {"vetoed": 3, "cleared": 3}
"""How many words belong to each event; the rest are details."""


def words_of(event: DeviceEvent) -> tuple[tuple[str, ...], dict[str, object]]:
    """What must be said of an event, and what may be."""
    match event:
        case DeviceVetoed():
            details: dict[str, object] = {"as": event.state, "until": format_duration(event.until_us)}
            return ("vetoed", event.agent_id, event.channel), details
        case DeviceCleared():
            return ("cleared", event.agent_id, event.channel), {"reason": event.reason}
        case _:
            assert_never(event)


def _device(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    agent_id, channel = statement.take("the agent"), statement.take("the channel")
    state: Any = statement.take("in-use, unavailable or clear")
    lasts_us = statement.duration("for how long") if statement.skip("for") else USUAL_VETO_US
    return NoteDevice(command_id, agent_id, channel, state, lasts_us)


COMMANDS: Final[dict[str, Callable[[Statement, str, Mapping[str, str]], Command]]] = {"device": _device}
"""The commands by their first word."""
