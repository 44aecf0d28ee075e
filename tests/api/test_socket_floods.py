"""What is no message: pings, pongs, parts of messages that never end. Whoever sends little else is cut off.

The real `acd serve`: it is its own connections that count.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from acd.api.inbound import BYTES_AT_ONCE, SIGNS_AT_ONCE, TOO_FAST
from tests.api.frames import CLOSE, CONTINUED, PING, PONG, TEXT, Frames, frame
from tests.served import CONFIG, TOKEN, Served, write_centre

ORIGIN: Final = "https://shop.example"
MORE: Final = f"""\
[channels.shop]
type = "webchat"
origins = ["{ORIGIN}"]
queues = ["sales"]
[channels.talk]
type = "webrtc"
origins = ["{ORIGIN}"]
queues = ["sales"]
[channels.crm]
type = "external"
"""
DOORS: Final = {
    "chat": ("/v1/chat?channel=shop", {"Origin": ORIGIN}),
    "call": ("/v1/call?channel=talk", {"Origin": ORIGIN}),
    "events": ("/v1/events", {"Authorization": f"Bearer {TOKEN}"}),
    "channel": ("/v1/channels/crm", {"Authorization": f"Bearer {TOKEN}"}),
}
MANY: Final = 20_000


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder: Path = tmp_path_factory.mktemp("floods")
    found = Served(write_centre(folder, CONFIG + MORE))
    found.ready()
    yield found
    found.process.terminate()
    status, _, log = found.end()
    assert status == 0
    assert "failed" not in log, log
    assert "Traceback" not in log, log


def enter(served: Served, door: str) -> Frames:
    """A connection on which something has been said, if anything has to be."""
    path, headers = DOORS[door]
    found = Frames(served.address, path, **headers)
    if door in {"chat", "call"}:
        found.say('{"type": "hello"}')
        assert json.loads(found.next().payload)["type"] == "welcome"
    return found


@pytest.mark.parametrize("door", DOORS)
def test_a_ping_is_answered(served: Served, door: str) -> None:
    with enter(served, door) as page:
        for number in range(SIGNS_AT_ONCE // 2):
            page.socket.sendall(frame(PING, f"ping {number}".encode()))
        pongs: list[str] = []
        while len(pongs) < SIGNS_AT_ONCE // 2:
            came = page.next()
            assert came.kind in (TEXT, PING, PONG)
            if came.kind == PONG:
                pongs.append(came.payload.decode())
        assert pongs == [f"ping {number}" for number in range(SIGNS_AT_ONCE // 2)]


@pytest.mark.parametrize("kind", [PING, PONG])
@pytest.mark.parametrize("door", DOORS)
def test_a_flood_of_them_is_cut_off(served: Served, door: str, kind: int) -> None:
    with enter(served, door) as page:
        page.flood(frame(kind) * MANY)
        came = page.to_the_end()
    assert (came[-1].kind, came[-1].code) == (CLOSE, TOO_FAST), came[-3:]
    assert came[-1].payload[2:].startswith(b"too-fast")
    assert sum(each.kind == PONG for each in came) < MANY


@pytest.mark.parametrize("door", ["chat", "call", "events"])
def test_a_message_of_empty_parts_that_never_ends_is_cut_off(served: Served, door: str) -> None:
    part = frame(CONTINUED, last=False)
    with enter(served, door) as page:
        page.flood(frame(TEXT, b"{", last=False) + part * (16 * BYTES_AT_ONCE // len(part)))
        came = page.to_the_end()
    assert (came[-1].kind, came[-1].code) == (CLOSE, TOO_FAST), came[-3:]


def test_what_a_page_may_say_at_once_is_no_flood(served: Served) -> None:
    with enter(served, "chat") as page:
        page.say('{"type": "begin", "id": "b-1"}')
        for number in range(50):
            page.say(json.dumps({"type": "send", "id": f"m-{number}", "text": "\u8bf7" * 4_000}, ensure_ascii=False))
        sent = 0
        while sent < 50:
            came = page.next()
            assert came.kind == TEXT, came
            sent += json.loads(came.payload)["type"] == "sent"
