"""Requirements mean what they say, whatever their spelling, and a mistake is explained where it was made."""

import unicodedata
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.core import limits
from acd.core.matrix import SkillMatrix
from acd.core.requirement import Requirement, conjunction, parse
from acd.core.requirement_grammar import MAX_DEPTH
from acd.errors import RequirementError
from tests.core.naive_requirement import holds, names_of, random_tree, render, skills_of

SKILLS = ("english", "billing", "客服", 'a"b\\c', "in")
LABELS = ("vip", "line\nfeed", "it's")
QUEUES = ("sales", "支持")

Holdings = tuple[dict[str, int], set[str], set[str]]


def holdings(random: Random) -> Holdings:
    skills = {name: random.randint(1, 10) for name in SKILLS if random.random() < 0.6}
    return (
        skills,
        {name for name in LABELS if random.random() < 0.5},
        {name for name in QUEUES if random.random() < 0.5},
    )


@given(st.randoms(use_true_random=False))
def test_any_spelling_means_what_the_tree_means(random: Random) -> None:
    tree = random_tree(random, SKILLS, LABELS, QUEUES)
    requirement = parse(render(tree, random))
    for _ in range(10):
        skills, labels, queues = holdings(random)
        assert requirement.matches(skills, labels, queues) == holds(tree, skills, labels, queues), requirement.text
    assert list(requirement.skills) == skills_of(tree)
    assert list(requirement.labels) == names_of(tree, "label")
    assert list(requirement.queues) == names_of(tree, "queue")


@given(st.randoms(use_true_random=False))
def test_the_canonical_text_is_one_for_all_spellings_and_reads_back(random: Random) -> None:
    tree = random_tree(random, SKILLS, LABELS, QUEUES)
    plain = parse(render(tree))
    spelt = parse(render(tree, random))
    assert spelt.canonical == plain.canonical
    assert spelt == plain
    assert hash(spelt) == hash(plain)
    again = parse(plain.canonical)
    assert again.canonical == plain.canonical
    assert again.skills == plain.skills
    skills, labels, queues = holdings(random)
    assert again.matches(skills, labels, queues) == holds(tree, skills, labels, queues)


@given(st.randoms(use_true_random=False), st.integers(0, 9))
def test_the_mask_is_matches_for_every_row(random: Random, rows: int) -> None:
    matrix = SkillMatrix()
    everyone = [holdings(random) for _ in range(rows)]
    for row, (skills, labels, queues) in enumerate(everyone):
        matrix.set_row(row, skills.items(), labels, queues)
    for _ in range(5):
        requirement = parse(render(random_tree(random, SKILLS, LABELS, QUEUES), random))
        mask = requirement.mask(matrix)
        assert mask.dtype == bool
        assert mask.tolist() == [requirement.matches(*each) for each in everyone], requirement.text


@given(st.randoms(use_true_random=False))
def test_a_conjunction_asks_for_all_of_its_texts(random: Random) -> None:
    trees = [random_tree(random, SKILLS, LABELS, QUEUES) for _ in range(random.randint(0, 3))]
    joined = conjunction(*(render(tree, random) for tree in trees))
    for _ in range(10):
        skills, labels, queues = holdings(random)
        assert joined.matches(skills, labels, queues) == all(holds(tree, skills, labels, queues) for tree in trees)
    assert set(joined.skills) == {name for tree in trees for name in skills_of(tree)}


@pytest.mark.parametrize(
    ("text", "canonical"),
    [
        ("  skills.english>=5&&( skills.billing >= 3 || 'vip' in labels )", None),
        ("skills.english >= 5 && skills.english >= 5", "skills.english >= 5"),
        ("((skills.a > 1)) && (skills.b > 2 && skills.c > 3)", "skills.a > 1 && skills.b > 2 && skills.c > 3"),
        ("1 <= skills.a", "skills.a >= 1"),
        ("has(skills.a)", "skills.a >= 1"),
        ("skills['a'] in [5, 3, 5]", "skills.a in [3, 5]"),
        ("skills['any name'] == 2", 'skills["any name"] == 2'),
        ("skills['in'] == 2", 'skills["in"] == 2'),
        ("!!true", "!!true"),
        ("!(skills.a > 1 || 'q' in queues)", '!(skills.a > 1 || "q" in queues)'),
        ("'\\u5ba2\\u670d\\'\\n' in labels", '"客服\'\\u000a" in labels'),
    ],
)
def test_canonical_text(text: str, canonical: str | None) -> None:
    expected = canonical or 'skills.english >= 5 && (skills.billing >= 3 || "vip" in labels)'
    assert parse(text).canonical == expected


def test_precedence_is_not_then_and_then_or() -> None:
    requirement = parse("true || false && false")
    assert requirement.matches({}, (), ())
    assert not parse("(true || false) && false").matches({}, (), ())
    assert not parse("!true || false").matches({}, (), ())


def test_a_skill_that_is_not_held_counts_as_zero() -> None:
    assert parse("skills.french == 0").matches({"english": 3}, (), ())
    assert not parse("has(skills.french)").matches({"english": 3}, (), ())


def test_nothing_asked_is_true() -> None:
    assert conjunction().canonical == "true"
    assert conjunction("", "  \n").canonical == "true"
    assert conjunction("true", "skills.a > 1", "").canonical == "skills.a > 1"
    assert conjunction("skills.a > 1", "has(skills.b)").canonical == "skills.a > 1 && skills.b >= 1"
    assert conjunction("skills.a > 1 || true", "false").canonical == "(skills.a > 1 || true) && false"


def test_what_differs_in_meaning_differs_in_canonical_text() -> None:
    texts = [
        "skills.a > 1",
        "skills.a >= 1",
        "skills.b > 1",
        '"a" in labels',
        '"a" in queues',
        "true",
        "false",
        "!true",
    ]
    assert len({parse(text).canonical for text in texts}) == len(texts)


@pytest.mark.parametrize(
    ("text", "column", "problem"),
    [
        ("", 0, "the requirement is empty"),
        ("skills.english", 14, "compare it: skills.english >= 1"),
        ("skills.a && true", 9, "compare it: skills.a >= 1"),
        ("(skills['b c'])", 14, "compare it: skills['b c'] >= 1"),
        ("skill.english >= 1", 0, "did you mean skills?"),
        ('"vip" in label', 9, "did you mean labels?"),
        ("true and false", 5, "write && for 'and'"),
        ("true OR false", 5, "write || for 'or'"),
        ("not true", 0, "write ! for 'not'"),
        ("TRUE", 0, "write true in lower case"),
        ("skills.a not in [3]", 9, "write !(… in …) for 'not in'"),
        ("skills.a = 1", 9, "write == to compare"),
        ("skills.a => 1", 9, "write >="),
        ("skills.a > = 1", 11, "write >= without a space"),
        ("true & false", 5, "write && for 'and'"),
        ("（skills.a >= 1)", 0, "a full-width character; write ("),
        ("skills.a ＞= 1", 9, "a full-width character; write >"),
        ("“vip” in labels", 0, 'a typographic quote; write "'),
        ("＂vip＂ in labels", 0, 'a full-width character; write "'),
        ("true\u3000&& false", 4, "a full-width space"),
        ("skills.a ≥ 1", 9, "write >="),
        ("1 < skills.a < 5", 13, "comparisons cannot be chained"),
        ("skills.a < 5 < 7", 13, "comparisons cannot be chained"),
        ("vip in labels", 0, '"vip" in labels'),
        ("客户 in labels", 0, '"客户" in labels'),
        ("skills.英语 >= 3", 7, 'skills["英语"]'),
        ("skills.spanish-latam >= 2", 14, 'skills["spanish-latam"]'),
        ("skills.in >= 1", 7, 'skills["in"]'),
        ("skills.a >= 50", 12, "50 is no proficiency: they run from 1 to 10"),
        ("skills.a >= -1", 12, "-1 is no proficiency"),
        ("skills.a >= " + "9" * 500, 12, "is no proficiency"),
        ("skills.a in [3, 11]", 16, "11 is no proficiency"),
        ("skills.a in []", 13, "a list holds whole numbers"),
        ("skills.a in 3", 12, "after 'in' comes labels, queues"),
        ("skills.a >= 1.5", 13, "proficiencies are whole numbers"),
        ("skills.a >= '3'", 12, "without quotes"),
        ("skills.a >= skills.b", 12, "with a whole number"),
        ("skills >= 1", 7, "the skill's name is missing"),
        ("skills.", 7, "the skill's name is missing"),
        ("(true && (false", 15, "a closing parenthesis ) is missing"),
        ("true)", 4, "never opened"),
        ("()", 1, "nothing stands before it"),
        ("true &&", 7, "ends too early"),
        ("&& true", 0, "something is missing before &&"),
        ("true true", 5, "&& or || is missing before true"),
        ("!skills.a >= 1", 1, "! negates what is in parentheses"),
        ('"vip', 0, 'the quote " is never closed'),
        ('"vip"', 5, 'what the name belongs to is missing: "vip" in labels'),
        ('"a" in skills', 7, 'write has(skills.NAME) for "a" in skills'),
        ('"" in labels', 0, "the name is empty"),
        ('"a\\q" in labels', 2, "unknown escape \\q"),
        ('"\\ud800" in labels', 1, "is no character"),
        ("skills.a >=\n  1 ;", 16, 'unexpected ";"'),
        ("x" * 1_001, 1_000, "too long: 1001 characters, at most 1000"),
        ("(" * 1_000, MAX_DEPTH, "nested too deeply"),
    ],
)
def test_a_mistake_is_shown_where_it_is_with_what_to_write(text: str, column: int, problem: str) -> None:
    with pytest.raises(RequirementError) as caught:
        parse(text)
    assert problem in caught.value.problem
    assert caught.value.column == column
    lines = str(caught.value).split("\n")
    assert len(lines) == 3
    assert lines[2] == "  " + " " * column + "^"


def test_a_conjunction_reports_the_text_that_is_wrong() -> None:
    with pytest.raises(RequirementError) as caught:
        conjunction("skills.a > 1", "skills.b")
    assert caught.value.text == "skills.b"


@given(st.text(alphabet="skilabequ.()[]\"'\\!&|<>=,0159 英（。\n\t\x00", max_size=60))
def test_any_text_is_read_or_refused_with_a_place(text: str) -> None:
    caught: RequirementError | None = None
    try:
        requirement = parse(text)
        assert parse(requirement.canonical).canonical == requirement.canonical
    except RequirementError as error:
        caught = error
    if caught is not None:
        assert caught.problem
        assert 0 <= caught.column <= len(text)
        assert len(str(caught).split("\n")) == 3


def test_the_number_of_operators_and_operands_is_bounded() -> None:
    clauses = [f"skills.a{number}>1" for number in range(26)]  # three each, and an operator between
    assert len(parse("||".join(clauses[:25])).skills) == 25
    with pytest.raises(RequirementError, match=f"at most {limits.MAX_REQUIREMENT_NODES}"):
        parse("||".join(clauses))
    assert parse("||".join(clauses[:1] * 70)).canonical == "skills.a0 > 1"
    negations = "!" * (limits.MAX_REQUIREMENT_NODES - 1) + "true"
    assert not parse(negations).matches({}, (), ())
    with pytest.raises(RequirementError, match="too complex"):
        parse("!" + negations)
    with pytest.raises(RequirementError, match="too complex"):
        parse("!" * 900 + "true")


def test_parentheses_inside_quotes_are_not_counted() -> None:
    name = "(" * 100
    assert parse(f'"{name}" in labels').labels == (name,)
    assert parse("(" * MAX_DEPTH + "true" + ")" * MAX_DEPTH).canonical == "true"


def test_a_name_has_at_most_the_length_of_an_id() -> None:
    name = "语" * limits.MAX_ID
    assert parse(f'"{name}" in labels').matches({}, {name}, ())
    with pytest.raises(RequirementError, match="too long: 129 characters"):
        parse(f'"{name}语" in labels')


def test_every_full_width_symbol_is_named() -> None:
    for code in range(0xFF01, 0xFF5F):
        twin = unicodedata.normalize("NFKC", chr(code))
        if twin.isalnum() or twin == "_":
            continue
        with pytest.raises(RequirementError) as caught:
            parse(f"true {chr(code)}")
        assert caught.value.problem.endswith(f"a full-width character; write {twin}")


def test_reading_the_same_text_again_gives_the_same_object() -> None:
    assert parse("skills.cached > 3") is parse("skills.cached > 3")
    assert isinstance(parse("true"), Requirement)
    assert repr(parse("( true )")) == "<Requirement true>"
