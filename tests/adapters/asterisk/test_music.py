"""Who has the music begun where callers wait."""

from typing import cast

from acd.testing.recording_host import RecordingHost
from acd_asterisk.ari import AriClient
from acd_asterisk.call import Call
from acd_asterisk.desk import Desk
from acd_asterisk.music import Music
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriChannel
from tests.adapters.asterisk.rig import until
from tests.adapters.asterisk.stand_in import StandInAri

OPTIONS = read_options("pbx1", {"url": "http://127.0.0.1:9/ari", "user": "acd", "password": "x"})
NAMES = Names("pbx1", "acd")


class Room:
    """Callers who are put to wait."""

    def __init__(self) -> None:
        self.ari = StandInAri()
        self.desk = Desk("pbx1", OPTIONS, NAMES)
        self.desk.start(RecordingHost(lambda _agent, _channel: ""))
        self.music = Music(self.desk, Switchboard(cast("AriClient", self.ari), NAMES, OPTIONS))

    def caller(self, number: int) -> Call:
        channel = AriChannel(f"1795254033.{number}", "Up")
        call = self.desk.add(NAMES.interaction(channel.id), channel)
        call.is_enqueued = True
        return call

    def begun(self) -> int:
        return sum(path.endswith("/moh") for _, path, _ in self.ari.asked)


async def test_the_first_one_is_gone_when_it_is_time() -> None:
    """Then it is begun for the second, who was not first."""
    room = Room()
    first, second = room.caller(1), room.caller(2)
    await room.music.hold(first)
    await room.music.hold(second)
    first.lost = True
    await until(lambda: room.begun() == 1, lambda: str(room.ari.asked))
    await room.desk.stop()


async def test_who_was_there_before_a_comparison_is_first_all_the_same() -> None:
    """Where somebody was put last says nothing of who is there."""
    room = Room()
    call = room.caller(1)
    call.hold = NAMES.hold
    await room.music.hold(call)
    await until(lambda: room.begun() == 1, lambda: str(room.ari.asked))
    await room.desk.stop()
