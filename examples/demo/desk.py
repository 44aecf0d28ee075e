"""The engine's HTTP API as the demo uses it: what dashboards read, and the buttons on agents' desks.

Owns the requests and the shapes that are read from the answers. Must not know what is shown, nor how the engine runs.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self, TypeVar

import aiohttp
import msgspec
from msgspec import Struct

READ_SECONDS: Final = 3.0
RETURN_SECONDS: Final = 2.0
"""How long an agent who missed a call stays away."""

DECISIONS_READ: Final = 20
INTERACTIONS_READ: Final = 500
IMPORTANT_KEPT: Final = 1_000


class WorkItem(Struct):
    """One thing an agent has in hand."""

    queue: str
    state: str


class AgentNow(Struct):
    """An agent."""

    id: str
    name: str
    presence: str
    reason: str
    work: list[WorkItem]


class QueueNow(Struct):
    """A queue."""

    id: str
    title: str
    strategy: str
    waiting: int
    offered: int
    active: int
    longest_wait_seconds: float


class DecisionNow(Struct):
    """A decision, with what it was made of."""

    at: str
    interaction_id: str
    agent_id: str
    queue: str
    sought: str
    strategy: str
    fit: int
    idle_seconds: float
    waited_seconds: float


class Picture(Struct):
    """What the engine says of itself at one moment."""

    agents: list[AgentNow]
    queues: list[QueueNow]
    decisions: list[DecisionNow]
    """Newest first."""
    important: frozenset[str]
    """Ids of interactions with priority, of those seen lately."""


class _Agents(Struct):
    agents: list[AgentNow]


class _Queues(Struct):
    queues: list[QueueNow]


class _Decisions(Struct):
    decisions: list[DecisionNow]


class _Interaction(Struct):
    id: str
    priority: int


class _Interactions(Struct):
    interactions: list[_Interaction]


T = TypeVar("T")


class Desk:
    """A client of the API. `url` says where it is just now, or is empty."""

    def __init__(self, token: str, url: Callable[[], str]) -> None:
        self._url = url
        self._agents: frozenset[str] = frozenset()
        self._important: OrderedDict[str, None] = OrderedDict()
        self._session = aiohttp.ClientSession(
            headers={"Authorization": f"Bearer {token}"}, timeout=aiohttp.ClientTimeout(total=READ_SECONDS)
        )

    async def __aenter__(self) -> Self:
        """Ready at once."""
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Release the connections."""
        await self._session.close()

    async def picture(self) -> Picture | None:
        """The picture now; None when the engine cannot be reached."""
        if not self._url():
            return None
        try:
            agents, queues, live, decisions = await asyncio.gather(
                self._get("/v1/agents", _Agents),
                self._get("/v1/queues", _Queues),
                self._get(f"/v1/interactions?limit={INTERACTIONS_READ}", _Interactions),
                self._get(f"/v1/decisions?limit={DECISIONS_READ}", _Decisions),
            )
        except (aiohttp.ClientError, TimeoutError):
            return None
        self._important.update((each.id, None) for each in live.interactions if each.priority > 0)
        while len(self._important) > IMPORTANT_KEPT:
            self._important.popitem(last=False)
        return Picture(agents.agents, queues.queues, decisions.decisions, frozenset(self._important))

    async def sign_in(self, agents: list[str]) -> None:
        """Everybody begins work. Raises `aiohttp.ClientError`."""
        self._agents = frozenset(agents)
        await asyncio.gather(*(self._send("POST", f"/v1/agents/{agent}/sign-in", {"ready": True}) for agent in agents))

    async def bring_back(self, picture: Picture) -> None:
        """Whoever missed a call, and was made not-ready, presses the button after a while; people do it themselves."""
        away = [agent.id for agent in picture.agents if agent.presence == "not-ready" and agent.id in self._agents]
        if away:
            await asyncio.sleep(RETURN_SECONDS)
            for agent in away:
                try:
                    await self._send("PUT", f"/v1/agents/{agent}/presence", {"presence": "ready"})
                except (aiohttp.ClientError, TimeoutError):
                    return  # the engine is away; the next picture will show who still is

    async def _get(self, path: str, shape: type[T]) -> T:
        async with self._session.get(self._url() + path) as answer:
            answer.raise_for_status()
            return msgspec.json.decode(await answer.read(), type=shape)

    async def _send(self, method: str, path: str, body: dict[str, object]) -> None:
        async with self._session.request(method, self._url() + path, json=body) as answer:
            answer.raise_for_status()
