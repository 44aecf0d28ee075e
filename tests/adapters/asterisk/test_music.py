"""Who has the music begun where callers wait."""

from typing import cast

from acd.testing.recording_host import RecordingHost
from acd_asterisk.ari import AriClient
from acd_asterisk.call import Call
from acd_asterisk.desk import Desk
from acd_asterisk.music import ANOTHER_FROM, MAX_IN_ROOM, Music
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

    def held(self) -> list[str]:
        """The bridges to which Asterisk was asked to move callers, in order."""
        return [path.split("/")[1] for _, path, _ in self.ari.asked if path.endswith("/addChannel")]

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


async def test_many_wait_in_several_rooms() -> None:
    """Each with a bounded number: whoever comes or goes costs Asterisk something for everybody who is there."""
    room = Room()
    calls = [room.caller(number) for number in range(3 * MAX_IN_ROOM)]
    for call in calls:
        await room.music.hold(call)
    rooms = [NAMES.hold_for("", number) for number in (1, 2, 3)]
    assert room.held() == [name for name in rooms for _ in range(MAX_IN_ROOM)]
    assert len(set(rooms)) == 3
    assert rooms[0] == NAMES.hold
    assert all(NAMES.is_hold(name) for name in rooms)
    assert not any(room.music.is_misplaced(call) for call in calls)
    await until(lambda: room.begun() == 3, lambda: str(room.ari.asked))
    await room.desk.stop()


async def test_a_room_that_has_emptied_is_filled_again_before_there_is_another() -> None:
    room = Room()
    calls = [room.caller(number) for number in range(2 * MAX_IN_ROOM)]
    for call in calls:
        await room.music.hold(call)
    for call in calls[: MAX_IN_ROOM - ANOTHER_FROM]:
        call.lost = True
    late = [room.caller(1_000 + number) for number in range(MAX_IN_ROOM)]
    for call in late:
        await room.music.hold(call)
    # The first has `ANOTHER_FROM` yet: a room that is so well filled gets nobody.
    assert {call.hold for call in late} == {NAMES.hold_for("", 3)}
    calls[MAX_IN_ROOM - 1].hold = ""
    later = [room.caller(2_000 + number) for number in range(MAX_IN_ROOM - ANOTHER_FROM + 1)]
    for call in later:
        await room.music.hold(call)
    assert {call.hold for call in later} == {NAMES.hold}
    await room.desk.stop()


async def test_rooms_that_an_earlier_process_has_filled_are_full() -> None:
    room = Room()
    for number in range(MAX_IN_ROOM):
        room.caller(number).hold = NAMES.hold
    call = room.caller(MAX_IN_ROOM)
    await room.music.hold(call)
    assert call.hold == NAMES.hold_for("", 2)
    await room.desk.stop()


async def test_after_a_comparison_it_is_begun_in_further_rooms() -> None:
    """Whoever was to begin it may be gone; in first rooms it is begun whenever the bridge is made sure of."""
    room = Room()
    for number, hold in enumerate((NAMES.hold_for("", 1), NAMES.hold_for("", 2), NAMES.hold_for("jazz", 3), "")):
        room.caller(number).hold = hold
    await room.music.resume()
    assert room.ari.asked == [
        ("POST", f"bridges/{NAMES.hold_for('', 2)}/moh", {"mohClass": "default"}),
        ("POST", f"bridges/{NAMES.hold_for('jazz', 3)}/moh", {"mohClass": "jazz"}),
    ]
    await room.desk.stop()
