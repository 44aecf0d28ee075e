"""What a requirement means: a tree of tests, evaluated for one agent or for all at once.

Owns evaluation and the canonical spelling. Must not know how a requirement is read
(`requirement_grammar`) nor who asks. Nodes are immutable, and the tree is never deeper than
`limits.MAX_REQUIREMENT_NODES`, so recursion is safe.
"""

import operator
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any, Final, Literal, Protocol

import numpy as np
import numpy.typing as npt

from acd.core.matrix import SkillMatrix

Mask = npt.NDArray[np.bool_]
Kind = Literal["skill", "label", "queue"]

KEYWORDS: Final = frozenset({"skills", "labels", "queues", "has", "in", "true", "false"})
"""Words that cannot follow `skills.`; such a skill is written `skills["in"]`."""

SWAPPED: Final[dict[str, str]] = {">=": "<=", ">": "<", "<=": ">=", "<": ">", "==": "==", "!=": "!="}
"""`1 <= x` is `x >= 1`."""

_OPERATORS: Final[dict[str, Callable[[Any, int], Any]]] = {
    ">=": operator.ge,
    ">": operator.gt,
    "<=": operator.le,
    "<": operator.lt,
    "==": operator.eq,
    "!=": operator.ne,
}

_IDENTIFIER: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z")


class Node(Protocol):
    """One test of an agent."""

    @property
    def text(self) -> str:
        """The canonical spelling."""
        ...

    @property
    def size(self) -> int:
        """Operators and operands, itself included; repeated ones that were folded do not count."""
        ...

    def names(self) -> Iterator[tuple[Kind, str]]:
        """Every skill, label and queue named, in order of appearance."""
        ...

    def matches(self, skills: Mapping[str, int], labels: Collection[str], queues: Collection[str]) -> bool:
        """Whether one agent passes; a skill that is not in `skills` counts as 0."""
        ...

    def mask(self, matrix: SkillMatrix) -> Mask:
        """Which rows pass: bool, shape (rows,). The caller must not write to it."""
        ...


class Constant:
    """`true` or `false`."""

    __slots__ = ("text", "value")
    size: Final = 1

    def __init__(self, *, value: bool) -> None:
        self.value = value
        self.text = "true" if value else "false"

    def names(self) -> Iterator[tuple[Kind, str]]:
        """Nothing."""
        return iter(())

    def matches(self, skills: Mapping[str, int], labels: Collection[str], queues: Collection[str]) -> bool:  # noqa: ARG002
        """As `Node.matches`."""
        return self.value

    def mask(self, matrix: SkillMatrix) -> Mask:
        """As `Node.mask`."""
        return np.full(matrix.rows, self.value, dtype=np.bool_)


class Compare:
    """`skills.NAME OP INT`."""

    __slots__ = ("_test", "skill", "text", "value")
    size: Final = 3

    def __init__(self, skill: str, symbol: str, value: int) -> None:
        self.skill = skill
        self.value = value
        self.text = f"{spell_skill(skill)} {symbol} {value}"
        self._test = _OPERATORS[symbol]

    def names(self) -> Iterator[tuple[Kind, str]]:
        """The skill."""
        yield "skill", self.skill

    def matches(self, skills: Mapping[str, int], labels: Collection[str], queues: Collection[str]) -> bool:  # noqa: ARG002
        """As `Node.matches`."""
        return bool(self._test(skills.get(self.skill, 0), self.value))

    def mask(self, matrix: SkillMatrix) -> Mask:
        """As `Node.mask`."""
        mask: Mask = self._test(matrix.skill(self.skill), self.value)
        return mask


class OneOf:
    """`skills.NAME in [INT, …]`."""

    __slots__ = ("skill", "text", "values")

    def __init__(self, skill: str, values: frozenset[int]) -> None:
        self.skill = skill
        self.values = tuple(sorted(values))
        self.text = f"{spell_skill(skill)} in [{', '.join(map(str, self.values))}]"

    @property
    def size(self) -> int:
        """As `Node.size`."""
        return 2 + len(self.values)

    def names(self) -> Iterator[tuple[Kind, str]]:
        """The skill."""
        yield "skill", self.skill

    def matches(self, skills: Mapping[str, int], labels: Collection[str], queues: Collection[str]) -> bool:  # noqa: ARG002
        """As `Node.matches`."""
        return skills.get(self.skill, 0) in self.values

    def mask(self, matrix: SkillMatrix) -> Mask:
        """As `Node.mask`."""
        return np.isin(matrix.skill(self.skill), np.array(self.values, dtype=np.int8))


class Member:
    """`"x" in labels` or `"q" in queues`."""

    __slots__ = ("kind", "name", "text")
    size: Final = 3

    def __init__(self, name: str, kind: Literal["label", "queue"]) -> None:
        self.name = name
        self.kind: Literal["label", "queue"] = kind
        self.text = f"{spell(name)} in {kind}s"

    def names(self) -> Iterator[tuple[Kind, str]]:
        """The label or queue."""
        yield self.kind, self.name

    def matches(self, skills: Mapping[str, int], labels: Collection[str], queues: Collection[str]) -> bool:  # noqa: ARG002
        """As `Node.matches`."""
        return self.name in (labels if self.kind == "label" else queues)

    def mask(self, matrix: SkillMatrix) -> Mask:
        """As `Node.mask`."""
        return matrix.label(self.name) if self.kind == "label" else matrix.queue(self.name)


class Not:
    """`!operand`."""

    __slots__ = ("operand", "size", "text")

    def __init__(self, operand: Node) -> None:
        self.operand = operand
        self.size: int = operand.size + 1
        bare = isinstance(operand, Constant | Not)
        self.text = f"!{operand.text}" if bare else f"!({operand.text})"

    def names(self) -> Iterator[tuple[Kind, str]]:
        """The operand's."""
        return self.operand.names()

    def matches(self, skills: Mapping[str, int], labels: Collection[str], queues: Collection[str]) -> bool:
        """As `Node.matches`."""
        return not self.operand.matches(skills, labels, queues)

    def mask(self, matrix: SkillMatrix) -> Mask:
        """As `Node.mask`."""
        return ~self.operand.mask(matrix)


class _Joined:
    """Operands under one operator. Nested operands of the same operator and repeated ones are folded in."""

    __slots__ = ("operands", "size", "text")
    SYMBOL = ""

    def __init__(self, operands: tuple[Node, ...]) -> None:
        flat: dict[str, Node] = {}
        for operand in operands:
            for each in operand.operands if isinstance(operand, type(self)) else (operand,):
                flat.setdefault(each.text, each)
        self.operands = tuple(flat.values())
        self.size: int = sum(each.size for each in self.operands) + len(self.operands) - 1
        texts = (f"({each.text})" if isinstance(each, _Joined) else each.text for each in self.operands)
        self.text = f" {self.SYMBOL} ".join(texts)

    def names(self) -> Iterator[tuple[Kind, str]]:
        """The operands'."""
        for operand in self.operands:
            yield from operand.names()


class All(_Joined):
    """`a && b && …`."""

    __slots__ = ()
    SYMBOL = "&&"

    def matches(self, skills: Mapping[str, int], labels: Collection[str], queues: Collection[str]) -> bool:
        """As `Node.matches`."""
        return all(operand.matches(skills, labels, queues) for operand in self.operands)

    def mask(self, matrix: SkillMatrix) -> Mask:
        """As `Node.mask`."""
        mask = self.operands[0].mask(matrix)
        for operand in self.operands[1:]:
            mask = mask & operand.mask(matrix)
        return mask


class Either(_Joined):
    """`a || b || …`."""

    __slots__ = ()
    SYMBOL = "||"

    def matches(self, skills: Mapping[str, int], labels: Collection[str], queues: Collection[str]) -> bool:
        """As `Node.matches`."""
        return any(operand.matches(skills, labels, queues) for operand in self.operands)

    def mask(self, matrix: SkillMatrix) -> Mask:
        """As `Node.mask`."""
        mask = self.operands[0].mask(matrix)
        for operand in self.operands[1:]:
            mask = mask | operand.mask(matrix)
        return mask


def all_of(operands: tuple[Node, ...]) -> Node:
    """`a && b && …`; a single operand is itself, none at all is `true`."""
    return _join(All, operands) if operands else Constant(value=True)


def either_of(operands: tuple[Node, ...]) -> Node:
    """`a || b || …` of at least one operand."""
    return _join(Either, operands)


def spell_skill(name: str) -> str:
    """`skills.english`, or `skills["any name"]` where the dot will not do."""
    plain = _IDENTIFIER.match(name) and name not in KEYWORDS
    return f"skills.{name}" if plain else f"skills[{spell(name)}]"


def spell(name: str) -> str:
    """The name as a string literal of the grammar."""
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + re.sub(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]", lambda found: f"\\u{ord(found[0]):04x}", escaped) + '"'


def _join(kind: type[All] | type[Either], operands: tuple[Node, ...]) -> Node:
    joined = kind(operands)
    return joined if len(joined.operands) > 1 else joined.operands[0]
