"""The words of a scenario about handing customers on.

    transfer ID by AGENT [queue QUEUE] [agent AGENT] [context kept|anew] [reason R]
    expect transferred c1 by anna

Owns these words. Must not know the others (`scenario_words`, `scenario_events`), which include them.
"""

from collections.abc import Callable, Mapping
from typing import Final

from acd.core.messages import Command, InteractionTransferred, TransferInteraction
from acd.runtime.config.durations import format_duration
from acd.testing.scenario_statement import Problem, Statement

TransferEvent = InteractionTransferred

LENGTHS: Final = {"transferred": 4}
"""How many words belong to each event; the rest are details."""


def words_of(event: TransferEvent) -> tuple[tuple[str, ...], dict[str, object]]:
    """What must be said of an event, and what may be."""
    details: dict[str, object] = {
        "to": event.to_agent,
        "context": "kept" if event.with_context else "anew",
        "talked": format_duration(event.talked_us),
        "reason": event.reason,
    }
    return ("transferred", event.interaction_id, "by", event.agent_id), details


def _transfer(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id = statement.take("the interaction")
    statement.word("by")
    agent_id = statement.take("the agent")
    options = statement.options("queue", "agent", "context", "reason")
    context = options.get("context", "kept")
    if context not in ("kept", "anew"):
        raise Problem(f"expected context kept or context anew, found {context!r}")
    return TransferInteraction(
        command_id,
        interaction_id,
        agent_id,
        options.get("queue", ""),
        options.get("agent", ""),
        context == "kept",
        options.get("reason", ""),
    )


COMMANDS: Final[dict[str, Callable[[Statement, str, Mapping[str, str]], Command]]] = {"transfer": _transfer}
"""The commands by their first word."""
