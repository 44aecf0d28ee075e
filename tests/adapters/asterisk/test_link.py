"""The connection of one PBX, when another one has got its application and Asterisk answers strangely."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from math import inf
from pathlib import Path
from typing import Self, cast

import pytest
from structlog.testing import capture_logs

from acd_asterisk import link
from acd_asterisk.ari import AriClient, AriUnauthorized, AriUnavailable, Holder
from acd_asterisk.channel import AsteriskChannel
from acd_asterisk.event_socket import EventSocket
from acd_asterisk.given_up import GivenUp
from acd_asterisk.link import Link
from acd_asterisk.options import read_options
from acd_asterisk.wire import AriEvent
from tests.adapters.asterisk.rig import until

RIGHT = "the-right-one"


class Pbx:
    """As much of a client as a connection needs in a dispute. `silence`: why it does not answer."""

    def __init__(self) -> None:
        self.given_up = GivenUp()
        self.given_up.note()
        self.silence = ""
        self.held: Holder = "somebody"
        self.asked = 0
        self.connects = 0
        self._password = ""

    def log_in(self, _user: str, password: str) -> None:
        self._password = password

    async def holder(self, _app: str) -> Holder:
        self.asked += 1
        if self.silence:
            raise AriUnavailable(self.silence)
        self._authorize()
        return self.held

    async def events(self, _app: str) -> EventSocket:
        self._authorize()
        self.connects += 1
        await asyncio.Event().wait()
        raise AssertionError

    async def prefer(self, _socket: EventSocket) -> None:
        """By HTTP it goes as well."""

    async def widen(self, _app: str) -> None:
        """Likewise."""

    def forbid(self, _reason: str) -> None:
        """Nothing is asked after that here."""

    def _authorize(self) -> None:
        if self._password != RIGHT:
            raise AriUnauthorized("status 401")


def linked(pbx: Pbx, password: Path) -> Link:
    """Nothing is to be compared there."""

    async def adopt() -> None:
        connection.end_adoption()

    def handle(_event: AriEvent) -> None:
        raise AssertionError

    given = {"url": "http://127.0.0.1:8088/ari", "user": "acd", "password_file": str(password)}
    connection = Link("pbx1", read_options("pbx1", given), cast("AriClient", pbx), adopt=adopt, handle=handle)
    return connection


@asynccontextmanager
async def disputed(pbx: Pbx, password: Path) -> AsyncIterator[Link]:
    """A connection whose application somebody has got, which may be an attempt of its own."""
    connection = linked(pbx, password)
    connection.replaced()
    running = asyncio.create_task(connection.run())
    try:
        yield connection
    finally:
        running.cancel()
        with suppress(asyncio.CancelledError):
            await running


def write(password: Path, text: str) -> None:
    password.write_text(text)


@pytest.fixture
def password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(link, "CREDENTIALS_PAUSE_SECONDS", 0.02)
    monkeypatch.setattr(link, "ASK_AGAIN_SECONDS", 0.01)
    monkeypatch.setattr(link, "LATE_SECONDS", 0.3)
    monkeypatch.setattr(link, "UNCLEAR_SECONDS", 0.1)
    path = tmp_path / "password"
    path.write_text("an-old-one")
    return path


async def test_a_refused_password_ends_no_dispute_and_is_said(password: Path) -> None:
    """The one that the file has by now is taken, and it is asked again whose the application is."""
    pbx = Pbx()
    async with disputed(pbx, password) as connection:
        await until(lambda: connection.state == "unauthorized", lambda: str(connection.error))
        assert "channels.pbx1.password" in connection.error
        assert pbx.connects == 0
        write(password, "")
        await until(lambda: "password_file" in connection.error, lambda: str(connection.error))
        pbx.held = "nobody"
        write(password, RIGHT)
        await until(lambda: pbx.connects == 1, lambda: str(connection.error))


async def test_another_controller_is_not_fought_after_a_refused_password(password: Path) -> None:
    pbx = Pbx()
    async with disputed(pbx, password) as connection:
        await until(lambda: connection.state == "unauthorized", lambda: str(connection.error))
        write(password, RIGHT)
        await until(lambda: connection.state == "replaced", lambda: str(connection.error))
        assert pbx.connects == 0


async def test_silence_is_said_and_decides_nothing(password: Path) -> None:
    write(password, RIGHT)
    pbx = Pbx()
    pbx.silence = "no answer within 2 s"
    async with disputed(pbx, password) as connection:
        await until(lambda: pbx.asked > 2, lambda: str(pbx.asked))
        assert (connection.state, connection.error) == ("connecting", pbx.silence)
        pbx.silence, pbx.held = "", "nobody"
        await until(lambda: pbx.connects == 1, lambda: str(connection.error))


async def test_what_asterisk_keeps_for_its_calls_is_taken_back_once_for_each_attempt(password: Path) -> None:
    """It does not say whether anybody listens; the next time it is another controller's."""
    write(password, RIGHT)
    pbx = Pbx()
    pbx.held = "unclear"
    async with disputed(pbx, password) as connection:
        await until(lambda: pbx.connects == 1, lambda: str(connection.error))
        assert not pbx.given_up.lately
        connection.replaced()
        assert connection.state == "replaced"


async def test_a_restart_is_known_until_it_has_been_compared(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of the two connections after it, the first had to be given up: the second finds all bridges made."""
    given = {"url": "http://127.0.0.1:8088/ari", "user": "acd", "password": RIGHT}
    channel = AsteriskChannel("pbx1", read_options("pbx1", given))
    made = iter((True, False))

    async def prepare() -> bool:
        return next(made)

    async def hear() -> None:
        raise AriUnavailable("it sends no events")

    monkeypatch.setattr(channel._switchboard, "prepare", prepare)
    monkeypatch.setattr(channel._link, "hear", hear)
    for _ in range(2):
        with pytest.raises(AriUnavailable):
            await channel._adopt()
    assert channel._healer.is_new


async def test_an_engine_that_hears_nothing_is_not_connected(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its connection is kept though no events come over it: no call may be sent to such an engine, and it says why."""
    given = {"url": "http://127.0.0.1:8088/ari", "user": "acd", "password": RIGHT}
    channel = AsteriskChannel("pbx1", read_options("pbx1", given))
    channel._link.state = "live"
    assert (channel.health()["connected"], channel.health()["reason"]) == (True, "")
    monkeypatch.setattr(channel._link._hearing, "_kept_until", inf)
    assert (channel.health()["connected"], channel.health()["link"]) == (False, "live")
    assert channel.health()["reason"] == "the PBX sends no events over any connection"


class Quiet:
    """A connection on which nothing happens."""

    may_fall_silent = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        return None

    async def pump(self) -> str:
        await asyncio.Event().wait()
        raise AssertionError

    next = pump


async def test_a_fault_beside_the_events_is_said_and_ends_nothing(
    password: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else requests go by one way only, or nobody watches over the events, and nobody knows why."""
    pbx = Pbx()

    async def prefer(_socket: EventSocket) -> None:
        raise KeyError("13800138000")

    monkeypatch.setattr(pbx, "prefer", prefer)
    connection = linked(pbx, password)
    with capture_logs() as logs:
        serving = asyncio.create_task(connection._serve(cast("EventSocket", Quiet())))
        await until(lambda: len(logs) > 1, lambda: str(logs))
    (said,) = [each for each in logs if each["log_level"] == "error"]
    assert (said["event"], said["error"]) == ("a fault beside the events of a connection", "KeyError")
    assert "13800138000" not in str(said)
    assert connection.is_live
    serving.cancel()
    await asyncio.wait((serving,))


class Broken(Quiet):
    """One whose reading raises what nobody has thought of."""

    async def pump(self) -> str:
        raise RecursionError("13800138000")


async def test_a_fault_while_reading_is_a_lost_connection(password: Path) -> None:
    """There is another one after it: without any, the engine would never hear of this PBX again."""
    connection = linked(Pbx(), password)
    with capture_logs() as logs:
        await connection._serve(cast("EventSocket", Broken()))
    assert connection.state == "connecting"
    assert "RecursionError" in connection.error
    assert [each["log_level"] for each in logs if each["log_level"] != "info"] == ["error", "warning"]
    assert "13800138000" not in str(logs)
