"""The API of a real router, with tokens of every role, for tests of what talks to it from outside."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from acd.api import serve
from acd.runtime.config import load
from acd.runtime.router import Router
from tests.served import TOKEN, write_secret

ANNAS_TOKEN = "canary-token-of-anna-0123456789"
TEXT = """\
[api]
port = 0
[[api.tokens]]
name = "admin"
token_file = "token"
roles = ["system"]
[[api.tokens]]
name = "anna-desktop"
token_file = "token-of-anna"
roles = ["agent"]
agent = "anna"
[agents.anna]
name = "Anna"
[agents.boris]
[queues.sales]
"""


class Centre(NamedTuple):
    """A router that is being served."""

    folder: Path
    url: str
    router: Router


def write_tokens(folder: Path) -> None:
    """The files of the two tokens."""
    for name, token in (("token", TOKEN), ("token-of-anna", ANNAS_TOKEN)):
        write_secret(folder, name, token + "\n")


@asynccontextmanager
async def serving(folder: Path, *more: str) -> AsyncIterator[Centre]:
    """The configuration above, and more."""
    write_tokens(folder)
    (folder / "acd.toml").write_text("\n".join((TEXT, *more)), encoding="utf-8")
    config = load(folder / "acd.toml")
    assert config.api is not None
    async with Router(config, channels=()) as router, await serve(router, config.api) as server:
        yield Centre(folder, server.addresses[0], router)
