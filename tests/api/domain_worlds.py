"""Real domains with the same ids and different content: each has a word of its own wherever it can have one."""

import asyncio
import base64
import re
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Final

from aiohttp import ClientSession
from msgspec import Struct

from acd.api import Domain, serve_domains
from acd.api.openapi import example_configuration
from acd.api.routes import Example, Route
from acd.cli.living import LivingDomain
from acd.errors import DeliveryRefused
from acd.ports.journal import Journal
from acd.ports.stores import OutboxMessage
from acd.runtime.channels import open_channels
from acd.runtime.config import Config, load
from acd.runtime.router import Router
from acd.testing import FakeChannel, ManualClock
from tests.api.harness import example_body, example_headers, example_url
from tests.served import write_secret

RED: Final = "crimson"
BLUE: Final = "cobalt"
"""Names of domains, and words that stand nowhere else."""

LETTER: Final = "crm:1042.1"
"""The key of a message that cannot be delivered; the example of /v1/dead-letters/retry asks for this one."""

SOON: Final = 20.0

WHO: Final = ("anna", "web", "system")
"""Beginnings of tokens: an agent's, an external channel's, and one that may do everything."""

_CONFIG: Final = """\
[domain]
name = "{name}"
[snapshots]
enabled = false
[outbox]
[api]
port = 0
origins = ["https://{name}.example.com"]
desk = {{ enabled = true }}
wallboard = {{ enabled = true }}
[[api.tokens]]
name = "pbx"
token = "system-token-of-{name}"
roles = ["system"]
[[api.tokens]]
name = "anna-desktop"
token = "anna-token-of-{name}"
roles = ["agent"]
agent = "anna"
[[api.tokens]]
name = "web-chat"
token = "web-token-of-{name}"
roles = ["channel"]
channel = "web"
"""
_HOOK: Final = "http://127.0.0.1:9/acd"
_WORDS: Final = (('name = "Anna"', 'name = "Anna of {}"'), ('title = "Sales"', 'title = "Sales of {}"'))
_ONE_TIME: Final = re.compile(r"\b[0-9a-f]{20}\b|cu_[a-z2-7]+|[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NUMBER: Final = re.compile(r" [0-9.e+-]+$", re.MULTILINE)
_HEADERS: Final = ("Content-Type", "Location", "ETag", "Retry-After", "WWW-Authenticate", "Access-Control-Allow-Origin")


def token_of(domain: str, who: str = "system") -> str:
    """Tokens have the same names in all domains, not the same secrets."""
    return f"{who}-token-of-{domain}"


class World:
    """One domain, with everything that `acd serve` gives it, at a clock that stands still.

    `hook`: where its webhook goes; else all its messages arrive nowhere. `journal`: instead of a file.
    """

    def __init__(self, name: str, folder: Path, hook: str = "", journal: Journal | None = None) -> None:
        self.name = name
        config = configured(name, folder, hook or _HOOK)
        assert config.api is not None
        self._api = config.api
        self.phones = FakeChannel("phones")
        channels = (self.phones, *open_channels(config.channels))
        senders = {"sms": _refuse} if hook else {"sms": _refuse, "webhook": _take}
        clock = ManualClock(time.time_ns() // 1_000) if hook else ManualClock()  # receivers look at the time
        self.router = Router(config, journal=journal, channels=channels, clock=clock, senders=senders)
        self.living = LivingDomain(config, lambda: config.api.tokens if config.api else (), self.router)

    def served(self) -> Domain:
        return self.living.served(self._api)

    def phones_health(self) -> Mapping[str, object]:
        """How the channel `phones` is."""
        channels = self.router.health()["channels"]
        assert isinstance(channels, Mapping)
        found = channels["phones"]
        assert isinstance(found, Mapping)
        return found

    async def state(self) -> tuple[object, ...]:
        """Is another one after whatever is done to the domain."""
        configurations = self.served().configurations
        assert configurations is not None
        return self.router.seq, await configurations.current(), await self.router.dead_letters(9)

    async def lose_a_letter(self) -> None:
        """A message that nobody could be given."""
        await self.router.post(LETTER, f"sms:{self.name}", b"")
        await self.letter_is_dead()

    async def letter_is_dead(self) -> None:
        """Wait until it has been given up, perhaps once more."""
        async with asyncio.timeout(SOON):
            while not await self.router.dead_letters(1):
                await asyncio.sleep(0)


class Answer(Struct, frozen=True):
    """What came back, without what is new each time."""

    status: int
    headers: tuple[tuple[str, str], ...]
    text: str


class Address:
    """Where one domain or several are served."""

    def __init__(self, http: ClientSession, worlds: dict[str, World]) -> None:
        self.http = http
        self.worlds = worlds

    async def call(self, token: str, route: Route, example: Example, key: str) -> Answer:
        """As the example says; with a key where the route takes one, unless it is empty."""
        headers = {**example_headers(example), "Authorization": f"Bearer {token}"}
        if route.mutates and key:
            headers["Idempotency-Key"] = key
        url, body = example_url(route, example), example_body(example)
        async with self.http.request(route.method, url, data=body, headers=headers) as response:
            text, media = await response.text(), response.headers["Content-Type"]
            plain = _NUMBER.sub(" N", text) if media.startswith("text/plain; version=") else text
            shown = tuple((name, response.headers[name]) for name in _HEADERS if name in response.headers)
            return Answer(response.status, shown, _ONE_TIME.sub("…", plain))


@asynccontextmanager
async def serving(
    folder: Path, *names: str, hook: str = "", journals: Mapping[str, Journal] = {}
) -> AsyncIterator[Address]:
    """These domains at one address."""
    worlds = {name: World(name, folder / name, hook, journals.get(name)) for name in names}
    async with AsyncExitStack() as stack:
        for world in worlds.values():
            stack.push_async_callback(world.living.stop)
            await world.living.start()
        server = await stack.enter_async_context(await serve_domains([each.served() for each in worlds.values()]))
        http = await stack.enter_async_context(ClientSession(server.addresses[0]))
        yield Address(http, worlds)


def secret_of(name: str) -> str:
    """What a domain signs its webhooks with."""
    return "whsec_" + base64.b64encode(f"{name} signs with this, nobody else".encode()).decode()


def configured(name: str, folder: Path, hook: str = _HOOK) -> Config:
    """The configuration that the documentation shows, with the domain's own words in it."""
    folder.mkdir(parents=True)
    write_secret(folder, "crm.secret", secret_of(name))
    text = example_configuration()
    for known, instead in (*_WORDS, (_HOOK, hook)):
        assert known in text
        text = text.replace(known, instead.format(name))
    file = folder / "acd.toml"
    file.write_text(f"{_CONFIG.format(name=name)}\n{text}", encoding="utf-8")
    return load(file)


async def _refuse(_message: OutboxMessage) -> None:
    raise DeliveryRefused("never")


async def _take(_message: OutboxMessage) -> None:
    """It has arrived."""
