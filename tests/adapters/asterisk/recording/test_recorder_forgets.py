"""Recordings that have never begun are forgotten: nobody will ever tell of their ends."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from acd.core.messages import ReleaseInteraction
from acd.testing.recording_host import RecordingHost
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.call import Leg
from acd_asterisk.desk import Desk
from acd_asterisk.happenings import RecordingEnded, TalkEntered
from acd_asterisk.names import Names
from acd_asterisk.notes import Notes
from acd_asterisk.options import read_options
from acd_asterisk.prompts import Prompts
from acd_asterisk.recording.recorder import Recorder
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriChannel
from tests.adapters.asterisk.rig import until
from tests.adapters.asterisk.stand_in import StandInAri, Status, nothing_plays
from tests.kept import kept

NAMES = Names("pbx1", "acd")
CALLER = "1700000000.1"
INTERACTION = NAMES.interaction(CALLER)
OFFER = f"{INTERACTION}.1"
OVER = ReleaseInteraction(INTERACTION, "pbx1", "completed")
TABLES = ("Recorder._parts", "Known._tapes", "Recorder._unstopped")


class Parts:
    """A caller and an agent who are about to talk. `recording`, `stopping`: how the PBX answers."""

    def __init__(self, mode: str) -> None:
        self.recording: Status = 201
        self.stopping: Status = 204
        self.ari = StandInAri(self._status)
        options = {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x", "recording": {"mode": mode}}
        self.desk = Desk("pbx1", read_options("pbx1", options), NAMES)
        self.host = RecordingHost(lambda _agent, _channel: "PJSIP/anna")
        self.desk.start(self.host)
        self.recorder = Recorder(self.desk, self.ari.client, nothing_plays(NAMES), Notes(self.desk))
        self.switchboard = Switchboard(self.ari.client, NAMES, self.desk.options)
        self.switchboard.before_removal = self.recorder.before_removal
        call = self.desk.add(INTERACTION, AriChannel(CALLER, "Up"))
        leg = call.add_leg(Leg(OFFER, "anna", state="answered", accepted=True))
        leg.joining = leg.joined = True

    def _status(self, method: str, path: str) -> Status:
        if path.endswith("/record"):
            return self.recording
        return self.stopping if path.endswith("/stop") or (method == "DELETE" and ":tape:" in path) else 204

    async def talk(self) -> None:
        """They do, until Asterisk has been asked to record it, and has answered or not."""
        self.recorder.handle(TalkEntered(INTERACTION, frozenset((CALLER, NAMES.leg(OFFER)))))
        sides = 1 if self.desk.options.recording.mode == "mixed" else 2
        await until(lambda: self.asked("/record") == sides, lambda: str(self.ari.asked))

    def asked(self, end: str) -> int:
        """How many requests there have been whose paths end like this."""
        return sum(path.endswith(end) for _, path, _ in self.ari.asked)

    def removed(self) -> int:
        """How often the talk's bridge was to be removed."""
        return sum(
            (method, path) == ("DELETE", f"bridges/{NAMES.talk(INTERACTION)}") for method, path, _ in self.ari.asked
        )

    def entries(self) -> list[int]:
        """How much each table has."""
        counts = kept(self.recorder)
        return [counts[each] for each in TABLES]

    def ended(self) -> int:
        """How many channels that record were told to end."""
        return sum(method == "DELETE" and ":tape:" in path for method, path, _ in self.ari.asked)

    async def forgotten(self) -> None:
        await until(lambda: self.entries() == [0, 0, 0], lambda: str(self.entries()))

    def names(self) -> list[str]:
        """Of what Asterisk was asked to record."""
        bodies = (body for _, path, body in self.ari.asked if path.endswith("/record"))
        return [body["name"] for body in bodies if isinstance(body, dict)]


@pytest.fixture(params=["mixed", "both-legs"])
async def it(request: pytest.FixtureRequest) -> AsyncIterator[Parts]:
    parts = Parts(request.param)
    yield parts
    await parts.desk.stop()


async def test_one_that_is_refused(it: Parts) -> None:
    it.recording = 404
    await it.talk()
    await it.forgotten()
    assert it.recorder.failures > 0


async def test_one_without_an_answer_that_has_never_run(it: Parts) -> None:
    """That is known when it is to be ended."""
    it.recording, it.stopping = AriUnavailable("cut"), 404
    await it.talk()
    it.recorder.before(OVER)
    await it.forgotten()


async def test_one_without_an_answer_that_runs(it: Parts) -> None:
    """Its end is told, and so it stays known until then: only this process knows whose it is."""
    it.recording = AriUnavailable("cut")
    await it.talk()
    it.recorder.before(OVER)
    await until(lambda: it.entries()[::2] == [0, 0] and it.asked("/stop") + it.ended() > 0, lambda: str(it.entries()))
    assert it.entries()[1] == len(it.names())
    for name in it.names():
        it.recorder.handle(RecordingEnded(name, 3, has_failed=False))
    assert it.entries() == [0, 0, 0]


async def test_one_whose_end_is_told(it: Parts) -> None:
    await it.talk()
    it.recorder.before(OVER)
    for name in it.names():
        it.recorder.handle(RecordingEnded(name, 3, has_failed=False))
    await it.forgotten()


@pytest.mark.parametrize("it", ["mixed"], indirect=True)
@pytest.mark.parametrize("is_told", [True, False])
async def test_a_bridge_is_removed_when_what_records_it_has_ended(it: Parts, *, is_told: bool) -> None:
    """Asterisk would not tell the end afterwards: nobody hears the events of a bridge that is no more.

    Also if nobody has told us of the call's end: after an outage, for one.
    """
    await it.talk()
    (name,) = it.names()
    if is_told:
        it.recorder.before(OVER)
    removal = asyncio.create_task(it.switchboard.destroy_talk_bridge(INTERACTION))
    await until(lambda: it.asked("/stop") == 1, lambda: str(it.ari.asked))
    assert it.removed() == 0
    it.recorder.handle(RecordingEnded(name, 3, has_failed=False))
    await removal
    assert it.removed() == 1
    assert it.entries() == [0, 0, 0]
    assert not kept(it.recorder)["Known._ends"]


@pytest.mark.parametrize("it", ["mixed"], indirect=True)
async def test_it_is_removed_all_the_same_in_the_end(it: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("acd_asterisk.recording.recorder.ENDING_SECONDS", 0.01)
    await it.talk()
    it.recorder.before(OVER)
    await it.switchboard.destroy_talk_bridge(INTERACTION)
    assert it.removed() == 1


async def test_what_is_played_in_a_bridge_that_is_removed_is_over(it: Parts, monkeypatch: pytest.MonkeyPatch) -> None:
    """Asterisk may never say so: whoever waits for it does so no more."""
    monkeypatch.setattr("acd_asterisk.prompts.STOPPING_SECONDS", 0.01)
    bridge = NAMES.talk(INTERACTION)
    prompts = it.recorder._prompts = Prompts(it.ari.client, NAMES, "pbx1")
    playing = await prompts.begin(bridge, ("sound:beep",), where="bridges")
    await it.switchboard.destroy_talk_bridge(INTERACTION)
    assert playing.over.result() == "stopped"
    assert not prompts.is_playing(bridge)
    paths = [path for _, path, _ in it.ari.asked]
    assert paths[-2:] == [f"playbacks/{NAMES.playback(bridge)}", f"bridges/{bridge}"]
