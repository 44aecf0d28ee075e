"""The end of a supervised call, without a PBX, so that what crosses can be made to cross."""

import asyncio

import msgspec

from acd_asterisk.ari import AriClient
from acd_asterisk.desk import Desk
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.supervision import Supervision
from acd_asterisk.wire import Answer

NAMES = Names("pbx1", "acd")
WATCH, TALK = NAMES.supervising("watch", "boss", "c1"), NAMES.talk("c1")
TURNS = 5
"""Of the event loop, which a deletion takes."""


class SlowPbx(AriClient):
    """Has a supervisor's bridge, and takes its time to delete one."""

    def __init__(self) -> None:
        super().__init__("http://127.0.0.1:9/ari", connections=4, deadline_seconds=1.0)
        self.deleting: set[str] = set()
        self.deleted: list[str] = []
        self.side_by_side = False

    async def request(self, method: str, path: str, *_: object, **__: object) -> Answer:
        if method == "DELETE" and path.startswith("bridges/"):
            self.side_by_side = self.side_by_side or bool(self.deleting)
            self.deleting.add(path)
            for _turn in range(TURNS):
                await asyncio.sleep(0)
            self.deleting.remove(path)
            self.deleted.append(path)
            return Answer(204, b"")
        bridge = {"id": WATCH, "bridge_type": "mixing", "bridge_class": "stasis", "channels": []}
        return Answer(200, msgspec.json.encode([bridge] if path == "bridges" else []))


async def test_bridges_are_deleted_one_after_another() -> None:
    """The supervisor's and the conversation's: side by side it has crashed Asterisk."""
    options = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})
    pbx = SlowPbx()
    supervision = Supervision(Desk("pbx1", options, NAMES), pbx)
    await asyncio.gather(supervision.heal(), *(pbx.remove_bridge(TALK) for _ in range(TURNS)))
    assert len(pbx.deleted) == TURNS + 1
    assert not pbx.side_by_side
    await pbx.close()
