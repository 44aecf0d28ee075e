"""Methods for what programs read most, with typed answers.

Owns paths and types of these routes. Must not know how a request is sent. Every other route is called by its name:
`Client.call`.
"""

from abc import ABC, abstractmethod
from collections.abc import AsyncGenerator, Collection, Iterable, Mapping
from http import HTTPStatus
from typing import Final, TypeVar
from urllib.parse import quote

import msgspec

from acd.client.answers import (
    Agent,
    Answer,
    DeadLetter,
    Decision,
    Figures,
    Health,
    Interaction,
    Ping,
    Queue,
    Retried,
    Webhook,
)

PAGE: Final = 500
"""Rows that are asked for at once."""

_AWAY: Final = HTTPStatus.SERVICE_UNAVAILABLE

_LISTS: Final[Mapping[type, tuple[str, str]]] = {
    Agent: ("/v1/agents", "agents"),
    Queue: ("/v1/queues", "queues"),
    Figures: ("/v1/figures/queue", "figures"),
    Interaction: ("/v1/interactions", "interactions"),
}
"""What comes in pages → path, and the list's name in the answer."""

_T = TypeVar("_T")


class Typed(ABC):
    """What `Client` has besides `request`, `call` and `events`. Everything raises as `Client.request`."""

    @abstractmethod
    async def ask(
        self,
        method: str,
        path: str,
        body: Mapping[str, object] | None = None,
        *,
        query: Mapping[str, str] | None = None,
        also: Collection[int] = (),
    ) -> Answer:
        """The answer with what its headers say. `also`: statuses that are answers, beside those of success."""

    async def pages(self, kind: type[_T], **filters: str) -> AsyncGenerator[tuple[list[_T], Answer], None]:
        """Page by page, every `Agent`, `Queue` or `Interaction`, or `Figures` of queues; with each page's answer."""
        path, name = _LISTS[kind]
        query = {**filters, "limit": str(PAGE)}
        while True:
            found = await self.ask("GET", path, query=query)
            yield msgspec.convert(found.body[name], list[kind]), found  # type: ignore[valid-type]
            if found.body["next_cursor"] is None:
                return
            query["cursor"] = found.body["next_cursor"]

    async def agents(self) -> list[Agent]:
        """Every agent that the token may see, by id."""
        return await self._all(Agent)

    async def agent(self, agent_id: str) -> Agent:
        """One agent."""
        return await self._one(f"/v1/agents/{quote(agent_id, safe='')}", Agent)

    async def queues(self) -> list[Queue]:
        """Every queue, by id."""
        return await self._all(Queue)

    async def queue(self, queue_id: str) -> Queue:
        """One queue."""
        return await self._one(f"/v1/queues/{quote(queue_id, safe='')}", Queue)

    async def interactions(self, **filters: str) -> list[Interaction]:
        """Live interactions in order of arrival, or those that fit: by `state`, `queue`, `agent` and so on."""
        return await self._all(Interaction, **filters)

    async def interaction(self, interaction_id: str) -> Interaction:
        """One interaction."""
        return await self._one(f"/v1/interactions/{quote(interaction_id, safe='')}", Interaction)

    async def decisions(self, limit: int) -> list[Decision]:
        """The last decisions, newest first."""
        found = await self.ask("GET", "/v1/decisions", query={"limit": str(limit)})
        return msgspec.convert(found.body["decisions"], list[Decision])

    async def figures(self, scope: str, name: str, **over: str) -> Figures:
        """Figures of a `queue`, `agent` or `channel`, over `last="15m"`, or since the figures began."""
        return await self._one(f"/v1/figures/{scope}/{quote(name, safe='')}", Figures, over)

    async def health(self) -> Health:
        """Whether calls may be sent there, and how the channels are; not ready is an answer, too."""
        return msgspec.convert((await self.ask("GET", "/readyz", also=(_AWAY,))).body, Health)

    async def webhooks(self) -> list[Webhook]:
        """Webhooks by name, each as it stands."""
        return msgspec.convert((await self.ask("GET", "/v1/webhooks")).body["webhooks"], list[Webhook])

    async def ping_webhook(self, name: str) -> Ping:
        """Have a signed message posted to a webhook, and hear what came of it."""
        found = await self.ask("POST", f"/v1/webhooks/{quote(name, safe='')}/test")
        return msgspec.convert(found.body, Ping)

    async def dead_letters(self, limit: int = 100) -> list[DeadLetter]:
        """Messages to other systems that were given up, newest first."""
        found = await self.ask("GET", "/v1/dead-letters", query={"limit": str(limit)})
        return msgspec.convert(found.body["dead_letters"], list[DeadLetter])

    async def retry_dead_letters(self, keys: Iterable[str] = ()) -> Retried:
        """Try these again; without keys the newest 500."""
        found = await self.ask("POST", "/v1/dead-letters/retry", {"keys": [*keys]})
        return msgspec.convert(found.body, Retried)

    async def _one(self, path: str, kind: type[_T], query: Mapping[str, str] | None = None) -> _T:
        return msgspec.convert((await self.ask("GET", path, query=query)).body, kind)

    async def _all(self, kind: type[_T], **filters: str) -> list[_T]:
        return [row async for rows, _ in self.pages(kind, **filters) for row in rows]
