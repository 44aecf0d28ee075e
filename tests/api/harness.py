"""A router in memory over the real Engine, and clients with tokens of each role.

It commits at once: what the API does with a committed outcome is the same as with the real Router, which
`test_with_router.py` uses.
"""

import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import quote, urlencode

import msgspec
from aiohttp import ClientSession, web
from aiohttp.test_utils import TestClient

from acd.api import serve
from acd.api.openapi import example_configuration
from acd.api.rotation import Read
from acd.api.routes import Example, Route
from acd.api.table import ROUTES
from acd.core.engine import Engine
from acd.core.messages import (
    AgentSettings,
    ApplyConfig,
    Capacity,
    ChannelShare,
    Command,
    CoreSettings,
    Origin,
    Outcome,
    QueueSettings,
    codec,
)
from acd.errors import AcdError, CommandInvalid
from acd.ports.channel import Channel, Personal
from acd.ports.stores import OutboxMessage
from acd.runtime.channels import open_channels
from acd.runtime.config.model import ApiConfig, Config, DeskConfig, SessionsConfig, TokenConfig, WallboardConfig
from acd.runtime.config.secrets import Secret
from acd.runtime.configurations import Configurations, Source, check_in_force
from acd.runtime.earlier import Earlier
from acd.runtime.estimate import WaitEstimator
from acd.runtime.events import EventSource
from acd.runtime.history import History
from acd.runtime.live_figures import LiveFigures
from acd.runtime.meter import Meter
from acd.runtime.repeat_store import RepeatStore
from acd.runtime.repeats import Repeats
from acd.runtime.router import Router
from acd.runtime.versions import VersionStore
from acd.runtime.view import View
from acd.runtime.webhooks.feeding import Webhooks
from acd.testing import FakeChannel
from tests.api.documented import assert_documented
from tests.served import write_secret

_C = TypeVar("_C")

NO_JOURNAL = Path("no-such-journal.db")

START_US = 1_700_000_000_000_000
TOKENS = {
    "system": "system-token-0123456789",
    "boss": "boss-token-0123456789",
    "anna": "anna-token-0123456789",
    "web": "web-token-0123456789",
}
SETTINGS = CoreSettings(
    agents=(
        AgentSettings("anna", skills=(("english", 8),)),
        AgentSettings("boris", skills=(("english", 3),), capacity=Capacity(100, (ChannelShare("chat", 50, 2),))),
        AgentSettings("陈伟", skills=(("中文", 9),)),
    ),
    queues=(
        QueueSettings("sales", strategy="best-fit", wrap_up_us=5_000_000, max_waiting=3),
        QueueSettings("客服", requirement='skills["中文"] >= 5'),
    ),
)


COMMANDS = [
    route
    for route in ROUTES
    if route.mutates and route.name not in {"issue_ticket", "retry_dead_letters", "reload_tokens"}
]
"""Routes that change something, each once for a key. The three others need no key for it: an unused ticket goes by
itself, a letter that is retried is so once, and tokens that were read again are the same."""


class MemoryRouter:
    """The part of a Router that the API uses, without a journal. `fault` is raised by the next submit."""

    def __init__(self, settings: CoreSettings = SETTINGS, domain: str = "test") -> None:
        self.engine = Engine(domain)
        self.view = View(titles={"sales": "Sales"}, names={"anna": "Anna"})
        self.waits = WaitEstimator(self.view)
        self.figures = LiveFigures(self.view)
        self.meter = Meter()
        self.events = EventSource(domain, NO_JOURNAL, NO_JOURNAL)
        self.webhooks = Webhooks((), domain, self.events, self.now_us)
        self.clock_us = START_US
        self.letters: dict[str, OutboxMessage] = {}
        self.people: dict[str, Personal] = {}
        self.ready = True
        self.fault: Exception | None = None
        self.submitted: list[Command] = []
        self.channels: dict[str, Channel] = {}
        self._ids = 0
        assert self.apply(ApplyConfig("config", settings)).refusal is None

    def apply(self, command: Command, after_us: int = 0) -> Outcome:
        self.clock_us += after_us
        recorded = self.engine.recorded(command.id)
        outcome = self.engine.apply(command, self.clock_us)
        if recorded is None:
            self.view.fold(self.clock_us, outcome)
            self.waits.fold(outcome)
            self.figures.fold(outcome)
            self.events.stream.take(self.events.stream.seq + 1, self.clock_us, outcome.events, self.view)
        self.meter.decision(0.000_02)
        return outcome

    async def submit(self, command: Command, origin: Origin | None = None) -> Outcome:
        if self.fault is not None:
            raise self.fault
        assert origin is None
        try:
            detached = codec.decode_command(codec.encode(command))
        except ValueError as error:
            raise CommandInvalid(str(error)) from error
        self.submitted.append(detached)
        return self.apply(detached)

    def last(self, kind: type[_C]) -> _C:
        """The last submitted command, which is of this kind."""
        assert isinstance(self.submitted[-1], kind)
        return self.submitted[-1]

    def recorded(self, command_id: str) -> Outcome | None:
        return self.engine.recorded(command_id)

    def new_id(self) -> str:
        self._ids += 1
        return f"new-{self._ids}"

    def now_us(self) -> int:
        return self.clock_us

    @property
    def instances(self) -> tuple[Channel, ...]:
        return tuple(self.channels.values())

    def channel(self, name: str) -> Channel | None:
        return self.channels.get(name)

    def health(self) -> Mapping[str, object]:
        known = {name: channel.health() for name, channel in self.channels.items()}
        return {"ready": self.ready, "channels": {"pbx": {"connected": self.ready}, **known}}

    async def remember(self, person: Personal) -> str:
        reference = f"ref-{len(self.people)}"
        self.people[reference] = person
        return reference

    async def dead_letters(self, limit: int = 100) -> tuple[tuple[OutboxMessage, str], ...]:
        return tuple((letter, "no answer") for letter in self.letters.values())[:limit]

    async def resend(self, key: str) -> bool:
        return self.letters.pop(key, None) is not None

    async def recall(self, customer: str) -> Personal | None:
        if isinstance(self.fault, AcdError):
            raise self.fault
        return self.people.get(customer)


CONFIG = ApiConfig(
    port=0,
    tokens=(
        TokenConfig("pbx", Secret(TOKENS["system"]), ("system",)),
        TokenConfig("boss", Secret(TOKENS["boss"]), ("supervisor",)),
        TokenConfig("anna-desktop", Secret(TOKENS["anna"]), ("agent",), agent="anna"),
        TokenConfig("web-chat", Secret(TOKENS["web"]), ("channel",), channel="web"),
    ),
    origins=("https://desk.example.com",),
    sessions=SessionsConfig(),
    desk=DeskConfig(),
    wallboard=WallboardConfig(),
)


Http = TestClient[web.Request, web.Application]


class Client:
    """Requests with one token; answers as (status, JSON), each of them one that the document names."""

    def __init__(self, http: Http | ClientSession, token: str) -> None:
        self.http = http
        self.headers = {"Authorization": f"Bearer {token}"} if token else {}

    async def __call__(self, method: str, path: str, json: object = None, **headers: str) -> tuple[int, Any]:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        arguments: dict[str, Any] = {"headers": {**self.headers, **named}}
        if json is not None:
            arguments["json"] = json
        async with self.http.request(method, path, **arguments) as response:
            assert_documented(method, path, response.status)
            return response.status, await response.json(content_type=None)


@asynccontextmanager
async def living(
    folder: Path, api: ApiConfig | None = None, *, crashing: bool = False, reread: Read = tuple
) -> AsyncIterator[str]:
    """The API of a real router, with its past and its versions, as `acd serve` has them; its address.

    The configuration is the one that the document shows; open unless `api` says otherwise. `crashing`: it ends so.
    `reread`: reads the tokens again.
    """
    file = folder / "acd.toml"
    if not file.exists():
        configure(folder, f"[api]\nopen = true\nport = 0\n\n{example_configuration()}")
    config = check_in_force(file).config
    assert config is not None
    assert config.api is not None
    # Every route is served, also those that the configuration has to ask for.
    everything = msgspec.structs.replace(
        config.api, sessions=SessionsConfig(), desk=DeskConfig(), wallboard=WallboardConfig()
    )
    history = History(config.journal.path, config.snapshots.path)
    live = Router(config, channels=(FakeChannel("phones"), *open_channels(config.channels)))
    with closing(history), closing(VersionStore(config.api.versions)) as store:
        configurations = Configurations(Source(file), store, config, live)
        with closing(configurations):
            async with (
                looking_back(folder, live) as earlier,
                live,
                remembering(config, live) as repeats,
                following(earlier),
                await serve(
                    live, api or everything, history, configurations, repeats, reread=reread, earlier=earlier
                ) as server,
            ):
                yield server.addresses[0]
                if crashing:
                    await live.abort()


def configure(folder: Path, text: str) -> None:
    """Write the configuration, and what it names."""
    write_secret(folder, "crm.secret", "whsec_bm9ib2R5LWxpc3RlbnMtdG8tdGhpcy1ob29rLWV2ZXI=\n")
    (folder / "acd.toml").write_text(text, encoding="utf-8")


@asynccontextmanager
async def remembering(config: Config, live: Router) -> AsyncIterator[Repeats]:
    """Memory of requests with a key, as `acd serve` has it."""
    assert config.api is not None
    repeats = Repeats(RepeatStore(config.api.answers, config.journal.path, config.api.idempotency_us), live.now_us)
    try:
        yield repeats
    finally:
        await repeats.close()


@asynccontextmanager
async def looking_back(folder: Path, live: Router | MemoryRouter) -> AsyncIterator[Earlier]:
    """What there was with customers, and agents' notes, as `acd serve` has it: closed after the router has stopped."""
    earlier = Earlier(DeskConfig(path=folder / "acd-desk.db", key=folder / "acd-desk.key"), "test", live)
    try:
        yield earlier
    finally:
        await earlier.close()


@asynccontextmanager
async def following(earlier: Earlier) -> AsyncIterator[None]:
    """From the router's start on."""
    await earlier.start()
    yield


def forget_answers(folder: Path) -> None:
    """As if the process had died before any answer was written down."""
    for file in folder.glob("acd-answers.db*"):
        file.unlink()


def example_headers(example: Example) -> dict[str, str]:
    """What is sent beside the example's body."""
    return {"Content-Type": "application/json", **example.headers}


def example_body(example: Example) -> bytes:
    """The example's body as it is sent."""
    return msgspec.json.encode(example.body) if example.body is not None else b""


def example_url(route: Route, example: Example | None = None, **instead: str) -> str:
    """Path and query of a route's example, or of another one, with other ids in the path if need be."""
    example = example or route.example
    ids = {**example.path, **instead}
    path = re.sub(r"\{(\w+)\}", lambda match: quote(ids[match[1]], safe=""), route.path)
    return f"{path}?{urlencode(example.query)}" if example.query else path


def steps_before(route: Route) -> list[tuple[Route, Example]]:
    """What has to be called before the route's example works, in this order."""
    by_name = {each.name: each for each in ROUTES}
    return [
        (by_name[step], by_name[step].example)
        if isinstance(step, str)
        else (by_name[step.route], Example(step.path, body=step.body))
        for step in route.example.after
    ]


def route_of(method: str, path: str) -> Route:
    """The row of the table that a request is for."""
    plain = path.partition("?")[0]
    for route in ROUTES:
        if route.method == method and re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", route.path), plain):
            return route
    raise AssertionError(f"no route for {method} {path}")


As = Callable[[str], Client]
