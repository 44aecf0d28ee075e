"""Pages of long lists: a bounded number of rows, and a cursor to go on from.

Owns the parameters `limit` and `cursor`, and the opaque form of cursors. Must not know what is listed. A row that
comes or goes between two pages neither repeats nor hides another.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from heapq import nsmallest
from typing import Annotated, Final

from msgspec import Meta, Struct

from acd.api.problems import Problem

MAX_PAGE: Final = 500
"""Rows of one page."""

DEFAULT_PAGE: Final = 100
"""Rows of one page, unless `limit` says otherwise."""

Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE, description="Rows of one page.")]
Cursor = Annotated[str, Meta(max_length=1_000, description="`next_cursor` of the page before, unchanged.")]


class PageQuery(Struct, frozen=True):
    """Which page."""

    limit: Limit = DEFAULT_PAGE
    cursor: Cursor = ""


def page_by_id(ids: Iterable[str], query: PageQuery) -> tuple[list[str], str | None]:
    """One page of ids in order, and the cursor of the next one, if there is one. O(ids)."""
    limit = query.limit
    after = text_of(query.cursor) if query.cursor else ""
    page = nsmallest(limit + 1, (each for each in ids if each > after))
    return page[:limit], cursor_of(page[limit - 1]) if len(page) > limit else None


def order_of(cursor: str) -> int | None:
    """The number that a cursor stands for; None without a cursor."""
    if not cursor:
        return None
    text = text_of(cursor)
    if not re.fullmatch(r"-?[0-9]{1,19}", text):
        raise _not_ours()
    return int(text)


def cursor_of(text: str) -> str:
    """The opaque form of a row's id or number."""
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def text_of(cursor: str) -> str:
    """What `cursor_of` was given. Raises a Problem with 400."""
    try:
        return base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
    except (binascii.Error, ValueError):
        raise _not_ours() from None


def _not_ours() -> Problem:
    return Problem(400, "invalid-parameter", "cursor: take it unchanged from next_cursor.")
