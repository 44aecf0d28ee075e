"""People who are signed in with a browser: a cookie that no script can read, in place of a token.

Owns the cookies, how long they are good, and whose requests they are. Must not know any route, nor what a page shows.

A session has the rights of the token that was shown for it, and ends with that token, by signing out, or `longest`
after it was begun. Its cookie is replaced while it is used. Whoever shows one that was replaced a while ago has it from
elsewhere, and the session ends for both. A request by cookie has to come from a page of the origin at which the
session was begun: a browser says so in `Origin`, and of requests that only ask in `Sec-Fetch-Site`. A page of an https
origin gets a cookie that goes over TLS only, whoever does the TLS. Cookies are kept in memory alone, as hashes: after a
restart everybody signs in anew.
"""

import hashlib
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence
from typing import Final

from aiohttp import web

from acd.api.auth import Principal
from acd.api.problems import Problem, unauthorized
from acd.runtime.config.model import SessionsConfig

COOKIE: Final = "acd-session"
SECURE_COOKIE: Final = "__Host-acd-session"
"""What it is called where browsers send it over TLS only. No other host can set a cookie of this name (RFC 6265bis)."""

MAX_SESSIONS: Final = 10_000
"""Of all people; the one that was begun first gives way."""

MAX_PER_TOKEN: Final = 8
"""Browsers in which one token is signed in; likewise."""

GRACE_US: Final = 30_000_000
"""How long a cookie is still good when its successor has been shown, for requests that were under way."""

MAX_REPLACED: Final = 32
"""Replaced cookies of one session by which whoever shows them is found out; older ones are only unknown."""

_BYTES: Final = 32
_MAX_LENGTH: Final = 100
_ONLY_ASKS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITE: Final = frozenset({"same-origin", "none"})

_ELSEWHERE: Final = "A session is for pages of the address at which it was begun; sign in here."
_ENDED: Final = "This session is not known, or has ended; sign in again."


class Session:
    """One. `who` makes its requests; `host`: of the page on which it was begun, with the port; `origin`: that page's.

    Who says nothing of an origin, and is no browser, has an empty one. `secure`: the cookie goes over TLS only.
    The cookie before the `current` one is good until that has been shown once: an answer with a new cookie may be lost,
    and nobody is to be signed out for it.
    """

    __slots__ = ("_before", "_replaced", "current", "host", "origin", "secure", "since_us", "who")

    def __init__(self, who: Principal, host: str, now_us: int, origin: str, *, secure: bool) -> None:
        """Begun by `Sessions.begin`."""
        self.who = who
        self.host = host
        self.origin = origin
        self.secure = secure
        self.since_us = now_us
        self.current = b""
        self._before = b""
        self._replaced: deque[tuple[bytes, int]] = deque()

    def replace(self, digest: bytes, now_us: int) -> bytes:
        """Another cookie from now on; returns what is forgotten for it, empty if nothing."""
        never_shown = self.current if self._before else b""
        if not self._before:
            self._before = self.current
        self.current = digest
        return self._spend(never_shown, now_us)

    def is_shown(self, digest: bytes, now_us: int) -> bytes:
        """Somebody has this cookie of the session; returns what is forgotten for it, empty if nothing."""
        if digest != self.current or not self._before:
            return b""
        before, self._before = self._before, b""
        return self._spend(before, now_us)

    def good_until_us(self, digest: bytes) -> int:
        """Until when a cookie of this session may be shown."""
        if digest in {self.current, self._before}:
            return self.who.expires_us
        return next((until_us for each, until_us in self._replaced if each == digest), 0)

    @property
    def digests(self) -> tuple[bytes, ...]:
        """Of all cookies that are remembered."""
        found = (self.current, self._before, *(digest for digest, _ in self._replaced))
        return tuple(filter(None, found))

    def _spend(self, digest: bytes, now_us: int) -> bytes:
        if digest:
            self._replaced.append((digest, now_us + GRACE_US))
        return self._replaced.popleft()[0] if len(self._replaced) > MAX_REPLACED else b""


class Sessions:
    """All of one application. `config` None: nobody signs in."""

    def __init__(self, config: SessionsConfig | None) -> None:
        """None yet."""
        self.config = config
        plain = config or SessionsConfig()
        self.others: Sequence[Sessions] = ()
        """Of other domains at the same address: their cookies have the same names."""
        self._names = (SECURE_COOKIE,) if plain.secure else (SECURE_COOKIE, COOKIE)
        self._lifetime_us, self._longest_us, self._secure = plain.lifetime_us, plain.longest_us, plain.secure
        self._by_digest: dict[bytes, Session] = {}
        self._open: OrderedDict[Principal, Session] = OrderedDict()
        self._told: list[Callable[[Collection[Principal]], None]] = []

    def __len__(self) -> int:
        """How many are remembered."""
        return len(self._open)

    def on_end(self, told: Callable[[Collection[Principal]], None]) -> None:
        """Have something called when sessions have ended: those may do nothing more."""
        self._told.append(told)

    def begin(self, token: Principal, host: str, now_us: int, origin: str = "") -> tuple[str, Session]:
        """A session with the rights of a token, and what its cookie holds."""
        self._make_room(token, now_us)
        who = token.in_session(self._until_us(token, now_us, now_us))
        session = Session(who, host.lower(), now_us, origin.lower(), secure=self._secure or is_https(origin))
        self._open[who] = session
        return self._new_cookie(session, now_us), session

    def renewed(self, session: Session, now_us: int) -> str:
        """What its new cookie holds; empty while the one that it has is good for more than half of its time."""
        if session.who.expires_us - now_us > self._lifetime_us // 2:
            return ""
        token = session.who.token or session.who
        until_us = self._until_us(token, session.since_us, now_us)
        if until_us <= session.who.expires_us:
            return ""  # the very end is near: there is nothing to be had by another
        session.who.expires_us = until_us
        return self._new_cookie(session, now_us)

    def of(self, who: Principal) -> Session | None:
        """The session in which somebody asks; None for a token."""
        return self._open.get(who)

    def shown(self, request: web.Request) -> str:
        """What the request's cookie holds; empty without one, or where a token says who asks."""
        if self.config is None or "Authorization" in request.headers:
            return ""
        return self._cookie(request)

    def holds(self, cookie: str) -> bool:
        """Whether it is, or was, a cookie of one of these."""
        return _digest(cookie) in self._by_digest

    def admit(self, cookie: str, request: web.Request, now_us: int) -> Principal:
        """Whose it is. Raises a Problem with 401, or 403 for a page of another origin."""
        digest = _digest(cookie)
        session = self._by_digest.get(digest)
        if session is None:
            raise unauthorized(_ENDED)
        _check_page(request, session)
        if now_us >= session.who.expires_us:
            self.end((session.who,))
            raise unauthorized(_ENDED)
        if now_us >= session.good_until_us(digest):
            self.end((session.who,))
            raise unauthorized("This session was used from elsewhere, too, and has ended; sign in again.")
        self._by_digest.pop(session.is_shown(digest, now_us), None)
        return session.who

    def end(self, whose: Collection[Principal]) -> None:
        """They are over, at once. Whoever has none is passed over."""
        ended = [session for session in map(self._open.get, whose) if session is not None]
        for session in ended:
            del self._open[session.who]
            session.who.ended = True
            for digest in session.digests:
                self._by_digest.pop(digest, None)
        if ended:
            for told in self._told:
                told([session.who for session in ended])

    def end_by_cookie(self, request: web.Request) -> None:
        """Whoever had signed in with this browser before is signed out: others sign in now."""
        for cookie in filter(None, map(request.cookies.get, self._names)):
            for each in (self, *self.others):
                each.end_of_cookie(cookie)

    def end_of_cookie(self, cookie: str) -> None:
        """The session that it is, or was, one of is over."""
        session = self._by_digest.get(_digest(cookie[:_MAX_LENGTH]))
        if session is not None:
            self.end((session.who,))

    def end_of_tokens(self, tokens: Collection[Principal]) -> None:
        """Those that were begun with one of these tokens are over. O(sessions)."""
        self.end([who for who in self._open if who.token in tokens])

    def set_cookie(self, cookie: str, *, secure: bool = False) -> str:
        """The header `Set-Cookie`; an empty one takes it out of the browser."""
        tls, gone = secure or self._secure, "" if cookie else "; Max-Age=0"
        name = SECURE_COOKIE if tls else COOKIE
        return f"{name}={cookie}; Path=/; HttpOnly; SameSite=Strict{'; Secure' if tls else ''}{gone}"

    def _cookie(self, request: web.Request) -> str:
        return next((request.cookies[each] for each in self._names if request.cookies.get(each)), "")[:_MAX_LENGTH]

    def _until_us(self, token: Principal, since_us: int, now_us: int) -> int:
        until_us = min(now_us + self._lifetime_us, since_us + self._longest_us)
        return min(until_us, token.expires_us) if token.expires_us else until_us

    def _new_cookie(self, session: Session, now_us: int) -> str:
        cookie = secrets.token_urlsafe(_BYTES)
        digest = _digest(cookie)
        self._by_digest.pop(session.replace(digest, now_us), None)
        self._by_digest[digest] = session
        return cookie

    def _make_room(self, token: Principal, now_us: int) -> None:
        """O(sessions), once for each that is begun."""
        self.end([who for who in self._open if now_us >= who.expires_us])
        same = [who for who in self._open if who.name == token.name]
        self.end(same[: max(0, len(same) + 1 - MAX_PER_TOKEN)])
        self.end(list(self._open)[: max(0, len(self._open) + 1 - MAX_SESSIONS)])


SESSIONS: Final = web.AppKey("acd_sessions", Sessions)


def check_own_page(request: web.Request) -> None:
    """Raise 403 for a page of any other address than the one that the request goes to, listed in `origins` or not."""
    origin = request.headers.get("Origin")
    if origin is not None and origin.lower().partition("://")[2] != request.host.lower():
        raise Problem(403, "foreign-origin", "Only pages of this address sign in here; open the page that acd serves.")


def is_https(origin: str | None) -> bool:
    """Whether it is that of a page that came over TLS."""
    return origin is not None and origin.lower().startswith("https://")


def _check_page(request: web.Request, session: Session) -> None:
    """Raise 403 for what no page of the session's origin asks."""
    origin = request.headers.get("Origin")
    if request.host.lower() != session.host or (origin is not None and not _is_of(origin.lower(), session)):
        raise Problem(403, "foreign-origin", _ELSEWHERE)
    asks = request.method in _ONLY_ASKS and "Upgrade" not in request.headers
    if origin is None and not asks:
        detail = "A session changes nothing, and opens no socket, without the page's Origin; or use a token."
        raise Problem(403, "foreign-origin", detail)
    if request.headers.get("Sec-Fetch-Site", "none") not in _OWN_SITE:
        raise Problem(403, "foreign-origin", _ELSEWHERE)


def _is_of(origin: str, session: Session) -> bool:
    return origin == session.origin if session.origin else origin.partition("://")[2] == session.host


def _digest(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "surrogatepass")).digest()
