"""Lines handed on to a PBX's own log: in order, once, over rotation, restarts and a PBX that is away."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from acd.errors import ChannelError
from acd.ports.queue_log import LineRefused
from acd.runtime.config.load import check_text
from acd.runtime.queue_log import onward
from acd.runtime.queue_log.onward import Onward, Place

PATIENCE_SECONDS = 10.0


class Taker:
    """A PBX's side: `refuses` so many times, then takes."""

    def __init__(self, refuses: int = 0) -> None:
        self.refuses = refuses
        self.lines: list[str] = []
        self.asked = 0

    async def take_queue_log(self, line: str) -> None:
        self.asked += 1
        await asyncio.sleep(0)
        if self.asked <= self.refuses:
            raise ChannelError("away")
        if line == "#":
            raise LineRefused("it has no queue")
        self.lines.append(line)


@asynccontextmanager
async def handing(log: Path, taker: object) -> AsyncIterator[Onward]:
    it = Onward(log, log.with_name("kept"), "pbx", lambda: taker)
    await it.start()
    try:
        yield it
    finally:
        await it.close()
        await it.close()


def write(log: Path, *lines: str, end: str = "") -> None:
    with log.open("a") as file:
        file.writelines(f"{line}\n" for line in lines)
        file.write(end)


def rotate(log: Path) -> None:
    log.rename(log.with_name("queue_log.1"))


def restore(log: Path) -> None:
    """The same again, in another file."""
    text = log.read_text()
    log.rename(log.with_name("elsewhere"))
    log.write_text(text)


def compress(log: Path) -> None:
    """As rotation does."""
    log.with_name("queue_log.1.gz").write_bytes(b"compressed")
    log.rename(log.with_name("elsewhere"))


async def taken(taker: Taker, *lines: str) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while len(taker.lines) < len(lines):
            await asyncio.sleep(0)
    assert tuple(taker.lines) == lines


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "queue_log"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(onward, "FIRST_PAUSE_US", 1_000)


async def test_from_now_on_and_in_order(log: Path) -> None:
    write(log, "of an earlier life")
    taker = Taker()
    async with handing(log, taker) as it:
        write(log, "1", "2")
        it.tell()
        await taken(taker, "1", "2")
        write(log, "3")
        it.tell()
        await taken(taker, "1", "2", "3")


async def test_what_was_not_taken_comes_again_and_nothing_else(log: Path) -> None:
    taker = Taker(refuses=3)
    async with handing(log, taker) as it:
        write(log, "1", "2")
        it.tell()
        await taken(taker, "1", "2")
    assert taker.asked == 5


async def test_lines_wait_over_a_restart(log: Path) -> None:
    write(log, "0")
    first, second = Taker(), Taker()
    async with handing(log, first) as it:
        write(log, "1")
        it.tell()
        await taken(first, "1")
    write(log, "2", "3")
    async with handing(log, second):
        await taken(second, "2", "3")


async def test_lines_wait_over_a_rotation_while_away(log: Path) -> None:
    taker = Taker()
    async with handing(log, taker) as it:
        write(log, "1")
        it.tell()
        await taken(taker, "1")
    write(log, "2")
    rotate(log)
    write(log, "3")
    async with handing(log, taker):
        await taken(taker, "1", "2", "3")


async def test_a_rotation_without_a_new_file(log: Path) -> None:
    taker = Taker()
    async with handing(log, taker) as it:
        write(log, "1")
        it.tell()
        await taken(taker, "1")
    write(log, "2")
    rotate(log)
    async with handing(log, taker) as it:
        await taken(taker, "1", "2")
        write(log, "3")
        it.tell()
        await taken(taker, "1", "2", "3")


async def test_a_rotation_while_running(log: Path) -> None:
    taker = Taker()
    async with handing(log, taker) as it:
        write(log, "1")
        it.tell()
        await taken(taker, "1")
        rotate(log)
        write(log, "2")
        it.tell()
        await taken(taker, "1", "2")


async def test_half_a_line_waits_for_its_end(log: Path) -> None:
    place = Place(log, log.with_name("kept"))
    place.open()
    assert place.next() is None
    write(log, "1", end="2")
    assert place.next() == "1"
    assert place.next() == "1"
    place.taken()
    assert place.next() is None
    write(log, "")
    assert place.next() == "2"
    place.close()


async def test_a_line_that_never_can_be_taken_is_left_out(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    taker = Taker()
    async with handing(log, taker) as it:
        write(log, "1", "#", "2")
        it.tell()
        await taken(taker, "1", "2")
    captured = capsys.readouterr()
    assert "left out" in captured.out + captured.err


async def test_nothing_comes_again_of_what_a_power_failure_has_taken(log: Path) -> None:
    taker = Taker()
    async with handing(log, taker) as it:
        write(log, "1", "2", "3")
        it.tell()
        await taken(taker, "1", "2", "3")
    with log.open("r+") as file:
        file.truncate(len("1\n2"))
    async with handing(log, taker) as it:
        # As the log does then: half a line goes.
        with log.open("r+") as file:
            file.truncate(len("1\n"))
        write(log, "4")
        it.tell()
        await taken(taker, "1", "2", "3", "4")


async def test_nothing_comes_again_of_a_log_that_was_restored(log: Path) -> None:
    taker = Taker()
    async with handing(log, taker) as it:
        write(log, "1", "2")
        it.tell()
        await taken(taker, "1", "2")
    restore(log)
    async with handing(log, taker) as it:
        write(log, "3")
        it.tell()
        await taken(taker, "1", "2", "3")


async def test_what_came_after_a_rotation_is_handed_on_when_the_old_file_is_no_more(log: Path) -> None:
    taker = Taker()
    async with handing(log, taker) as it:
        write(log, "1")
        it.tell()
        await taken(taker, "1")
    compress(log)
    write(log, "2")
    async with handing(log, taker):
        await taken(taker, "1", "2")


@pytest.mark.parametrize("text", ["\0" * 42, "torn", "12 -5"])
async def test_a_mark_that_cannot_be_read_is_none(log: Path, text: str) -> None:
    write(log, "1")
    log.with_name("kept").write_text(text)
    taker = Taker()
    async with handing(log, taker) as it:
        write(log, "2")
        it.tell()
        await taken(taker, "2")


async def test_a_mark_that_cannot_be_opened_keeps_nobody_waiting(log: Path) -> None:
    write(log, "of an earlier life")
    kept = log.with_name("kept")
    kept.mkdir()
    taker = Taker()
    async with asyncio.timeout(PATIENCE_SECONDS), handing(log, taker):
        write(log, "1")
        kept.rmdir()
        await taken(taker, "1")


async def test_who_takes_no_lines_is_named(log: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with handing(log, None) as it:
        write(log, "1")
        it.tell()
        said = ""
        async with asyncio.timeout(PATIENCE_SECONDS):
            while "there is no AMI in its section" not in said:
                await asyncio.sleep(0)
                captured = capsys.readouterr()
                said += captured.out + captured.err


def test_a_channel_that_is_not_there() -> None:
    report = check_text('[queue_log]\nami = "pbx2"\n[channels.pbx1]\ntype = "simulated"\n')
    (error,) = report.errors
    assert (error.key, error.reason) == ("queue_log.ami", '"pbx2" is no channel instance')
    assert "pbx1" in error.fix
