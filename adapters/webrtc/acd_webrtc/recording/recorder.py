"""Which talks are recorded, from when two are put through until they part; and what engine and pages are told of it.

Owns the parts of calls' recordings, their pauses, and what becomes of them when the media process dies. Must not know
pipes (`supervisor`), sound, or files. A part is one talk; after a transfer the next one begins. The two hear each other
directly all the time, whatever becomes of the copy that is recorded. The link is made as soon as a part is on a tape,
so that it is there whatever dies afterwards; how long it was follows at its end.
"""

import asyncio
import secrets
import time
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from acd.errors import AcdError, ChannelError
from acd.ports.channel import ChannelHost
from acd.ports.recording import RecordingState
from acd.ports.recording_names import ATTRIBUTE, Label, Labels, Side, next_number, stamp_of
from acd.runtime.log import Logger
from acd_webrtc.descriptions import outline
from acd_webrtc.messages import RecordingTold, TapeSaid, TapeTold
from acd_webrtc.recording.notes import Notes
from acd_webrtc.recording.parts import Part
from acd_webrtc.recording.retention import retain
from acd_webrtc.recording.settings import RecordingOptions
from acd_webrtc.recording.supervisor import MediaGone, MediaProcess
from acd_webrtc.recording.wire import ENDING, Begin, Connect, End, Ended, Leg, Pause, Prepare, Report, Salvaged
from acd_webrtc.signals import SignalRefused

if TYPE_CHECKING:
    from acd_webrtc.lines import Line
    from acd_webrtc.pages import PageBase

MAX_KNOWN: Final = 10_000
"""Recordings whose end is waited for; the oldest is forgotten first."""
ORDER_SECONDS: Final = 10.0
"""For so long a pause waits to be certain."""

_TAPE_BYTES: Final = 12

_log = Logger(__name__)

_Labels = dict[Side, Label]


class Recorder:
    """One channel's. Everything but `pause` and `resume` returns at once."""

    def __init__(self, name: str, options: RecordingOptions, host: Callable[[], ChannelHost]) -> None:
        """`host` raises `ChannelError` while there is no engine."""
        self._name = name
        self._options = options
        self._host = host
        self._labels = Labels(name)
        self._notes = Notes(name, host)
        prepare = Prepare(str(options.folder), name, options.listen, options.address)
        self.media = MediaProcess(name, prepare, options.hang_us, self._heard, self._changed)
        self._lines: dict[str, Line] = {}
        self._parts: dict[str, Part] = {}
        """By interaction."""
        self._known: OrderedDict[str, tuple[str, _Labels]] = OrderedDict()
        """Interaction and files of every tape whose end has not been told."""
        self._cut: OrderedDict[str, tuple[str, Label]] = OrderedDict()
        """Those of a process that has died, by the file's name."""
        self._tasks: set[asyncio.Task[None]] = set()
        self.failures = 0
        """Calls that were to be recorded, and could not be, or not to their end."""

    def start(self) -> None:
        """Have the media process there, if anything is to be recorded. What was, goes in time in any case."""
        self._spawn(retain(self._name, self._options.folder, self._labels, self._options.keep_us))
        if self._options.mode != "off":
            self.media.start()

    async def stop(self) -> None:
        """What is recorded is brought to its end; the talks go on."""
        await self.media.stop()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._notes.stop()

    def health(self) -> Mapping[str, int | bool]:
        """As the channel tells it; nothing where nothing is recorded."""
        if self._options.mode == "off":
            return {}
        return {
            "recorder": self.media.pid is not None,
            "recorder_restarts": self.media.restarts,
            "recordings": sum(bool(part.tape) for part in self._parts.values()),
            "recordings_failed": self.failures,
        }

    # ---- talks and their pages

    def began(self, line: "Line") -> None:
        """The two of this call's talk are put through to each other."""
        talk = line.talk
        if self._options.mode == "off" or talk is None:
            return
        try:
            mode = self._options.mode_for(self._host().queue_of(line.id))
            standing = self._host().interaction(line.id)
        except AcdError:
            return  # There is no engine: nor will there be this talk.
        if mode == "off":
            return
        attributes = {} if standing is None else dict(standing.attributes)
        number = next_number(attributes, talk.offer_id)
        # The engine was started anew in a pause: nobody has ended it.
        is_paused = number > 1 and attributes.get(ATTRIBUTE) == "paused"
        self._lines[line.id] = line
        part = self._parts[line.id] = Part(line.id, talk.offer_id, mode, number, is_paused=is_paused)
        if is_paused:
            self._end_pause_later(part)
        self._try(part)

    def ended(self, line: "Line") -> None:
        """They part."""
        part = self._parts.pop(line.id, None)
        self._lines.pop(line.id, None)
        if part is None:
            return
        self._stay(part)
        if part.tape:
            self.media.tell(End(part.tape))

    def tell(self, line: "Line", page: "PageBase") -> None:
        """A page is told of the talk: this is a part of it."""
        part = self._parts.get(line.id)
        if part is not None and line.talk is not None and part.state != "off":
            page.tell(RecordingTold(line.talk.id, part.state, part.tape))

    def offered(self, page: "PageBase", said: TapeSaid) -> None:
        """A page offers a copy. One for a recording that is over is passed over, and so is what makes no sense."""
        line = page.line
        part = None if line is None else self._parts.get(line.id)
        if line is None or line.talk is None or part is None or not part.tape or part.tape != said.tape:
            return
        if not line.talk.is_end(page) or not part.allowances[page.side].take(time.monotonic_ns() // 1_000):
            return
        try:
            media = outline(said.sdp).media
        except SignalRefused:
            media = ()
        if media != ("audio",):
            _log.warning("a page's copy is no sound", instance=self._name, interaction_id=line.id)
            return
        self._spawn(self._connect(page, part, said))

    # ---- orders

    def standing(self, interaction_id: str) -> RecordingState:
        """Whether it is being recorded."""
        part = self._parts.get(interaction_id)
        return "off" if part is None else part.state

    async def pause(self, interaction_id: str) -> None:
        """Write nothing until `resume`, or until a pause is over. Raises `ChannelError` when that is not certain."""
        part = self._part(interaction_id)
        was_paused, part.is_paused = part.is_paused, True
        self._end_pause_later(part)
        try:
            await self._order(part, paused=True)
        except ChannelError:
            # Never said to be paused when it may not be; and what may have been paused all the same goes on.
            part.is_paused = was_paused
            if not was_paused:
                self._stay(part)
                self.media.tell(Pause(self.media.number(), part.tape, paused=False))
            raise
        self._tell_pages(part)

    async def resume(self, interaction_id: str) -> None:
        """Go on. Raises `ChannelError`."""
        await self._resume(self._part(interaction_id))

    async def _resume(self, part: Part) -> None:
        self._stay(part)
        part.is_paused = False
        await self._order(part, paused=False)
        self._tell_pages(part)

    async def _order(self, part: Part, *, paused: bool) -> None:
        try:
            async with asyncio.timeout(ORDER_SECONDS):
                if part.beginning is not None:
                    await asyncio.wait({part.beginning})
                if part.tape:
                    await self._ask_pause(part.tape, paused=paused)
        except TimeoutError:
            raise ChannelError("the media process does not answer") from None

    async def _ask_pause(self, tape: str, *, paused: bool) -> None:
        # Without a process nothing is written; and what begins then, begins as the part stands.
        with suppress(MediaGone):
            number = self.media.number()
            await self.media.ask(number, Pause(number, tape, paused))

    def _end_pause_later(self, part: Part) -> None:
        self._stay(part)
        part.resuming = self._spawn(self._resume_in_the_end(part))

    async def _resume_in_the_end(self, part: Part) -> None:
        await asyncio.sleep(self._options.longest_pause_us / 1e6)
        part.resuming = None
        about = {"instance": self._name, "interaction_id": part.interaction_id}
        _log.info("a pause of a recording has lasted long enough", **about)
        await self._resume(part)
        self._notes.put(part.interaction_id, {ATTRIBUTE: part.state})

    # ---- a part's life

    def _try(self, part: Part) -> None:
        """Have it on a tape, if there is a media process; else when there is one."""
        if self.media.pid is None or part.tape or part.is_over or part.beginning is not None:
            return
        others = sum(each is not part and each.state != "off" for each in self._parts.values())
        if others >= self._options.at_once:
            self._fail(part, f"more than {self._options.at_once} at once")
        else:
            part.beginning = self._spawn(self._begin(part))

    async def _begin(self, part: Part) -> None:
        tape, number, is_paused = secrets.token_urlsafe(_TAPE_BYTES), self.media.number(), part.is_paused
        labels = part.labels(stamp_of(time.time()))
        files = tuple((side, self._labels.name(label)) for side, label in labels.items())
        self._remember(tape, part.interaction_id, labels)
        order = Begin(number, tape, files, self._options.longest_us / 1e6, is_paused)
        # From now on: its end may be told in one breath with its beginning, and then it has none.
        part.tape = tape
        try:
            answer = await self.media.ask(number, order)
            if answer.fault:
                self._known.pop(tape, None)
                self._fail(part, answer.fault)
                return
            said = {label.attribute: f"{self._labels.name(label)}{ENDING}" for label in labels.values()}
            self._notes.put(part.interaction_id, said)
            if part.tape == tape and part.is_paused != is_paused:
                await self._ask_pause(tape, paused=part.is_paused)
        except MediaGone:
            if part.tape == tape:
                part.tape = ""
            return  # The next one tries again.
        finally:
            part.beginning = None
        self._tell_pages(part)

    async def _connect(self, page: "PageBase", part: Part, said: TapeSaid) -> None:
        leg: Leg = "caller" if page.side == "customer" else "agent"
        number = self.media.number()
        try:
            answer = await self.media.ask(number, Connect(number, said.tape, leg, said.sdp))
        except MediaGone:
            return
        if answer.fault:
            about = {"instance": self._name, "interaction_id": part.interaction_id, "side": leg}
            _log.warning("a side is not recorded", reason=answer.fault, **about)
        else:
            page.tell(TapeTold(said.tape, answer.sdp))

    def _fail(self, part: Part, reason: str) -> None:
        part.is_over, part.tape = True, ""
        self._stay(part)
        self.failures += 1
        _log.error("a call is not recorded", instance=self._name, interaction_id=part.interaction_id, reason=reason)
        self._tell_pages(part)

    def _tell_pages(self, part: Part) -> None:
        line = self._lines.get(part.interaction_id)
        if line is None or line.talk is None or self._parts.get(part.interaction_id) is not part:
            return
        for page in (line.customer, *line.agents.values()):
            if page is not None and line.talk.is_end(page):
                page.tell(RecordingTold(line.talk.id, part.state, part.tape))

    # ---- what the media process says

    def _heard(self, report: Report) -> None:
        match report:
            case Ended():
                self._ended(report)
            case Salvaged():
                self._salvaged(report)
            case _:
                pass

    def _ended(self, report: Ended) -> None:
        interaction_id, labels = self._known.pop(report.tape, ("", {}))
        if not interaction_id:
            return
        said = {}
        for side, state in report.states:
            attribute = labels[side].attribute
            said[f"{attribute}.seconds"] = f"{report.seconds:g}"
            if state:
                said[f"{attribute}.state"] = state
        self._notes.put(interaction_id, said)
        part = self._parts.get(interaction_id)
        if part is not None and part.tape == report.tape:
            if report.fault:
                self._fail(part, report.fault)
            else:
                part.is_over, part.tape = True, ""
                self._tell_pages(part)
        elif report.fault or any(state for _, state in report.states):
            self.failures += 1
            about = {"instance": self._name, "interaction_id": interaction_id}
            _log.error("a call is not recorded as a whole", reason=report.fault or "a side was not heard", **about)

    def _salvaged(self, report: Salvaged) -> None:
        """A file that a process which died had left."""
        label = self._labels.read(report.name)
        found = self._cut.pop(report.name, None)
        if found is None and label is not None:
            found = (label.offer_id.rpartition(".")[0], label)
        if found is None or not found[0]:
            return
        attribute = found[1].attribute
        name = f"{report.name}{ENDING}"
        self._notes.put(
            found[0], {attribute: name, f"{attribute}.seconds": f"{report.seconds:g}", f"{attribute}.state": "cut"}
        )

    def _changed(self, up: bool) -> None:  # noqa: FBT001 - as the supervisor says it
        if not up:
            for interaction_id, labels in self._known.values():
                for label in labels.values():
                    self._cut[self._labels.name(label)] = (interaction_id, label)
            while len(self._cut) > MAX_KNOWN:
                self._cut.popitem(last=False)
            self._known.clear()
        for part in tuple(self._parts.values()):
            if not up and (part.tape or part.beginning is not None):
                part.tape, part.number = "", part.number + 1
                self._tell_pages(part)
            self._try(part)

    # ---- inside

    def _part(self, interaction_id: str) -> Part:
        part = self._parts.get(interaction_id)
        if part is None or part.state == "off":
            raise ChannelError("this interaction is not being recorded")
        return part

    def _remember(self, tape: str, interaction_id: str, labels: _Labels) -> None:
        self._known[tape] = (interaction_id, labels)
        if len(self._known) > MAX_KNOWN:
            self._known.popitem(last=False)

    def _stay(self, part: Part) -> None:
        """Nothing ends its pause any more."""
        if part.resuming is not None:
            part.resuming.cancel()
            part.resuming = None

    def _spawn(self, step: Coroutine[object, object, None]) -> "asyncio.Task[None]":
        task = asyncio.create_task(step)
        self._tasks.add(task)
        task.add_done_callback(self._done)
        return task

    def _done(self, task: "asyncio.Task[None]") -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("a fault in recording", instance=self._name, error=type(error).__name__)
