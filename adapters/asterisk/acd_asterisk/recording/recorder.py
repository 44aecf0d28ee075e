"""Which calls are being recorded, from the moment two talk until nobody does; and what the engine is told of it.

Owns the parts of each call's recording, pauses, and what becomes of recordings when nobody watched. Must not know
paths or bodies (`tapes`), nor how names are made. A part is what is said between a caller and agents without
music in between: after a transfer the next one begins. The link is made when a part begins, so that it is there
whatever dies afterwards; how long it was follows at its end.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Iterable
from contextlib import suppress
from typing import Final

import structlog

from acd.core.messages import Effect, ParkInteraction, ReleaseInteraction
from acd.errors import ChannelError
from acd.ports.channel import Desired
from acd.ports.recording import RecordingState
from acd.ports.recording_names import Label, Labels, Side, stamp_of
from acd_asterisk.ari import AriClient, AriUnavailable
from acd_asterisk.call import Call
from acd_asterisk.desk import Desk
from acd_asterisk.happenings import Happening, RecordingEnded, TalkEntered
from acd_asterisk.names import interaction_of_offer
from acd_asterisk.notes import Notes
from acd_asterisk.options.recording import Mode
from acd_asterisk.prompts import Prompts
from acd_asterisk.recording.known import MAX_KNOWN, Known
from acd_asterisk.recording.parts import Part, Tape
from acd_asterisk.recording.retention import Retention
from acd_asterisk.recording.tapes import Tapes

ENDING_SECONDS: Final = 1.0
"""For so long at most a bridge that is to be removed waits for its recording's end to be told."""

_log = structlog.get_logger(__name__)


class Recorder:
    """The recordings of one channel instance."""

    def __init__(self, desk: Desk, client: AriClient, prompts: Prompts, notes: Notes) -> None:
        """Nothing is being recorded."""
        self._prompts = prompts
        options = desk.options
        self._desk = desk
        self._options = options.recording
        self._labels = Labels(options.app)
        self._tapes = Tapes(client, desk.names, options.app, self._options)
        self._notes = notes
        self._parts: dict[str, Part] = {}
        """By interaction."""
        self._known = Known()
        self._unstopped: OrderedDict[str, Tape] = OrderedDict()
        """Those whose end has not been answered, by name: they may go on, whoever talks in that bridge by now."""
        self.failures = 0
        """Calls that were to be recorded, and could not be."""
        self.retention = Retention(self._tapes, self._labels, self._options.keep_us, desk.name)

    @property
    def active(self) -> int:
        """Calls that are being recorded."""
        return len(self._parts)

    # ---- what happens

    def handle(self, what: Happening) -> None:
        """React to what has happened, if it concerns recordings."""
        match what:
            case TalkEntered():
                call = self._desk.calls.get(what.interaction_id)
                if call is not None and call.channel_id in what.channel_ids:
                    self._entered(call, what.channel_ids)
            case RecordingEnded():
                self._ended(what)
            case _:
                pass

    def before(self, effect: Effect) -> None:
        """An effect is about to be carried out, which may be the end of a part."""
        if isinstance(effect, ParkInteraction | ReleaseInteraction):
            part = self._parts.get(effect.interaction_id)
            if part is not None:
                self._drop(part)
                self._desk.spawn(self._stop(part))

    async def before_removal(self, interaction_id: str) -> None:
        """Its talk's bridge is to be removed: returns when what is played and recorded there is over.

        Of what ends with its bridge, Asterisk may not tell the end: by then nobody hears the bridge's events.
        """
        await self._prompts.silence(self._desk.names.talk(interaction_id))
        if (part := self._parts.get(interaction_id)) is not None:
            with suppress(AriUnavailable):
                await self._stop(part)
        with suppress(TimeoutError):
            async with asyncio.timeout(ENDING_SECONDS):
                await self._known.until_forgotten(interaction_id)

    async def merged(self, consult_id: str) -> None:
        """A consult becomes part of its customer's call, and is recorded no more. Raises `AriUnavailable`."""
        if (part := self._parts.get(consult_id)) is not None:
            await self._stop(part)

    async def heal(self, before: Iterable[Desired], *, is_new: bool) -> None:
        """Events have been missed. `before`: what was desired before the comparison; `is_new`: of another Asterisk."""
        ended: list[Desired] = []
        if self._options.mode == "off":
            return
        for tape in tuple(self._unstopped.values()):
            await self._end(tape)
        for wish in before:
            call = self._desk.calls.get(wish.interaction_id)
            if wish.state == "connected":
                if call is not None and call.is_present and call.is_talking:
                    await self._take_up(call)
                else:
                    ended.append(wish)
        for part in tuple(self._parts.values()):
            call = self._desk.calls.get(part.interaction_id)
            if call is None or not call.is_talking:
                await self._stop(part)
        if ended:
            await self._look_up(frozenset(wish.interaction_id for wish in ended), is_new=is_new)

    # ---- orders

    async def pause(self, interaction_id: str) -> None:
        """Write nothing until `resume`, or until a pause is over. Raises `ChannelError` when that is not certain."""
        part = self._part(interaction_id)
        part.is_paused = True
        self._end_pause_later(part)
        is_certain = False
        try:
            is_certain = await self._pause(part)
        finally:
            # Never said to be paused when it may not be; what has been paused all the same goes on in the end.
            part.is_paused = is_certain
        if not is_certain:
            raise ChannelError("the PBX does not pause the recording")

    async def _pause(self, part: Part) -> bool:
        try:
            # One that is about to begin would write a moment of what nobody may keep.
            async with asyncio.timeout(self._desk.options.rest_deadline_us / 1e6):
                await asyncio.gather(*(tape.tried.wait() for tape in part.tapes.values()))
            own = part.interaction_id
            left = (tape for name, tape in self._unstopped.items() if self._known.owner_of(name) == own)
            tapes = (*part.tapes.values(), *left)
            return all(await asyncio.gather(*(self._tapes.pause(each.name, is_begun=each.begun) for each in tapes)))
        except TimeoutError:
            raise ChannelError("it is not known whether the recording has begun") from None
        except AriUnavailable as error:
            raise ChannelError(f"it is not known whether the recording pauses: {error}") from None

    async def resume(self, interaction_id: str) -> None:
        """Go on. Raises `ChannelError`."""
        try:
            await self._resume(self._part(interaction_id))
        except AriUnavailable as error:
            raise ChannelError(f"it is not known whether the recording goes on: {error}") from None

    def standing(self, interaction_id: str) -> RecordingState:
        """Whether it is being recorded."""
        part = self._parts.get(interaction_id)
        if part is None or not part.tapes:
            return "off"
        return "paused" if part.is_paused else "recording"

    # ---- a part's life

    def _entered(self, call: Call, inside: Iterable[str]) -> None:
        """Somebody talks with the caller: what is not on a tape yet begins to be."""
        there = frozenset(inside)
        offers = [offer_id for offer_id in call.legs if self._desk.names.leg(offer_id) in there]
        if not offers:
            return
        part = self._parts.get(call.interaction_id)
        if part is None:
            mode = self._options.mode_for(self._desk.host.queue_of(call.interaction_id))
            if mode == "off":
                return
            part = self._parts[call.interaction_id] = Part(call.interaction_id, mode, stamp_of(time.time()))
            self._announce(call)
        self._begin_missing(call, part, offers)

    def _announce(self, call: Call) -> None:
        """Both hear once in a call that it is recorded, if that is wanted."""
        if self._options.announcement and not call.announced:
            call.announced = True
            self._desk.spawn(self._say(self._desk.names.talk(call.interaction_id)))

    async def _say(self, bridge_id: str) -> None:
        await self._prompts.play(bridge_id, self._options.announcement, where="bridges")

    def _begin_missing(self, call: Call, part: Part, offers: list[str], *, again: bool = False) -> None:
        wanted: list[tuple[str, Side]] = []
        if part.mode == "mixed":
            wanted = [] if part.tapes else [(offers[0], "")]
        else:
            has_caller = any(tape.label.side == "caller" for tape in part.tapes.values())
            wanted = [] if has_caller else [(offers[0], "caller")]
            wanted += [(offer_id, "agent") for offer_id in offers]
        for offer_id, side in wanted:
            if not part.has(offer_id, side):
                label = Label(part.stamp, offer_id, side)
                tape = Tape(label, self._labels.name(label))
                self._add(part, tape)
                self._desk.spawn(self._begin(call, part, tape, again=again))

    def _add(self, part: Part, tape: Tape) -> None:
        part.tapes[tape.name] = tape
        self._known.add(tape.name, part.interaction_id, tape.label)

    async def _begin(self, call: Call, part: Part, tape: Tape, *, again: bool) -> None:
        try:
            await self._try(call, part, tape, again=again)
        finally:
            tape.tried.set()

    async def _try(self, call: Call, part: Part, tape: Tape, *, again: bool) -> None:
        label = tape.label
        try:
            if label.side:
                heard = call.channel_id if label.side == "caller" else self._desk.names.leg(label.offer_id)
                fault = await self._tapes.record_channel(tape.name, label, heard, again=again)
            else:
                fault = await self._tapes.record_talk(tape.name, part.interaction_id, again=again)
        except AriUnavailable:
            # It may be recorded all the same, and counts as if it were: the comparison that follows begins it again.
            if not self._is_on(part):
                self._leave(tape)
            raise
        if fault:
            is_wanted = call.is_present and self._is_on(part)
            self._forget(part, tape.name)
            self._known.forget(tape.name)  # Its end will not be told.
            if is_wanted:
                self.failures += 1
                _log.error("a call is not recorded", instance=self._desk.name, reason=fault, **call.keys)
            return
        tape.begun = True
        self._link(part, tape)
        if part.is_paused and not await self._tapes.pause(tape.name, is_begun=True):
            await self._end(tape)  # Never said to be paused when it is not.
        if not call.is_talking or not self._is_on(part):
            await self._stop(part)  # They have parted meanwhile.
        elif label.side != "agent":
            await self._tapes.leave_word(call.channel_id, tape.name)

    def _link(self, part: Part, tape: Tape, **more: str) -> None:
        attribute = tape.label.attribute
        said = {attribute: f"{tape.name}.{self._options.format}"}
        self._notes.put(part.interaction_id, said | {f"{attribute}.{name}": value for name, value in more.items()})

    async def _stop(self, part: Part) -> None:
        """Nobody talks with the caller any more."""
        self._drop(part)
        await asyncio.gather(*map(self._end, tuple(part.tapes.values())))

    async def _end(self, tape: Tape) -> None:
        """Until it has been answered, it may go on."""
        self._leave(tape)
        was_there = await self._tapes.stop(tape.name, tape.label)
        self._unstopped.pop(tape.name, None)
        if tape.is_unknown and not was_there:
            self._known.forget(tape.name)  # It has never begun.

    def _leave(self, tape: Tape) -> None:
        self._unstopped[tape.name] = tape
        if len(self._unstopped) > MAX_KNOWN:
            self._unstopped.popitem(last=False)

    def _ended(self, what: RecordingEnded) -> None:
        label = self._labels.read(what.name)
        if label is None:
            return
        # Of an id that no file's name can hold, only this process knows what it is.
        interaction_id, label = self._known.find(what.name) or (interaction_of_offer(label.offer_id), label)
        self._known.forget(what.name)
        self._unstopped.pop(what.name, None)
        part = self._parts.get(interaction_id)
        if part is not None and what.name in part.tapes:
            self._forget(part, what.name)
        if interaction_id:
            said = {f"{label.attribute}.seconds": str(what.seconds)}
            self._notes.put(interaction_id, said | ({f"{label.attribute}.state": "failed"} if what.has_failed else {}))

    def _is_on(self, part: Part) -> bool:
        return self._parts.get(part.interaction_id) is part

    def _forget(self, part: Part, name: str) -> None:
        part.tapes.pop(name, None)
        if not part.tapes:
            self._drop(part)

    def _drop(self, part: Part) -> None:
        if part.resuming is not None:
            part.resuming.cancel()
            part.resuming = None
        if self._is_on(part):
            del self._parts[part.interaction_id]

    # ---- pauses

    def _part(self, interaction_id: str) -> Part:
        part = self._parts.get(interaction_id)
        if part is None or not part.tapes:
            raise ChannelError("this interaction is not being recorded")
        return part

    def _end_pause_later(self, part: Part) -> None:
        if part.resuming is not None:
            part.resuming.cancel()
        part.resuming = self._desk.spawn(self._resume_in_the_end(part))

    async def _resume_in_the_end(self, part: Part) -> None:
        await asyncio.sleep(self._options.longest_pause_us / 1e6)
        part.resuming = None
        _log.info("a pause of a recording has lasted long enough", **self._desk.keys(part.interaction_id))
        await self._resume(part)

    async def _resume(self, part: Part) -> None:
        if part.resuming is not None:
            part.resuming.cancel()
            part.resuming = None
        part.is_paused = False
        await asyncio.gather(*map(self._tapes.resume, tuple(part.tapes)))

    # ---- after nobody has watched

    async def _take_up(self, call: Call) -> None:
        """A talk goes on: it is still being recorded, or is to be again."""
        offers = [leg.offer_id for leg in call.live_legs() if leg.joined]
        known = self._parts.get(call.interaction_id)
        if known is None:
            name = await self._tapes.word_left(call.channel_id)
            label = self._labels.read(name)
            if label is not None and interaction_of_offer(label.offer_id) == call.interaction_id:
                known = await self._found(call, label, offers)
        if known is None:
            return self._entered(call, [call.channel_id, *map(self._desk.names.leg, offers)])
        for tape in known.tapes.values():
            if tape.is_unknown:  # Asked for again, it is refused if it runs.
                tape.tried.clear()
                self._desk.spawn(self._begin(call, known, tape, again=True))
        states = [(tape, await self._tapes.state(tape.name)) for tape in tuple(known.tapes.values()) if tape.begun]
        for tape, state in states:
            if state == "gone":
                known.tapes.pop(tape.name, None)
                self._known.forget(tape.name)
            elif state == "paused" and not known.is_paused:
                known.is_paused = True
                self._end_pause_later(known)
            elif state == "recording" and known.is_paused and not await self._tapes.pause(tape.name, is_begun=True):
                await self._end(tape)
        if offers:
            self._begin_missing(call, known, offers, again=True)
        return None

    async def _found(self, call: Call, label: Label, offers: list[str]) -> Part:
        """A part that an earlier process has begun."""
        mode: Mode = "both-legs" if label.side else "mixed"
        part = self._parts[call.interaction_id] = Part(call.interaction_id, mode, label.stamp)
        labels = [label, *(Label(label.stamp, offer_id, "agent") for offer_id in offers if label.side)]
        for each in labels:
            tape = Tape(each, self._labels.name(each), begun=True)
            tape.tried.set()
            self._add(part, tape)
            self._link(part, tape)
        return part

    async def _look_up(self, ended: frozenset[str], *, is_new: bool) -> None:
        """Talks that are over: what there is of them on the PBX is linked, and said to be cut if it was."""
        for stored in await self._tapes.stored():
            label = self._labels.read(stored.name)
            if label is None:
                continue
            interaction_id, label = self._known.find(stored.name) or (interaction_of_offer(label.offer_id), label)
            if interaction_id not in ended:
                continue
            self._known.forget(stored.name)
            said = {label.attribute: f"{stored.name}.{stored.format}"}
            if is_new:
                said[f"{label.attribute}.state"] = "cut"
            self._notes.put(interaction_id, said)
