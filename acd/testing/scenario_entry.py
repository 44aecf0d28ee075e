"""The words of a scenario about entry: queues that open and close, and what becomes of whoever comes in.

    open QUEUE        close QUEUE [reason R]
    fail-callback ID [reason R] [attempt N] [called yes|no]        reached ID [attempt N]
    expect opened|closed sales        expect overflowed|scheduled|due|failed|called|reached c1

A queue's `when-closed`, `when-unstaffed`, `when-full`, `when-overdue`: `wait`, `refuse`, `release`,
`release:REASON`, `callback`, `queue:NAME` or `queue:NAME:REASON`.

Owns these words. Must not know the others (`scenario_words`, `scenario_events`), which include them.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

from acd.core.messages import (
    Action,
    CloseQueue,
    Command,
    CustomerCalled,
    CustomerReached,
    FailCallback,
    InteractionDue,
    InteractionFailed,
    InteractionOverflowed,
    InteractionScheduled,
    NoteReached,
    OpenQueue,
    QueueClosed,
    QueueOpened,
)
from acd.runtime.config.durations import format_duration
from acd.testing.scenario_statement import Statement, duration, integer, yes_or_no

EntryEvent = (
    QueueOpened
    | QueueClosed
    | InteractionOverflowed
    | InteractionScheduled
    | InteractionDue
    | InteractionFailed
    | CustomerCalled
    | CustomerReached
)

LENGTHS: Final = dict.fromkeys(("opened", "closed", "overflowed", "scheduled", "due", "failed", "called", "reached"), 2)
"""How many words belong to each event; the rest are details."""


def words_of(event: EntryEvent) -> tuple[tuple[str, ...], dict[str, object]]:
    """What must be said of an event, and what may be."""
    match event:
        case QueueOpened():
            return ("opened", event.queue), {}
        case QueueClosed():
            return ("closed", event.queue), {"reason": event.reason}
        case InteractionScheduled():
            until = format_duration(event.not_before_us)
            details = {"until": until, "attempts": event.attempts, "uncalled": event.uncalled}
            return ("scheduled", event.interaction_id), details
        case InteractionDue():
            return ("due", event.interaction_id), {}
        case CustomerCalled():
            until = format_duration(event.until_us)
            return ("called", event.interaction_id), {"attempt": event.attempt, "until": until}
        case CustomerReached():
            after = format_duration(event.called_us)
            return ("reached", event.interaction_id), {"attempt": event.attempt, "after": after}
        case InteractionFailed():
            return ("failed", event.interaction_id), {"attempts": event.attempts, "reason": event.reason}
        case InteractionOverflowed():
            waited = format_duration(event.waited_us)
            return ("overflowed", event.interaction_id), {"waited": waited, "reason": event.reason}


def _action(text: str) -> Action:
    kind, _, rest = text.partition(":")
    queue, _, reason = rest.partition(":") if kind == "queue" else ("", "", rest)
    named: Any = kind
    return Action(named, queue, reason)


def _open(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    return OpenQueue(command_id, statement.take("the queue"))


def _close(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    return CloseQueue(command_id, statement.take("the queue"), **statement.options("reason"))


def _fail_callback(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id, options = statement.take("the callback"), statement.options("reason", "attempt", "called")
    reason, attempt = options.get("reason", ""), integer(options.get("attempt", "0"))
    return FailCallback(command_id, interaction_id, reason, attempt, yes_or_no(options.get("called", "yes")))


def _reached(statement: Statement, command_id: str, _offers: Mapping[str, str]) -> Command:
    interaction_id, options = statement.take("the callback"), statement.options("attempt")
    return NoteReached(command_id, interaction_id, integer(options.get("attempt", "1")))


SETTINGS: Final[Mapping[str, Callable[[str], Any]]] = {
    "when-closed": _action,
    "when-unstaffed": _action,
    "when-full": _action,
    "max-wait": duration,
    "when-overdue": _action,
    "callback-attempts": integer,
    "callback-retry": duration,
    "callback-channel": str,
    "callback-first": str,
    "callback-ahead": integer,
    "callback-reach": duration,
}
"""Readers of a queue's options."""

COMMANDS: Final[dict[str, Callable[[Statement, str, Mapping[str, str]], Command]]] = {
    "open": _open,
    "close": _close,
    "fail-callback": _fail_callback,
    "reached": _reached,
}
"""Verb -> how the rest of the line is read."""
