"""What can be done to the PBX, each verb one or two requests, all of them safe to repeat.

Owns paths, bodies and the meaning of ARI's statuses. Must not know the engine, its commands or the state of
a call. A status that says that something is gone, or there already, is a fact and no failure.
"""

import asyncio
import math
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Final, Literal

import msgspec

from acd_asterisk import wire
from acd_asterisk.abreast import abreast
from acd_asterisk.ari import AriClient, AriUnavailable
from acd_asterisk.ari import part as _part
from acd_asterisk.happenings import EVENTS
from acd_asterisk.names import Names
from acd_asterisk.options import Options
from acd_asterisk.ringing import Presentation
from acd_asterisk.snapshot import World, survey
from acd_asterisk.variables import read_variables, variables_expression
from acd_asterisk.wire import Answer

ATTEMPTS: Final = 2
"""Tries of a request that may be carried out twice."""

NEVER_SECONDS: Final = 365 * 86_400
"""The dead-man's switch of somebody who talks: a year."""

NOTED_OFFER: Final = "ACD_OFFER"
"""Begins the names of channel variables that hold ids of offers: they outlive this process."""

NOTED_OFFERS: Final = 32
"""How many variables are used in turn: more than offers of one caller that ring at the same time."""

_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_BAD_REQUEST: Final = 400
_ALLOCATION_FAILED: Final = 500

Dialled = Literal["ringing", "unreachable", "failed"]


class Switchboard:
    """The verbs of one PBX. All raise `AriUnavailable` when there is no answer."""

    def __init__(self, client: AriClient, names: Names, options: Options) -> None:
        """Nothing is asked yet."""
        self._client = client
        self._names = names
        self._options = options
        self.before_removal: Callable[[str], Awaitable[None]] = _nothing_there
        """Ends what is played and recorded in the talk of an interaction, whose bridge is removed then."""

    async def prepare(self) -> bool:
        """After every connect: ask for the few event types that matter, and have the hold bridges.

        Returns whether the first had to be made: then this Asterisk has been started since anybody waited in it.
        """
        allowed = {"allowed": [{"type": name} for name in EVENTS], "disallowed": []}
        _, were_made = await asyncio.gather(
            self._client.request(
                "PUT", f"applications/{_part(self._options.app)}/eventFilter", allowed, attempts=ATTEMPTS
            ),
            abreast(self.make_hold_bridge, self._options.music_classes),
        )
        return were_made[0]

    def hold_bridge(self, music_class: str, room: int = 1) -> str:
        """The id of a bridge in which callers wait with this music: there may be several."""
        return self._names.hold_for("" if music_class == self._options.music_class else music_class, room)

    async def make_hold_bridge(self, music_class: str, room: int = 1) -> bool:
        """The bridge in which callers wait, with its music; a holding bridge is silent until it is told otherwise.

        Returns whether there was none.
        """
        path = f"bridges/{_part(self.hold_bridge(music_class, room))}"
        made = await self._client.request("POST", path, {"type": "holding", "name": "acd-hold"}, attempts=ATTEMPTS)
        if made.is_success or made.status == _CONFLICT:
            await self.play_on_hold(music_class, room)
        return made.is_success

    async def play_on_hold(self, music_class: str, room: int = 1) -> None:
        """Have music where callers wait; whoever hears it already hardly notices."""
        path = f"bridges/{_part(self.hold_bridge(music_class, room))}/moh"
        await self._client.request("POST", path, {"mohClass": music_class}, attempts=ATTEMPTS, patient=True)

    async def look_around(self) -> World:
        """A snapshot of everything that is ours."""
        info, application, channels, bridges = await asyncio.gather(
            self._get("asterisk/info?only=system,status"),
            self._get(f"applications/{_part(self._options.app)}"),
            self._get("channels"),
            self._get("bridges"),
        )
        try:
            return survey(
                self._names,
                wire.decode_info(info),
                wire.decode_application(application).channel_ids,
                wire.decode_channels(channels),
                wire.decode_bridges(bridges),
            )
        except msgspec.DecodeError as error:
            raise AriUnavailable(f"an answer that cannot be read: {error}") from None

    async def answer(self, channel_id: str, *, patient: bool = False) -> bool:
        """Answer a caller; unlike the dialplan's, this does not wait for media. `patient`: who is about to wait.

        False: they are not in the application, and have not been answered.
        """
        path = f"channels/{_part(channel_id)}/answer"
        return (await self._client.request("POST", path, attempts=ATTEMPTS, patient=patient)).is_success

    async def begin_early_media(self, channel_id: str) -> None:
        """Let a caller who has not been answered hear something; where Asterisk cannot, the dialplan has to."""
        path = f"channels/{_part(channel_id)}/progress"
        await self._client.request("POST", path, attempts=ATTEMPTS, patient=True)

    async def hold(self, channel_id: str, music_class: str = "", room: int = 1, *, patient: bool = False) -> None:
        """Move a caller to the music; without a class: to that of the channel. `patient`: nobody waits for it."""
        music_class = music_class or self._options.music_class
        path = f"bridges/{_part(self.hold_bridge(music_class, room))}/addChannel"
        if (await self._add(path, [channel_id], patient=patient)).status == _NOT_FOUND:
            await self.make_hold_bridge(music_class, room)
            await self._add(path, [channel_id], patient=patient)

    async def put_aside(self, channel_id: str) -> None:
        """Move an agent's leg to where nothing is to be heard."""
        bridge = f"bridges/{_part(self._names.aside)}"
        if (await self._add(f"{bridge}/addChannel", [channel_id])).status == _NOT_FOUND:
            await self._client.request("POST", bridge, {"type": "holding", "name": "acd-aside"}, attempts=ATTEMPTS)
            await self._add(f"{bridge}/addChannel", [channel_id])

    async def dial(self, offer_id: str, endpoint: str, shown: Presentation, originator: str, seconds: float) -> Dialled:
        """Let an agent's device ring, for at most so long. Twice for one offer is once."""
        body: dict[str, object] = {
            "endpoint": endpoint,
            "app": self._options.app,
            "appArgs": "agent",
            "timeout": math.ceil(seconds),
        }
        if shown.caller_id:
            body["callerId"] = shown.caller_id
        if shown.variables:
            body["variables"] = shown.variables
        if originator:
            body["originator"] = originator
        path = f"channels/{_part(self._names.leg(offer_id))}"
        answer = await self._client.request("POST", path, body)
        if answer.is_success or answer.status == _CONFLICT:
            return "ringing"
        if answer.status == _BAD_REQUEST and "originator" in answer.message:
            return "failed"  # The caller has just gone, which says nothing of the agent.
        return "unreachable" if answer.status in {_ALLOCATION_FAILED, _BAD_REQUEST} else "failed"

    async def note_offer(self, channel_id: str, offer_id: str) -> None:
        """Leave word at the caller's channel that an agent's device has been dialled for this offer."""
        with suppress(AriUnavailable):
            await self._set(channel_id, _note(offer_id), offer_id)

    async def is_noted(self, channel_id: str, offer_id: str) -> bool:
        """Whether a device was dialled for this offer, by whatever process."""
        name = _note(offer_id)
        return (await self.variables(channel_id, (name,))).get(name, "") == offer_id

    async def hang_up(self, channel_id: str) -> None:
        """End a channel; one that is gone is fine."""
        await self._client.request("DELETE", f"channels/{_part(channel_id)}", attempts=ATTEMPTS)

    async def hang_up_leg(self, offer_id: str) -> None:
        """End an agent's leg."""
        await self.hang_up(self._names.leg(offer_id))

    async def has_leg(self, offer_id: str) -> bool:
        """Whether Asterisk still has an agent's leg."""
        return await self.has_channel(self._names.leg(offer_id))

    async def has_channel(self, channel_id: str) -> bool:
        """Whether Asterisk has a channel of this id."""
        return (await self._client.request("GET", f"channels/{_part(channel_id)}", attempts=ATTEMPTS)).is_success

    async def make_talk_bridge(self, interaction_id: str) -> None:
        """The bridge for one conversation; there already is fine."""
        path = f"bridges/{_part(self._names.talk(interaction_id))}"
        await self._client.request("POST", path, {"type": "mixing", "name": "acd-talk"}, attempts=ATTEMPTS)

    async def play_music(self, channel_id: str, music_class: str) -> None:
        """Let a caller hear music wherever they are, and nothing else."""
        music = {"mohClass": music_class}
        await self._client.request("POST", f"channels/{_part(channel_id)}/moh", music, attempts=ATTEMPTS)

    async def stop_music(self, channel_id: str) -> None:
        """The end of it; none is fine."""
        await self._client.request("DELETE", f"channels/{_part(channel_id)}/moh", attempts=ATTEMPTS)

    async def join(self, interaction_id: str, channel_ids: Sequence[str], *, make: bool = True) -> bool:
        """Move these into the talk bridge, which others may be in already; False when one of them is gone.

        `make`: a bridge that is not there is made.
        """
        answer = await self._enter(interaction_id, channel_ids)
        if answer.status == _NOT_FOUND and make:
            await self.make_talk_bridge(interaction_id)
            answer = await self._enter(interaction_id, channel_ids)
        if answer.status == _NOT_FOUND and make:
            self._names.renew_talk(interaction_id)
            await self.make_talk_bridge(interaction_id)
            answer = await self._enter(interaction_id, channel_ids)
        return answer.is_success

    async def _enter(self, interaction_id: str, channel_ids: Sequence[str]) -> Answer:
        return await self._add(f"bridges/{_part(self._names.talk(interaction_id))}/addChannel", channel_ids)

    async def destroy_talk_bridge(self, interaction_id: str) -> None:
        """Remove a conversation's bridge; gone already is fine."""
        ending = partial(self.before_removal, interaction_id)
        await self._client.remove_bridge(self._names.talk(interaction_id), ending)

    async def demolish(self, interaction_id: str) -> None:
        """Remove a conversation's bridge, with nobody waiting for it: one that stays is found by a comparison."""
        with suppress(AriUnavailable):
            await self.destroy_talk_bridge(interaction_id)

    async def vacate(self, interaction_id: str, staying: Sequence[str]) -> Coroutine[Any, Any, None]:
        """Take out of a conversation's bridge who goes somewhere else; gives the removal of it, for nobody to wait for.

        Under load there may be many, and they go one after another. One that is not removed is found by a comparison.
        """
        bridge = self._names.talk(interaction_id)
        await asyncio.gather(*(self._client.take_out(bridge, each) for each in staying))
        return self.demolish(interaction_id)

    def is_going(self, interaction_id: str) -> bool:
        """Whether a conversation's bridge is being removed, or is to be."""
        return self._client.is_going(self._names.talk(interaction_id))

    async def set_dead_mans_switch(self, channel_id: str, seconds: float) -> bool:
        """Let the dialplan's `T` extension have the caller in so many seconds; 0: never. False: the caller is gone."""
        # Zero is what Asterisk takes for no timeout, but while that is being written, the channel's own thread may find
        # a timeout and then read zero for its time: long over (`ast_check_hangup` looks twice, without a lock).
        return (await self._set(channel_id, "TIMEOUT(absolute)", f"{seconds or NEVER_SECONDS:.3f}")).is_success

    async def send_back(self, channel_id: str, variables: Mapping[str, str], place: str = "") -> None:
        """Let a caller go on in the dialplan with these variables: after `Stasis()`, or at `EXTENSION[@CONTEXT]`."""
        await self.set_variables(channel_id, variables)
        extension, _, context = place.partition("@")
        body: dict[str, object] | None = {"extension": extension, "priority": 1} if place else None
        if body is not None and context:
            body["context"] = context
        await self._client.request("POST", f"channels/{_part(channel_id)}/continue", body, attempts=ATTEMPTS)

    async def accept_transfer(self, offer_id: str) -> None:
        """Tell an agent's telephone that the transfer it has asked for was done."""
        await self._tell_of_transfer(offer_id, "channel_answered")

    async def refuse_transfer(self, offer_id: str) -> None:
        """Tell it that there is none; the call is as before."""
        await self._tell_of_transfer(offer_id, "channel_declined")

    async def set_variables(self, channel_id: str, variables: Mapping[str, str]) -> None:
        """Set these on a channel, all at once; one that is gone is fine."""
        await asyncio.gather(*(self._set(channel_id, name, value) for name, value in variables.items()))

    async def variables(self, channel_id: str, names: Sequence[str]) -> dict[str, str]:
        """The values of several channel variables, by one request; those that are empty are left out."""
        answer = await self._client.request(
            "GET",
            f"channels/{_part(channel_id)}/variable",
            query={"variable": variables_expression(names)},
            attempts=ATTEMPTS,
        )
        if not answer.is_success:
            return {}
        try:
            return read_variables(names, wire.decode_value(answer.body).value)
        except msgspec.DecodeError:
            return {}

    async def _tell_of_transfer(self, offer_id: str, state: str) -> None:
        path = f"channels/{_part(self._names.leg(offer_id))}/transfer_progress"
        await self._client.request("POST", path, query={"states": state})

    async def _set(self, channel_id: str, variable: str, value: str) -> Answer:
        body = {"variable": variable, "value": value}
        return await self._client.request("POST", f"channels/{_part(channel_id)}/variable", body, attempts=ATTEMPTS)

    async def _add(self, path: str, channels: Sequence[str], *, patient: bool = False) -> Answer:
        body = {"channel": list(channels)}
        return await self._client.request("POST", path, body, attempts=ATTEMPTS, patient=patient)

    async def _get(self, path: str) -> bytes:
        answer = await self._client.request("GET", path, attempts=ATTEMPTS, large=True)
        if not answer.is_success:
            raise AriUnavailable(f"status {answer.status} when asking for {path.partition('/')[0]}")
        return answer.body


async def _nothing_there(_interaction_id: str) -> None:
    """As long as nothing plays or records."""


def _note(offer_id: str) -> str:
    """The variable for an offer: their numbers follow one another, so that none that rings takes another's place."""
    number = offer_id.rpartition(".")[2]
    return f"{NOTED_OFFER}_{int(number) % NOTED_OFFERS if number.isdecimal() else 0}"
