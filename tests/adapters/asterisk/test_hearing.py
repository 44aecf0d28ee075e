"""Whether events still come: asked after silence, believed after two answers without one."""

import asyncio
from collections.abc import Callable
from typing import cast

import pytest

from acd_asterisk import hearing
from acd_asterisk.ari import AriClient, AriUnauthorized, AriUnavailable
from acd_asterisk.event_socket import EventSocket
from acd_asterisk.hearing import Deaf, Hearing
from acd_asterisk.wire import Answer
from tests.adapters.asterisk.rig import until

ECHO_SECONDS = 0.1
TAKEN = Answer(204, b"")
UNKNOWN = Answer(404, b'{"message": "Application not found"}')
NO_SUCH_PATH = Answer(404, b'{"message": "Resource not found"}')
REFUSED = Answer(500, b'{"message": "Error processing request"}')
SILENT = AriUnavailable("no answer within the deadline")


class Pbx:
    """As much of a client and of a connection as hearing needs. `answers`: one after another, then the last."""

    def __init__(self, *answers: Answer | AriUnavailable, echo: Callable[[], None] | None = None) -> None:
        self.answers = list(answers)
        self.asked = 0
        self.echo = echo
        self.news = asyncio.Event()
        self.may_fall_silent = True

    async def say_to(self, app: str) -> Answer:
        assert app == "acd"
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if isinstance(answer, AriUnavailable):
            raise answer
        if self.echo is not None:
            self.echo()
        return answer

    @property
    def socket(self) -> EventSocket:
        return cast("EventSocket", self)

    @property
    def hearing(self) -> Hearing:
        return Hearing("pbx1", cast("AriClient", self), "acd")


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hearing, "ECHO_SECONDS", ECHO_SECONDS)
    monkeypatch.setattr(hearing, "SILENCE_SECONDS", ECHO_SECONDS / 2)


async def test_an_event_is_asked_for_and_heard() -> None:
    pbx = Pbx(TAKEN)
    pbx.echo = pbx.news.set
    ears = pbx.hearing
    await ears.check(pbx.socket)
    assert (pbx.asked, ears.silences) == (1, 0)


async def test_what_was_heard_before_says_nothing() -> None:
    pbx = Pbx(TAKEN)
    pbx.news.set()
    with pytest.raises(Deaf):
        await pbx.hearing.check(pbx.socket)


async def test_two_answers_and_no_event_are_a_deaf_connection() -> None:
    pbx = Pbx(TAKEN)
    ears = pbx.hearing
    with pytest.raises(Deaf, match="answers, and sends no events"):
        await ears.check(pbx.socket)
    assert (pbx.asked, ears.silences) == (2, 1)


async def test_an_application_that_is_not_there_is_nobodys_at_once() -> None:
    pbx = Pbx(UNKNOWN)
    ears = pbx.hearing
    with pytest.raises(Deaf):
        await ears.check(pbx.socket)
    assert (pbx.asked, ears.silences) == (1, 1)


@pytest.mark.parametrize("answers", [(SILENT,), (TAKEN, SILENT)])
async def test_who_stands_still_is_not_deaf(answers: tuple[Answer | AriUnavailable, ...]) -> None:
    """Pings find that out, and it may be over in a moment."""
    pbx = Pbx(*answers)
    ears = pbx.hearing
    await ears.check(pbx.socket)
    assert (pbx.asked, ears.silences) == (len(answers), 0)


async def test_what_is_heard_when_the_time_is_over_is_heard() -> None:
    """The process itself had something else to do until then."""
    pbx = Pbx(TAKEN)
    loop = asyncio.get_running_loop()

    def be_busy() -> None:
        while loop.time() < end:
            pass

    end = loop.time() + 2 * ECHO_SECONDS
    loop.call_later(ECHO_SECONDS / 2, be_busy)
    loop.call_later(1.2 * ECHO_SECONDS, pbx.news.set)
    await pbx.hearing.check(pbx.socket)
    assert pbx.asked == 1


async def test_credentials_that_are_wrong_by_now_are_no_silence() -> None:
    pbx = Pbx(AriUnauthorized("status 401"))
    ears = pbx.hearing
    with pytest.raises(AriUnauthorized):
        await ears.watch(pbx.socket)
    assert (pbx.asked, ears.silences) == (1, 0)


@pytest.mark.parametrize("refused", [REFUSED, NO_SUCH_PATH])
async def test_a_pbx_that_has_no_such_events_is_let_be_and_it_is_said_once(
    capsys: pytest.CaptureFixture[str], refused: Answer
) -> None:
    pbx = Pbx(refused)
    ears = pbx.hearing
    await ears.check(pbx.socket)
    await ears.check(pbx.socket)
    assert ears.silences == 0
    assert capsys.readouterr().out.count("refuses an event of our own") == 1


async def test_a_connection_that_cannot_fall_silent_is_never_asked() -> None:
    pbx = Pbx(TAKEN)
    pbx.may_fall_silent = False
    await pbx.hearing.check(pbx.socket)
    await pbx.hearing.watch(pbx.socket)
    assert pbx.asked == 0


async def test_nothing_is_asked_as_long_as_events_come() -> None:
    pbx = Pbx(TAKEN)
    ears = pbx.hearing
    watching = asyncio.create_task(ears.watch(pbx.socket))
    loop = asyncio.get_running_loop()
    end = loop.time() + 4 * ECHO_SECONDS

    def over() -> bool:
        pbx.news.set()
        return loop.time() > end

    await until(over, lambda: "time")
    assert pbx.asked == 0
    with pytest.raises(Deaf):
        await watching
    assert pbx.asked == 2


async def test_after_a_connection_that_was_given_up_more_time_is_given() -> None:
    """Where events are late, and not gone, one connection after another would be of no use."""
    pbx = Pbx(TAKEN)
    ears = pbx.hearing
    loop = asyncio.get_running_loop()
    with pytest.raises(Deaf):
        await ears.check(pbx.socket)

    def echo() -> None:
        loop.call_later(1.5 * ECHO_SECONDS, pbx.news.set)

    pbx.echo = echo
    await ears.check(pbx.socket)
    assert ears.silences == 1


@pytest.mark.parametrize("answer", [TAKEN, UNKNOWN])
async def test_when_connecting_anew_is_of_no_use_the_connection_is_kept(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, answer: Answer
) -> None:
    """Something swallows the events: nobody is served by an engine that connects for ever. Once heard, it counts."""
    monkeypatch.setattr(hearing, "ECHO_SECONDS", 0.02)
    pbx = Pbx(answer)
    ears = pbx.hearing
    for _ in range(hearing.MAX_IN_VAIN):
        with pytest.raises(Deaf):
            await ears.check(pbx.socket)
    assert ears.is_in_vain
    for _ in range(2):
        await ears.check(pbx.socket)
    assert ears.silences == hearing.MAX_IN_VAIN
    assert capsys.readouterr().out.count("sends no events over any connection") == 1
    pbx.answers, pbx.echo = [TAKEN], pbx.news.set
    await ears.check(pbx.socket)
    assert not ears.is_in_vain
    pbx.echo = None
    with pytest.raises(Deaf):
        await ears.check(pbx.socket)


async def test_one_that_was_kept_is_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """It may have been bad luck; and the one after it is kept as long again."""
    monkeypatch.setattr(hearing, "KEPT_SECONDS", 0.1)
    pbx = Pbx(UNKNOWN)
    ears = pbx.hearing
    for _ in range(hearing.MAX_IN_VAIN):
        with pytest.raises(Deaf):
            await ears.check(pbx.socket)
    for _ in range(2):
        asked = pbx.asked
        with pytest.raises(Deaf):
            await ears.watch(pbx.socket)
        assert pbx.asked > asked + 1
    assert ears.silences == hearing.MAX_IN_VAIN + 2
