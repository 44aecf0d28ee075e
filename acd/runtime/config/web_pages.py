"""What channels whose customers come by web pages have to be told alike: origins, queues, names of agents.

Owns these keys and their bounds. Must not know any channel.
"""

import re
from typing import Final

from acd.errors import ConfigError
from acd.runtime.config.problems import Problems, quoted
from acd.runtime.config.table import Table

MAX_ORIGINS: Final = 100
MAX_QUEUES: Final = 100
MAX_NAMES: Final = 10_000
MAX_DISPLAY_NAME: Final = 60

_ORIGIN: Final = re.compile(r"https?://[^\s/?#@*]+")


def read_origins(table: Table) -> tuple[str, ...]:
    """Of pages that may connect, in lower case."""
    origins = table.texts("origins", MAX_ORIGINS)
    for index, origin in enumerate(origins):
        if not _ORIGIN.fullmatch(origin):
            reason = f"{quoted(origin)} is not a web origin"
            table.problems.error(table.at("origins", index), reason, 'write it like "https://shop.example.com"')
    if not origins:
        reason = "there is none, so no page could connect"
        table.problems.error(table.at("origins"), reason, 'list your pages, like ["https://shop.example.com"]')
    return tuple(origin.lower() for origin in origins)


def read_queues(table: Table, known: "frozenset[str] | None") -> tuple[str, ...]:
    """Those that a page may ask for; `known` are all there are, if that is known."""
    queues = table.texts("queues", MAX_QUEUES)
    for index, queue in enumerate(queues):
        key = table.at("queues", index)
        if table.check_id(key, queue) and known is not None and queue not in known:
            table.problems.error(key, f"there is no queue {quoted(queue)}", "name one of [queues]")
    if not queues:
        table.problems.error(table.at("queues"), "there is none, so nobody could be served", "list at least one")
    return tuple(dict.fromkeys(queues))


def read_names(table: Table) -> dict[str, str]:
    """What customers see of agents, by id."""
    names = table.table("names")
    if len(names.raw) > MAX_NAMES:
        table.problems.error(table.at("names"), f"has {len(names.raw)} entries", f"{MAX_NAMES} at most")
    return {agent: names.text(agent, most=MAX_DISPLAY_NAME) for agent in names.raw}


def refuse(problems: Problems, more: tuple[str, ...] = ()) -> None:
    """Raise `ConfigError` with every problem, if there is any; `more`: those that were found elsewhere."""
    lines = [_line(each.key, each.reason, each.fix) for each in problems.located(lambda _key: 0).errors]
    if lines or more:
        raise ConfigError((*lines, *more))


def _line(key: str, reason: str, fix: str) -> str:
    return f"{key}: {reason}; {fix}" if fix else f"{key}: {reason}"
