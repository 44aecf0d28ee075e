"""Test calls, seen at moments that no PBX brings about on demand; the rest is tried on a real one."""

from pathlib import Path
from typing import Self, cast

import pytest

from acd_asterisk.ari import AriClient
from acd_asterisk.doctor import trial
from acd_asterisk.doctor.findings import Finding
from acd_asterisk.doctor.patient import Patient
from acd_asterisk.event_socket import EventSocket
from acd_asterisk.options import read_options
from tests.adapters.asterisk.stand_in import StandInAri

PLAIN = {"url": "http://127.0.0.1:1/ari", "user": "acd", "password": "x"}
PLACE = "sales@acd-inbound"
OURS = "Stasis acd,sales"
BETWEEN = ""
NOT_YET = "not there"


QUEUE = "Queue acd-fallback"


@pytest.mark.parametrize(
    "places",
    [
        (NOT_YET, BETWEEN, "Set X_ACD_QUEUE=sales", OURS, BETWEEN, QUEUE),
        (OURS, QUEUE, BETWEEN),
        (QUEUE, OURS, QUEUE),
    ],
)
async def test_seen_on_its_way_through_stasis(places: tuple[str, ...]) -> None:
    """Stasis() takes a moment to find that nobody has the application, and the dialplan one between two lines."""
    found = await tried(Dialplan(*places), is_held=False)
    assert (found.check, found.state) == ("fallback", "good"), found
    assert "served by Queue(acd-fallback)" in found.text


async def test_nothing_comes_after_stasis() -> None:
    """Without an engine nobody has taken a call that is over at once."""
    found = await tried(Dialplan(BETWEEN, OURS, BETWEEN), is_held=False)
    assert (found.check, found.state) == ("fallback", "warning"), found
    assert "has ended there, as no engine is connected" in found.text


async def test_the_engine_comes_while_the_call_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    """There was none when it was asked for, and there is one when the call is in the application."""
    monkeypatch.setattr(trial, "CALL_SECONDS", 0.3)
    pbx = Dialplan(OURS, stays=True)
    pbx.everybody_is_held = True
    found = await tried(pbx, is_held=False)
    assert (found.check, found.state) == ("call", "good"), found


async def test_nobody_takes_it_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever has the application has as long again, and it is said of them, not of the dialplan."""
    monkeypatch.setattr(trial, "CALL_SECONDS", 0.3)
    found = await tried(Dialplan(OURS, stays=True), is_held=True)
    assert (found.check, found.state) == ("call", "wrong"), found
    assert "leads to Stasis(acd), and nobody took the call in" in found.text


async def test_the_engine_sends_it_on() -> None:
    found = await tried(Dialplan(OURS, QUEUE), is_held=True)
    assert (found.check, found.state) == ("call", "warning"), found
    assert "the engine sent the call on" in found.text


async def test_it_comes_elsewhere() -> None:
    """The last place that has a name; and none at all."""
    found = await tried(Dialplan("Answer ", "Playback vm-goodbye", BETWEEN), is_held=True)
    assert "came to Playback(vm-goodbye), not to Stasis(acd)" in found.text
    found = await tried(Dialplan(BETWEEN), is_held=True)
    assert "came to nothing" in found.text


async def test_it_is_over_before_the_first_look() -> None:
    """Neither end is there: nothing more is waited for."""
    pbx = Dialplan()
    pbx.is_over = True
    found = await tried(pbx, is_held=True)
    assert "came to nothing" in found.text
    assert len([path for method, path, _ in pbx.asked if method == "GET"]) == 2


class Silent:
    """A WebSocket of which no events come."""

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        return None

    async def pump(self) -> str:
        return ""


class Dialplan(StandInAri):
    """A PBX on which each look at the far end of a call finds it in the next place, and then finds it no more.

    A place: the application and its data, `BETWEEN` two of them, or `NOT_YET`.
    """

    def __init__(self, *places: str, stays: bool = False) -> None:
        super().__init__(self._status)
        self.body = self._shown
        self._left = list(places)
        self._at = ""
        self._stays = stays
        self._far = ""
        self.is_over = False
        """The near end is gone, too."""
        self.everybody_is_held = False
        """Whoever is looked for hears the engine's music."""

    async def events(self, _app: str) -> EventSocket:
        return cast("EventSocket", Silent())

    def _status(self, method: str, path: str) -> int:
        if method == "GET" and path.endswith(":near") and self.is_over:
            return 404
        if method != "GET" or not path.endswith(":far"):
            return 200
        self._far = path.removeprefix("channels/")
        if not self._left:
            return 404
        self._at = self._left[0] if self._stays and len(self._left) == 1 else self._left.pop(0)
        return 404 if self._at == NOT_YET else 200

    def _shown(self, _method: str, path: str) -> object:
        if path.startswith("bridges/"):
            return {"id": "hold", "bridge_type": "holding", "channels": [self._far] if self.everybody_is_held else []}
        name, _, data = self._at.partition(" ")
        return {"id": "far", "dialplan": {"app_name": name, "app_data": data}}


async def tried(pbx: Dialplan, *, is_held: bool) -> Finding:
    patient = Patient("pbx1", read_options("pbx1", PLAIN), (), Path("journal.db"), is_only=True)
    return await trial.call(patient, cast("AriClient", pbx), PLACE, is_held=is_held)
