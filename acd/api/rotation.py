"""Other tokens without a restart: read again on demand, put into force at once, and what has ended is told so.

Owns the order: all of them are read and checked before any changes, so that a mistake leaves the old ones in force.
Must not know where tokens are written, nor sockets: whoever holds on to a `Principal` asks to be told of its end.
"""

import asyncio
from collections.abc import Callable, Sequence
from typing import Final

import structlog
from aiohttp import web
from msgspec import Struct

from acd.api.auth import Guard, Replaced
from acd.api.bodies import NoQuery, Nothing
from acd.api.problems import Problem
from acd.api.routes import Call, Example, Route
from acd.errors import ConfigError
from acd.runtime.config.model import TokenConfig

Read = Callable[[], tuple[TokenConfig, ...]]
"""Reads the tokens again; blocks, and raises `ConfigError` with all that is wrong."""

SIGNAL: Final = "SIGHUP"
"""Who asks, where a signal does."""

MAX_PROBLEMS: Final = 20
"""Problems that a refusal names."""

_log = structlog.get_logger(__name__)


class ReloadedShape(Struct):
    """Tokens by name: new ones, gone ones, those with other rights or secrets; and how many there are now."""

    added: list[str]
    removed: list[str]
    changed: list[str]
    tokens: int


class Rotation:
    """The tokens of one application, and who is told when one ends."""

    def __init__(self, guard: Guard, read: Read | None) -> None:
        """`read` is None where tokens stay as they are."""
        self.done = 0
        self.failed = 0
        self._guard = guard
        self._read = read
        self.others: Sequence[Guard] = ()
        """Of other domains at the same address: no token may be one of theirs."""
        self._told: list[Callable[[Replaced], None]] = []
        self._reloading = asyncio.Lock()

    def on_replaced(self, told: Callable[[Replaced], None]) -> None:
        """Have something called when tokens have been replaced; who is in `ended` or `moved` may do nothing more."""
        self._told.append(told)

    @property
    def tokens(self) -> int:
        """How many there are."""
        return self._guard.tokens

    async def reload(self, actor: str) -> Replaced:
        """Read the tokens again, and put them into force. Raises `ConfigError`; then the old ones stay."""
        async with self._reloading:
            try:
                replaced = self._guard.replace(await asyncio.to_thread(self._read or _not_read), self.others)
            except ConfigError as error:
                self.failed += 1
                problems = list(error.problems[:MAX_PROBLEMS])
                _log.error("the tokens stay as they were: the new ones cannot be used", by=actor, problems=problems)
                raise
            self.done += 1
            _log.info(
                "the tokens were read again",
                by=actor,
                added=list(replaced.added),
                removed=list(replaced.removed),
                changed=list(replaced.changed),
            )
            for told in self._told:
                told(replaced)
            return replaced


def _not_read() -> tuple[TokenConfig, ...]:
    raise ConfigError(("api.tokens: they are not read again here; acd.api.serve was given nothing to read them with",))


ROTATION: Final = web.AppKey("acd_rotation", Rotation)


async def reload_tokens(call: Call[Nothing, NoQuery]) -> ReloadedShape:
    """Read the tokens again."""
    call.command_id()  # there is no command: once more is harmless, but a key that is none is a mistake here, too
    rotation = call.request.app[ROTATION]
    try:
        found = await rotation.reload(call.who.name)
    except ConfigError as error:
        raise Problem(422, "configuration-invalid", "\n".join(error.problems[:MAX_PROBLEMS])) from None
    return ReloadedShape(list(found.added), list(found.removed), list(found.changed), rotation.tokens)


ROUTES: Final = (
    Route(
        "reload_tokens",
        "operation",
        "POST",
        "/v1/tokens/reload",
        "system",
        reload_tokens,
        "Read the tokens again, from the configuration and its files, and put them into force at once.",
        ReloadedShape,
        problems=("configuration-invalid",),
        example=Example(shows={"added": [], "removed": [], "changed": []}),
        notes="As `kill -HUP` does. Sockets of a token that is gone are closed with 4401, of one with other rights with"
        " 1012; if anything is wrong, the tokens stay as they were.",
    ),
)
