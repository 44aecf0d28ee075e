"""Pausing a recording over HTTP: who may, what the channel is told, and what is noted of it."""

from typing import Literal

import pytest

from acd.core.messages import AcceptOffer, EnqueueInteraction, NoteInteraction, SignInAgent
from acd.errors import ChannelError
from acd.ports.recording import RecordingState
from acd.testing import FakeChannel
from tests.api.harness import As, MemoryRouter

CALL = "/v1/interactions/call-1"


class Recorder(FakeChannel):
    """A channel that records."""

    state: RecordingState = "recording"
    fault: ChannelError | None = None

    def recording_of(self, interaction_id: str) -> RecordingState:
        return self.state if interaction_id == "call-1" else "off"

    async def pause_recording(self, interaction_id: str) -> None:
        self._order(interaction_id, "paused")

    async def resume_recording(self, interaction_id: str) -> None:
        self._order(interaction_id, "recording")

    def _order(self, interaction_id: str, state: RecordingState) -> None:
        assert interaction_id == "call-1"
        if self.fault is not None:
            raise self.fault
        self.state = state


@pytest.fixture
def phones(router: MemoryRouter) -> Recorder:
    """Anna talks in call-1, which is recorded; call-2 waits."""
    for number, call in enumerate(("call-1", "call-2")):
        command = EnqueueInteraction(f"e{number}", call, "voice", "sales", instance="phones")
        assert router.apply(command).refusal is None
    assert router.apply(SignInAgent("s", "anna", ready=True)).refusal is None
    assert router.apply(AcceptOffer("a", "call-1.1", "anna")).refusal is None
    assert router.apply(NoteInteraction("n", "call-1", (("recording.1", "x.wav"), ("topic", "y")))).refusal is None
    router.channels["phones"] = phones = Recorder("phones")
    return phones


@pytest.mark.parametrize("who", ["anna", "boss", "system"])
async def test_a_recording_is_paused_and_resumed(as_: As, router: MemoryRouter, phones: Recorder, who: str) -> None:
    files = {"recording.1": "x.wav"}
    assert await as_(who)("GET", f"{CALL}/recording") == (200, {"state": "recording", "recordings": files})
    order: tuple[tuple[Literal["pause", "resume"], RecordingState], ...] = (
        ("pause", "paused"),
        ("resume", "recording"),
    )
    for verb, state in order:
        assert await as_(who)("POST", f"{CALL}/recording/{verb}") == (200, {"state": state, "recordings": files})
        assert phones.state == state
        noted = router.last(NoteInteraction)
        assert (noted.interaction_id, noted.attributes) == ("call-1", (("recording", state),))
        assert noted.actor


async def test_who_does_not_talk_in_it_may_not(as_: As, router: MemoryRouter, phones: Recorder) -> None:
    assert (await as_("anna")("POST", "/v1/interactions/call-2/recording/pause"))[0] == 404
    assert (await as_("anna")("POST", f"{CALL}/end", {}))[0] == 200
    status, problem = await as_("anna")("POST", f"{CALL}/recording/pause")
    assert (status, problem["code"]) == (403, "forbidden")
    assert phones.state == "recording"
    assert not [each for each in router.submitted if isinstance(each, NoteInteraction)]


async def test_what_is_not_certain_is_not_said(as_: As, router: MemoryRouter, phones: Recorder) -> None:
    phones.fault = ChannelError("it is not known whether the recording pauses")
    status, problem = await as_("anna")("POST", f"{CALL}/recording/pause")
    assert (status, problem["code"]) == (503, "channel-unavailable")
    assert "not known" in problem["detail"]
    assert not [each for each in router.submitted if isinstance(each, NoteInteraction)]


async def test_where_nothing_is_recorded_nothing_is_paused(as_: As, router: MemoryRouter, phones: Recorder) -> None:
    answer = await as_("boss")("POST", "/v1/interactions/call-2/recording/pause")
    assert answer == (200, {"state": "off", "recordings": {}})
    router.channels["phones"] = FakeChannel("phones")
    assert (await as_("boss")("POST", f"{CALL}/recording/pause"))[1]["state"] == "off"
    assert phones.state == "recording"
