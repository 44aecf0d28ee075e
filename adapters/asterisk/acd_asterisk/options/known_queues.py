"""Queues that options name, and that there are not. Owns that check; must not know how any option is read."""

from collections.abc import Collection, Iterator
from difflib import get_close_matches
from typing import TYPE_CHECKING

from acd_asterisk.options.reader import Reader

if TYPE_CHECKING:
    from acd_asterisk.options.pbx import Options


def check_queues(reader: Reader, options: "Options", known: Collection[str]) -> None:
    """Note every queue that is named and not among those that there are."""
    for key, queue in _named(options):
        if queue not in known:
            reader.problem(key, f"there is no queue {queue!r}", _instead(queue, known))


def _named(options: "Options") -> Iterator[tuple[str, str]]:
    """Where which queue is named."""
    if options.queue:
        yield "queue", options.queue
    yield from ((f"queues.{queue}", queue) for queue in options.queues)
    yield from (("recording.queues", queue) for queue in sorted(options.recording.queues))
    yield from (("survey.queues", queue) for queue in sorted(options.survey.queues))
    for menu in options.menus:
        for option, action in menu.actions():
            if action.queue:
                yield f"menus.{menu.name}.{option}.queue", action.queue


def _instead(queue: str, known: Collection[str]) -> str:
    close = get_close_matches(queue, known, n=1)
    return f"did you mean {close[0]}?" if close else f"declare it: [queues.{queue}]"
