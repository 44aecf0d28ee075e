"""Whatever a process says, its connection goes on, or ends with a word and a close code."""

import json
import time

import msgpack
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from acd.api.external.catalogue import MESSAGES
from acd.api.external.desk import Memory
from acd.api.external.session import MALFORMED, MAX_MESSAGE, Session
from acd.runtime.external import ExternalChannel
from acd.testing.recording_host import RecordingHost
from tests.runtime.live import idle

SLOWEST_SECONDS = 0.05
DEEP = 20_000

BOMBS: list[bytes] = [
    b"[" * DEEP,
    b'{"type": "hello", "software": ' + b"[" * DEEP,
    b'{"type": "enqueue", "id": "1", "attributes": ' + b'{"a": ' * 9_000,
    b'{"type": "done", "number": ' + b"9" * 60_000 + b"}",
    b'{"type": "done", "number": 1e' + b"9" * 60_000 + b"}",
    b'{"type": "remember", "id": "1", "extra": {' + b",".join(b'"%d": ""' % n for n in range(5_000)) + b"}}",
    b'{"type": "end", "id": "1", "interaction_id": "' + b"x" * 60_000 + b'"}',
    b'{"type": "end", "id": "1", "interaction_id": "' + b"\\u0000" * 9_000 + b'"}',
    b"\xff" * 60_000,
    b" " * 60_000,
    b"",
]
PACKED_BOMBS: list[bytes] = [
    b"\x91" * 60_000,
    b"\x81\xa1a" * 20_000,
    b"\xdd\xff\xff\xff\xff",
    b"\xdf\xff\xff\xff\xff",
    b"\xc6\xff\xff\xff\xff",
    b"\xc9\xff\xff\xff\xff\x01",
    b"\xd9\xff",
    b"\xc1",
    b"",
]


@pytest.fixture
def host() -> RecordingHost:
    return RecordingHost(lambda agent_id, channel: "")  # noqa: ARG005 - nobody is anywhere


def encoded(message: object, form: str) -> bytes:
    packed: bytes = json.dumps(message).encode() if form == "json" else msgpack.packb(message)
    return packed


async def opened(host: RecordingHost, form: str, *, greeted: bool) -> Session:
    channel = ExternalChannel("web", "chat", may_recall=True)
    await channel.start(host)
    session = Session(channel, "json" if form == "json" else "msgpack", "web", Memory())
    if greeted:
        await session.receive(encoded({"type": "hello"}, form))
    return session


@pytest.mark.parametrize("greeted", [False, True])
@pytest.mark.parametrize(
    ("form", "bomb"), [*(("json", each) for each in BOMBS), *(("msgpack", each) for each in PACKED_BOMBS)]
)
async def test_bombs_end_the_connection_at_once(host: RecordingHost, form: str, bomb: bytes, *, greeted: bool) -> None:
    assert len(bomb) <= MAX_MESSAGE
    session = await opened(host, form, greeted=greeted)
    begun = time.thread_time()
    await session.receive(bomb)
    took = time.thread_time() - begun
    assert session.ended.result().close_code == MALFORMED
    assert len(session.ended.result().detail) < 1_000
    assert took < SLOWEST_SECONDS
    assert host.commands == []


LEAVES = (
    st.none() | st.booleans() | st.integers(-(2**63), 2**64 - 1) | st.floats(allow_nan=False) | st.text(max_size=20)
)
VALUES = st.recursive(
    LEAVES, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3)
)
EXAMPLES = [each.example for each in MESSAGES]


@st.composite
def altered(draw: st.DrawFn) -> dict[str, object]:
    """One of the messages, with fields left out, added, or of another kind."""
    message = dict(draw(st.sampled_from(EXAMPLES)))
    for name in draw(st.lists(st.sampled_from(sorted(message)), max_size=2)):
        message[name] = draw(VALUES)
    for name in draw(st.lists(st.sampled_from(sorted(message)), max_size=1)):
        del message[name]
    message.update(draw(st.dictionaries(st.text(max_size=9), VALUES, max_size=1)))
    return message


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(messages=st.lists(altered() | VALUES, max_size=6), form=st.sampled_from(["json", "msgpack"]))
async def test_whatever_is_said_is_answered_or_ends_the_connection(messages: list[object], form: str) -> None:
    host = RecordingHost(lambda agent_id, channel: "")  # noqa: ARG005 - nobody is anywhere
    session = await opened(host, form, greeted=True)
    for message in messages:
        await session.receive(encoded(message, form))
        if session.is_over:
            break
    await idle()
    assert not session.is_over or session.ended.result().close_code == MALFORMED
    assert not [command for command in host.commands if getattr(command, "instance", "web") != "web"]
    session.hang_up("stopped")
