"""The media process itself: what it leaves to the next one when it cannot go on, and what it is not told."""

import asyncio
import subprocess
import sys
from pathlib import Path

import pytest

from acd_webrtc.recording import process
from acd_webrtc.recording.process import TOO_LARGE, Process
from acd_webrtc.recording.supervisor import MediaProcess
from acd_webrtc.recording.tape import Tape
from acd_webrtc.recording.wire import REPORTS, Answer, Begin, Frames, Ping, Prepare, Report, framed

PATIENCE_SECONDS = 60.0


class Output:
    """Whoever reads what it says."""

    def __init__(self) -> None:
        self.said: list[Report] = []

    def is_closing(self) -> bool:
        return False

    def write(self, data: bytes) -> None:
        self.said += [REPORTS.decode(each) for each in Frames().feed(data)]

    async def drain(self) -> None:
        pass


def recording(folder: Path) -> tuple[Process, Output]:
    """One talk is being recorded."""
    output = Output()
    it = Process(output)  # type: ignore[arg-type]
    it.obey(Prepare(str(folder), "talk", ("127.0.0.1",)))
    it.obey(Begin(1, "tape", (("", "acd-talk-a"),), 60.0))
    assert output.said == [Answer(1)]
    return it, output


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def surroundings(pid: int | None) -> str:
    return Path(f"/proc/{pid}/environ").read_text()


async def test_one_that_is_too_large_leaves_its_talks_to_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """They have not ended: to be told so would be the end of their recording."""
    it, output = recording(tmp_path)
    monkeypatch.setattr(process, "MOST_BYTES", 0)
    async with asyncio.timeout(PATIENCE_SECONDS):
        assert await it.run(asyncio.StreamReader()) == TOO_LARGE
    assert output.said == [Answer(1)]
    assert names(tmp_path) == ["acd-talk-a.wav.part"]


async def test_one_that_can_write_no_more_does_not_go_on_as_if_it_could(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    it, output = recording(tmp_path)

    def write(_: Tape, __: float) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Tape, "write", write)
    with pytest.raises(ZeroDivisionError):
        async with asyncio.timeout(PATIENCE_SECONDS):
            await it.run(asyncio.StreamReader())
    assert output.said == [Answer(1)]
    assert names(tmp_path) == ["acd-talk-a.wav.part"]


def test_it_ends_with_its_orders_and_without_a_complaint() -> None:
    """Threads of decoders may hang on: it must not wait for them."""
    command = (sys.executable, "-m", "acd_webrtc.recording.process")
    orders = framed(Prepare("/nowhere", "talk", ("127.0.0.1",))) + framed(Ping(1))
    found = subprocess.run(command, input=orders, capture_output=True, check=False)
    assert (found.returncode, found.stderr) == (0, b"")
    assert found.stdout == framed(Answer(1))


async def test_nothing_of_the_engines_surroundings_is_told_to_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tokens and passwords may be there; what a page could make of this process, it has none of them."""
    monkeypatch.setenv("ACD_CANARY_TOKEN", "canary")
    prepare, up = Prepare(str(tmp_path), "talk", ("127.0.0.1",)), asyncio.Event()
    media = MediaProcess("talk", prepare, 600_000_000, lambda _: None, lambda is_up: up.set() if is_up else None)
    media.start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await up.wait()
            assert await media.ask(1_000, Ping(1_000)) == Answer(1_000)
        assert "canary" not in surroundings(media.pid)
    finally:
        await media.stop()


async def test_a_fault_of_whoever_hears_it_ends_this_process_and_not_the_next(tmp_path: Path) -> None:
    ups = 0
    again = asyncio.Event()

    def changed(is_up: bool) -> None:  # noqa: FBT001 - as it is called
        nonlocal ups
        ups += is_up
        if is_up and ups == 1:
            raise ZeroDivisionError
        if is_up:
            again.set()

    media = MediaProcess("talk", Prepare(str(tmp_path), "talk", ("127.0.0.1",)), 600_000_000, lambda _: None, changed)
    media.start()
    try:
        async with asyncio.timeout(PATIENCE_SECONDS):
            await again.wait()
        assert media.restarts == 1
    finally:
        await media.stop()
