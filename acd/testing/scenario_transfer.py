"""The words of a scenario about handing customers on.

    transfer ID by AGENT [queue QUEUE] [agent AGENT] [context kept|anew] [reason R]
    merge ID by AGENT transfer|conference             leave ID by AGENT [reason R]
    expect transferred c1 by anna
    expect merged c1 with q1 as transfer|conference   expect left c1 by anna

Owns these words. Must not know the others (`scenario_words`, `scenario_events`), which include them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, assert_never

from acd.core.messages import (
    AgentLeft,
    Command,
    ConsultMerged,
    InteractionTransferred,
    LeaveInteraction,
    MergeConsult,
    TransferInteraction,
)
from acd.runtime.config.durations import format_duration
from acd.testing.scenario_statement import Problem, Statement

TransferEvent = InteractionTransferred | ConsultMerged | AgentLeft

LENGTHS: Final = {"transferred": 4, "merged": 6, "left": 4}
"""How many words belong to each event; the rest are details."""


def words_of(event: TransferEvent) -> tuple[tuple[str, ...], dict[str, object]]:
    """What must be said of an event, and what may be."""
    details: dict[str, object]
    talked = format_duration(event.talked_us)
    match event:
        case InteractionTransferred():
            context = "kept" if event.with_context else "anew"
            details = {"to": event.to_agent, "context": context, "talked": talked, "reason": event.reason}
            return ("transferred", event.interaction_id, "by", event.agent_id), details
        case ConsultMerged():
            details = {"agent": event.agent_id, "by": event.by_agent, "talked": talked}
            return ("merged", event.interaction_id, "with", event.consult_id, "as", event.how), details
        case AgentLeft():
            details = {"owner": event.owner, "talked": talked, "reason": event.reason}
            return ("left", event.interaction_id, "by", event.agent_id), details
        case _:
            assert_never(event)


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


def _merge(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id = statement.take("the consult")
    statement.word("by")
    agent_id = statement.take("the agent")
    how: Any = statement.take("transfer or conference")
    return MergeConsult(command_id, interaction_id, agent_id, how)


def _leave(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id = statement.take("the interaction")
    statement.word("by")
    agent_id = statement.take("the agent")
    return LeaveInteraction(command_id, interaction_id, agent_id, statement.options("reason").get("reason", ""))


COMMANDS: Final[dict[str, Callable[[Statement, str, Mapping[str, str]], Command]]] = {
    "transfer": _transfer,
    "merge": _merge,
    "leave": _leave,
}
"""The commands by their first word."""
