"""Everybody does what they like while the line is cut again and again: in the end all is as the people have left it."""

import asyncio
import random
from pathlib import Path

import pytest

from acd.core.messages import SetPresence
from acd.runtime.replay import verify
from tests.adapters.asterisk.proxy import Proxy
from tests.examples.chats import COMMANDS, POLL_SECONDS, Chat, Desk, Line, until
from tests.examples.test_channels_live import ENDED, Centre, address_of

TURNS = 250
AGENTS = ("anna", "ben")


class Storm:
    """Chance says what happens next."""

    def __init__(self, centre: Centre, chat: Chat, proxy: Proxy, seed: int) -> None:
        self._chance = random.Random(seed)  # noqa: S311 - what happens when, not secrecy
        self._centre = centre
        self._chat = chat
        self._proxy = proxy
        self._count = 0
        self.lines: dict[str, Line] = {}
        self.cuts = 0

    async def turn(self) -> None:
        """One thing, or nothing."""
        desk = self._chat.desks[self._chance.choice(AGENTS)]
        happening = self._chance.choices(
            (self._comes, self._leaves, self._answers, self._declines, self._ends, self._desk_is_lost, self._cut),
            (6, 3, 8, 2, 4, 1, 3),
        )[0]
        await happening(desk)
        await self._everybody_is_ready()
        await asyncio.sleep(POLL_SECONDS)

    async def calm(self) -> None:
        """Nobody new comes, and whoever is there is served until they leave."""
        async with asyncio.timeout(60):
            while any(line.is_open for line in self.lines.values()):
                for desk in self._chat.desks.values():
                    await self._answers(desk)
                for line in self.lines.values():
                    if line.is_open and line.told[-1].endswith("is with you"):
                        await line.close()
                await self._everybody_is_ready()
                await asyncio.sleep(POLL_SECONDS)

    async def _comes(self, _desk: Desk) -> None:
        if sum(line.is_open for line in self.lines.values()) < 8:
            name, line = await self._chat.arrive()
            self.lines[name] = line

    async def _leaves(self, _desk: Desk) -> None:
        open_lines = [line for line in self.lines.values() if line.is_open]
        if open_lines:
            await self._chance.choice(open_lines).close()

    async def _answers(self, desk: Desk) -> None:
        for offer in desk.rings()[:1]:
            desk.type(f"answer {offer}")

    async def _declines(self, desk: Desk) -> None:
        for offer in desk.rings()[:1]:
            desk.type(f"decline {offer}")

    async def _ends(self, desk: Desk) -> None:
        for name in self.lines:
            if desk.is_in(name):
                desk.type(f"end {name}")

    async def _desk_is_lost(self, desk: Desk) -> None:
        agent = next(name for name, each in self._chat.desks.items() if each is desk)
        await desk.close()
        await self._chat.sit_down(agent)

    async def _cut(self, _desk: Desk) -> None:
        if self._centre.is_connected:
            self.cuts += 1
            await self._proxy.cut()

    async def _everybody_is_ready(self) -> None:
        for agent in AGENTS:
            if self._centre.router.view.agents[agent].presence == "not-ready":
                self._count += 1
                await self._centre.router.submit(SetPresence(f"ready-{self._count}", agent, "ready"))


@pytest.mark.parametrize("seed", [1])
@pytest.mark.parametrize("command", COMMANDS)
async def test_in_the_end_all_is_as_the_people_have_left_it(tmp_path: Path, command: str, seed: int) -> None:
    async with (
        Centre(tmp_path, AGENTS) as centre,
        Proxy(centre.port) as proxy,
        Chat(COMMANDS[command](), address_of(f"http://127.0.0.1:{proxy.port}")) as chat,
    ):
        storm = Storm(centre, chat, proxy, seed)
        for _ in range(TURNS):
            await storm.turn()
        await storm.calm()
        await until(lambda: all(centre.state(name) in ENDED for name in storm.lines), "everybody to be gone")
        await until(lambda: all(centre.is_free(agent) for agent in AGENTS), "all agents to be free")
        assert storm.cuts >= 5
        assert len(storm.lines) >= 10
        desks = chat.desks.values()
        await until(lambda: not any(desk.rings() for desk in desks), "no desk to ring")
        await until(lambda: not any(desk.is_in(name) for name in storm.lines for desk in desks), "nobody to talk")
        assert not centre.router.view.interactions
    assert verify(tmp_path / "acd-journal.db").ok
