"""Whether any agent whatsoever could pass a requirement.

Owns the decision. Must not know which agents there are. A test of a skill tells only some of the proficiencies 0 to 10
apart; so there are finitely many agents that a requirement tells apart. They are tried all at once as long as they are
few; else the requirement is written as alternatives, each with the proficiencies that it leaves for every skill.
"""

from collections.abc import Iterator, Mapping
from itertools import product
from math import prod
from typing import Final

import numpy as np

from acd.core import limits
from acd.core.expression import All, Either, Kind, Node, Not, all_of
from acd.core.matrix import Flags, Proficiencies, SkillMatrix

MAX_WORLDS: Final = 1 << 16
"""Agents that are tried at once."""

MAX_WAYS: Final = 4_096
"""Alternatives that a requirement is written as. Beyond them nothing is said against it."""

Name = tuple[Kind, str]
Way = dict[Name, frozenset[int]]
"""For every name the values that are left: proficiencies, or 1 for having a label or membership and 0 for not."""


def can_hold(node: Node) -> bool:
    """False only if no agent, whatever they hold, can pass."""
    operands = node.operands if isinstance(node, All) else (node,)
    return all(_can_hold_together(group) for group in _independent(operands))


def can_fail(node: Node) -> bool:
    """False only if every agent passes, whatever they hold."""
    return can_hold(Not(node))


def operands_of(node: Node) -> tuple[Node, ...]:
    """The parts that must all hold."""
    return node.operands if isinstance(node, All) else (node,)


def alternatives_of(node: Node) -> Iterator[tuple[Node, Node]]:
    """(an alternative in the requirement, the alternative with all that must hold besides)."""
    parts = operands_of(node)
    for part in parts:
        if isinstance(part, Either):
            rest = tuple(each for each in parts if each is not part)
            yield from ((each, all_of((*rest, each))) for each in part.operands)


def _can_hold_together(nodes: tuple[Node, ...]) -> bool:
    node = all_of(nodes)
    names = tuple(dict.fromkeys(node.names()))
    values = [_told_apart(node, name) for name in names]
    if prod(map(len, values)) <= MAX_WORLDS:
        return bool(node.mask(_Worlds(dict(zip(names, values, strict=True)))).any())
    try:
        return bool(_ways(node, wanted=True))
    except _TooManyWaysError:
        return True


def _independent(nodes: tuple[Node, ...]) -> list[tuple[Node, ...]]:
    """The nodes in groups that share no name: whether one group can hold has nothing to do with the others."""
    groups: list[tuple[set[Name], tuple[Node, ...]]] = []
    for node in nodes:
        names = set(node.names())
        members: tuple[Node, ...] = (node,)
        apart = []
        for group in groups:
            if group[0] & names:
                names, members = names | group[0], (*group[1], *members)
            else:
                apart.append(group)
        groups = [*apart, (names, members)]
    return [members for _, members in groups]


def _told_apart(node: Node, name: Name) -> list[int]:
    """One value of each kind that the tests of this name tell apart."""
    tests = [leaf for leaf in _leaves(node) if name in leaf.names()]
    kinds: dict[tuple[bool, ...], int] = {}
    for value in _values(name[0]):
        kinds.setdefault(tuple(_passes(test, value) for test in tests), value)
    return list(kinds.values())


def _values(kind: Kind) -> range:
    return range(limits.MAX_PROFICIENCY + 1) if kind == "skill" else range(2)


def _passes(leaf: Node, value: int) -> bool:
    """Whether an agent passes who has this value of the name that the leaf tests."""
    held = {name for _, name in leaf.names()} if value else set()
    return leaf.matches(dict.fromkeys(held, value), held, held)


def _leaves(node: Node) -> Iterator[Node]:
    if isinstance(node, Not):
        yield from _leaves(node.operand)
    elif isinstance(node, All | Either):
        for operand in node.operands:
            yield from _leaves(operand)
    else:
        yield node


class _Worlds(SkillMatrix):
    """Every agent that can be made of some values of some names, one per row."""

    __slots__ = ("_columns",)

    def __init__(self, values: Mapping[Name, list[int]]) -> None:
        super().__init__()
        self.rows = prod(map(len, values.values()))
        self._columns: dict[Name, Proficiencies] = {}
        inner = 1
        for name, each in values.items():
            column = np.repeat(np.array(each, dtype=np.int8), inner)
            inner *= len(each)
            self._columns[name] = np.tile(column, self.rows // inner)

    def skill(self, name: str) -> Proficiencies:
        """As `SkillMatrix.skill`."""
        return self._columns["skill", name]

    def label(self, name: str) -> Flags:
        """As `SkillMatrix.label`."""
        return self._columns["label", name].astype(np.bool_)

    def queue(self, name: str) -> Flags:
        """As `SkillMatrix.queue`."""
        return self._columns["queue", name].astype(np.bool_)


class _TooManyWaysError(Exception):
    """More than `MAX_WAYS`."""


def _ways(node: Node, *, wanted: bool) -> list[Way]:
    """All ways in which the node is as wanted. Raises `_TooManyWaysError`."""
    if isinstance(node, Not):
        return _ways(node.operand, wanted=not wanted)
    if isinstance(node, All | Either):
        parts = [_ways(operand, wanted=wanted) for operand in node.operands]
        ways = _joined(parts) if isinstance(node, All) is wanted else [way for part in parts for way in part]
    else:
        ways = _ways_of_leaf(node, wanted=wanted)
    if len(ways) > MAX_WAYS:
        raise _TooManyWaysError
    return ways


def _ways_of_leaf(leaf: Node, *, wanted: bool) -> list[Way]:
    names = tuple(leaf.names())
    if not names:
        return [{}] if leaf.matches({}, (), ()) is wanted else []
    ((kind, name),) = names
    left = frozenset(value for value in _values(kind) if _passes(leaf, value) is wanted)
    return [{(kind, name): left}] if left else []


def _joined(parts: list[list[Way]]) -> list[Way]:
    """One way of each part together, where that is possible."""
    ways: list[Way] = [{}]
    for part in parts:
        if len(ways) * len(part) > 16 * MAX_WAYS:
            raise _TooManyWaysError
        ways = [joined for one, other in product(ways, part) if (joined := _join(one, other)) is not None]
        if len(ways) > MAX_WAYS:
            raise _TooManyWaysError
    return ways


def _join(one: Way, other: Way) -> Way | None:
    joined = dict(one)
    for name, values in other.items():
        left = joined.get(name, values) & values
        if not left:
            return None
        joined[name] = left
    return joined
