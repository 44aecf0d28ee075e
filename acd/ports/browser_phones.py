"""What a channel may be able to do besides its contract: have an agent's telephone in the browser (SIP over WebSocket).

Owns the protocol and what a page needs to register. Must not know any channel, nor how the page does it.
"""

from collections.abc import Sequence
from typing import Protocol, runtime_checkable

from msgspec import Struct


class IceServer(Struct, frozen=True, omit_defaults=True):
    """One entry of `iceServers`, as RTCPeerConnection's configuration has it (W3C WebRTC, RTCIceServer)."""

    urls: tuple[str, ...]
    username: str = ""
    credential: str = ""

    def __repr__(self) -> str:
        """Without the credential: a repr ends up in logs and tracebacks."""
        return f"IceServer(urls={self.urls!r})"


class BrowserPhone(Struct, frozen=True):
    """How one agent's page becomes a telephone.

    `url`: the WebSocket of the PBX. `uri`: the telephone's own SIP address. `user`, `password`, `realm`: of its digest.
    `fresh_seconds`: after so long it had better be asked for again, because what it holds expires; 0: it does not.
    """

    url: str
    uri: str
    user: str
    password: str
    realm: str
    ice_servers: tuple[IceServer, ...] = ()
    fresh_seconds: int = 0

    def __repr__(self) -> str:
        """Without the password."""
        return f"BrowserPhone(uri={self.uri!r})"


class BrowserPhones(Protocol):
    """Those of one channel instance."""

    @property
    def urls(self) -> Sequence[str]:
        """The WebSockets that pages have to reach, as `wss://host:port/path`; none without such telephones."""
        ...

    def phone(self, agent_id: str) -> BrowserPhone | None:
        """How this agent's page registers; None when their telephone is no browser.

        Raises `ChannelError` when its password cannot be had.
        """
        ...


@runtime_checkable
class HasBrowserPhones(Protocol):
    """A channel that may have some."""

    @property
    def browser_phones(self) -> BrowserPhones:
        """Its telephones."""
        ...
