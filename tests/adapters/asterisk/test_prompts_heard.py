"""Prompts and keys on a real Asterisk, by what arrives in the caller's ear."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest

from acd_asterisk.ari import AriClient
from acd_asterisk.happenings import EVENTS, CallerArrived, happening
from acd_asterisk.lab import CallSpec, Ear, Provisioned, SippCallers
from acd_asterisk.lab.tones import tone
from acd_asterisk.names import Names
from acd_asterisk.prompts import Answer, Prompts, Question
from tests.adapters.asterisk.rig import APP, INSTANCE, Ground, ground, until

CALLER = "10001"
LOW, HIGH, LONG, THREE, CHINESE_THREE = 900, 1_300, 1_700, 2_100, 2_500
"""Tones that stand for sounds. Music is lower than all of them."""

MUSIC = range(600)


@dataclass
class Line:
    """A caller in the application, and what can be done to them."""

    ground: Ground
    client: AriClient
    prompts: Prompts
    channel_id: str
    ear: Ear
    names: Names
    callers: SippCallers

    async def move(self, bridge: str) -> None:
        moved = await self.client.request("POST", f"bridges/{bridge}/addChannel", {"channel": self.channel_id})
        assert moved.is_success

    async def bridges(self) -> list[str]:
        """Those in which the caller is."""
        return [each["id"] for each in await self.ground.pbx.bridges() if self.channel_id in each["channels"]]

    async def hears(self, *expected: int, since: int = 0) -> None:
        """Wait until exactly these tones have been heard besides music."""
        await until(lambda: self.heard(since) == list(expected), lambda: str(self.ear.tones(since)))

    def heard(self, since: int = 0) -> list[int]:
        return [each for each in self.ear.tones(since) if each not in MUSIC]


@asynccontextmanager
async def line(provisioned: Provisioned) -> AsyncIterator[Line]:
    """A PBX with sounds, and a caller who hears music in a holding bridge."""
    names = Names(INSTANCE, APP)
    async with ground(provisioned, []) as pbx_and_phones, Ear() as ear:
        pbx = pbx_and_phones.pbx
        for name, hertz, language in (
            *(("low", LOW, ""), ("high", HIGH, "")),
            *(("digits/3", THREE, "xx"), ("digits/3", CHINESE_THREE, "zh")),
        ):
            pbx.add_sound(name, tone(hertz, 200), language)
        pbx.add_sound("long", tone(LONG, 20_000))
        client = AriClient(pbx.ari_url, connections=8, deadline_seconds=5)
        client.log_in(pbx.ari_user, pbx.ari_password)
        prompts = Prompts(client, names, INSTANCE)
        arrived = asyncio.get_running_loop().create_future()
        socket = await client.events(APP)

        async def follow() -> None:
            while True:
                event = await socket.next()
                what = None if event is None else happening(event, names)
                if isinstance(what, CallerArrived):
                    arrived.set_result(what.channel.id)
                elif what is not None:
                    prompts.handle(what)

        tasks = [asyncio.create_task(follow()), asyncio.create_task(socket.pump())]
        try:
            allowed = {"allowed": [{"type": name} for name in EVENTS]}
            assert (await client.request("PUT", f"applications/{APP}/eventFilter", allowed)).is_success
            for bridge in ("hold", "talk"):
                kind = "holding" if bridge == "hold" else "mixing"
                assert (await client.request("POST", f"bridges/{bridge}", {"type": kind})).is_success
            assert (await client.request("POST", "bridges/hold/moh", {"mohClass": "default"})).is_success
            async with pbx_and_phones.callers(CallSpec(CALLER, "sales", ear=ear.port)) as callers:
                async with asyncio.timeout(5):
                    channel_id = await arrived
                it = Line(pbx_and_phones, client, prompts, channel_id, ear, names, callers)
                await client.request("POST", f"channels/{channel_id}/answer")
                await it.move("hold")
                await until(lambda: bool(ear.tones()), lambda: "no music")
                yield it
        finally:
            for task in tasks:
                task.cancel()
            await socket.__aexit__(None, None, None)
            await prompts.stop()
            await client.close()


async def test_a_prompt_over_the_music(provisioned: Provisioned) -> None:
    """Who waits in the holding bridge hears the prompt instead of the music, and the music when put back.

    Numbers are said in the language that is asked for; what there is no file for is left out, and nothing gets stuck.
    """
    async with line(provisioned) as it:
        since = it.ear.packets
        media = ("sound:low", "number:3", "sound:no-such-sound", "sound:high")
        assert await it.prompts.play(it.channel_id, media, language="zh") == "done"
        await it.hears(LOW, CHINESE_THREE, HIGH, since=since)
        assert await it.bridges() == [it.names.say(it.channel_id)]
        await it.prompts.let_out(it.channel_id)
        assert await it.bridges() == []
        await it.move("hold")
        assert await it.bridges() == ["hold"]
        assert (await it.client.request("POST", "bridges/hold/moh", {"mohClass": "default"})).is_success
        await until(lambda: it.ear.tones(since)[-1] in MUSIC, lambda: str(it.ear.tones(since)))
        assert await it.prompts.play(it.channel_id, ("number:3",), language="xx") == "done"
        assert await it.prompts.play(it.channel_id, ("sound:no-such-sound",)) == "failed"
        assert it.heard(since) == [LOW, CHINESE_THREE, HIGH, THREE]


async def test_a_prompt_never_keeps_anybody_from_an_agent(provisioned: Provisioned) -> None:
    """Stopped and then moved: milliseconds; without the stop it would be twenty seconds."""
    async with line(provisioned) as it:
        playing = asyncio.create_task(it.prompts.play(it.channel_id, ("sound:long", "sound:long")))
        await it.hears(LONG)
        began = time.monotonic()
        await it.prompts.hush(it.channel_id)
        await it.move("talk")
        assert time.monotonic() - began < 1.0
        assert await playing == "stopped"
        # In the talk bridge something can be played as well, to one who talks or to all.
        since = it.ear.packets
        assert await it.prompts.play("talk", ("sound:low",), where="bridges") == "done"
        assert await it.prompts.play(it.channel_id, ("sound:high",)) == "done"
        await it.hears(LOW, HIGH, since=since)


async def test_what_follows_takes_the_place_of_what_plays(provisioned: Provisioned) -> None:
    async with line(provisioned) as it:
        first = asyncio.create_task(it.prompts.play(it.channel_id, ("sound:long",)))
        await it.hears(LONG)
        assert await it.prompts.play(it.channel_id, ("sound:low",)) == "done"
        assert await first == "stopped"
        await it.hears(LONG, LOW)


async def test_another_process_stops_what_it_has_not_begun(provisioned: Provisioned) -> None:
    async with line(provisioned) as it:
        playing = asyncio.create_task(it.prompts.play(it.channel_id, ("sound:long",)))
        await it.hears(LONG)
        heir = Prompts(it.client, it.names, INSTANCE)
        await heir.take_over([it.names.say(it.channel_id)])
        assert await playing in {"done", "failed", "gone"}


@pytest.mark.parametrize("barge_in", [True, False])
async def test_keys(provisioned: Provisioned, *, barge_in: bool) -> None:
    """A key ends the prompt, or does not count while it lasts."""
    async with line(provisioned) as it:
        sound = "sound:long" if barge_in else "sound:low"
        question = Question(media=(sound,), most=4, terminators="#", first_seconds=5, barge_in=barge_in)
        asking = asyncio.create_task(it.prompts.ask(it.channel_id, question))
        await it.hears(LONG if barge_in else LOW)
        if not barge_in:
            await until(lambda: not it.prompts.is_playing(it.channel_id), lambda: "it plays for ever")
        await it.ground.press(CALLER, "47#")
        assert await asking == Answer("47", "terminator")


async def test_hanging_up_in_the_middle(provisioned: Provisioned) -> None:
    async with line(provisioned) as it:
        asking = asyncio.create_task(it.prompts.ask(it.channel_id, Question(media=("sound:long",), most=2)))
        await it.hears(LONG)
        await it.ground.press(CALLER, "4")
        await it.callers.stop()
        await it.client.request("DELETE", f"channels/{it.channel_id}")
        assert await asking == Answer("4", "gone")
        assert await it.prompts.play(it.channel_id, ("sound:low",)) == "gone"
