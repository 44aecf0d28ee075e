"""Following a running engine: the lists once, then its stream of events, over connections that come and go.

Owns what is asked when. Must not know terminals. The lists are read at the beginning, after a gap in the stream and
when the configuration has changed; else events bring what is new. What no event tells is asked for by itself: the
channels' health, and the estimated wait of queues in which something has happened.
"""

import asyncio
import time
from collections.abc import Callable
from contextlib import aclosing
from typing import Final
from urllib.parse import quote

import aiohttp
import msgspec

from acd.cli.wallboard.floor import Floor
from acd.cli.wallboard.folds import take
from acd.client import ApiProblem, Client, StreamLost
from acd.client.answers import Agent, Answer, Decision, Figures, Health, Interaction, Queue
from acd.client.pauses import Pauses
from acd.runtime.clock import moment
from acd.runtime.events import Cursor
from acd.runtime.tallies import CALENDAR_US

HEALTH_SECONDS: Final = 5.0
"""How often the channels' health, and estimates of queues in which something has happened, are asked for."""

REFRESHED: Final = 20
"""Queues whose estimate is asked for at a time."""

READ_AGAIN_SECONDS: Final = 1.0
"""Least time between two readings of the lists."""

MAX_SINGLE: Final = 50
"""Agents who are read one by one after a change of their settings; of more, all lists are read anew."""

SAME_CLOCK_US: Final = 2_000_000
"""A difference to the server's clock that is less than this is none: the server says its time in whole seconds."""

DECISIONS_READ: Final = 50

_FORBIDDEN: Final = 403
_NOT_FOUND: Final = 404
_REFUSED: Final = frozenset({401, 403, 404, 421})


def _wall_us() -> int:
    return time.time_ns() // 1_000


class Watch:
    """What is known of one engine. `changed` is set whenever that is more, or other, than before.

    `lost_us`: since when there is no connection (the local clock), 0 while there is one. `sees_all`: False for a token
    that is shown its own agent only. `read_at_us`: when the lists were read last (the local clock).
    """

    def __init__(self, client: Client, url: str, wall_us: Callable[[], int] = _wall_us) -> None:
        """`client` is open."""
        self.url = url
        self.floor = Floor()
        self.health: Health | None = None
        self.changed = asyncio.Event()
        self.sees_all = True
        self.lost_us = 0
        self.readings = 0
        self._client = client
        self._wall_us = wall_us
        self._ahead_us = 0
        self._last_read = 0.0

    def now_us(self) -> int:
        """The engine's time: never before an event that it has told."""
        return max(self._wall_us() + self._ahead_us, self.floor.at_us)

    def local_us(self) -> int:
        """The local clock, on which `lost_us` is."""
        return self._wall_us()

    async def read(self) -> Cursor:
        """The lists, anew; returns where the stream goes on. Raises `ApiProblem`; `OSError` without a connection."""
        floor, begin = Floor(), Cursor(2**62)
        self.sees_all = True
        try:
            async for queues, answer in self._client.pages(Queue):
                begin = min(begin, self._note(answer))
                for queue in queues:
                    floor.put_queue(queue, cursor_of(answer))
        except ApiProblem as problem:
            if problem.status != _FORBIDDEN:
                raise
            self.sees_all = False
        async for agents, answer in self._client.pages(Agent):
            begin = min(begin, self._note(answer))
            for agent in agents:
                floor.put_agent(agent, cursor_of(answer))
        async for interactions, answer in self._client.pages(Interaction):
            begin = min(begin, self._note(answer))
            for interaction in interactions:
                floor.put_interaction(interaction, cursor_of(answer))
        if self.sees_all:
            await self._read_more(floor)
        self.health = await self._client.health()
        floor.as_of = begin
        self.floor = floor
        self.readings += 1
        self._last_read = time.monotonic()
        self.changed.set()
        return begin

    async def follow(self, begin: Cursor) -> None:
        """Until cancelled. Raises `ApiProblem` when the token is refused."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._events(begin))
            group.create_task(self._ask())

    async def _read_more(self, floor: Floor) -> None:
        """Decisions, and each queue's figures of this interval."""
        answer = await self._client.ask("GET", "/v1/decisions", query={"limit": str(DECISIONS_READ)})
        floor.put_decisions(msgspec.convert(answer.body["decisions"], list[Decision]), cursor_of(answer))
        at_us = max(self._wall_us() + self._ahead_us, floor.at_us)
        begins = moment(at_us // CALENDAR_US * CALENDAR_US)
        async for figures, answer in self._client.pages(Figures, **{"from": begins}):
            for each in figures:
                floor.put_figures(each, at_us, cursor_of(answer))

    async def _events(self, begin: Cursor) -> None:
        cursor = begin
        while True:
            try:
                async with aclosing(
                    self._client.events(str(cursor), coalesce=True, on_connection=self._connected)
                ) as events:
                    async for event in events:
                        if not take(self.floor, event) or not await self._read_agents():
                            break
                        self.changed.set()
            except StreamLost:
                pass  # Events are missing: what there is now is in the lists.
            cursor = await self._read_again()

    async def _read_agents(self) -> bool:
        """Those who are configured in another way; False when they are too many, or cannot be read just now."""
        changed = self.floor.changed_agents
        if len(changed) > MAX_SINGLE:
            return False
        while changed:
            agent_id = next(iter(changed))
            try:
                answer = await self._client.ask("GET", f"/v1/agents/{quote(agent_id, safe='')}")
            except ApiProblem as problem:
                if problem.status != _NOT_FOUND:
                    return False
                self.floor.agents.pop(agent_id, None)
            except (aiohttp.ClientError, OSError, TimeoutError):
                return False
            else:
                self.floor.put_agent(msgspec.convert(answer.body, Agent), cursor_of(answer))
            changed.pop(agent_id, None)
        return True

    async def _read_again(self) -> Cursor:
        """The lists, as soon as they can be read."""
        pauses = Pauses()
        await asyncio.sleep(max(0.0, self._last_read + READ_AGAIN_SECONDS - time.monotonic()))
        while True:
            try:
                return await self.read()
            except ApiProblem as problem:
                if problem.status in _REFUSED:
                    raise
            except (aiohttp.ClientError, OSError, TimeoutError):
                self._connected(there=False)
            await asyncio.sleep(pauses.next_seconds())

    async def _ask(self) -> None:
        """What no event tells."""
        while True:
            await asyncio.sleep(HEALTH_SECONDS)
            try:
                self.health = await self._client.health()
                if self.sees_all:
                    await self._ask_estimates()
                self.changed.set()
            except (ApiProblem, aiohttp.ClientError, OSError, TimeoutError):
                continue  # The stream says what is wrong with the connection.

    async def _ask_estimates(self) -> None:
        touched = list(self.floor.touched)[:REFRESHED]
        for queue_id in touched:
            del self.floor.touched[queue_id]
            row = self.floor.queues.get(queue_id)
            if row is not None:
                row.estimate = (await self._client.queue(queue_id)).estimated_wait

    def _connected(self, there: bool) -> None:  # noqa: FBT001 - called by the stream
        if there:
            self.lost_us = 0
        elif not self.lost_us:
            self.lost_us = self._wall_us()
        self.changed.set()

    def _note(self, answer: Answer) -> Cursor:
        """How far the server's clock is ahead; and the answer's cursor."""
        ahead_us = answer.at_us - self._wall_us() if answer.at_us else 0
        self._ahead_us = ahead_us if abs(ahead_us) > SAME_CLOCK_US else 0
        return cursor_of(answer)


def cursor_of(answer: Answer) -> Cursor:
    """Up to which event the answer's picture goes. Raises `ApiProblem` for an engine that does not say."""
    found = Cursor.parsed(answer.cursor)
    if found is None:
        reason = "This engine does not say after which event its lists are; use the acd top that came with it."
        raise ApiProblem(200, "no-cursor", reason)
    return found
