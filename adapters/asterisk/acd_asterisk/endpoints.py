"""What the PBX's endpoints are busy with, by ARI: which channels each of them has.

Owns these requests, and reading them. Must not know agents, nor what follows. Unlike a device's state, which is one
word for everything that the device does, this tells our own legs from all others.
"""

from collections.abc import Callable
from typing import Final, Literal
from urllib.parse import quote

import msgspec
from msgspec import Struct

from acd_asterisk.ari import AriClient, AriUnavailable
from acd_asterisk.wire import decoder

ATTEMPTS: Final = 2
"""Tries of a request; both may be carried out."""

_NOT_IMPLEMENTED: Final = 501
"""What takes ARI's place over AMI answers so."""

_OFFLINE: Final = "offline"

Finding = Literal["in-use", "unavailable", "clear"]
"""What is found of a device, in the words of `NoteDevice`."""


class Endpoint(Struct, frozen=True, gc=False):
    """One endpoint. `state` is online, offline or unknown."""

    technology: str
    resource: str
    state: str = ""
    channel_ids: tuple[str, ...] = ()

    @property
    def device(self) -> str:
        """As an agent's address and AMI have it: `PJSIP/anna`."""
        return f"{self.technology}/{self.resource}"

    def finding(self, is_own: Callable[[str], bool]) -> Finding:
        """In use when it has any channel that is not ours; unavailable when no telephone is registered."""
        if not all(map(is_own, self.channel_ids)):
            return "in-use"
        return "unavailable" if self.state == _OFFLINE and not self.channel_ids else "clear"


_decode_one = decoder(Endpoint)
_decode_all = decoder(list[Endpoint])


class Endpoints:
    """Those of one PBX. Both verbs raise `AriUnavailable`."""

    def __init__(self, client: AriClient) -> None:
        """Nothing is asked yet."""
        self._client = client

    async def one(self, device: str) -> Endpoint | None:
        """That of a device; None when Asterisk has none of this name, or the technology has no endpoints."""
        technology, _, resource = device.partition("/")
        path = f"endpoints/{quote(technology, safe='')}/{quote(resource, safe='')}"
        answer = await self._client.request("GET", path, attempts=ATTEMPTS)
        if not answer.is_success:
            return None
        try:
            return _decode_one(answer.body)
        except msgspec.DecodeError as error:
            raise AriUnavailable(f"an endpoint that cannot be read: {error}") from None

    async def all(self) -> dict[str, Endpoint]:
        """All of them, by device; none where there is no ARI."""
        answer = await self._client.request("GET", "endpoints", attempts=ATTEMPTS, large=True)
        if answer.status == _NOT_IMPLEMENTED:
            return {}
        if not answer.is_success:
            raise AriUnavailable(f"status {answer.status} when asking for endpoints")
        try:
            return {each.device: each for each in _decode_all(answer.body)}
        except msgspec.DecodeError as error:
            raise AriUnavailable(f"endpoints that cannot be read: {error}") from None
