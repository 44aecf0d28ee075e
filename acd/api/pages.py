"""Pages of long lists: a bounded number of rows, and a cursor to go on from.

Owns the parameters `limit` and `cursor`, and the opaque form of cursors. Must not know what is listed. A row that
comes or goes between two pages neither repeats nor hides another. A cursor is good for as long as somebody cares to go
on, over restarts and configurations: where rows go by id, everywhere; where they go by a number of the journal's, in
that journal, for which it has the mark of the life in which it was handed out.
"""

import base64
import binascii
import re
from collections.abc import Iterable
from heapq import nsmallest
from typing import Annotated, Final

from msgspec import Meta, Struct

from acd.api.problems import Problem
from acd.runtime.events.lives import MARK_DIGITS, Lives

MAX_PAGE: Final = 500
"""Rows of one page."""

DEFAULT_PAGE: Final = 100
"""Rows of one page, unless `limit` says otherwise."""

Limit = Annotated[int, Meta(ge=1, le=MAX_PAGE, description="Rows of one page.")]
Cursor = Annotated[str, Meta(max_length=1_000, description="`next_cursor` of the page before, unchanged.")]


_NUMBER: Final = re.compile(rf"(-?[0-9]{{1,19}})(?:@([0-9a-f]{{{MARK_DIGITS}}}))?", re.ASCII)


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


async def order_of(cursor: str, lives: Lives) -> int | None:
    """The number that a cursor stands for; None without a cursor. Raises a Problem with 400 for another journal's."""
    if not cursor:
        return None
    found = _NUMBER.fullmatch(text_of(cursor))
    if found is None:
        raise _not_ours()
    if not await lives.has(found[2] or "", 0):
        reason = "cursor: is another journal's, or of what was lost with an older copy; begin anew without it."
        raise Problem(400, "invalid-parameter", reason)
    return int(found[1])


def cursor_of_order(number: int, lives: Lives) -> str:
    """The opaque form of a number of the journal's."""
    return cursor_of(f"{number}@{lives.mark}" if lives.mark else str(number))


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
