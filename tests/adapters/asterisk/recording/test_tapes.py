"""A channel that records, before Asterisk has brought it into the application."""

from itertools import chain, repeat

import pytest

from acd_asterisk.names import Names
from acd_asterisk.options.recording import Recording
from acd_asterisk.recording import tapes
from acd_asterisk.recording.label import Label
from acd_asterisk.recording.tapes import BEGIN_TRIES, Tapes
from tests.adapters.asterisk.rig import APP, INSTANCE
from tests.adapters.asterisk.stand_in import StandInAri

LABEL = Label("20260131T081500Z", "pbx1-1.0.1", "agent")
OUTSIDE = (409, "Channel not in Stasis application")


def answering(*answers: tuple[int, str]) -> tuple[StandInAri, Tapes]:
    """A PBX that makes the channel, and answers to `record` one after another, the last one for ever."""
    ari = StandInAri()
    coming = chain(answers, repeat(answers[-1]))
    messages: list[str] = []

    def status(_method: str, path: str) -> int:
        if not path.endswith("/record"):
            return 200
        code, message = next(coming)
        messages.append(message)
        return code

    ari.status = status
    ari.body = lambda _method, path: {"message": messages[-1] if path.endswith("/record") else ""}
    return ari, Tapes(ari.client, Names(INSTANCE, APP), APP, Recording())


def records(ari: StandInAri) -> int:
    return sum(path.endswith("/record") for _, path, _ in ari.asked)


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tapes, "BEGIN_GAP_SECONDS", 0.0)


async def test_it_is_asked_again_until_the_channel_is_in_the_application() -> None:
    ari, tapes = answering(OUTSIDE, OUTSIDE, (201, ""))
    assert await tapes.record_channel("name", LABEL, "caller", again=False) == ""
    assert records(ari) == 3
    assert sum("/snoop/" in path for _, path, _ in ari.asked) == 1


@pytest.mark.parametrize("answer", [(404, "Channel not found"), (500, "Internal Server Error")])
async def test_what_ends_it_is_said(answer: tuple[int, str]) -> None:
    """Such as a talk that is over: the channel went with it, and never comes."""
    ari, tapes = answering(OUTSIDE, answer)
    assert await tapes.record_channel("name", LABEL, "caller", again=False) == f"status {answer[0]}: {answer[1]}"
    assert records(ari) == 2


async def test_it_is_given_up_in_the_end() -> None:
    ari, tapes = answering(OUTSIDE)
    assert await tapes.record_channel("name", LABEL, "caller", again=False) == f"status 409: {OUTSIDE[1]}"
    assert records(ari) == BEGIN_TRIES
