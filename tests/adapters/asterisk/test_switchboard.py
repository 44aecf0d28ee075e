"""What is asked of the PBX, where the wording matters and a real one would show it once in thousands of calls."""

from typing import cast

import pytest

from acd_asterisk.ari import AriClient
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.switchboard import NEVER_SECONDS, Switchboard
from acd_asterisk.wire import Answer

OPTIONS = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})


class Listening:
    """Takes every request, and keeps what it said."""

    def __init__(self) -> None:
        self.bodies: list[object] = []

    async def request(self, _method: str, _path: str, body: object = None, **_options: object) -> Answer:
        self.bodies.append(body)
        return Answer(204, b"")


@pytest.mark.parametrize(("seconds", "value"), [(30.0, "30.000"), (2.5, "2.500"), (0, f"{NEVER_SECONDS}.000")])
async def test_dead_mans_switch_is_never_set_to_zero(seconds: float, value: str) -> None:
    """Zero, written while the channel's own thread looks, reads as a time that is over: callers were thrown out.

    In digits: Asterisk would take `3.1536e+07` for three seconds.
    """
    client = Listening()
    switchboard = Switchboard(cast("AriClient", client), Names("pbx1", "acd"), OPTIONS)
    assert await switchboard.set_dead_mans_switch("1795254033.0", seconds)
    assert client.bodies == [{"variable": "TIMEOUT(absolute)", "value": value}]
