"""Whether the document says of a route that it may answer so: asked of every answer that a test's client gets.

Whatever role and limits the token has: what schemathesis sees is asked by one token.
"""

import re
from functools import cache
from urllib.parse import urlsplit

from acd.api.openapi import document
from acd.api.table import ROUTES


def assert_documented(method: str, url: str, status: int) -> None:
    """Fail when a route answers what its part of the document does not name. What is no route of ours passes."""
    path = urlsplit(url).path
    for pattern, known, statuses in _known():
        if known == method and pattern.fullmatch(path):
            assert str(status) in statuses, f"{method} {path} answered {status}, which the document does not name"
            return


@cache
def _known() -> list[tuple[re.Pattern[str], str, frozenset[str]]]:
    """Path, method and statuses of each route; paths without names come first, as in the application."""
    paths = document(ROUTES)["paths"]
    return [
        (
            re.compile(re.sub(r"\\{\w+\\}", "[^/]+", re.escape(route.path))),
            route.method,
            frozenset(paths[route.path][route.method.lower()]["responses"]),
        )
        for route in sorted(ROUTES, key=lambda route: "{" in route.path)
    ]
