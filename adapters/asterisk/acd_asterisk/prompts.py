"""What somebody hears besides music and people, and which keys they press: prompts to a channel or a bridge.

Owns what is being played to whom, and the collecting of keys. Must not know callers, agents, calls or why anything is
played. To one target there is one playback at a time, under a derived id: whoever wants it quiet, in whatever
process, knows what to stop.

Nothing is ever played to a channel itself. As long as Asterisk plays to a channel it does nothing else with it: a
variable is not set, nobody is moved, and with requests over the WebSocket all that are behind wait, too (measured: up
to the end of the file). So a channel is put into a mixing bridge of its own, to which is played; it can be moved out
at any moment. Whoever was in another bridge before has to be put back there by whoever asked, who then says so.
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import Final, Literal

import structlog
from msgspec import Struct

from acd_asterisk.abreast import abreast
from acd_asterisk.ari import AriClient, AriUnavailable, part
from acd_asterisk.happenings import (
    CallerLeft,
    CustomerGone,
    Happening,
    KeyPressed,
    LegDestroyed,
    LegLeft,
    PlaybackChanged,
)
from acd_asterisk.media import MAX_MEDIA, SOUND
from acd_asterisk.names import Names
from acd_asterisk.playing import Played, Playing, Where, is_moment

LONGEST_SECONDS: Final = 600.0
"""A playback that has not ended by itself is stopped."""

STOPPING_SECONDS: Final = 1.0
"""How long is waited for the end of what has been stopped."""

MAX_KEYS: Final = 32
"""Keys of one answer; also how many may wait to be read."""

MAX_SILENT: Final = 256
"""Sounds that are remembered as not having been heard: each is logged once."""

MAX_TURNS: Final = 8
"""Bridges of one channel that are tried one after another."""

_NOT_FOUND: Final = 404

_log = structlog.get_logger(__name__)


class Question(Struct, frozen=True, kw_only=True):
    """What is asked by a prompt and answered by keys.

    `media` is what they hear, in `language`. The answer is complete with `most` keys or with one of `terminators`.
    Silence: no key within `first_seconds` after the prompt, or within `between_seconds` after another key.
    """

    media: tuple[str, ...] = ()
    language: str = ""
    most: int = 1
    terminators: str = ""
    first_seconds: float = 5.0
    between_seconds: float = 3.0
    barge_in: bool = True
    """A key ends the prompt and counts; else keys count from its end."""


class Answer(Struct, frozen=True):
    """What was pressed, without the terminator, and what completed it: `gone` means that nobody is there any more."""

    keys: str
    end: Literal["full", "terminator", "silence", "gone"]


class Prompts:
    """All that is played by one channel instance. Every method that asks Asterisk raises `AriUnavailable`."""

    def __init__(self, client: AriClient, names: Names, instance: str) -> None:
        """`instance` is for the log."""
        self._client = client
        self._names = names
        self._instance = instance
        self._playing: dict[str, Playing] = {}
        """By target."""
        self._ears: dict[str, list[Callable[[str], None]]] = {}
        """Who listens to a channel's keys; the last one hears them."""
        self._silent: set[str] = set()
        self._alone: dict[str, str] = {}
        """The bridge in which a channel was spoken to, as long as it may be there."""
        self._closing: dict[str, asyncio.Task[None]] = {}
        """The removal of such bridges."""

    async def play(
        self,
        target: str,
        media: Sequence[str],
        *,
        language: str = "",
        where: Where = "channels",
        longest_seconds: float = LONGEST_SECONDS,
    ) -> Played:
        """Play media one after another to a channel or a bridge, and wait for the end.

        What plays there already is stopped. A channel is taken out of whatever bridge it is in, and stays alone in one
        of its own until it is moved (then say `moved`) or `let_out`. `language` is that of the sounds; empty:
        Asterisk's own. Whoever is cancelled while waiting leaves it playing.
        """
        playing = await self.begin(target, media, language=language, where=where)
        return await self.end_of(playing, longest_seconds=longest_seconds)

    async def begin(
        self, target: str, media: Sequence[str], *, language: str = "", where: Where = "channels"
    ) -> Playing:
        """As `play`, but returns when Asterisk has been asked: nobody is moved any more on account of this."""
        if not media:
            return Playing(target, where, over="done")
        playing = await self._take_turn(target, where)
        try:
            if not await self._ask_for(target, media[:MAX_MEDIA], language, where):
                self._end(playing, "gone")
        finally:
            playing.asked.set()
        return playing

    async def end_of(self, playing: "Playing", *, longest_seconds: float = LONGEST_SECONDS) -> Played:
        """Wait for the end of what was begun."""
        try:
            async with asyncio.timeout(longest_seconds):
                return await asyncio.shield(playing.over)
        except TimeoutError:
            await self._stop(playing)
            self._end(playing, "stopped")
            return "too-long"

    async def hush(self, target: str) -> None:
        """Stop what is played to a channel or a bridge, if anything is; returns when Asterisk has been told."""
        playing = self._playing.get(target)
        if playing is not None:
            await self._stop(playing)

    async def silence(self, target: str) -> None:
        """Stop what is played there for good: it is over when this returns, whether or not Asterisk says so."""
        if (playing := self._playing.get(target)) is not None:
            with suppress(AriUnavailable):
                await self._stop(playing)
            await self._until_over(playing)

    def is_playing(self, target: str) -> bool:
        """Whether something is played there, or about to be."""
        return target in self._playing

    async def ask(self, channel_id: str, question: Question) -> Answer:
        """Play a prompt to a channel and collect the keys that are pressed."""
        keys: asyncio.Queue[str] = asyncio.Queue(MAX_KEYS)

        def heard(key: str) -> None:
            if not keys.full():
                keys.put_nowait(key)

        self.listen(channel_id, heard)
        try:
            return await self._collect(channel_id, question, keys)
        finally:
            self.unlisten(channel_id, heard)

    def listen(self, channel_id: str, heard: Callable[[str], None]) -> None:
        """Hear every key of a channel from now on, until `unlisten`; who listened before hears none meanwhile.

        An empty key says that the channel is gone, and that no more will come.
        """
        self._ears.setdefault(channel_id, []).append(heard)

    def unlisten(self, channel_id: str, heard: Callable[[str], None]) -> None:
        """Hear no more. Who listened before hears again."""
        ears = self._ears.get(channel_id, [])
        if heard in ears:
            ears.remove(heard)
        if not ears:
            self._ears.pop(channel_id, None)

    def handle(self, what: Happening) -> None:
        """Take note of what has happened; most of it is none of this part's business."""
        match what:
            case PlaybackChanged():
                self._changed(what)
            case KeyPressed():
                if ears := self._ears.get(what.channel_id):
                    ears[-1](what.key)
            case CallerLeft() | CustomerGone():
                self.forget(what.channel_id)
            case LegLeft() | LegDestroyed():
                self.forget(self._names.leg(what.offer_id))
            case _:
                pass

    def moved(self, channel_id: str) -> None:
        """The channel is in another bridge by now: the one in which it was spoken to goes, if there is one.

        Not before: whoever is in a bridge that goes while they are being moved out may be lost on the way.
        """
        if (playing := self._playing.get(channel_id)) is not None:
            playing.is_left = True  # It goes as soon as that has been stopped.
        elif (bridge := self._alone.pop(channel_id, None)) is not None:
            self._closing[bridge] = asyncio.create_task(self._close(bridge))

    async def let_out(self, channel_id: str) -> None:
        """Nothing more is to be said: the channel is in no bridge when this returns, and can be put anywhere."""
        if channel_id not in self._playing and (bridge := self._alone.pop(channel_id, None)) is not None:
            with suppress(AriUnavailable):
                await self._client.take_out(bridge, channel_id)
            self._closing[bridge] = asyncio.create_task(self._close(bridge))

    async def stop(self) -> None:
        """Ask nothing any more. What is being said goes on."""
        for task in (closing := tuple(self._closing.values())):
            task.cancel()
        await asyncio.gather(*closing, return_exceptions=True)

    def forget(self, target: str) -> None:
        """The channel or bridge is gone: nothing is heard there, and nobody presses a key."""
        playing = self._playing.get(target)
        if playing is not None:
            self._end(playing, "gone")
        self.moved(target)
        for heard in self._ears.pop(target, ()):
            heard("")

    async def take_over(self, bridges: Iterable[str]) -> None:
        """Events have been missed: find out what has ended, and end what an earlier process has begun to say.

        `bridges` are all in which somebody is or was spoken to. Who was in one of an earlier process is in none then.
        """
        await abreast(self._look_up, tuple(self._playing))
        own = {*self._alone.values(), *self._closing}
        await abreast(self._end_earlier, [each for each in bridges if each not in own])

    # ---- playing

    async def _take_turn(self, target: str, where: Where) -> Playing:
        """End what is played there, and be what is played next."""
        while (earlier := self._playing.get(target)) is not None:
            await self._stop(earlier)
            await self._until_over(earlier)
        playing = self._playing[target] = Playing(target, where)
        return playing

    async def _until_over(self, stopped: Playing) -> None:
        await asyncio.wait((stopped.over,), timeout=STOPPING_SECONDS)
        self._end(stopped, "stopped")

    async def _ask_for(self, target: str, media: Sequence[str], language: str, where: Where) -> bool:
        """Returns whether somebody is there."""
        bridge = await self._put_alone(target) if where == "channels" else target
        if not bridge:
            return False
        path = f"bridges/{part(bridge)}/play/{part(self._names.playback(target))}"
        body: dict[str, object] = {"media": list(media)}
        if language:
            body["lang"] = language
        # Once only: asked twice, it would be played twice. Without an answer it may be playing all the same, so that it
        # stays known as long as its target is there, and can be stopped.
        answer = await self._client.request("POST", path, body)
        if not answer.is_success and answer.status != _NOT_FOUND:
            _log.debug("nothing could be played", instance=self._instance, status=answer.status, target=target)
        return answer.is_success

    async def _put_alone(self, channel_id: str) -> str:
        """Returns the bridge in which the channel is by itself; empty when the channel is not there."""
        bridge = self._alone.get(channel_id, "")
        for turn in range(1, MAX_TURNS + 1):
            if bridge:
                break
            # The id of one that has just been removed may stay taken for a while.
            name = self._names.say(channel_id, turn)
            body = {"type": "mixing", "name": "acd-say"}
            made = await self._client.request("POST", f"bridges/{part(name)}", body)
            if made.is_success:
                bridge = self._alone[channel_id] = name
        path = f"bridges/{part(bridge)}/addChannel"
        if bridge and (await self._client.request("POST", path, {"channel": channel_id}, attempts=2)).is_success:
            return bridge
        self.moved(channel_id)
        return ""

    async def _end_earlier(self, bridge: str) -> None:
        """A playback outlasts its bridge, and keeps its id; so it is stopped first."""
        if (channel_id := self._names.listener_of(bridge)) is not None:
            await self._delete(channel_id)
            await self._client.take_out(bridge, channel_id)
        await self._close(bridge)

    async def _close(self, bridge: str) -> None:
        """What cannot be removed now is found by a comparison."""
        with suppress(AriUnavailable):
            await self._client.remove_bridge(bridge)
        if self._closing.get(bridge) is asyncio.current_task():
            del self._closing[bridge]

    async def _stop(self, playing: Playing) -> None:
        playing.is_stopped = True
        await playing.asked.wait()
        if not playing.over.done() and not await self._delete(playing.target):
            self._end(playing, "stopped")

    async def _delete(self, target: str) -> bool:
        """Returns whether there was anything."""
        path = f"playbacks/{part(self._names.playback(target))}"
        return (await self._client.request("DELETE", path, attempts=2)).status != _NOT_FOUND

    def _end(self, playing: Playing, how: Played) -> None:
        playing.end(how)
        target = playing.target
        if self._playing.get(target) is playing:
            del self._playing[target]
            if playing.is_left:
                self.moved(target)

    def _changed(self, what: PlaybackChanged) -> None:
        target = self._names.target_of(what.playback_id)
        playing = None if target is None else self._playing.get(target)
        if target is None or playing is None:
            return
        if what.state == "playing":
            playing.began = what.at
            return
        if not playing.is_stopped and is_moment(playing.began, what.at):
            self._not_heard(what.media)
        if what.has_ended:
            self._end(playing, "failed" if what.state == "failed" else "done")

    def _not_heard(self, media: str) -> None:
        """Say so once. Only of sounds: figures may be a customer's."""
        if media.startswith(SOUND) and media not in self._silent and len(self._silent) < MAX_SILENT:
            self._silent.add(media)
            _log.warning(
                "a sound cannot be played; is there such a file, in this language and readable by Asterisk?",
                instance=self._instance,
                media=media,
            )

    async def _look_up(self, target: str) -> None:
        path = f"playbacks/{part(self._names.playback(target))}"
        playing = self._playing.get(target)
        if playing is not None and playing.asked.is_set():
            answer = await self._client.request("GET", path, attempts=2)
            if answer.status == _NOT_FOUND:
                self._end(playing, "done")

    # ---- keys

    async def _collect(self, channel_id: str, question: Question, keys: "asyncio.Queue[str]") -> Answer:
        pressed = ""
        key = await self._first_key(channel_id, question, keys)
        while True:
            if key is None:
                return Answer(pressed, "silence")
            if not key:
                return Answer(pressed, "gone")
            if key in question.terminators:
                return Answer(pressed, "terminator")
            pressed += key
            if len(pressed) >= min(question.most, MAX_KEYS):
                return Answer(pressed, "full")
            key = await _within(question.between_seconds, keys)

    async def _first_key(self, channel_id: str, question: Question, keys: "asyncio.Queue[str]") -> str | None:
        """Play the prompt and wait for a key; empty when nobody is there any more, None when none came."""
        playing = asyncio.ensure_future(self.play(channel_id, question.media, language=question.language))
        pressing = asyncio.ensure_future(keys.get())
        awaited = (playing, pressing) if question.barge_in else (playing,)
        try:
            await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
            if question.barge_in and pressing.done():
                if pressing.result():
                    await self.hush(channel_id)
                    await playing
                return pressing.result()
            if await playing == "gone":
                return ""
        finally:
            playing.cancel()
            pressing.cancel()
            del playing, pressing, awaited  # No circle of a task, its error and this frame.
        while not question.barge_in and not keys.empty():
            keys.get_nowait()
        return await _within(question.first_seconds, keys)


async def _within(seconds: float, keys: "asyncio.Queue[str]") -> str | None:
    try:
        async with asyncio.timeout(seconds):
            return await keys.get()
    except TimeoutError:
        return None
