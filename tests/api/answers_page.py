"""The answers in the OpenAPI document: what the examples of all routes are really answered, on a fresh system each.

    python -m tests.api.answers_page            asks, and writes them beside the document's other parts
    python -m tests.api.answers_page NAME …     only those of these routes

Owns what is left out of an answer that is too long to be read, and what differs from one time to the next.
"""

import asyncio
import json
import re
import sys
from collections.abc import Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from aiohttp import ClientSession

from acd.api.routes import Example, Route
from acd.api.table import ROUTES
from tests.api.harness import example_body, example_headers, example_url, living, steps_before

FILE: Final = Path(__file__).parents[2] / "acd" / "api" / "docs" / "answers.json"
COMMAND: Final = "python -m tests.api.answers_page"
MOST_CHARACTERS: Final = 4_000
"""Longer answers are no example to anybody."""

LEFT_OUT: Final = frozenset({"readyz", "list_webhooks", "ping_webhook", "issue_ticket"})
"""Their answers depend on how far something else has got, or are secret."""

_MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z")
_DURATION = re.compile(r"\b\d+(?:\.\d+)? (?:µs|ms|s|min)\b")
_DRAWN = re.compile(r"[0-9a-f]{8,}|[A-Za-z0-9_-]{30,}")
"""Ids, hashes, marks of cursors and tickets."""


async def call(session: ClientSession, route: Route, example: Example) -> tuple[int, str, Any]:
    """Do what the example of the route says; returns status, media type and body."""
    body, headers = example_body(example), example_headers(example)
    async with session.request(route.method, example_url(route, example), data=body, headers=headers) as response:
        text = await response.text()
        found = json.loads(text) if response.content_type.endswith("json") else text
        return response.status, response.content_type, found


def plain(value: Any, name: str = "") -> Any:  # noqa: ANN401 - JSON
    """An answer without what differs from one time to the next: moments, durations, what was drawn by chance."""
    if isinstance(value, dict):
        return {key: plain(each, key) for key, each in value.items()}
    if isinstance(value, list):
        return [plain(each, name) for each in value]
    if isinstance(value, str):
        drawn = name in {"next_cursor", "customer", "reference"}
        return "?" if drawn else _DRAWN.sub("?", _DURATION.sub("?", _MOMENT.sub("?", value)))
    return "?" if name.endswith(("seconds", "_us")) and value is not None else value


def written() -> dict[str, Any]:
    """The answers as they are in the file, by the names of their routes."""
    found: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
    return found


async def write(names: Iterable[str]) -> None:
    """Ask, and put what is short enough into the file."""
    wanted = frozenset(names)
    found = written() if FILE.exists() else {}
    for route in ROUTES:
        if wanted and route.name not in wanted:
            continue
        found.pop(route.name, None)
        with TemporaryDirectory() as folder:
            async with living(Path(folder)) as address, ClientSession(address) as session:
                for before, example in steps_before(route):
                    await call(session, before, example)
                status, media, body = await call(session, route, route.example)
        short = len(json.dumps(body)) <= MOST_CHARACTERS
        whole = status == route.status and media == "application/json" and short
        if whole and route.answer is not None and route.name not in LEFT_OUT and route.tag != "documentation":
            found[route.name] = body
    order = {route.name: place for place, route in enumerate(ROUTES)}
    known = {name: found[name] for name in sorted(found.keys() & order.keys(), key=order.__getitem__)}
    FILE.write_text(json.dumps(known, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(write(sys.argv[1:]))
