"""Requirements mean what CEL says they mean: the same texts through somebody else's implementation of it.

There are three deliberate differences. A skill that an agent does not hold counts as 0 where CEL has no such key, and
`has()` asks for at least 1 where CEL asks for presence: the agents drawn here give CEL a world in which the two
readings are the same: every skill that is compared has a value, 0 if it is not held, and a skill that `has()` asks
for is either held or absent. And we allow `has(skills["any name"])`, which CEL spells `"any name" in skills`.
"""

import re
from random import Random
from typing import Any

import cel
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.core.requirement import parse
from acd.errors import RequirementError
from tests.core.naive_requirement import Tree, random_tree, render

SKILLS = ("english", "billing", "客服", 'a"b\\c', "x1")
LABELS = ("vip", "line\nfeed", "it's", "夜班")
QUEUES = ("sales", "支持")

HAS_ANY_NAME = re.compile(r"""has\(\s*skills\s*\[\s*("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')\s*\]\s*\)""")


@settings(max_examples=400, deadline=None)
@given(st.randoms(use_true_random=False))
def test_the_same_answer_as_cel(random: Random) -> None:
    tree = random_tree(random, SKILLS, LABELS, QUEUES, depth=random.choice((0, 1, 2, 3)))
    text = render(tree, random)
    compiled = cel.compile(HAS_ANY_NAME.sub(r"(\1 in skills)", text))
    requirement = parse(text)
    for _ in range(12):
        skills, world = draw_agent(random, tree)
        expected = compiled.execute(world)
        assert requirement.matches(skills, world["labels"], world["queues"]) is expected, (text, world)
        assert parse(requirement.canonical).matches(skills, world["labels"], world["queues"]) is expected, text


@pytest.mark.parametrize(
    "text",
    [
        "skills.english >=",
        "skills.english >= 5 &&",
        "(true",
        "true)",
        "'vip' in",
        "&& true",
        "skills. >= 5",
        "true true",
        "'vip",
        "skills[] > 1",
    ],
)
def test_what_cel_cannot_read_neither_can_we(text: str) -> None:
    with pytest.raises(ValueError, match=r".+"):
        cel.compile(text)
    with pytest.raises(RequirementError):
        parse(text)


def draw_agent(random: Random, tree: Tree) -> tuple[dict[str, int], dict[str, Any]]:
    """What an agent holds, and the same as the variables of a CEL programme."""
    skills = {name: random.randint(1, 10) for name in SKILLS if random.random() < 0.6}
    asked, compared = named(tree, "has"), named(tree, "skill", "swapped", "one-of")
    skills.update({name: random.randint(1, 10) for name in asked & compared})
    known = {name: 0 for name in SKILLS if name not in asked} | skills
    labels = [name for name in LABELS if random.random() < 0.5]
    queues = [name for name in QUEUES if random.random() < 0.5]
    return skills, {"skills": known, "labels": labels, "queues": queues}


def named(tree: Tree, *kinds: str) -> set[str]:
    """The skills that leaves of these kinds name."""
    kind = tree[0]
    if kind in {"not", "and", "or"}:
        return set[str]().union(*(named(each, *kinds) for each in tree[1:]))
    if kind not in kinds:
        return set()
    return {tree[3] if kind == "swapped" else tree[1]}
