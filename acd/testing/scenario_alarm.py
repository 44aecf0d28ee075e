"""The words of a scenario about alarms of queues.

    alarm QUEUE KIND raised|cleared [VALUE]
    expect alarmed QUEUE KIND [at VALUE]      expect calm QUEUE KIND [after 30s]

Owns these words. Must not know the others (`scenario_words`, `scenario_events`), which include them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, assert_never

from acd.core.messages import AlarmCleared, AlarmRaised, Command, NoteAlarm
from acd.runtime.config.durations import format_duration
from acd.testing.scenario_statement import Statement, integer

AlarmEvent = AlarmRaised | AlarmCleared

LENGTHS: Final = {"alarmed": 3, "calm": 3}
"""How many words belong to each event; the rest are details."""


def words_of(event: AlarmEvent) -> tuple[tuple[str, ...], dict[str, object]]:
    """What must be said of an event, and what may be."""
    match event:
        case AlarmRaised():
            return ("alarmed", event.queue, event.alarm), {"at": event.value}
        case AlarmCleared():
            return ("calm", event.queue, event.alarm), {"at": event.value, "after": format_duration(event.lasted_us)}
        case _:
            assert_never(event)


def _alarm(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    queue = statement.take("the queue")
    kind: Any = statement.take("the alarm")
    raised = statement.skip("raised")
    if not raised:
        statement.word("cleared")
    value = 0 if statement.peek() is None else integer(statement.take("the value"))
    return NoteAlarm(command_id, queue, kind, raised, value, value)


COMMANDS: Final[dict[str, Callable[[Statement, str, Mapping[str, str]], Command]]] = {"alarm": _alarm}
"""The commands by their first word."""
