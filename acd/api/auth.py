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
from collections.abc import Sequence
from copy import copy
from typing import Final, NamedTuple
from urllib.parse import urlsplit

from aiohttp import web
from msgspec import Struct
from msgspec.structs import replace

from acd.api.problems import Problem, forbidden, not_found, unauthorized
from acd.api.rates import Bucket
from acd.api.scope import Scope
from acd.errors import ConfigError
from acd.runtime.config.model import LOOPBACK, UNLIMITED, ApiConfig, Role, TokenConfig
from acd.runtime.config.secrets import Secret
from acd.runtime.records import InteractionRecord

MAX_TOKEN: Final = 1_024
"""Characters of a bearer token."""

NO_SECRET: Final = Secret("")
"""Stands where a token's secret was."""


class Principal:
    """Somebody who is known: a name for logs, roles, and the agent or channel of a role that is one's.

    `sees_all`: no agent's, but of the role supervisor or system. `scope`: what it is limited to, None for nothing.
    `bucket`: counts requests by `rate`; None where there is no limit. `rights`: a word for what it may do, the same for
    the same rights in every process; empty for whoever sees everything. `token`: of somebody who is signed in with a
    browser, whose token that is, else None; `ended`: whether that session is over. `telephone`: the agent by whose
    telephone a supervisor hears conversations; empty where the token names none.
    """

    __slots__ = (
        *("agent", "bucket", "channel", "ended", "expires_us", "is_system", "name", "rate", "rights", "scope"),
        *("sees_all", "telephone", "token"),
    )

    def __init__(
        self,
        name: str,
        roles: tuple[Role, ...],
        agent: str = "",
        expires_us: int = 0,
        channel: str = "",
        scope: Scope | None = None,
        telephone: str = "",
    ) -> None:
        """One token may have several roles; the widest counts. `expires_us`: when it ends, 0 for never."""
        self.rate = UNLIMITED
        self.bucket: Bucket | None = None
        self.scope = scope
        self.is_system = "system" in roles
        self.name = name
        self.expires_us = expires_us
        self.agent = agent if "agent" in roles else ""
        self.channel = channel if "channel" in roles else ""
        self.sees_all = self.is_system or "supervisor" in roles
        self.telephone = telephone if self.sees_all else ""
        self.rights = _rights(self)
        self.token: Principal | None = None
        self.ended = False

    def in_session(self, expires_us: int) -> "Principal":
        """The same with the same rights, and at the expense of the same rate, as somebody who may end before it."""
        who = copy(self)
        who.token, who.expires_us = self, expires_us
        return who

    def require_all(self) -> None:
        """Raise 403 unless system or supervisor."""
        if not self.sees_all:
            raise forbidden("This needs the role system or supervisor.")

    def require_system(self) -> None:
        """Raise 403 unless system."""
        if not self.is_system:
            raise forbidden("This needs the role system.")

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


class Replaced(Struct, frozen=True):
    """What new tokens changed, by name. `ended`: who has no token any more; `moved`: who has one with other rights."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    ended: frozenset[Principal]
    moved: frozenset[Principal]


class _Entry(NamedTuple):
    """A secret's hash, whose it is, and what that was made of."""

    digest: bytes
    who: Principal
    token: TokenConfig


class Guard:
    """Finds out who asks. Keeps hashes of the tokens only.

    Each secret has a `Principal` of its own, also when a token has an old one beside the new: with the secret goes
    whoever came by it.

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
        self._rates = config.rates
        self._entries: dict[bytes, _Entry] = {}
        self._entries = self._made(config.tokens)
        self._current = frozenset(entry.who for entry in self._entries.values())

    def replace(self, tokens: tuple[TokenConfig, ...], others: Sequence["Guard"] = ()) -> Replaced:
        """Put other tokens into force. Raises ConfigError: without any, everybody would get in, or nobody.

        Whoever has the same rights by the same secret stays the same `Principal`. `others`: guards of other domains,
        with which no token may be shared.
        """
        if bool(tokens) != (self._open is None):
            reason = "there are none left" if self._open is None else "there were none"
            raise ConfigError((f"api.tokens: {reason}, and a reload does not open or close the API; restart acd",))
        if problems := _incomplete(tokens):
            raise ConfigError(tuple(problems))
        before, entries = self._entries, self._made(tokens)
        shared = [each.token.name for each in entries.values() if any(other.knows(each.digest) for other in others)]
        if shared:
            raise ConfigError((f"api.tokens: {shared[0]} is a token of another domain, too; give each its own",))
        for digest, entry in entries.items():
            known = before.get(digest)
            if known is not None and known.token == entry.token:
                entries[digest] = known
        self._entries = entries
        current = frozenset(entry.who for entry in entries.values())
        gone, self._current = self._current - current, current
        ended = frozenset(entry.who for digest, entry in before.items() if digest not in entries)
        return Replaced(*_changes(before, entries), ended, gone - ended)

    def _made(self, tokens: tuple[TokenConfig, ...]) -> dict[bytes, _Entry]:
        """By the hash of each secret; those of one token share a bucket, old and new. No entry has a secret in it."""
        found, before = {}, {entry.token.name: entry.who for entry in self._entries.values()}
        for token in tokens:
            plain = replace(token, secret=NO_SECRET, old_secret=None)
            rate = token.rate or (self._rates.agent if token.roles == ("agent",) else self._rates.token)
            known = before.get(token.name)
            if known is not None and known.rate == rate:
                bucket = known.bucket
            else:
                bucket = Bucket(rate.per_second, rate.burst) if rate.per_second else None
            for secret in token.secrets:
                digest = _digest(secret.reveal())
                who = _principal(token)
                who.rate, who.bucket = rate, bucket
                found[digest] = _Entry(digest, who, plain)
        return found

    @property
    def is_open(self) -> bool:
        """Whether everybody who can connect may do everything."""
        return self._open is not None

    def is_current(self, who: Principal) -> bool:
        """Whether the secret by which somebody came is still in force, with the same rights, and a session not over."""
        token = who.token or who
        return not who.ended and (token is self._open or token in self._current)

    def in_force(self) -> tuple[TokenConfig, ...]:
        """The tokens, without their secrets."""
        return tuple({entry.token.name: entry.token for entry in self._entries.values()}.values())

    @property
    def tokens(self) -> int:
        """How many there are."""
        return len({entry.token.name for entry in self._entries.values()})

    def admit(self, request: web.Request) -> Principal:
        """Who asks. Raises a Problem with 401 or 403."""
        self.check_origin(request)
        if self._open is not None:
            if _host_name(request.host) not in LOOPBACK:
                raise forbidden("An open API answers only requests for localhost; for other names set tokens.")
            return self._open
        digest = presented(request)
        if not digest:
            raise unauthorized("Send the header Authorization: Bearer <token>; /docs shows what there is.")
        found = self._entries.get(digest)
        if found is None or not hmac.compare_digest(found.digest, digest):
            raise unauthorized("This token is not known.")
        return found.who

    def knows(self, digest: bytes) -> bool:
        """Whether a token is one of these, expired or not, by what `presented` says of the request."""
        return digest in self._entries

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
        return _incomplete(config.tokens)
    if not config.open:
        return ["api: there is no token, add [[api.tokens]], or set api.open = true on loopback"]
    if not config.local:
        return [f"api.open: {config.host} is not a loopback host; add [[api.tokens]], or set api.host = 127.0.0.1"]
    return []


def _principal(token: TokenConfig) -> Principal:
    return Principal(
        token.name, token.roles, token.agent, token.expires_us, token.channel, _scope(token), token.telephone
    )


def _incomplete(tokens: tuple[TokenConfig, ...]) -> list[str]:
    """Tokens that lack what their role needs."""
    return [
        f"api.tokens: {token.name} has the role {role}, but no {role}; set {role}"
        for token in tokens
        for role, whose in (("agent", token.agent), ("channel", token.channel))
        if role in token.roles and not whose
    ]


def _changes(
    before: dict[bytes, _Entry], after: dict[bytes, _Entry]
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Names that are new, gone, and there with other rights or secrets."""
    was, now = _by_name(before), _by_name(after)
    changed = (name for name in sorted(was.keys() & now.keys()) if was[name] != now[name])
    return tuple(sorted(now.keys() - was.keys())), tuple(sorted(was.keys() - now.keys())), tuple(changed)


def _by_name(entries: dict[bytes, _Entry]) -> dict[str, list[tuple[bytes, TokenConfig]]]:
    found: dict[str, list[tuple[bytes, TokenConfig]]] = {}
    for entry in entries.values():
        found.setdefault(entry.token.name, []).append((entry.digest, entry.token))
    return found


def _scope(token: TokenConfig) -> Scope | None:
    limited = token.queues or token.channels
    return Scope(frozenset(token.queues), frozenset(token.channels)) if limited else None


def _rights(who: Principal) -> str:
    """Roles and limits. Two tokens that see everything differ in nothing that is answered to commands."""
    if who.sees_all and who.scope is None:
        return ""
    limits = None if who.scope is None else (sorted(who.scope.queues), sorted(who.scope.channels))
    telephone = (who.telephone,) if who.telephone else ()
    return _digest(repr((who.sees_all, who.agent, who.channel, limits, *telephone))).hex()[:16]


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def _host_name(host: str) -> str:
    """`127.0.0.1:8420` → `127.0.0.1`; empty when it cannot be read."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
