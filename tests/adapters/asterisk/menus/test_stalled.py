"""A PBX that answers nothing while somebody is in a menu, and what is found when it is compared. Without a PBX."""

import asyncio
import tomllib

import pytest

from acd.core.messages import EnqueueInteraction
from acd.testing.recording_host import RecordingHost
from acd_asterisk.ari import AriUnavailable
from acd_asterisk.call import Call
from acd_asterisk.desk import Desk, NotTaken
from acd_asterisk.happenings import KeyPressed
from acd_asterisk.menus.service import Menus
from acd_asterisk.names import Names
from acd_asterisk.options import read_options
from acd_asterisk.orders import Orders
from acd_asterisk.prompts import Prompts
from acd_asterisk.switchboard import Switchboard
from acd_asterisk.wire import AriChannel
from tests.adapters.asterisk.menus.plans import PLAIN, SHOP
from tests.adapters.asterisk.stand_in import StandInAri

CHANNEL = AriChannel("1795254033.0", "Up")
TURNS = 200


class Floor:
    """Menus, and a PBX that answers as it is told."""

    def __init__(self) -> None:
        self.is_silent = False
        self.play_status = 204
        self.ari = StandInAri(self.status)
        options = read_options("pbx1", {**PLAIN, **tomllib.loads(SHOP)})
        names = Names("pbx1", "acd")
        self.desk = Desk("pbx1", options, names)
        self.desk.start(RecordingHost(lambda _agent, _channel: ""))
        self.prompts = Prompts(self.ari.client, names, "pbx1")
        switchboard = Switchboard(self.ari.client, names, options)
        self.handed_in: list[EnqueueInteraction] = []
        self.menus = Menus(self.desk, switchboard, Orders(self.desk, switchboard, self.prompts), self.hand_in)
        self.call = self.desk.add(names.interaction(CHANNEL.id), CHANNEL)

    def status(self, _method: str, path: str) -> int | AriUnavailable:
        if path.startswith("playbacks/"):
            return 404
        if "/play/" not in path:
            return 204
        return AriUnavailable("silence") if self.is_silent else self.play_status

    async def hand_in(self, call: Call, command: EnqueueInteraction) -> None:
        call.is_enqueued = True
        self.handed_in.append(command)

    def enter(self, queue: str = "menu:main") -> bool:
        command = EnqueueInteraction("c1", self.call.interaction_id, "voice", queue, attributes=(("did", "1000"),))
        return self.menus.take(self.call, command, language="")

    def played(self) -> list[object]:
        return [body for _, path, body in self.ari.asked if "/play/" in path]

    async def turns(self) -> None:
        for _ in range(TURNS):
            await asyncio.sleep(0)


async def test_asked_again_after_a_comparison() -> None:
    floor = Floor()
    floor.is_silent = True
    assert floor.enter()
    await floor.turns()
    assert len(floor.played()) == 1
    assert floor.menus.callers == 1
    floor.menus.compared({CHANNEL.id}, was_restarted=False)
    await floor.turns()
    assert len(floor.played()) == 2, "and again in vain"
    floor.is_silent = False
    floor.menus.compared({CHANNEL.id}, was_restarted=False)
    floor.menus.compared({CHANNEL.id}, was_restarted=False)
    await floor.turns()
    assert len(floor.played()) == 3, "begun once"
    for key in "2A1":
        floor.prompts.handle(KeyPressed(CHANNEL.id, key))
    await floor.turns()
    (command,) = floor.handed_in
    assert (command.queue, floor.call.in_menu, floor.menus.callers) == ("support", False, 0)
    assert dict(command.attributes) == {"did": "1000", "menu.main": "2", "menu.support": "1"}
    variables = [body for _, path, body in floor.ari.asked if path.endswith("/variable")]
    assert variables[-1] == {"variable": "ACD_MENU", "value": "-"}
    await floor.desk.stop()


@pytest.mark.parametrize("was_restarted", [False, True])
async def test_gone_when_compared(*, was_restarted: bool) -> None:
    """Who is no longer there has hung up, unless Asterisk has been started anew."""
    floor = Floor()
    assert floor.enter()
    await floor.turns()
    floor.menus.compared((), was_restarted=was_restarted)
    await floor.turns()
    assert (floor.menus.callers, floor.menus.hangups, floor.desk.calls) == (0, 0 if was_restarted else 1, {})
    assert not floor.handed_in
    await floor.desk.stop()


async def test_nothing_can_be_played() -> None:
    """A caller who is there is not given up for a prompt: their keys count."""
    floor = Floor()
    floor.play_status = 500
    assert floor.enter()
    await floor.turns()
    assert (floor.menus.callers, floor.menus.hangups) == (1, 0)
    for key in "21":
        floor.prompts.handle(KeyPressed(CHANNEL.id, key))
    await floor.turns()
    assert [command.queue for command in floor.handed_in] == ["support"]
    await floor.desk.stop()


async def test_gone_before_anybody_listened() -> None:
    floor = Floor()
    assert floor.enter()
    floor.call.lost = floor.call.hangup_requested = True
    await floor.turns()
    assert (floor.menus.callers, floor.menus.hangups, floor.played()) == (0, 1, [])
    await floor.desk.stop()


async def test_who_may_enter() -> None:
    floor = Floor()
    assert not floor.enter("sales")
    for queue in ("menu:support", "menu:nowhere", "menu:"):
        with pytest.raises(NotTaken) as caught:
            floor.enter(queue)
        assert caught.value.code == "unknown-menu"
    assert floor.menus.callers == 0
    await floor.desk.stop()
