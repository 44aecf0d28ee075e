"""Notes about calls reach the engine in order, however often it does not take them."""

import asyncio

import pytest
from structlog.testing import capture_logs

from acd.core.messages import Command, NoteInteraction, Outcome, Refusal
from acd.errors import CommandInvalid, RouterOverloaded
from acd.testing.recording_host import RecordingHost
from acd_asterisk import notes as notes_module
from acd_asterisk.desk import Desk
from acd_asterisk.names import Names
from acd_asterisk.notes import Notes
from acd_asterisk.options import read_options

OPTIONS = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})


class Reluctant(RecordingHost):
    """Answers as it is told to, and in the end accepts."""

    def __init__(self, *answers: Exception | Outcome) -> None:
        super().__init__(lambda _agent, _channel: "")
        self.answers = list(answers)
        self.done = asyncio.Event()

    async def submit(self, command: Command) -> Outcome:
        answer = self.answers.pop(0) if self.answers else Outcome()
        if isinstance(answer, Exception):
            raise answer
        outcome = await super().submit(command)
        if not self.answers:
            self.done.set()
        return answer if answer.refusal is not None else outcome


def desk_of(host: RecordingHost) -> Desk:
    desk = Desk("pbx1", OPTIONS, Names("pbx1", "acd"))
    desk.start(host)
    return desk


def noted(host: RecordingHost) -> list[tuple[str, dict[str, str]]]:
    return [(each.interaction_id, dict(each.attributes)) for each in host.commands if isinstance(each, NoteInteraction)]


async def test_what_is_not_taken_is_tried_again_in_order() -> None:
    host = Reluctant(RouterOverloaded("full"), Outcome(), Outcome())
    desk = desk_of(host)
    notes = Notes(desk)
    notes.put("c1", {"recording.1": "a.wav"})
    notes.put("c2", {"survey.1": "5"})
    await asyncio.wait_for(host.done.wait(), 5)
    assert noted(host) == [("c1", {"recording.1": "a.wav"}), ("c2", {"survey.1": "5"})]
    await desk.stop()


async def test_what_can_never_be_taken_is_said_and_left() -> None:
    full = Outcome(refusal=Refusal("too-many-attributes", "no"))
    host = Reluctant(CommandInvalid("bad"), full, Outcome())
    desk = desk_of(host)
    notes = Notes(desk)
    with capture_logs() as logs:
        for name in ("c1", "c2", "c3"):
            notes.put(name, {"survey.1": "5"})
        await asyncio.wait_for(host.done.wait(), 5)
    assert [name for name, _ in noted(host)] == ["c2", "c3"]
    said = [(entry["event"], entry["interaction"], entry["code"]) for entry in logs if "code" in entry]
    assert said == [("lost", "c1", "command-invalid"), ("not noted", "c2", "too-many-attributes")]
    await desk.stop()


async def test_no_more_wait_than_may(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notes_module, "MAX_NOTES", 2)
    host = Reluctant(Outcome(), Outcome())
    desk = desk_of(host)
    notes = Notes(desk)
    with capture_logs() as logs:
        for name in ("c1", "c2", "c3"):
            notes.put(name, {"survey.1": "5" * 600})
    assert [entry["interaction"] for entry in logs] == ["c1"]
    await asyncio.wait_for(host.done.wait(), 5)
    assert noted(host) == [("c2", {"survey.1": "5" * 512}), ("c3", {"survey.1": "5" * 512})]
    await desk.stop()
