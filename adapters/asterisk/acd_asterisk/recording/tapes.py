"""What can be done about recordings on the PBX, each verb one or two requests.

Owns paths, bodies and the meaning of ARI's statuses. Must not know calls, nor which of them are recorded. What has
ended already is a fact and no failure.
"""

import asyncio
from collections.abc import Callable
from typing import Final, Literal, TypeVar

import msgspec
from msgspec import Struct

from acd.ports.recording_names import Label
from acd_asterisk.ari import AriClient, AriUnavailable, part
from acd_asterisk.names import Names
from acd_asterisk.options.recording import Recording
from acd_asterisk.wire import decode_value, decoder

ATTEMPTS: Final = 2
"""Tries of a request that may be carried out twice."""

PAUSE_TRIES: Final = 40
PAUSE_GAP_SECONDS: Final = 0.025
"""How often, and how far apart, a recording that is about to begin is told to pause."""

BEGIN_TRIES: Final = 80
BEGIN_GAP_SECONDS: Final = 0.025
"""How often, and how far apart, a channel that has just been made beside another one is told to record."""

NOTED: Final = "ACD_RECORDING"
"""Channel variable of the caller with the name of the recording: it outlives this process."""

_NOT_FOUND: Final = 404
_CONFLICT: Final = 409
_OUTSIDE: Final = "not in Stasis"
"""What ARI says of a channel that is in no application."""

Live = Literal["recording", "paused", "gone"]

Decoded = TypeVar("Decoded")


class _LiveRecording(Struct, frozen=True):
    state: str = ""


class Stored(Struct, frozen=True):
    """A file."""

    name: str
    format: str = ""


class Tapes:
    """The recordings of one PBX. All raise `AriUnavailable` when there is no answer."""

    def __init__(self, client: AriClient, names: Names, app: str, options: Recording) -> None:
        """Nothing is asked yet."""
        self._client = client
        self._names = names
        self._app = app
        self._options = options

    async def record_talk(self, name: str, interaction_id: str, *, again: bool) -> str:
        """Record a talk bridge: everybody in it, until it is no more. Returns why not, empty when it is recorded.

        `again`: go on behind what there is in a file of this name.
        """
        return await self._record(f"bridges/{part(self._names.talk(interaction_id))}/record", name, again=again)

    async def record_channel(self, name: str, label: Label, channel_id: str, *, again: bool) -> str:
        """Record what is said into one channel, by a channel beside it. Returns likewise."""
        tape = self._names.tape(label.offer_id, label.side)
        path = f"channels/{part(channel_id)}/snoop/{part(tape)}"
        body = {"spy": "in", "app": self._app, "appArgs": "tape"}
        made = await self._client.request("POST", path, body)
        if made.status == _NOT_FOUND:
            return "the channel is gone"
        # Any other refusal may mean that it is there already, which the next answer says. Asterisk has said that the
        # channel is there before a thread of its own has brought it into the application: on a busy PBX, some time.
        fault = ""
        for _ in range(BEGIN_TRIES):
            fault = await self._record(f"channels/{part(tape)}/record", name, again=again)
            if _OUTSIDE not in fault:
                break
            await asyncio.sleep(BEGIN_GAP_SECONDS)
        return fault

    async def stop(self, name: str, label: Label) -> bool:
        """End a recording; its end is told by an event. False: there was none."""
        if label.side:
            tape = self._names.tape(label.offer_id, label.side)
            answer = await self._client.request("DELETE", f"channels/{part(tape)}", attempts=ATTEMPTS)
        else:
            answer = await self._client.request("POST", f"recordings/live/{part(name)}/stop", attempts=ATTEMPTS)
        return answer.status != _NOT_FOUND

    async def pause(self, name: str, *, is_begun: bool) -> bool:
        """Nothing of what is said is written any more. False: that could not be had. One that has ended is fine.

        `is_begun`: Asterisk has said that it began; another that is not there may be about to.
        """
        for _ in range(PAUSE_TRIES):
            answer = await self._client.request("POST", f"recordings/live/{part(name)}/pause", attempts=ATTEMPTS)
            if answer.is_success or (is_begun and answer.status == _NOT_FOUND):
                return True
            await asyncio.sleep(PAUSE_GAP_SECONDS)
        return False

    async def resume(self, name: str) -> None:
        """Go on writing."""
        await self._client.request("DELETE", f"recordings/live/{part(name)}/pause", attempts=ATTEMPTS)

    async def state(self, name: str) -> Live:
        """Whether it is being recorded."""
        answer = await self._client.request("GET", f"recordings/live/{part(name)}", attempts=ATTEMPTS)
        if not answer.is_success:
            return "gone"
        return "paused" if _read(_decode_live, answer.body).state == "paused" else "recording"

    async def stored(self) -> list[Stored]:
        """All files in Asterisk's folder, of whatever name. Costs as much as there are."""
        answer = await self._client.request("GET", "recordings/stored", attempts=ATTEMPTS, large=True)
        return _read(_decode_stored, answer.body) if answer.is_success else []

    async def delete(self, name: str) -> None:
        """Remove a file; gone already is fine."""
        await self._client.request("DELETE", f"recordings/stored/{part(name)}", attempts=ATTEMPTS)

    async def leave_word(self, channel_id: str, name: str) -> None:
        """Note at the caller's channel what its recording is called."""
        body = {"variable": NOTED, "value": name}
        await self._client.request("POST", f"channels/{part(channel_id)}/variable", body, attempts=ATTEMPTS)

    async def word_left(self, channel_id: str) -> str:
        """What `leave_word` has noted; empty when nothing has been, or nobody is there."""
        answer = await self._client.request(
            "GET", f"channels/{part(channel_id)}/variable", query={"variable": NOTED}, attempts=ATTEMPTS
        )
        return _read(decode_value, answer.body).value if answer.is_success else ""

    async def _record(self, path: str, name: str, *, again: bool) -> str:
        body: dict[str, object] = {
            "name": name,
            "format": self._options.format,
            "maxDurationSeconds": self._options.longest_us // 1_000_000,
            "ifExists": "append" if again else "fail",
            "beep": self._options.beep,
            "terminateOn": "none",
        }
        answer = await self._client.request("POST", path, body)
        if answer.is_success or (answer.status == _CONFLICT and "already" in answer.message):
            return ""
        return f"status {answer.status}: {answer.message}"


_decode_live: Final = decoder(_LiveRecording)
_decode_stored: Final = decoder(list[Stored])


def _read(decode: Callable[[bytes], Decoded], body: bytes) -> Decoded:
    try:
        return decode(body)
    except msgspec.DecodeError as error:
        raise AriUnavailable(f"an answer that cannot be read: {error}") from None
