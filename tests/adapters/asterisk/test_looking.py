"""What a look at the PBX takes for stuck, and what for under way: an overload is no reason to compare everything."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from acd.ports.channel import Desired
from acd.testing.recording_host import RecordingHost
from acd_asterisk import mending
from acd_asterisk.desk import Desk
from acd_asterisk.differences import interaction_of
from acd_asterisk.healing import Healer
from acd_asterisk.looking import MANY
from acd_asterisk.mending import Repair
from acd_asterisk.snapshot import World
from tests.adapters.asterisk.test_healing import CALLER, INTERACTION, LEG, NAMES, StandIn, parts

STUCK = [mending.HangUp(LEG.id), mending.Destroy(INTERACTION), mending.Park(INTERACTION)]
"""A caller who is to wait stands in a bridge for talks, and an agent's leg is there that nobody wants."""


async def test_what_nobody_sees_to_is_stuck() -> None:
    _, healer, _ = waiting()
    assert await looked(healer) == STUCK


@pytest.mark.parametrize("whose", [INTERACTION, "another"])
async def test_whose_effect_is_being_performed_is_not_stuck(whose: str) -> None:
    """Its requests may wait for those of others, for longer than there is between two looks."""
    desk, healer, _ = waiting()
    with performing(desk, whose):
        assert await looked(healer) == ([] if whose == INTERACTION else STUCK)
    assert await looked(healer) == STUCK


async def test_who_is_on_the_way_to_the_music_is_not_stuck() -> None:
    """Nobody waits for that, so that no effect is being performed."""
    desk, healer, _ = waiting()
    parking = desk.calls[INTERACTION].parking = asyncio.create_task(forever())
    assert await looked(healer) == []
    parking.cancel()
    await asyncio.wait((parking,))
    assert await looked(healer) == STUCK


async def test_where_many_effects_are_being_performed_nobody_looks() -> None:
    """There may be others that wait for those, of which nothing is known here."""
    desk, healer, pbx = waiting()
    with performing(desk, *(f"another-{number}" for number in range(MANY))):
        assert await looked(healer) == []
    assert pbx.looks == 0


def test_what_was_called_back_has_an_interaction() -> None:
    """By which it is known whether it is being seen to, and found in the log."""
    channel_id = NAMES.back("callback-7.c1")
    assert interaction_of(NAMES, mending.HangUp(channel_id)) == "callback-7"


class Watched(StandIn):
    """Counts the looks."""

    looks = 0

    async def look_around(self) -> World:
        self.looks += 1
        return await super().look_around()


def waiting() -> tuple[Desk, Healer, Watched]:
    host = RecordingHost(lambda _agent, _channel: "")
    host.wished[INTERACTION] = Desired(INTERACTION, "waiting")
    pbx = Watched([CALLER, LEG], talking=[CALLER.id])
    desk, _, healer = parts(host, pbx)
    desk.add(INTERACTION, CALLER).is_enqueued = True
    return desk, healer, pbx


async def looked(healer: Healer) -> list[Repair]:
    return [each for each in await healer.look() if not isinstance(each, mending.Keep)]


@contextmanager
def performing(desk: Desk, *interactions: str) -> Iterator[None]:
    tasks = {asyncio.create_task(forever()): each for each in interactions}
    desk.performing |= tasks
    try:
        yield
    finally:
        for task in tasks:
            del desk.performing[task]
            task.cancel()


async def forever() -> None:
    await asyncio.Event().wait()
