"""The least an ARI application can do: dial the agents in turn, play music, join the two; let wait who comes too many.

Owns that rival, as quick as its kind gets: no decision, no state worth the name, nothing durable, and every
REST call that does not need another one's answer goes out at once, on the event loop that `acd serve` runs on. Runs as
a process of its own:

    ARI_PASSWORD=… python -m bench.rivals.trivial_ari --url http://127.0.0.1:8088/ari --user acd --agents a1,a2,a3
"""

from __future__ import annotations

import asyncio
import base64
import os
from collections import deque
from contextlib import suppress
from typing import Final
from urllib.parse import quote

import aiohttp
import click
import msgspec
from msgspec import Struct

from acd.cli.event_loop import runner

APP: Final = "trivial"
READY: Final = "trivial: ready"
CONNECTIONS: Final = 64
_EVENTS: Final = ("StasisStart", "StasisEnd", "ChannelDestroyed")


class _Caller(Struct, frozen=True):
    number: str = ""


class _Channel(Struct):
    id: str
    caller: _Caller = _Caller()


class _Event(Struct):
    type: str
    channel: _Channel | None = None


_decode = msgspec.json.Decoder(_Event).decode


class TrivialController:
    """Handles events; one task for each, so that the reader never waits."""

    def __init__(self, session: aiohttp.ClientSession, url: str, agents: list[str]) -> None:
        self._session = session
        self._url = url
        self._free = deque(agents)
        self._waiting: dict[str, _Channel] = {}
        self._agents: dict[str, str] = {}
        """Caller's channel → the agent who is dialled for it, or talks."""
        self._tasks: set[asyncio.Task[None]] = set()

    def handle(self, event: _Event) -> None:
        """A caller or a leg has come or gone."""
        channel = event.channel
        if channel is None:
            return
        is_leg = channel.id.startswith("leg-")
        if event.type == "StasisStart" and is_leg:
            self._spawn(self._join(channel.id))
        elif event.type == "StasisStart" and self._free:
            self._spawn(self._dial(channel, self._free.popleft()))
        elif event.type == "StasisStart":
            self._waiting[channel.id] = channel
            self._spawn(self._hold(channel))
        else:
            self._gone(channel.id.removeprefix("leg-"))

    def _gone(self, caller: str) -> None:
        """One of the two has hung up: the agent takes whoever waits longest."""
        agent = self._agents.pop(caller, None)
        if agent is not None and self._waiting:
            self._spawn(self._dial(self._waiting.pop(next(iter(self._waiting))), agent))
        elif agent is not None:
            self._free.append(agent)
        self._waiting.pop(caller, None)
        self._spawn(self._clear(caller))

    async def stop(self) -> None:
        """Finish what is under way."""
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _dial(self, caller: _Channel, agent: str) -> None:
        self._agents[caller.id] = agent
        originate = (
            f"/channels/leg-{caller.id}?endpoint=PJSIP/{quote(agent)}&app={APP}&callerId={quote(caller.caller.number)}"
        )
        await asyncio.gather(
            self._send("POST", originate),
            self._hold(caller),
            self._send("POST", f"/bridges/talk-{caller.id}?type=mixing"),
        )

    async def _hold(self, caller: _Channel) -> None:
        await asyncio.gather(
            self._send("POST", f"/channels/{caller.id}/answer"), self._send("POST", f"/channels/{caller.id}/moh")
        )

    async def _join(self, leg: str) -> None:
        caller = leg.removeprefix("leg-")
        await self._send("POST", f"/bridges/talk-{caller}/addChannel?channel={caller},{leg}")

    async def _clear(self, caller: str) -> None:
        await asyncio.gather(
            self._send("DELETE", f"/channels/{caller}"),
            self._send("DELETE", f"/channels/leg-{caller}"),
            self._send("DELETE", f"/bridges/talk-{caller}"),
        )

    async def _send(self, method: str, path: str) -> None:
        with suppress(aiohttp.ClientError):
            async with self._session.request(method, self._url + path):
                pass  # whatever the answer: nothing here could be done about it

    def _spawn(self, work: asyncio._CoroutineLike[None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)


async def run(url: str, user: str, password: str, agents: list[str]) -> None:
    """Serve until Asterisk closes the connection or the task is cancelled."""
    connector = aiohttp.TCPConnector(limit=CONNECTIONS)
    token = base64.b64encode(f"{user}:{password}".encode()).decode()
    async with aiohttp.ClientSession(connector=connector, headers={"Authorization": f"Basic {token}"}) as session:
        controller = TrivialController(session, url, agents)
        try:
            async with session.ws_connect(f"{url}/events?app={APP}") as socket:
                await _filter(session, url)
                click.echo(READY)
                async for message in socket:
                    if message.type == aiohttp.WSMsgType.TEXT:
                        controller.handle(_decode(message.data))
        finally:
            await controller.stop()


async def _filter(session: aiohttp.ClientSession, url: str) -> None:
    """Only the events that matter; unfiltered they are ten times as many."""
    body = {"allowed": [{"type": name} for name in _EVENTS]}
    async with session.put(f"{url}/applications/{APP}/eventFilter", json=body) as answer:
        answer.raise_for_status()


@click.command(
    help="Dial agents in turn for whoever enters the Stasis application. The password is read from ARI_PASSWORD."
)
@click.option("--url", required=True, help="Like http://127.0.0.1:8088/ari.")
@click.option("--user", required=True)
@click.option("--agents", required=True, help="PJSIP endpoints, separated by commas.")
def main(*, url: str, user: str, agents: str) -> None:
    """Run until killed."""
    password = os.environ.get("ARI_PASSWORD", "")
    with runner() as loop:
        loop.run(run(url, user, password, agents.split(",")))


if __name__ == "__main__":
    main()
