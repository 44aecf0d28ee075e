"""A stand-in for the ARI client, for parts of the adapter that ask little: records requests, answers as it is told.

Owns the recording. Must not know what is right.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import cast

import msgspec

from acd_asterisk.ari import AriClient, AriUnavailable
from acd_asterisk.names import Names
from acd_asterisk.prompts import Prompts
from acd_asterisk.wire import Answer

Status = int | AriUnavailable


class StandInAri:
    """`status` says how a request is answered: a status, or the error that is raised; `body` with what."""

    def __init__(self, status: Callable[[str, str], Status] = lambda _method, _path: 204) -> None:
        self.status = status
        self.body: Callable[[str, str], object] = lambda _method, _path: {}
        self.asked: list[tuple[str, str, object]] = []
        self.large: list[str] = []
        """Paths whose answers may be long."""
        self.patient: list[str] = []
        """Paths of what can wait."""
        self.until: dict[str, asyncio.Event] = {}
        """By path: before this there is no answer."""

    async def request(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        query: object = None,
        attempts: int = 1,
        large: bool = False,
        patient: bool = False,
    ) -> Answer:
        assert attempts >= 1
        self.large += [path] if large else []
        self.patient += [path] if patient else []
        self.asked.append((method, path, query if body is None else body))
        if (moment := self.until.get(path)) is not None:
            await moment.wait()
        status = self.status(method, path)
        if isinstance(status, AriUnavailable):
            raise status
        return Answer(status, msgspec.json.encode(self.body(method, path)))

    async def remove_bridge(self, bridge_id: str, ending: Callable[[], Awaitable[None]] | None = None) -> None:
        if ending is not None:
            await ending()
        await self.request("DELETE", f"bridges/{bridge_id}")

    def is_going(self, _bridge_id: str) -> bool:
        return False

    async def take_out(self, bridge_id: str, channel_id: str) -> None:
        await self.request("POST", f"bridges/{bridge_id}/removeChannel", {"channel": channel_id})

    @property
    def client(self) -> AriClient:
        """As the parts take it."""
        return cast("AriClient", self)


def nothing_plays(names: Names) -> Prompts:
    """Prompts on a PBX that plays nothing."""
    return Prompts(StandInAri(lambda _method, _path: 404).client, names, "pbx1")
