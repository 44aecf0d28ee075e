"""Requirements: which agents may serve.

Owns reading, joining and evaluating them. Must not know agents, queues or classes: an agent is what
`matches` is given, or a row of a `SkillMatrix`. The grammar, a small subset of CEL:

    skills.english >= 5 && (skills["客服"] > 2 || "vip" in labels) && !("night" in queues)

`>= > <= < == !=` between a skill and a whole number (either way round), `skills.x in [3, 5]`,
`has(skills.x)` (at least 1), `"x" in labels`, `"q" in queues`, `true`, `false`, `! && ||` and
parentheses, binding in this order. A skill that an agent does not hold counts as 0.
"""

from collections.abc import Collection, Mapping
from functools import lru_cache
from typing import Final

from acd.core.expression import All, Compare, Constant, Kind, Mask, Node, all_of, either_of
from acd.core.matrix import SkillMatrix
from acd.core.requirement_grammar import read

CACHED: Final = 4_096
"""Texts whose requirement is kept, so that a repeated one is not read again."""


class Requirement:
    """A requirement, immutable. Two with the same `canonical` admit the same agents with the same fit.

    `text`: as it was written. `canonical`: one spelling for all that differ only in white space, redundant
    parentheses, quotes, the side of the number, or repetition. `skills`, `labels`, `queues`: distinct names in order
    of first appearance.
    """

    __slots__ = ("_node", "canonical", "labels", "queues", "skills", "text")

    def __init__(self, text: str, node: Node) -> None:
        """Use `parse` or `conjunction`."""
        names = tuple(node.names())
        self.text: Final = text
        self.canonical: Final = node.text
        self.skills: Final = _distinct(names, "skill")
        self.labels: Final = _distinct(names, "label")
        self.queues: Final = _distinct(names, "queue")
        self._node: Final = node

    @property
    def tree(self) -> Node:
        """What it means: nodes are immutable."""
        return self._node

    def matches(self, skills: Mapping[str, int], labels: Collection[str], queues: Collection[str]) -> bool:
        """Whether an agent with these skills (name → proficiency), labels and queue memberships may serve."""
        return self._node.matches(skills, labels, queues)

    def unmet(self, skills: Mapping[str, int], labels: Collection[str], queues: Collection[str]) -> list[str]:
        """The parts, in canonical spelling, that such an agent does not satisfy; a compared skill with their own."""
        parts = self._node.operands if isinstance(self._node, All) else (self._node,)
        return [
            f"{each.text} (has {skills.get(each.skill, 0)})" if isinstance(each, Compare) else each.text
            for each in parts
            if not each.matches(skills, labels, queues)
        ]

    def mask(self, matrix: SkillMatrix) -> Mask:
        """`matches` for every row: bool, shape (rows,). May be a view of the matrix: do not write to it."""
        return self._node.mask(matrix)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Requirement) and self.canonical == other.canonical

    def __hash__(self) -> int:
        return hash(self.canonical)

    def __repr__(self) -> str:
        return f"<Requirement {self.canonical}>"


@lru_cache(maxsize=CACHED)
def parse(text: str) -> Requirement:
    """Read a requirement. Raises `RequirementError`, which shows the place; empty text is an error."""
    return Requirement(text, read(text))


def conjunction(*texts: str) -> Requirement:
    """All of these must hold; an empty or white-space text asks nothing. Raises `RequirementError`."""
    parsed = [parse(text) for text in texts if text.strip()]
    asking = [each for each in parsed if each.canonical != "true"]
    if len(asking) == 1:
        return asking[0]
    node = all_of(tuple(each._node for each in asking))  # noqa: SLF001
    return Requirement(node.text, node)


def relaxed(alternatives: tuple[str, ...], own: str) -> Requirement:
    """One of the alternatives must hold (an empty one asks nothing), and `own` as in `conjunction`."""
    nodes = tuple(parse(text)._node if text.strip() else Constant(value=True) for text in alternatives)  # noqa: SLF001
    parts = [either_of(nodes)]
    if own.strip():
        parts.append(parse(own)._node)  # noqa: SLF001
    node = all_of(tuple(each for each in parts if each.text != "true"))
    return Requirement(node.text, node)


def _distinct(names: tuple[tuple[Kind, str], ...], kind: Kind) -> tuple[str, ...]:
    return tuple(dict.fromkeys(name for each, name in names if each == kind))
