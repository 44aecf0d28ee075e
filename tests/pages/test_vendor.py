"""What others have written and we keep a copy of: it is what it says it is, and its licences are beside it."""

import hashlib
import re
from pathlib import Path

import pytest

VENDOR = Path(__file__).parents[2] / "acd" / "pages" / "vendor"
NOTES = sorted(VENDOR.glob("*.txt"))


def test_every_copy_has_a_note() -> None:
    assert [path.stem for path in sorted(VENDOR.glob("*.js"))] == [path.stem for path in NOTES] != []
    assert {path.suffix for path in VENDOR.iterdir()} == {".js", ".txt"}


@pytest.mark.parametrize("note", NOTES, ids=lambda note: str(note.stem))
def test_it_is_what_the_note_says(note: Path) -> None:
    text, body = note.read_text(encoding="utf-8"), note.with_suffix(".js").read_bytes()
    (checksum,) = re.findall(r"^SHA-256: ([0-9a-f]{64})$", text, re.MULTILINE)
    assert hashlib.sha256(body).hexdigest() == checksum
    # Of each package in it: the version, npm's checksum, and the licence.
    packages = re.findall(r"^  ([\w-]+) (\d+\.\d+\.\d+)\n    sha512-[\w+/]{86}==$", text, re.MULTILINE)
    assert len(packages) >= 1
    parts = dict(zip(*[iter(re.split(r"^---- (.+)$", text, flags=re.MULTILINE)[1:])] * 2, strict=True))
    assert [name for name, _ in packages] == list(parts)
    for name, licence in parts.items():
        assert "Copyright (c)" in licence or "Copyright Joyent" in licence, name
        assert "without restriction" in " ".join(licence.split()), name


@pytest.mark.parametrize("note", NOTES, ids=lambda note: str(note.stem))
def test_it_makes_no_code_and_no_markup_of_texts(note: Path) -> None:
    """Which the pages' policy would stop anyway."""
    text = note.with_suffix(".js").read_text(encoding="utf-8")
    assert not re.search(r"innerHTML|outerHTML|document\.write|\beval\(|new Function|importScripts", text)
