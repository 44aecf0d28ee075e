"""The line of every key path, whatever way the TOML is written."""

import tomllib
from collections.abc import Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from acd.runtime.config.lines import MAX_DEPTH, Lines
from acd.runtime.config.problems import Key


def test_sections_dotted_keys_inline_tables_and_arrays_of_tables() -> None:
    text = """\
# a comment with [brackets] and a = sign
top = 1

[api]  # trailing
host = "127.0.0.1"
[[api.tokens]]
name = "one"
[[api.tokens]]
name = "two # not a comment"
limits.rate = 5

[agents."张伟"]
skills = { english = 8, "普通话" = 10 }
labels = [
  "vip",  # first

  "night",
]
[agents . 'bob']
text = \"\"\"
[not.a.header]
name = "no key"
\"\"\"
after = [ { a = 1 },
  { a = 2 } ]
"""
    tomllib.loads(text)
    lines = Lines(text)
    expected: dict[Key, int] = {
        (): 0,
        ("top",): 2,
        ("api",): 4,
        ("api", "host"): 5,
        ("api", "tokens"): 6,
        ("api", "tokens", 0): 6,
        ("api", "tokens", 0, "name"): 7,
        ("api", "tokens", 1): 8,
        ("api", "tokens", 1, "name"): 9,
        ("api", "tokens", 1, "limits"): 10,
        ("api", "tokens", 1, "limits", "rate"): 10,
        ("agents",): 12,
        ("agents", "张伟"): 12,
        ("agents", "张伟", "skills"): 13,
        ("agents", "张伟", "skills", "english"): 13,
        ("agents", "张伟", "skills", "普通话"): 13,
        ("agents", "张伟", "labels"): 14,
        ("agents", "张伟", "labels", 0): 15,
        ("agents", "张伟", "labels", 1): 17,
        ("agents", "bob"): 19,
        ("agents", "bob", "text"): 20,
        ("agents", "bob", "after"): 24,
        ("agents", "bob", "after", 0): 24,
        ("agents", "bob", "after", 0, "a"): 24,
        ("agents", "bob", "after", 1): 25,
        ("agents", "bob", "after", 1, "a"): 25,
    }
    assert {key: lines.line(key) for key in lines} == expected
    assert lines.duplicates == []


def test_a_key_that_is_not_there_is_on_the_line_of_the_table_around_it() -> None:
    lines = Lines("a = 1\n[b.c]\nd = 2\n")
    assert lines.line(("b", "c", "e", "f")) == 2
    assert lines.line(("x",)) == 0


def test_a_header_wins_over_an_earlier_mention_of_the_table() -> None:
    assert Lines("[a.b]\n[a]\n").line(("a",)) == 2


@pytest.mark.parametrize(
    ("text", "duplicate"),
    [
        ("a = 1\nb = 2\na = 3\n", (("a",), 1, 3)),
        ("[a]\n[b]\n[a]\nx = 1\n", (("a",), 1, 3)),
        ("a = { x = 1, x = 2 }\n", (("a", "x"), 1, 1)),
        ("[[a]]\nx = 1\n[[a]]\nx = 1\nx = 2\n", (("a", 1, "x"), 4, 5)),
    ],
)
def test_keys_written_twice(text: str, duplicate: tuple[Key, int, int]) -> None:
    with pytest.raises(tomllib.TOMLDecodeError):
        tomllib.loads(text)
    assert Lines(text).duplicates == [duplicate]


def test_windows_line_ends_and_escapes_in_keys() -> None:
    text = '"a\\u0062\\tc" = 1\r\n\r\n["\\"x\\\\"]\r\ny = """\r\n\r\n"""\r\nz = 2\r\n'
    assert set(tomllib.loads(text)) == {"ab\tc", '"x\\'}
    lines = Lines(text)
    assert lines.line(("ab\tc",)) == 1
    assert lines.line(('"x\\', "y")) == 4
    assert lines.line(('"x\\', "z")) == 7


def test_strings_that_end_in_quotes_do_not_swallow_what_follows() -> None:
    text = 'a = """one "" two"""""\nb = \'\'\'\'\'x\'\'\'\'\'\nc = ""\nd = \'\'\ne = "\\\\"\nf = 1\n'
    assert set(tomllib.loads(text)) == set("abcdef")
    lines = Lines(text)
    assert [lines.line((key,)) for key in "abcdef"] == [1, 2, 3, 4, 5, 6]


def test_depth_is_bounded() -> None:
    deep = "a = " + "[" * 100_000 + "]" * 100_000 + "\nb = 1\n"
    assert Lines(deep).line(("b",)) == 2
    nested = "a = " + "[" * (MAX_DEPTH - 1) + "1" + "]" * (MAX_DEPTH - 1) + "\nb = 1\n"
    assert Lines(nested).line(("b",)) == 2


# Generated documents: whatever the style, the line that is reported holds the key.

NAMES = st.text(st.sampled_from("abxyz019-_.#=[]{}\"'\\ ,\t张伟é🙂"), max_size=6)
SCALARS = st.one_of(
    st.integers(-9, 99).map(str),
    st.sampled_from(["true", "1.5", "1979-05-27T07:32:00Z", "'a # ] } ,'", '"] \\" # {"', '"""\n[x]\ny = 1\n\\"""']),
    st.sampled_from(["'''\n# no\n\"\"\"'''", "''", '""', '"""a"""""']),
)
BLANKS = st.sampled_from(["", "\n", "# [comment]\n", "\n  # x = 1\n\n"])


def spelled(name: str, *, plain: bool) -> str:
    """A key as TOML writes it: bare or literal where possible if `plain`, else basic with escapes."""
    if plain and name and all(char in "abxyz019-_" for char in name):
        return name
    if plain and "'" not in name:
        return f"'{name}'"
    return '"' + name.replace("\\", "\\\\").replace('"', '\\"').replace("\t", "\\t").replace("é", "\\u00e9") + '"'


@st.composite
def values(draw: st.DrawFn, depth: int = 0) -> str:
    kind = draw(st.sampled_from(["scalar", "array", "inline"] if depth < 3 else ["scalar"]))
    if kind == "scalar":
        return draw(SCALARS)
    if kind == "array":
        gap = draw(st.sampled_from([" ", "\n", " # ],\n", "\n\n"]))
        items = draw(st.lists(values(depth + 1), max_size=3))
        comma = draw(st.sampled_from(["", ","])) if items else ""
        return f"[{gap}{f'{gap},{gap}'.join(items)}{comma}{gap}]"
    names = draw(st.lists(NAMES, max_size=3, unique=True))
    pairs = [f"{spelled(name, plain=draw(st.booleans()))} = {draw(values(depth + 1))}" for name in names]
    return f"{{ {' , '.join(pairs)} }}"


@st.composite
def pairs_of(draw: st.DrawFn) -> str:
    text = ""
    for name in draw(st.lists(NAMES, max_size=4, unique=True)):
        rest = draw(st.lists(NAMES, max_size=2))
        dot = draw(st.sampled_from([".", " . ", "\t."]))
        key = dot.join(spelled(part, plain=draw(st.booleans())) for part in [name, *rest])
        before, after = draw(BLANKS) + draw(st.sampled_from(["", "  "])), draw(st.sampled_from(["", "  # c"]))
        text += f"{before}{key} = {draw(values())}{after}\n"
    return text


@st.composite
def documents(draw: st.DrawFn) -> str:
    text: str = draw(pairs_of())
    for _ in range(draw(st.integers(0, 5))):
        parts = [spelled(name, plain=draw(st.booleans())) for name in draw(st.lists(NAMES, min_size=1, max_size=3))]
        inner = draw(st.sampled_from([".", " . "])).join(parts)
        header = f"[[{inner}]]" if draw(st.booleans()) else f"[ {inner} ]"
        repeat = draw(st.integers(1, 2)) if header.startswith("[[") else 1
        for _ in range(repeat):
            text += f"{header}{draw(st.sampled_from(['', ' # ]', '  ']))}\n{draw(pairs_of())}"
    return text


def paths(value: object, key: Key = ()) -> Iterator[Key]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield (*key, name)
            yield from paths(inner, (*key, name))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield (*key, index)
            yield from paths(inner, (*key, index))


@settings(max_examples=300, deadline=None)
@given(documents(), st.sampled_from(["\n", "\r\n"]))
def test_the_reported_line_holds_the_key(text: str, newline: str) -> None:
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return  # the generator wrote a key twice; such texts are covered by the next test
    lines = Lines(text.replace("\n", newline))
    rows = text.split("\n")
    expected = list(paths(document))
    for key in expected:
        name = next((part for part in reversed(key) if isinstance(part, str)), None)
        row = rows[lines.line(key) - 1]
        if isinstance(key[-1], str):
            assert any(spelled(key[-1], plain=plain) in row for plain in (True, False)), (key, row)
        assert name is not None
        assert key in set(lines), key
    assert set(lines) == {(), *expected}
    assert lines.duplicates == []


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("ab.=[]{}\"'\\ ,#\n\r\t1张\x00"), max_size=80))
def test_no_text_makes_it_raise_or_hang(text: str) -> None:
    lines = Lines(text)
    for key in lines:
        assert 0 <= lines.line(key) <= text.count("\n") + 1
