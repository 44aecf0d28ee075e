"""Where a process of an external channel is put to the test: a real server, and nobody behind it but the test.

Owns the server. Must not know what is tested: `acd.testing.contract` does. What the process says goes to the contract's
host instead of an engine.
"""

from types import TracebackType
from typing import Final, Self

from acd.api.server import Server, serve
from acd.ports.channel import Channel
from acd.runtime.config import Config, loads
from acd.runtime.external import ExternalChannel
from acd.runtime.journal import MemoryJournal
from acd.runtime.router import Router

_TEXT: Final = """
[api]
open = true
port = 0
[snapshots]
enabled = false
"""


class ProvingGround:
    """`async with ProvingGround("web", "chat") as ground:` the process may connect to `ground.url`, without a token.

    A driver's `make` returns `ground.open()`.
    """

    def __init__(self, name: str, media: str = "voice", *, may_recall: bool = False) -> None:
        """As in the channel's section."""
        self._name = name
        self._media = media
        self._may_recall = may_recall
        self._router = _Nobody(loads(_TEXT))
        self._server: Server | None = None

    def open(self) -> ExternalChannel:
        """The channel, not started; again, for a restart: the process finds the newest one."""
        self._router.channels[self._name] = found = ExternalChannel(
            self._name, self._media, may_recall=self._may_recall
        )
        return found

    @property
    def url(self) -> str:
        """Where the process connects."""
        if self._server is None:
            raise RuntimeError("use it with: async with ProvingGround(...) as ground")
        return f"{self._server.addresses[0].replace('http', 'ws', 1)}/v1/channels/{self._name}"

    async def __aenter__(self) -> Self:
        """Listen on a free port of this machine."""
        api = self._router.config.api
        assert api is not None  # noqa: S101 - the text above has one
        await self._router.__aenter__()
        try:
            self._server = await serve(self._router, api)
        except BaseException:
            await self._router.abort()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        """Stop listening."""
        if self._server is not None:
            await self._server.close()
        await self._router.__aexit__(None, None, None)


class _Nobody(Router):
    """A router in memory with nothing to do, whose channels are the test's."""

    def __init__(self, config: Config) -> None:
        super().__init__(config, journal=MemoryJournal(), channels=())
        self.config = config
        self.channels: dict[str, ExternalChannel] = {}

    def channel(self, name: str) -> Channel | None:
        return self.channels.get(name)
