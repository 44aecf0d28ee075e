"""The words of a scenario about work in hand: hold, after-call work, dispositions.

    hold|resume ID by AGENT                 request-wrap-up|end-wrap-up ID by AGENT
    extend-wrap-up ID by AGENT for 30s      dispose ID by AGENT as CODE
    expect held|resumed|wrap-up|wrap-up-wanted|wrap-up-extended|disposed|done c1 by anna

A queue's `wrap-up-policy`, `wrap-up-most`, `dispositions` (`solved,other`) and `disposition-required` (`yes` or `no`).

Owns these words. Must not know the others (`scenario_words`, `scenario_events`), which include them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final, assert_never

from acd.core.messages import (
    Command,
    DispositionSet,
    EndWrapUp,
    ExtendWrapUp,
    HoldWork,
    RequestWrapUp,
    ResumeWork,
    SetDisposition,
    WorkEnded,
    WorkHeld,
    WorkResumed,
    WrapUpExtended,
    WrapUpRequested,
    WrapUpStarted,
)
from acd.runtime.config.durations import format_duration
from acd.testing.scenario_statement import Statement, duration, yes_or_no

WorkEvent = WorkHeld | WorkResumed | WrapUpStarted | WrapUpExtended | WrapUpRequested | DispositionSet | WorkEnded

LENGTHS: Final = {
    "held": 4,
    "resumed": 4,
    "wrap-up": 4,
    "wrap-up-wanted": 4,
    "wrap-up-extended": 4,
    "disposed": 4,
    "done": 4,
}
"""How many words belong to each event; the rest are details."""


def words_of(event: WorkEvent) -> tuple[tuple[str, ...], dict[str, object]]:
    """What must be said of an event, and what may be."""
    details: dict[str, object] = {}
    match event:
        case WorkHeld():
            what = "held"
        case WorkResumed():
            what = "resumed"
        case WrapUpStarted():
            what = "wrap-up"
            details["until"] = format_duration(event.until_us) if event.until_us else "ended"
        case WrapUpExtended():
            what = "wrap-up-extended"
            details["until"] = format_duration(event.until_us)
        case WrapUpRequested():
            what = "wrap-up-wanted"
        case DispositionSet():
            what = "disposed"
            details["as"] = event.code
        case WorkEnded():
            what = "done"
            details["as"] = event.disposition
        case _:
            assert_never(event)
    return (what, event.interaction_id, "by", event.agent_id), details


def _hold(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id, agent_id = _whose(statement)
    return HoldWork(command_id, agent_id, interaction_id)


def _resume(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id, agent_id = _whose(statement)
    return ResumeWork(command_id, agent_id, interaction_id)


def _request_wrap_up(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id, agent_id = _whose(statement)
    return RequestWrapUp(command_id, agent_id, interaction_id)


def _extend_wrap_up(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id, agent_id = _whose(statement)
    statement.word("for")
    return ExtendWrapUp(command_id, agent_id, interaction_id, statement.duration("how much longer"))


def _end_wrap_up(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id, agent_id = _whose(statement)
    return EndWrapUp(command_id, agent_id, interaction_id)


def _dispose(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id, agent_id = _whose(statement)
    statement.word("as")
    return SetDisposition(command_id, agent_id, interaction_id, statement.take("the code"))


def _whose(statement: Statement) -> tuple[str, str]:
    """`ID by AGENT`."""
    interaction_id = statement.take("the interaction")
    statement.word("by")
    return interaction_id, statement.take("the agent")


COMMANDS: Final[dict[str, Callable[[Statement, str, Mapping[str, str]], Command]]] = {
    "hold": _hold,
    "resume": _resume,
    "request-wrap-up": _request_wrap_up,
    "extend-wrap-up": _extend_wrap_up,
    "end-wrap-up": _end_wrap_up,
    "dispose": _dispose,
}
"""The commands by their first word."""


def _names(text: str) -> tuple[str, ...]:
    return tuple(sorted(text.split(",")))


SETTINGS: Final[dict[str, Callable[[str], Any]]] = {
    "wrap-up-policy": str,
    "wrap-up-most": duration,
    "dispositions": _names,
    "disposition-required": yes_or_no,
}
"""What these words add to `queue` lines, with how each is read; the messages' validation finds what is wrong."""
