"""The file: whole lines only, whatever becomes of it, and what was written is found again."""

import os
from collections import Counter, deque
from collections.abc import Iterator
from pathlib import Path

import pytest

from acd.runtime.queue_log.file import LogFile, Place


@pytest.fixture
def file(tmp_path: Path) -> Iterator[LogFile]:
    file = LogFile(tmp_path / "queue_log")
    yield file
    file.close()


def line(number: int, at_s: int = 100) -> str:
    return f"{at_s}|c{number}|sales|NONE|ABANDON|1|1|{number}"


def write(file: LogFile, *lines: str) -> None:
    waiting = deque(lines)
    file.write(waiting)
    assert not waiting


def test_what_comes_after_a_place_is_found(file: LogFile) -> None:
    write(file, line(1), line(2))
    place = file.place()
    write(file, line(2), line(3), line(3))
    assert file.since(place, 100) == Counter({line(2).encode(): 1, line(3).encode(): 2})
    assert file.since(place, 101) == Counter()


def test_lines_of_other_programs_stay_between(file: LogFile, tmp_path: Path) -> None:
    write(file, line(1))
    with (tmp_path / "queue_log").open("a") as other:
        other.write(f"{line(9)}\n")
    write(file, line(2))
    assert (tmp_path / "queue_log").read_text().splitlines() == [line(1), line(9), line(2)]


@pytest.mark.parametrize("how", ["moved", "moved twice", "copied"])
def test_what_was_rotated_is_found(file: LogFile, tmp_path: Path, how: str) -> None:
    path = tmp_path / "queue_log"
    write(file, line(1))
    place = file.place()
    write(file, line(2))
    if how == "copied":
        (tmp_path / "queue_log.1").write_bytes(path.read_bytes())
        os.truncate(path, 0)
    else:
        path.rename(tmp_path / "queue_log.1")
    write(file, line(3))
    if how == "moved twice":
        (tmp_path / "queue_log.1").rename(tmp_path / "queue_log-20260101")
        path.rename(tmp_path / "queue_log.1")
        write(file, line(4))
    found = file.since(place, 100)
    assert found[line(2).encode()] == found[line(3).encode()] == 1
    assert found[line(4).encode()] == (how == "moved twice")
    assert [len(text) for text in path.read_text().splitlines()] == [len(line(3))]


def test_half_a_line_is_cut_off(file: LogFile, tmp_path: Path) -> None:
    write(file, line(1))
    with (tmp_path / "queue_log").open("a") as torn:
        torn.write(line(2)[:-4])
    assert file.since(Place(), 0) == Counter({line(1).encode(): 1})
    write(file, line(3))
    assert (tmp_path / "queue_log").read_text() == f"{line(1)}\n{line(3)}\n"


def test_what_cannot_be_read_is_passed_over(file: LogFile, tmp_path: Path) -> None:
    write(file, line(1))
    (tmp_path / "queue_log.2.gz").write_bytes(os.urandom(4_096))
    (tmp_path / "queue_log.d").mkdir()
    (tmp_path / "queue_log.3").write_text("no line\n|||\n12x|y\n")
    assert file.since(Place(), 0) == Counter({line(1).encode(): 1})


def test_a_full_disk_keeps_what_was_not_written() -> None:
    full = LogFile(Path("/dev/full"))
    waiting = deque([line(1), line(2)])
    with pytest.raises(OSError, match="No space left"):
        full.write(waiting)
    assert list(waiting) == [line(1), line(2)]
    full.close()


def test_a_new_file_is_for_us_and_for_our_group(file: LogFile, tmp_path: Path) -> None:
    write(file, line(1))
    assert (tmp_path / "queue_log").stat().st_mode & 0o137 == 0
