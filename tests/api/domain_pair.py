"""Two domains in memory at one address, with the same ids of agents and queues."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Final

import msgspec
from aiohttp import ClientSession

from acd.api import Domain, serve_domains
from acd.core.messages import AgentSettings, CoreSettings, QueueSettings
from acd.runtime.config.model import ApiConfig, DeskConfig, SessionsConfig, TokenConfig, WallboardConfig
from acd.runtime.config.secrets import Secret
from tests.api.domain_worlds import token_of
from tests.api.harness import Client, MemoryRouter

NAMES: Final = ("red", "blue")


def api_of(domain: str, **changes: object) -> ApiConfig:
    """Token names are the same in all domains, secrets are not."""
    config = ApiConfig(
        port=0,
        tokens=(
            TokenConfig("pbx", Secret(token_of(domain)), ("system",)),
            TokenConfig("anna-desktop", Secret(token_of(domain, "anna")), ("agent",), agent="anna"),
        ),
        origins=(f"https://{domain}.example.com",),
        sessions=SessionsConfig(),
        desk=DeskConfig(),
        wallboard=WallboardConfig(),
    )
    return msgspec.structs.replace(config, **changes)


def settings_of(domain: str) -> CoreSettings:
    """Agents and queues have the same ids in all domains, and one agent more of the domain's own."""
    return CoreSettings(
        agents=(AgentSettings("anna", skills=((f"skill_{domain}", 8),)), AgentSettings(f"only-{domain}")),
        queues=(QueueSettings("sales"),),
    )


@dataclass
class Pair:
    """Both domains, and a session at their address."""

    red: MemoryRouter
    blue: MemoryRouter
    http: ClientSession
    address: str

    def as_(self, domain: str, who: str = "system") -> Client:
        return Client(self.http, token_of(domain, who))


@asynccontextmanager
async def paired() -> AsyncIterator[Pair]:
    red, blue = (MemoryRouter(settings_of(name), name) for name in NAMES)
    async with await serve_domains((Domain(red, api_of("red")), Domain(blue, api_of("blue")))) as server:
        (address,) = server.addresses
        async with ClientSession(address) as http:
            yield Pair(red, blue, http, address)
