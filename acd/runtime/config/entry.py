"""What `[queues.NAME]` says about entry and overflow: closed, unstaffed, full, waited too long.

Owns those keys: `when_closed = "refuse"`, `when_full = { queue = "overflow" }`, and the like.
Must not know the rest of a queue's settings.
"""

from collections.abc import Collection, Iterator, Sequence
from typing import Any, Final

from acd.core import limits
from acd.core.messages import Action, ActionKind, QueueSettings
from acd.core.messages.settings import CallbackFirst
from acd.runtime.config.problems import did_you_mean, quoted
from acd.runtime.config.table import Table

AT_ENTRY: Final[tuple[ActionKind, ...]] = ("wait", "refuse", "release", "callback")
"""What can be said in one word of an interaction that comes in; `queue` needs a name."""

FIRST: Final[tuple[CallbackFirst, ...]] = ("agent", "customer")
"""Whom the channel of a queue's callbacks may call first."""

SHORTEST_REACH_US: Final = 5_000_000
"""Nobody answers a telephone sooner."""

WHEN_OVERDUE: Final[tuple[ActionKind, ...]] = ("wait", "release", "callback")
"""What can be said in one word of an interaction that has waited too long: it cannot be refused any more."""

CALLED_BACK: Final = "voice"
"""The channel of interactions whose customers a `callback_channel` calls: it has a telephone."""

_PLAIN: Final = QueueSettings("plain")

SITUATIONS: Final = ("when_closed", "when_unstaffed", "when_full", "when_overdue")
_WORDS: Final = {"when_overdue": WHEN_OVERDUE}


def read_action(table: Table, name: str, default: Action, words: Sequence[ActionKind]) -> Action:
    """`name = "refuse"`, or a table with `queue` or `release`, and for the first a `reason`."""
    if not table.has(name):
        return default
    value = table.raw[name]
    if isinstance(value, str):
        for word in words:
            if word == value:
                return Action(word)
        table.problems.error(table.at(name), f"{quoted(value)} is not what can be done then", _fix(words))
        return default
    if not isinstance(value, dict):
        table.problems.error(table.at(name), f"{quoted(value)} is not what can be done then", _fix(words))
        return default
    inner = table.table(name)
    action = _of_table(inner, words)
    inner.finish()
    return action or default


def read_entry(table: Table) -> dict[str, Any]:
    """The fields of `QueueSettings` that these keys fill."""
    channel = table.identifier("callback_channel", "") if table.has("callback_channel") else ""
    return {
        "max_waiting": table.integer("max_waiting", _PLAIN.max_waiting, 1, limits.MAX_INTERACTIONS),
        "callback_attempts": table.integer("callback_attempts", _PLAIN.callback_attempts, 1, limits.MAX_ATTEMPTS),
        "callback_retry_us": table.duration("callback_retry", _PLAIN.callback_retry_us),
        "callback_channel": channel,
        "callback_medium": CALLED_BACK if channel else "",
        "callback_first": table.choice("callback_first", _PLAIN.callback_first, FIRST, "who is called first"),
        "callback_ahead": table.integer("callback_ahead", _PLAIN.callback_ahead, 1, limits.MAX_AHEAD),
        "callback_reach_us": table.duration("callback_timeout", _PLAIN.callback_reach_us, SHORTEST_REACH_US),
        "max_wait_us": table.duration("max_wait", _PLAIN.max_wait_us),
        **{name: read_action(table, name, getattr(_PLAIN, name), _WORDS.get(name, AT_ENTRY)) for name in SITUATIONS},
    }


def check_action_keys(table: Table, settings: QueueSettings) -> None:
    """Note limits that lead to nothing, and what is to happen at a limit that is never reached."""
    if settings.when_full.kind == "wait" and "max_waiting" in table.raw:
        reason = 'has no effect with when_full = "wait"'
        table.problems.error(table.at("max_waiting"), reason, "leave one of the two out")
    if settings.when_overdue.kind == "wait" and "max_wait" in table.raw and settings.max_wait_us:
        fix = 'add when_overdue = "release" or { queue = "another" }, or leave it out'
        table.problems.error(table.at("max_wait"), "has no effect while when_overdue says nothing", fix)
    if settings.callback_attempts == 1 and "callback_retry" in table.raw:
        reason = "has no effect with callback_attempts = 1"
        table.problems.error(table.at("callback_retry"), reason, "leave one of the two out")
    if settings.callback_first == "customer" and not settings.callback_channel:
        fix = 'say which calls them: callback_channel = "pbx"'
        table.problems.error(table.at("callback_first"), "needs a channel that calls the customer", fix)
    for name in ("callback_ahead", "callback_timeout"):
        if settings.callback_first == "agent" and name in table.raw:
            fix = 'add callback_first = "customer", or leave it out'
            table.problems.error(table.at(name), "has no effect while agents are called first", fix)
    if settings.when_overdue.kind != "wait" and not settings.max_wait_us:
        table.problems.error(table.at("when_overdue"), "has no effect without max_wait", 'add max_wait = "5m"')


def check_entry(root: Table, queues: Sequence[QueueSettings]) -> None:
    """Note every action that names no other queue, warn of those that lead round in a circle."""
    settings = {queue.id: queue for queue in queues}
    for queue in queues:
        for situation in SITUATIONS:
            action: Action = getattr(queue, situation)
            if action.kind != "queue":
                continue
            key = ("queues", queue.id, situation, "queue")
            if action.queue == queue.id:
                root.problems.error(key, f"{quoted(action.queue)} is this queue itself", "name another one")
            elif action.queue not in settings:
                others = [each for each in settings if each != queue.id]
                alone = f'there is no other one: add it, or use {situation} = "release"'
                fix = did_you_mean(action.queue, others) if others else alone
                root.problems.error(key, f"{quoted(action.queue)} is not a queue", fix)
            elif queue.id in _led_to(settings, queue.id, situation):
                reason = f"leads back to {quoted(queue.id)} when all these queues are in the same situation"
                fix = "callers are then released with the reason overflow-loop; end the chain with a release"
                root.problems.warn(key, reason, fix, code="overflow-loop")


def check_callback_channels(root: Table, queues: Sequence[QueueSettings], channels: Collection[str]) -> None:
    """Note every queue whose callbacks are to be called by a channel instance that there is not."""
    for queue in queues:
        if queue.callback_channel and queue.callback_channel not in channels:
            key = ("queues", queue.id, "callback_channel")
            reason = f"{quoted(queue.callback_channel)} is no channel instance"
            root.problems.error(key, reason, did_you_mean(queue.callback_channel, channels))


def _of_table(inner: Table, words: Sequence[ActionKind]) -> Action | None:
    if inner.has("queue") == inner.has("release"):
        inner.text("queue")
        inner.text("release")
        inner.text("reason")
        inner.problems.error(inner.key, "does not say one thing to do", _fix(words))
        return None
    if inner.has("release"):
        return Action("release", reason=inner.text("release", most=limits.MAX_TEXT))
    queue = inner.identifier("queue", "")
    return Action("queue", queue, inner.text("reason", most=limits.MAX_TEXT)) if queue else None


def _led_to(settings: dict[str, QueueSettings], start: str, situation: str) -> Iterator[str]:
    """The queues that an interaction is handed on to when all are in this situation; each once."""
    seen: dict[str, None] = {}
    action: Action = getattr(settings[start], situation)
    while action.kind == "queue" and action.queue in settings and action.queue not in seen:
        seen[action.queue] = None
        yield action.queue
        action = getattr(settings[action.queue], situation)


def _fix(words: Sequence[ActionKind]) -> str:
    plain = ", ".join(f'"{word}"' for word in words)
    return f'use {plain}, {{ queue = "another" }} or {{ release = "reason" }}'
