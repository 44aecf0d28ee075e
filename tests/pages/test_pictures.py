"""The documentation's pictures are true: made anew, they show what is in the repository, word for word."""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pytest

from tests.pages.pictures import FOLDER, LARGEST, Picture, normal, pictures
from tests.pages.png import COLOURS, _chunk, _pixels, colours_of, size_of, small
from tests.pages.png import SIGNATURE as PNG

if TYPE_CHECKING:
    from bench.provision import Program

ROOT = FOLDER.parents[1]
REMEDY = "a page differs from its picture in the documentation: make screenshots, look at them, and commit them"


def committed(ending: str) -> dict[str, Path]:
    return {path.stem: path for path in sorted(FOLDER.glob(f"*{ending}"))}


@pytest.fixture(scope="module")
def made(program: Program) -> dict[str, Picture]:
    assert program.folder.exists()
    return {picture.name: picture for picture in pictures()}


def test_every_page_is_as_its_picture_shows_it(made: dict[str, Picture]) -> None:
    records = committed(".txt")
    assert set(made) == set(records), REMEDY
    for name, picture in made.items():
        before, now = records[name].read_text(encoding="utf-8"), picture.record()
        assert now.partition("\n")[2] == before.partition("\n")[2], f"{name}: {REMEDY}"


def test_pictures_made_anew_are_small_and_have_letters_for_every_language(made: dict[str, Picture]) -> None:
    assert all(1_000 < len(picture.image) < LARGEST for picture in made.values())
    assert "您好！有的，上周刚到货。您想订购吗？" in made["desk-conversation-zh"].shown
    assert "3 waiting (limit 3)" in made["wallboard"].shown


def test_each_picture_is_that_of_its_record() -> None:
    images, records = committed(".png"), committed(".txt")
    assert set(images) == set(records)
    assert len(images) >= 6
    for name, image in images.items():
        said = records[name].read_text(encoding="utf-8").splitlines()
        body = image.read_bytes()
        assert said[0] == f"sha256 {sha256(body).hexdigest()}", f"{name}: {REMEDY}"
        assert said[1] == "{} x {}".format(*size_of(body))
        assert len(body) < LARGEST, name


def test_every_picture_is_shown_and_told_to_whoever_does_not_see_it() -> None:
    shown = {
        target: words
        for page in ROOT.glob("*.md")
        for words, target in re.findall(r"!\[([^\]]*)\]\(examples/pictures/([^)]+)\.png\)", page.read_text())
    }
    assert set(shown) == set(committed(".png"))
    assert all(len(words.split()) >= 8 for words in shown.values())


def test_nothing_else_in_the_repository_is_a_picture_of_bytes() -> None:
    """What a person cannot read in a diff belongs here alone."""
    from tests.test_repository import tracked  # noqa: PLC0415 - it asks git when it is imported by tests that need it

    binary = {path for path in tracked() if b"\0" in path.read_bytes()[:4096]}
    assert binary == set(committed(".png").values())


def test_times_are_left_out_of_records_and_words_are_not() -> None:
    assert normal("p 0:59 left, since 12:30:01, 3 waiting") == "p 0:00 left, since 0:00, 3 waiting"
    assert normal("dd chat-da7443d7ece63dfe3d0a3df7") == "dd chat-…"
    assert normal("summary Nov 22, 2026, 12:30 · 2026年11月22日") == "summary day, 0:00 · day"


@pytest.mark.parametrize("filters", [0, 1, 2, 3, 4])
def test_a_small_picture_is_the_same_picture(filters: int) -> None:
    """By every filter of PNG, as long as there are no more colours than the palette has."""
    import struct  # noqa: PLC0415
    import zlib  # noqa: PLC0415

    pixels = np.random.default_rng(7).choice(np.array([0, 17, 200, 255], np.uint8), size=(9, 13, 3))
    rows = []
    above = np.zeros((13, 3), np.int64)
    for row in pixels.astype(np.int64):
        left = np.vstack([np.zeros((1, 3), np.int64), row[:-1]])
        corner = np.vstack([np.zeros((1, 3), np.int64), above[:-1]])
        guess = left + above - corner
        near = [np.abs(guess - each) for each in (left, above, corner)]
        paeth = np.where((near[0] <= near[1]) & (near[0] <= near[2]), left, np.where(near[1] <= near[2], above, corner))
        predicted = (np.zeros_like(row), left, above, (left + above) // 2, paeth)[filters]
        rows.append(bytes([filters]) + ((row - predicted) & 255).astype(np.uint8).tobytes())
        above = row
    header = _chunk(b"IHDR", struct.pack(">IIBBBBB", 13, 9, 8, 2, 0, 0, 0))
    written = PNG + header + _chunk(b"IDAT", zlib.compress(b"".join(rows))) + _chunk(b"IEND", b"")
    assert (_pixels(written) == pixels).all()
    made = small(written)
    assert size_of(made) == (13, 9)
    assert colours_of(made) <= COLOURS
