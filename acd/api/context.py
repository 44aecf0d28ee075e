"""What every route needs: the router, the clock, who may do what, and how a command is handed in.

Owns the `Api` object of one application and the interface that it needs of a Router. Must not know
any single route.
"""

from collections.abc import Mapping
from contextvars import ContextVar
from typing import Final, Protocol

from aiohttp import web

from acd.api.auth import Guard, Principal
from acd.api.once import Once
from acd.api.scope import Sight
from acd.api.shared import SharedAnswers
from acd.core.messages import Command, Origin, Outcome
from acd.ports.channel import Channel, Personal
from acd.ports.stores import OutboxMessage
from acd.runtime.configurations import Configurations
from acd.runtime.estimate import WaitEstimator
from acd.runtime.events import EventSource
from acd.runtime.history import History
from acd.runtime.live_figures import LiveFigures
from acd.runtime.meter import Meter
from acd.runtime.repeats import Repeats
from acd.runtime.view import View
from acd.runtime.webhooks.feeding import Webhooks


class ApiRouter(Protocol):
    """The part of a Router that the API uses."""

    meter: Meter
    webhooks: Webhooks

    @property
    def instances(self) -> tuple[Channel, ...]:
        """Every channel instance."""
        ...

    @property
    def view(self) -> View:
        """The committed picture."""
        ...

    @property
    def waits(self) -> WaitEstimator:
        """Estimated waits."""
        ...

    @property
    def figures(self) -> LiveFigures:
        """Counts by interval."""
        ...

    @property
    def events(self) -> EventSource:
        """Committed events for systems outside."""
        ...

    async def submit(self, command: Command, origin: Origin | None = None) -> Outcome:
        """Hand in a command; returns its committed outcome."""
        ...

    def recorded(self, command_id: str) -> Outcome | None:
        """What a recent command of this id, which has been committed, led to."""
        ...

    def new_id(self) -> str:
        """A fresh id."""
        ...

    def channel(self, name: str) -> Channel | None:
        """The channel instance of this name."""
        ...

    def health(self) -> Mapping[str, object]:
        """Whether commands are taken (`ready`), and how the channels are."""
        ...

    async def remember(self, person: Personal) -> str:
        """Store a person; returns the opaque reference."""
        ...

    def now_us(self) -> int:
        """The engine's time, µs since 1970."""
        ...

    async def dead_letters(self, limit: int) -> tuple[tuple[OutboxMessage, str], ...]:
        """Messages that were given up, with their last errors."""
        ...

    async def resend(self, key: str) -> bool:
        """Try one of them again; False when there is none of this key."""
        ...

    async def recall(self, customer: str) -> Personal | None:
        """The person behind a reference."""
        ...


class Api:
    """One application's context."""

    def __init__(
        self,
        router: ApiRouter,
        guard: Guard,
        history: History | None = None,
        configurations: Configurations | None = None,
        repeats: Repeats | None = None,
    ) -> None:
        """One per application."""
        self.router = router
        self.guard = guard
        self.history = history
        self.configurations = configurations
        self.repeats = repeats
        self.once = Once(repeats)
        self.sight = Sight(lambda: router.view)
        self.shared = SharedAnswers(self)

    @property
    def view(self) -> View:
        """The committed projection as it is now; not to be kept across an await."""
        return self.router.view

    def now_us(self) -> int:
        """Now, never before the last committed command."""
        return max(self.router.now_us(), self.view.at_us)


API: Final = web.AppKey("acd_api", Api)
DOCUMENT: Final = web.AppKey("acd_document", bytes)
"""The OpenAPI document, as it is sent."""

TOGETHER: Final[ContextVar[tuple[web.Application, ...]]] = ContextVar("acd_together", default=())
"""Of a request that comes with no domain's token: the applications of all domains of this address, if several."""

PRINCIPAL: Final[ContextVar[Principal]] = ContextVar("acd_principal")
"""Who asks, set by the guard for the task that handles the request."""


def api(request: web.Request) -> Api:
    """The context of the application that the request came to."""
    return request.app[API]


def principal() -> Principal:
    """Who asks. The guard has seen to it that this is known."""
    return PRINCIPAL.get()
