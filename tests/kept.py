"""What our objects keep: how many entries there are in their containers, by class and attribute.

Owns the walk from one object to all that it leads to. Must not know what may grow.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Container, Iterator, Mapping
from functools import partial
from types import FunctionType, MethodType
from typing import Any

PACKAGES = ("acd", "acd_asterisk")
APART = ("acd.testing", "tests")
"""Doubles, which keep what they are told for the test."""


def kept(root: object, packages: Container[str] = PACKAGES) -> Counter[str]:
    """Entries by place: `View.ended`, `View.ended[]` for what is in there. Threads and tasks are not looked into.

    `packages`: whose objects are.
    """
    counts: Counter[str] = Counter()
    seen: set[int] = set()
    to_see = deque([(root, "")])
    while to_see:
        # The nearest first, so that what several know is counted where it belongs.
        here, place = to_see.popleft()
        if id(here) not in seen:
            seen.add(id(here))
            if isinstance(here, Mapping | list | deque | set):
                counts[place] += len(here)
            to_see.extend(_next(here, place, packages))
    return counts


def _next(here: Any, place: str, packages: Container[str]) -> Iterator[tuple[object, str]]:  # noqa: ANN401 - whatever there is
    if isinstance(here, Mapping):
        yield from ((each, f"{place}[]") for each in (*here.keys(), *here.values()))
    elif isinstance(here, list | tuple | deque | set | frozenset):
        yield from ((each, f"{place}[]") for each in tuple(here))
    elif isinstance(here, MethodType):
        yield here.__self__, place
    elif isinstance(here, partial):
        yield from ((each, place) for each in (here.func, *here.args, *here.keywords.values()))
    elif isinstance(here, FunctionType):
        yield from ((cell.cell_contents, place) for cell in here.__closure__ or () if _is_filled(cell))
    elif isinstance(here, asyncio.Queue):
        yield vars(here)["_queue"], place
    elif type(here).__module__.split(".")[0] in packages and not type(here).__module__.startswith(APART):
        name = type(here).__name__
        for attribute in _attributes(here):
            yield getattr(here, attribute, None), f"{name}.{attribute}"


def _attributes(here: object) -> Iterator[str]:
    yield from getattr(here, "__dict__", ())
    for kind in type(here).__mro__:
        slots = kind.__dict__.get("__slots__", ())
        yield from (slots,) if isinstance(slots, str) else slots


def _is_filled(cell: Any) -> bool:  # noqa: ANN401 - a cell
    try:
        return cell.cell_contents is not None
    except ValueError:
        return False
