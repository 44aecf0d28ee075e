"""Which talks are recorded, and what comes of it when the media process comes and goes; that process is played."""

import asyncio
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from acd.core.messages import NoteInteraction
from acd.errors import ChannelError
from acd.ports.channel import InteractionStanding
from acd_webrtc.recording.recorder import Recorder
from acd_webrtc.recording.settings import RecordingOptions
from acd_webrtc.recording.supervisor import MediaGone
from acd_webrtc.recording.wire import Answer, Begin, End, Ended, Order, Pause, Salvaged


class Media:
    """Answers what it is asked, unless it is gone."""

    def __init__(self) -> None:
        self.pid: int | None = 1
        self.orders: list[Order] = []
        self.fault = ""
        self.restarts = 0
        self.begun: Callable[[str], None] | None = None
        """Is told of a tape whose beginning has been answered, before whoever asked is."""

    def number(self) -> int:
        return len(self.orders) + 1

    def tell(self, order: Order) -> None:
        self.orders.append(order)

    async def ask(self, number: int, order: Order) -> Answer:
        self.orders.append(order)
        await asyncio.sleep(0)
        if self.pid is None:
            raise MediaGone("gone")
        if isinstance(order, Begin) and self.begun is not None:
            self.begun(order.tape)
        return Answer(number, self.fault)

    def of(self, kind: type) -> list[Any]:
        return [each for each in self.orders if isinstance(each, kind)]


class Host:
    """The engine's side: what is noted, becomes the interaction's."""

    def __init__(self) -> None:
        self.attributes: dict[str, str] = {}

    def queue_of(self, _: str) -> str:
        return "sales"

    def interaction(self, interaction_id: str) -> InteractionStanding:
        return InteractionStanding(interaction_id, "active", "sales", tuple(self.attributes.items()))

    def new_id(self) -> str:
        return "c"

    async def submit(self, command: NoteInteraction) -> SimpleNamespace:
        self.attributes |= dict(command.attributes)
        return SimpleNamespace(refusal=None)


class Stage:
    def __init__(self, **more: int) -> None:
        self.host, self.media = Host(), Media()
        options = RecordingOptions(mode="mixed", folder=Path("/nowhere"), **more)  # type: ignore[arg-type]
        self.recorder = Recorder("talk", options, lambda: self.host)  # type: ignore[arg-type,return-value]
        self.recorder.media = self.media  # type: ignore[assignment]

    def begin(self, interaction: str = "call-1", offer: str = "call-1.1") -> SimpleNamespace:
        line = SimpleNamespace(id=interaction, talk=SimpleNamespace(offer_id=offer, id="t"), customer=None, agents={})
        self.recorder.began(line)  # type: ignore[arg-type]
        return line

    async def settle(self) -> None:
        for _ in range(20):
            await asyncio.sleep(0)

    def dies(self) -> None:
        self.media.pid = None
        self.recorder._changed(False)  # noqa: FBT003 - as the supervisor says it

    def returns(self) -> None:
        self.media.pid = 2
        self.recorder._changed(True)  # noqa: FBT003 - likewise


async def test_only_so_many_at_once() -> None:
    stage = Stage(at_once=1)
    stage.begin()
    stage.begin("call-2", "call-2.1")
    await stage.settle()
    assert [stage.recorder.standing(each) for each in ("call-1", "call-2")] == ["recording", "off"]
    assert stage.recorder.failures == 1


async def test_a_pause_that_is_asked_for_while_it_begins() -> None:
    stage = Stage()
    stage.begin()
    assert stage.recorder.standing("call-1") == "recording"
    await stage.recorder.pause("call-1")
    assert stage.media.of(Pause)[-1].paused
    assert stage.recorder.standing("call-1") == "paused"
    await stage.recorder.resume("call-1")
    assert stage.recorder.standing("call-1") == "recording"
    with pytest.raises(ChannelError):
        await stage.recorder.pause("call-2")


async def test_a_pause_goes_on_over_the_end_of_the_process() -> None:
    stage = Stage()
    stage.begin()
    await stage.settle()
    stage.dies()
    assert stage.recorder.standing("call-1") == "off"
    stage.returns()
    await stage.settle()
    await stage.recorder.pause("call-1")
    stage.dies()
    assert stage.recorder.standing("call-1") == "paused"
    stage.returns()
    await stage.settle()
    first, second, third = stage.media.of(Begin)
    assert (first.paused, second.paused, third.paused) == (False, False, True)
    names = [each.files[0][1].rpartition("call-1.1")[2] for each in (first, second, third)]
    assert names == ["", "-2", "-3"]
    stage.recorder._heard(Salvaged(first.files[0][1], 3.0))
    await stage.settle()
    assert stage.host.attributes["recording.1.state"] == "cut"
    assert stage.host.attributes["recording.1.seconds"] == "3"
    await stage.recorder.resume("call-1")


async def test_a_pause_goes_on_over_the_end_of_the_engine() -> None:
    stage = Stage()
    stage.host.attributes = {"recording": "paused", "recording.1": "acd-talk-x.wav"}
    stage.begin()
    await stage.settle()
    (begin,) = stage.media.of(Begin)
    assert begin.paused
    await stage.recorder.resume("call-1")
    # Of an earlier talk of this interaction a pause was the last word: the next one is another part.
    line = stage.begin("call-1", "call-1.2")
    await stage.settle()
    assert not stage.media.of(Begin)[-1].paused
    stage.recorder.ended(line)  # type: ignore[arg-type]
    assert stage.media.of(End)[-1].tape == stage.media.of(Begin)[-1].tape


async def test_a_pause_ends_by_itself() -> None:
    stage = Stage(longest_pause_us=1)
    stage.begin()
    await stage.settle()
    await stage.recorder.pause("call-1")
    async with asyncio.timeout(10):
        while stage.host.attributes.get("recording") != "recording":
            await asyncio.sleep(0)
    assert not stage.media.of(Pause)[-1].paused


async def test_what_cannot_be_begun_and_what_ends_early_is_said() -> None:
    stage = Stage()
    stage.media.fault = "No space left on device"
    stage.begin()
    await stage.settle()
    assert (stage.recorder.standing("call-1"), stage.recorder.failures) == ("off", 1)
    stage.media.fault = ""
    stage.begin("call-2", "call-2.1")
    await stage.settle()
    tape = stage.media.of(Begin)[-1].tape
    stage.recorder._heard(Ended(tape, 2.5, (("", "failed"),), "No space left on device"))
    await stage.settle()
    assert (stage.recorder.standing("call-2"), stage.recorder.failures) == ("off", 2)
    assert stage.host.attributes["recording.1.seconds"] == "2.5"
    assert stage.host.attributes["recording.1.state"] == "failed"


async def test_what_ends_in_one_breath_with_its_beginning_is_not_said_to_go_on() -> None:
    """The engine was busy: it reads both at once."""
    stage = Stage()

    def ends(tape: str) -> None:
        stage.recorder._heard(Ended(tape, 0.0, (("", "failed"),), "No space left on device"))

    stage.media.begun = ends
    stage.begin()
    await stage.settle()
    assert (stage.recorder.standing("call-1"), stage.recorder.failures) == ("off", 1)
    assert stage.host.attributes["recording.1.state"] == "failed"


async def test_a_process_that_dies_as_it_has_begun_is_followed_by_the_next() -> None:
    stage = Stage()

    def dies(_: str) -> None:
        stage.media.begun = None
        stage.dies()

    stage.media.begun = dies
    stage.begin()
    await stage.settle()
    assert stage.recorder.standing("call-1") == "off"
    stage.returns()
    await stage.settle()
    assert stage.recorder.standing("call-1") == "recording"
    assert stage.media.of(Begin)[-1].files[0][1].endswith("call-1.1-2")


async def test_who_part_while_it_begins_end_it() -> None:
    stage = Stage()
    line = stage.begin()
    await asyncio.sleep(0)
    stage.recorder.ended(line)  # type: ignore[arg-type]
    await stage.settle()
    assert [type(each) for each in stage.media.orders] == [Begin, End]
    assert stage.media.of(End)[0].tape == stage.media.of(Begin)[0].tape
