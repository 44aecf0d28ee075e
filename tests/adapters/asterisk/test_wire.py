"""What a PBX, or whoever stands between, may send in place of ARI's JSON: it cannot be read, and that is all."""

import asyncio

import msgspec
import pytest

from acd_asterisk import wire
from acd_asterisk.socket_requests import SocketRequests

DEEP = "[" * 100_000
NO_TEXT = b"\xd5\xc5"
"""A name in GBK, which is no UTF-8."""


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"no json",
        b"{}",
        b"[5]",
        b'[{"id": "1.2", "name": "' + NO_TEXT + b'"}]',
        b'[{"id": "1.2", "further": ' + DEEP.encode(),
        b'[{"id": "\\ud800"}]',
    ],
    ids=lambda sent: str(sent[:32]),
)
def test_what_cannot_be_read_is_one_error(sent: bytes) -> None:
    """The one that everybody expects who asks for channels; no other ends a comparison, again and again."""
    with pytest.raises(msgspec.DecodeError):
        wire.decode_channels(sent)


@pytest.mark.parametrize("sent", ["\udcff", DEEP, '{"type": "StasisStart", "channel": ' + DEEP])
def test_an_event_that_cannot_be_read(sent: str) -> None:
    with pytest.raises(msgspec.DecodeError):
        wire.decode_event(sent)


async def test_an_answer_that_cannot_be_read_is_none() -> None:
    """It ends nothing: whoever waits for one has a deadline."""

    async def send(_text: str) -> None:
        """To nobody."""

    requests = SocketRequests(send)
    asking = asyncio.ensure_future(requests.ask("GET", "channels"))
    await asyncio.sleep(0)
    answer = '{"type": "RESTResponse", "request_id": "1", "status_code": 200, "further": '
    assert not requests.take(answer + DEEP)
    assert not asking.done()
    assert requests.take(answer + "0}")
    assert (await asking)[0] == 200
