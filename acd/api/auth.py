"""Who may do what: bearer tokens, roles, and the origins of web pages.

Owns authentication and the rules of the roles. Must not know any route. `system` and `supervisor` may do
everything, unless their token is limited to some queues or channels (`acd.api.scope`); `agent` only what concerns the
agent that the token names: own presence, offers and work, and interactions on which that agent is being rung or talks,
or talked last. `channel` may be the external channel that the token names, and nothing else. Somebody else's things
look as if they did not exist.

Without tokens the API refuses to start, unless it is told `open = true` and listens on a loopback host:
then whoever can connect may do everything. An open API answers only requests for a loopback `Host`, so
that no foreign web page gets at it by rebinding a name. Whether open or not, a request that a browser sends for
a page of another origin is refused unless the origin is listed in `origins`.
"""

import hashlib
import hmac
from typing import Final
from urllib.parse import urlsplit

from aiohttp import web

from acd.api.problems import Problem, forbidden, not_found, unauthorized
from acd.api.scope import Scope
from acd.errors import ConfigError
from acd.runtime.config.model import LOOPBACK, ApiConfig, Role, TokenConfig
from acd.runtime.records import InteractionRecord

MAX_TOKEN: Final = 1_024
"""Characters of a bearer token."""


class Principal:
    """Somebody who is known: a name for logs, roles, and the agent or channel of a role that is one's.

    `sees_all`: no agent's, but of the role supervisor or system. `scope`: what it is limited to, None for nothing.
    """

    __slots__ = ("agent", "channel", "expires_us", "is_system", "name", "scope", "sees_all")

    def __init__(
        self,
        name: str,
        roles: tuple[Role, ...],
        agent: str = "",
        expires_us: int = 0,
        channel: str = "",
        scope: Scope | None = None,
    ) -> None:
        """One token may have several roles; the widest counts. `expires_us`: when it ends, 0 for never."""
        self.scope = scope
        self.name = name
        self.expires_us = expires_us
        self.agent = agent if "agent" in roles else ""
        self.channel = channel if "channel" in roles else ""
        self.is_system = "system" in roles
        self.sees_all = "system" in roles or "supervisor" in roles

    def require_all(self) -> None:
        """Raise 403 unless system or supervisor."""
        if not self.sees_all:
            raise forbidden("This needs the role system or supervisor.")

    def require_agent(self, agent_id: str) -> None:
        """Raise 404 unless this agent's things may be seen."""
        if not self.sees_all and agent_id != self.agent:
            raise not_found("agent")

    def require_channel(self, name: str) -> None:
        """Raise 404 unless this external channel may be connected to."""
        if not self.is_system and name != self.channel:
            raise not_found("external channel")

    def require_no_channel(self) -> None:
        """Raise 403 for a channel's token: it is for its channel alone."""
        if self.channel:
            raise forbidden("A token with the role channel opens its channel, and nothing else.")

    def may_see(self, row: InteractionRecord) -> bool:
        """Whether the interaction is within what the token is limited to, whoever has it."""
        return self.scope is None or self.scope.has(row)

    def sees(self, row: InteractionRecord) -> bool:
        """Whether the interaction may be seen: by all who are asked, talk or ask, and by whoever had it last."""
        if not self.may_see(row):
            return False
        asked_or_theirs = self.agent in (row.agent_id, row.asking) or any(
            agent_id == self.agent for _, agent_id in (*row.pending, *row.participants)
        )
        return self.sees_all or (bool(self.agent) and asked_or_theirs)


class Guard:
    """Finds out who asks. Keeps hashes of the tokens only.

    A look-up by SHA-256 takes the same time for any number of tokens, and how long it takes tells at most about
    hashes, from which no token can be guessed; what was found is compared in constant time.
    """

    def __init__(self, config: ApiConfig) -> None:
        """Raises ConfigError when everybody could get in and nobody has said so."""
        problems = tuple(_problems(config))
        if problems:
            raise ConfigError(problems)
        self._open = Principal("open", ("system",)) if not config.tokens else None
        self._origins = frozenset(origin.rstrip("/").lower() for origin in config.origins)
        self._principals = {
            digest: (digest, _principal(token))
            for token in config.tokens
            for digest in (_digest(token.secret.reveal()),)
        }

    def admit(self, request: web.Request) -> Principal:
        """Who asks. Raises a Problem with 401 or 403."""
        self.check_origin(request)
        if self._open is not None:
            if _host_name(request.host) not in LOOPBACK:
                raise forbidden("An open API answers only requests for localhost; for other names set tokens.")
            return self._open
        digest = presented(request)
        if not digest:
            raise unauthorized("Send the header Authorization: Bearer <token>.")
        known, found = self._principals.get(digest, (b"", None))
        if not hmac.compare_digest(known, digest):
            found = None
        if found is None:
            raise unauthorized("This token is not known.")
        return found

    def knows(self, digest: bytes) -> bool:
        """Whether a token is one of these, expired or not, by what `presented` says of the request."""
        return digest in self._principals

    def lists(self, origin: str) -> bool:
        """Whether pages of this origin may use the API from afar."""
        return origin.lower() in self._origins

    def check_origin(self, request: web.Request, *, required: bool = False) -> None:
        """Raise 403 for a page of a foreign origin; if `required`, also for what says of no page that it asks."""
        origin = request.headers.get("Origin")
        if origin is None:
            if required:
                raise Problem(403, "foreign-origin", "Tickets are for pages: send the page's Origin, or use a token.")
            return
        if origin.lower().partition("://")[2] != request.host.lower() and not self.lists(origin):
            raise Problem(403, "foreign-origin", "Pages of this origin may not use the API; list it in api.origins.")


def presented(request: web.Request) -> bytes:
    """A hash of the bearer token that a request carries; empty when it carries none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    return _digest(token.strip()[:MAX_TOKEN]) if scheme.lower() == "bearer" and token else b""


def _problems(config: ApiConfig) -> list[str]:
    """What speaks against serving with this configuration."""
    if config.tokens:
        return [
            f"api.tokens: {token.name} has the role {role}, but no {role}; set {role}"
            for token in config.tokens
            for role, whose in (("agent", token.agent), ("channel", token.channel))
            if role in token.roles and not whose
        ]
    if not config.open:
        return ["api: there is no token, add [[api.tokens]], or set api.open = true on loopback"]
    if config.host not in LOOPBACK:
        return [f"api.open: {config.host} is not a loopback host; add [[api.tokens]], or set api.host = 127.0.0.1"]
    return []


def _principal(token: TokenConfig) -> Principal:
    return Principal(token.name, token.roles, token.agent, token.expires_us, token.channel, _scope(token))


def _scope(token: TokenConfig) -> Scope | None:
    limited = token.queues or token.channels
    return Scope(frozenset(token.queues), frozenset(token.channels)) if limited else None


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _host_name(host: str) -> str:
    """`127.0.0.1:8420` → `127.0.0.1`; empty when it cannot be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
