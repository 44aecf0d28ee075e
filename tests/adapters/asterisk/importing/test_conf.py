"""Files of Asterisk are read as Asterisk reads them; what cannot be known from them is said."""

import os
from pathlib import Path

import pytest

from acd.errors import ConfigError
from acd_asterisk.importing.conf import MAX_DEPTH, parse_conf, read_conf


def said(text: str) -> list[tuple[str, list[tuple[str, str]]]]:
    return [
        (each.name, [(entry.name, entry.value) for entry in each.entries]) for each in parse_conf(text, "q").sections
    ]


def refused(*paths: Path, encoding: str = "utf-8") -> tuple[str, ...]:
    with pytest.raises(ConfigError) as caught:
        read_conf(paths, encoding)
    return caught.value.problems


def test_names_and_values_are_trimmed_and_arrows_are_equals() -> None:
    assert said("[ a b ]\n x = 1 \ny=>2\nz => a = b\n") == [(" a b ", [("x", "1"), ("y", "2"), ("z", "a = b")])]


def test_comments_end_lines_span_lines_and_can_be_escaped() -> None:
    text = "[a] ; x\nm = 1 ; y\n;--\n[b]\nn = 2\n;-- inner --;\n--; o = 3\n;--- only a line\np = 4\\;5\n"
    assert said(text) == [("a", [("m", "1"), ("o", "3"), ("p", "4;5")])]


def test_templates_are_no_sections_and_what_is_said_later_comes_later() -> None:
    text = "[base](!)\nx=1\ny=1\n[other](!)\nz=3\n[a](base,other)\nx=2\n[b](a)\ny+=0\n"
    assert said(text) == [
        ("a", [("x", "1"), ("y", "1"), ("z", "3"), ("x", "2")]),
        ("b", [("x", "1"), ("y", "10"), ("z", "3"), ("x", "2")]),
    ]


def test_a_section_can_be_added_to() -> None:
    assert said("[a]\nx=1\n[b]\ny=2\n[a](+)\nz=3\n") == [("a", [("x", "1"), ("z", "3")]), ("b", [("y", "2")])]


def test_lines_that_asterisk_passes_over_are_noted() -> None:
    document = parse_conf("[a]\nnonsense\n#pragma once\nx=1\n", "queues.conf")
    assert document.notes == (
        'queues.conf:2: Asterisk passes over "nonsense": it has no =',
        'queues.conf:3: Asterisk passes over "#pragma once": there is no such directive',
    )
    assert said("[a]\nnonsense\nx=1\n") == [("a", [("x", "1")])]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("x=1\n", 'q:1: "x=1" stands in no section; Asterisk does not load such a file'),
        ("[a\nx=1\n", "q:1: a section's name is not closed; write it like [name]"),
        ("[a](+)\n", 'q:1: there is no section "a" that (+) could add to'),
        (
            "[a](b)\n",
            'q:1: [a] is made from "b", and there is no such section above it; Asterisk does not load such a file',
        ),
        ("[a]\n#exec /bin/true\n", "q:2: #exec runs a program, which an import does not; put what it prints into its"),
    ],
)
def test_what_cannot_be_read_is_said(text: str, reason: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_conf(text, "q")
    assert caught.value.problems[0].startswith(reason)


def test_includes_are_read_in_their_place_from_the_folder_of_the_file(tmp_path: Path) -> None:
    (tmp_path / "queues.d").mkdir()
    (tmp_path / "queues.d" / "b.conf").write_text("[b]\nx=2\n")
    (tmp_path / "queues.d" / "a.conf").write_text("[a]\nx=1\n")
    (tmp_path / "queues.conf").write_text('[top]\n#include "queues.d/*.conf"\n#tryinclude gone.conf\ny=3\n')
    sections = read_conf([tmp_path / "queues.conf"]).sections
    assert [(each.name, [entry.name for entry in each.entries]) for each in sections] == [
        ("top", []),
        ("a", ["x"]),
        ("b", ["x", "y"]),
    ]
    assert sections[1].entries[0].file == str(tmp_path / "queues.d" / "a.conf")


def test_includes_that_lead_away_or_nowhere_or_round_are_refused(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = tmp_path / "in" / "queues.conf"
    path.write_text("#include ../secret.conf\n#include gone.conf\n")
    (tmp_path / "secret.conf").write_text("[a]\n")
    first, second = refused(path)
    assert first.startswith(f'{path}:1: "../secret.conf" is outside of the folder {path.parent}; copy it beside')
    assert second.startswith(f'{path}:2: there is no "gone.conf" in {path.parent}; copy it there')
    path.write_text("#include queues.conf\n")
    (only,) = refused(path)
    assert f"more than {MAX_DEPTH} deep" in only


@pytest.mark.parametrize("name", ["a**b", "a\0b", "x" * 5_000])
def test_what_can_be_no_file_is_said(name: str, tmp_path: Path) -> None:
    (tmp_path / "queues.conf").write_text(f"#include {name}\n")
    (problem,) = refused(tmp_path / "queues.conf")
    assert problem.startswith(f"{tmp_path / 'queues.conf'}:1: ")
    assert problem.endswith("cannot be the name of a file; take the line out")


def test_only_files_are_included(tmp_path: Path) -> None:
    (tmp_path / "queues.d" / "folder.conf").mkdir(parents=True)
    os.mkfifo(tmp_path / "queues.d" / "pipe.conf")
    (tmp_path / "queues.d" / "file.conf").write_text("[a]\n")
    (tmp_path / "queues.conf").write_text("#include queues.d/*.conf\n")
    assert [each.name for each in read_conf([tmp_path / "queues.conf"]).sections] == ["a"]


def test_a_file_that_has_been_included_is_not_read_again(tmp_path: Path) -> None:
    (tmp_path / "queues.conf").write_text("#include queues_more.conf\n")
    (tmp_path / "queues_more.conf").write_text("[a]\nx=1\n")
    document = read_conf([tmp_path / "queues.conf", tmp_path / "queues_more.conf"])
    assert [each.name for each in document.sections] == ["a"]
    assert document.notes == (f"{tmp_path / 'queues_more.conf'} is included by a file before it, and was read there",)


def test_files_in_gbk_are_recognised_and_can_be_read(tmp_path: Path) -> None:
    path = tmp_path / "queues.conf"
    path.write_bytes("[6000]\nmember = PJSIP/1,0,张伟\n".encode("gb18030"))
    (problem,) = refused(path)
    assert problem == (
        f"{path}:2: is not UTF-8; as GB18030 (GBK) this line says "
        '"member = PJSIP/1,0,张伟": if that is right, add --encoding gb18030'
    )
    (section,) = read_conf([path], "gb18030").sections
    assert section.entries[0].value == "PJSIP/1,0,张伟"
    path.write_bytes(b"[a]\nx = \xff\xff\n")
    assert refused(path)[0].endswith("name the encoding that it was written in, like --encoding latin-1")


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    (problem,) = refused(tmp_path / "queues.conf")
    assert problem == (
        f"{tmp_path / 'queues.conf'}: cannot be read (No such file or directory); name a file that this user may read"
    )
