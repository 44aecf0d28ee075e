"""A channel that records, before Asterisk has brought it into the application."""

import asyncio
from itertools import chain, repeat

import pytest

from acd.ports.recording_names import Label
from acd_asterisk.ari import AriClient
from acd_asterisk.lab import CallSpec, Provisioned
from acd_asterisk.names import Names
from acd_asterisk.options.recording import Recording
from acd_asterisk.recording import tapes
from acd_asterisk.recording.tapes import BEGIN_TRIES, Tapes
from tests.adapters.asterisk.rig import APP, INSTANCE, POLL_SECONDS, ground
from tests.adapters.asterisk.stand_in import StandInAri

STAMP = "20260131T081500Z"
LABEL = Label(STAMP, "pbx1-1.0.1", "agent")
MANY = 40
"""Asked only once, each of them is not recorded in one of six cases, or of twenty-five."""
DIALPLAN = """
[acd-inbound]
exten => _X.,1,Answer()
 same => n,Wait(60)
"""
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


@pytest.fixture
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tapes, "BEGIN_GAP_SECONDS", 0.0)


@pytest.mark.usefixtures("at_once")
async def test_it_is_asked_again_until_the_channel_is_in_the_application() -> None:
    ari, tapes = answering(OUTSIDE, OUTSIDE, (201, ""))
    assert await tapes.record_channel("name", LABEL, "caller", again=False) == ""
    assert records(ari) == 3
    assert sum("/snoop/" in path for _, path, _ in ari.asked) == 1


@pytest.mark.usefixtures("at_once")
@pytest.mark.parametrize("answer", [(404, "Channel not found"), (500, "Internal Server Error")])
async def test_what_ends_it_is_said(answer: tuple[int, str]) -> None:
    """Such as a talk that is over: the channel went with it, and never comes."""
    ari, tapes = answering(OUTSIDE, answer)
    assert await tapes.record_channel("name", LABEL, "caller", again=False) == f"status {answer[0]}: {answer[1]}"
    assert records(ari) == 2


@pytest.mark.usefixtures("at_once")
async def test_it_is_given_up_in_the_end() -> None:
    ari, tapes = answering(OUTSIDE)
    assert await tapes.record_channel("name", LABEL, "caller", again=False) == f"status 409: {OUTSIDE[1]}"
    assert records(ari) == BEGIN_TRIES


async def test_none_is_missed_on_a_real_one(provisioned: Provisioned) -> None:
    async with ground(provisioned, [], dialplan=DIALPLAN) as it, it.callers(CallSpec("10001", "100")), it.listener():
        client = AriClient(it.pbx.ari_url, connections=8, deadline_seconds=5)
        client.log_in(it.pbx.ari_user, it.pbx.ari_password)
        async with asyncio.timeout(10):
            while not (channels := await it.pbx.channels()):
                await asyncio.sleep(POLL_SECONDS)
        tapes = Tapes(client, Names(INSTANCE, APP), APP, Recording())
        try:
            for number in range(MANY):
                label = Label(STAMP, f"pbx1-1.0.{number}", "caller")
                assert await tapes.record_channel(f"name-{number}", label, channels[0]["id"], again=False) == ""
                await tapes.stop(f"name-{number}", label)
        finally:
            await client.close()
