"""Requirements as trees of tuples: rendered to text for the engine, evaluated here for the naive model.

Shares nothing with `acd.core.requirement`: neither its grammar nor its evaluation.
"""

from collections.abc import Collection, Mapping
from random import Random
from typing import Any

Tree = tuple[Any, ...]
"""("const", bool) · ("skill", name, operator, number) · ("swapped", number, operator, name) ·
("one-of", name, numbers) · ("has", name) · ("label", name) · ("queue", name) ·
("not", tree) · ("and", trees…) · ("or", trees…)"""

SYMBOLS = (">=", ">", "<=", "<", "==", "!=")


def holds(tree: Tree, skills: Mapping[str, int], labels: Collection[str], queues: Collection[str]) -> bool:
    kind = tree[0]
    if kind == "const":
        return bool(tree[1])
    if kind == "skill":
        return _compare(skills.get(tree[1], 0), tree[2], tree[3])
    if kind == "swapped":
        return _compare(tree[1], tree[2], skills.get(tree[3], 0))
    if kind == "one-of":
        return skills.get(tree[1], 0) in tree[2]
    if kind == "has":
        return skills.get(tree[1], 0) > 0
    if kind == "label":
        return tree[1] in labels
    if kind == "queue":
        return tree[1] in queues
    if kind == "not":
        return not holds(tree[1], skills, labels, queues)
    results = [holds(each, skills, labels, queues) for each in tree[1:]]
    return all(results) if kind == "and" else any(results)


def skills_of(tree: Tree) -> list[str]:
    """The distinct skills, in order of first appearance."""
    names: list[str] = []
    kind = tree[0]
    if kind in {"skill", "one-of", "has"}:
        names.append(tree[1])
    elif kind == "swapped":
        names.append(tree[3])
    elif kind in {"not", "and", "or"}:
        for each in tree[1:]:
            names.extend(skills_of(each))
    return list(dict.fromkeys(names))


def names_of(tree: Tree, kind: str) -> list[str]:
    """The distinct labels or queues, in order of first appearance."""
    if tree[0] == kind:
        return [tree[1]]
    if tree[0] in {"not", "and", "or"}:
        return list(dict.fromkeys(name for each in tree[1:] for name in names_of(each, kind)))
    return []


def render(tree: Tree, random: Random | None = None) -> str:
    """The text of a tree; with `random`, in one of its many spellings."""
    if random is None:
        return _render(tree, Random(0), plain=True)  # noqa: S311 - never drawn from
    text = _render(tree, random, plain=False)
    return text if random.random() < 0.5 else f" {text}\n"


def random_tree(
    random: Random, skills: Collection[str], labels: Collection[str], queues: Collection[str], depth: int = 2
) -> Tree:
    """A tree of a few operators, well within the limits."""
    if depth and random.random() < 0.5:
        kind = random.choice(("and", "or", "not"))
        size = 1 if kind == "not" else random.choice((2, 2, 3))
        return (kind, *(random_tree(random, skills, labels, queues, depth - 1) for _ in range(size)))
    return random_leaf(random, skills, labels, queues)


def random_leaf(random: Random, skills: Collection[str], labels: Collection[str], queues: Collection[str]) -> Tree:
    kind = random.choice(("const", "skill", "skill", "skill", "swapped", "one-of", "has", "label", "queue"))
    if kind == "const":
        return ("const", random.random() < 0.8)
    if kind == "label":
        return ("label", random.choice(sorted(labels)))
    if kind == "queue":
        return ("queue", random.choice(sorted(queues)))
    skill = random.choice(sorted(skills))
    symbol = random.choice(SYMBOLS)
    number = random.randrange(11)
    if kind == "skill":
        return ("skill", skill, symbol, number)
    if kind == "swapped":
        return ("swapped", number, symbol, skill)
    if kind == "one-of":
        return ("one-of", skill, tuple(random.randrange(11) for _ in range(random.randint(1, 4))))
    return ("has", skill)


def _compare(left: int, symbol: str, right: int) -> bool:
    return {
        ">=": left >= right,
        ">": left > right,
        "<=": left <= right,
        "<": left < right,
        "==": left == right,
        "!=": left != right,
    }[symbol]


def _render(tree: Tree, random: Random, *, plain: bool) -> str:
    kind = tree[0]
    gap = " " if plain else random.choice(("", " ", "  ", "\t", "\n"))
    if kind == "const":
        text = "true" if tree[1] else "false"
    elif kind == "skill":
        text = f"{_skill(tree[1], random, plain=plain)}{gap}{tree[2]}{gap}{tree[3]}"
    elif kind == "swapped":
        text = f"{tree[1]}{gap}{tree[2]}{gap}{_skill(tree[3], random, plain=plain)}"
    elif kind == "one-of":
        text = f"{_skill(tree[1], random, plain=plain)} in{gap}[{f',{gap}'.join(map(str, tree[2]))}]"
    elif kind == "has":
        text = f"has({_skill(tree[1], random, plain=plain)})"
    elif kind in {"label", "queue"}:
        text = f"{_quoted(tree[1], random, plain=plain)}{gap}in {kind}s"
    elif kind == "not":
        text = f"!({_render(tree[1], random, plain=plain)})"
    else:
        symbol = {"and": "&&", "or": "||"}[kind]
        parts = [_render(each, random, plain=plain) for each in tree[1:]]
        wrapped = [
            f"({part})" if each[0] in {"and", "or"} else part for each, part in zip(tree[1:], parts, strict=True)
        ]
        text = f"{gap}{symbol}{gap}".join(wrapped)
    return text if plain or random.random() < 0.8 else f"({text})"


def _skill(name: str, random: Random, *, plain: bool) -> str:
    dotted = name.isascii() and name.isidentifier() and name not in {"in", "has", "true", "false"}
    if dotted and (plain or random.random() < 0.7):
        return f"skills.{name}"
    return f"skills[{_quoted(name, random, plain=plain)}]"


def _quoted(name: str, random: Random, *, plain: bool) -> str:
    quote = '"' if plain else random.choice("\"'")
    written = []
    for character in name:
        if character in {"\\", quote}:
            written.append("\\" + character)
        elif character == "\n":
            written.append("\\n")
        elif not plain and ord(character) < 0x10000 and random.random() < 0.1:
            written.append(f"\\u{ord(character):04x}")
        else:
            written.append(character)
    return quote + "".join(written) + quote
