"""What somebody hears besides music and people, and which keys they press: prompts to a channel or a bridge.

Owns what is being played to whom, and the collecting of keys. Must not know callers, agents, calls or why anything is
played. To one target there is one playback at a time, under a derived id: whoever wants it quiet, in whatever
process, knows what to stop. What is played is stopped in a millisecond, and only that makes a channel in a bridge
movable: Asterisk lets nobody out of a bridge in the middle of a file (measured: up to its end).
"""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from datetime import datetime
from typing import Final, Literal

import structlog
from msgspec import Struct

from acd_asterisk.abreast import abreast
from acd_asterisk.ari import AriClient, part
from acd_asterisk.happenings import (
    CallerLeft,
    Happening,
    KeyPressed,
    LegDestroyed,
    LegLeft,
    PlaybackChanged,
)
from acd_asterisk.media import MAX_MEDIA, SOUND
from acd_asterisk.names import Names

LONGEST_SECONDS: Final = 600.0
"""A playback that has not ended by itself is stopped."""

STOPPING_SECONDS: Final = 1.0
"""How long is waited for the end of what has been stopped."""

MAX_KEYS: Final = 32
"""Keys of one answer; also how many may wait to be read."""

MAX_SILENT: Final = 256
"""Sounds that are remembered as not having been heard: each is logged once."""

UNHEARD_SECONDS: Final = 0.003
"""A file that was over so soon has not been played: there is none."""

_NOT_FOUND: Final = 404

Played = Literal["done", "failed", "stopped", "gone", "too-long"]
"""All of it was heard; the last of it could not be; it was stopped; nobody is there to hear; or it took too long."""

Where = Literal["channels", "bridges"]

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


class _Voice:
    """One playback, from the moment it is asked for."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        """Asterisk has answered, or will not: only then it can be told to stop."""
        self.over: asyncio.Future[Played] = asyncio.get_running_loop().create_future()
        self.is_stopped = False
        self.began = ""

    def end(self, how: Played) -> None:
        if not self.over.done():
            self.over.set_result("stopped" if self.is_stopped and how != "gone" else how)


class Prompts:
    """All that is played by one channel instance. Every method that asks Asterisk raises `AriUnavailable`."""

    def __init__(self, client: AriClient, names: Names, instance: str) -> None:
        """`instance` is for the log."""
        self._client = client
        self._names = names
        self._instance = instance
        self._voices: dict[str, _Voice] = {}
        """By target."""
        self._ears: dict[str, list[Callable[[str], None]]] = {}
        """Who listens to a channel's keys; the last one hears them."""
        self._silent: set[str] = set()

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

        What plays there already is stopped. `language` is that of the sounds; empty: the channel's. Whoever is
        cancelled while waiting leaves it playing.
        """
        if not media:
            return "done"
        voice = await self._take_turn(target)
        try:
            if not await self._ask_for(target, media[:MAX_MEDIA], language, where):
                self._end(target, voice, "gone")
                return await voice.over
        finally:
            voice.asked.set()
        try:
            async with asyncio.timeout(longest_seconds):
                return await asyncio.shield(voice.over)
        except TimeoutError:
            await self._stop(target, voice)
            self._end(target, voice, "stopped")
            return "too-long"

    async def hush(self, target: str) -> None:
        """Stop what is played to a channel or a bridge, if anything is; returns when Asterisk has been told."""
        voice = self._voices.get(target)
        if voice is not None:
            await self._stop(target, voice)

    def is_playing(self, target: str) -> bool:
        """Whether something is played there, or about to be."""
        return target in self._voices

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
            case CallerLeft():
                self.forget(what.channel_id)
            case LegLeft() | LegDestroyed():
                self.forget(self._names.leg(what.offer_id))
            case _:
                pass

    def forget(self, target: str) -> None:
        """The channel or bridge is gone: nothing is heard there, and nobody presses a key."""
        voice = self._voices.get(target)
        if voice is not None:
            self._end(target, voice, "gone")
        for heard in self._ears.pop(target, ()):
            heard("")

    async def take_over(self, channel_ids: Iterable[str]) -> None:
        """Events have been missed: find out what has ended, and stop what an earlier process has begun there."""
        known = tuple(self._voices)
        await abreast(self._look_up, known)
        await abreast(self._stop_unknown, [each for each in channel_ids if each not in known])

    # ---- playing

    async def _take_turn(self, target: str) -> _Voice:
        """End what is played there, and be what is played next."""
        while (earlier := self._voices.get(target)) is not None:
            await self._stop(target, earlier)
            await asyncio.wait((earlier.over,), timeout=STOPPING_SECONDS)
            self._end(target, earlier, "stopped")
        voice = self._voices[target] = _Voice()
        return voice

    async def _ask_for(self, target: str, media: Sequence[str], language: str, where: Where) -> bool:
        """Returns whether somebody is there."""
        path = f"{where}/{part(target)}/play/{part(self._names.playback(target))}"
        body: dict[str, object] = {"media": list(media)}
        if language:
            body["lang"] = language
        # Once only: asked twice, it would be played twice. Without an answer it may be playing all the same, so that it
        # stays known as long as its target is there, and can be stopped.
        answer = await self._client.request("POST", path, body)
        if not answer.is_success and answer.status != _NOT_FOUND:
            _log.debug("nothing could be played", instance=self._instance, status=answer.status)
        return answer.is_success

    async def _stop(self, target: str, voice: _Voice) -> None:
        voice.is_stopped = True
        await voice.asked.wait()
        if not voice.over.done() and not await self._delete(target):
            self._end(target, voice, "stopped")

    async def _delete(self, target: str) -> bool:
        """Returns whether there was anything."""
        path = f"playbacks/{part(self._names.playback(target))}"
        return (await self._client.request("DELETE", path, attempts=2)).status != _NOT_FOUND

    def _end(self, target: str, voice: _Voice, how: Played) -> None:
        voice.end(how)
        if self._voices.get(target) is voice:
            del self._voices[target]

    def _changed(self, what: PlaybackChanged) -> None:
        target = self._names.target_of(what.playback_id)
        voice = None if target is None else self._voices.get(target)
        if target is None or voice is None:
            return
        if what.state == "playing":
            voice.began = what.at
            return
        if not voice.is_stopped and _is_moment(voice.began, what.at):
            self._not_heard(what.media)
        if what.has_ended:
            self._end(target, voice, "failed" if what.state == "failed" else "done")

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
        voice = self._voices.get(target)
        if voice is not None and voice.asked.is_set():
            answer = await self._client.request("GET", path, attempts=2)
            if answer.status == _NOT_FOUND:
                self._end(target, voice, "done")

    async def _stop_unknown(self, target: str) -> None:
        await self._delete(target)

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
        while not question.barge_in and not keys.empty():
            keys.get_nowait()
        return await _within(question.first_seconds, keys)


async def _within(seconds: float, keys: "asyncio.Queue[str]") -> str | None:
    try:
        async with asyncio.timeout(seconds):
            return await keys.get()
    except TimeoutError:
        return None


def _is_moment(began: str, ended: str) -> bool:
    """Whether two times of ISO 8601 are next to each other."""
    try:
        lasted = datetime.fromisoformat(ended) - datetime.fromisoformat(began)
    except ValueError:
        return False
    return 0 <= lasted.total_seconds() <= UNHEARD_SECONDS
