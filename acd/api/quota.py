"""Who asks too often: tokens beyond their rate, and addresses from which nobody's tokens come.

Owns the answer 429 with its headers, and the counts of who was turned away. Must not know roles or routes.

A token has a bucket of its own, whichever of its secrets is used, so that nobody's requests are at another's
expense. An address that keeps failing is told to wait instead of that its token is not known; a token that is known is
let in from there all the same, because behind a proxy everybody has one address, and nobody guesses a random token.
"""

import ipaddress
from math import ceil
from typing import Final

from aiohttp import web

from acd.api.auth import Principal
from acd.api.problems import Problem
from acd.api.rates import Rates
from acd.runtime.config.model import Rate

NETWORK: Final = 64
"""Bits of an IPv6 address that say whose it is: one customer of a provider has all addresses that begin so."""


class Quota:
    """Of one application."""

    def __init__(self, failures: Rate) -> None:
        """`failures`: how often one address may come without a token that is known."""
        self.unknown = 0
        """Requests without a token that is known; those told to wait among them."""
        self.too_often = 0
        """Requests beyond a token's rate."""
        self._policy = failures
        self._failures = Rates(failures.per_second, failures.burst)

    def spend(self, who: Principal, now_us: int) -> None:
        """Count a request of a token. Raises a Problem with 429."""
        self._take(who, now_us, 1)

    def spend_more(self, who: Principal, now_us: int, count: int) -> None:
        """Count what a request asks for besides the first thing, at most the token's burst. Raises as `spend`."""
        self._take(who, now_us, min(count, who.rate.burst - 1))

    def _take(self, who: Principal, now_us: int, count: int) -> None:
        if who.bucket is None:
            return
        wait_seconds = who.bucket.take(now_us, count)
        if wait_seconds:
            self.too_often += 1
            raise _too_often("This token asks too often; wait, or configure a higher rate.", who.rate, wait_seconds)

    def failed(self, problem: Problem, request: web.Request, now_us: int) -> Problem:
        """Count a request whose token is not known; the `problem` that it is, or another one with 429."""
        self.unknown += 1
        if self._policy.per_second:
            wait_seconds = self._failures.take(network_of(request.remote or ""), now_us)
            if wait_seconds:
                detail = "From this address tokens that are not known come too often; wait."
                return _too_often(detail, self._policy, wait_seconds)
        return problem

    @property
    def addresses(self) -> int:
        """Addresses that are remembered because they failed."""
        return len(self._failures)


QUOTA: Final = web.AppKey("acd_quota", Quota)


def network_of(address: str) -> str:
    """What stands for everybody who could be the same: an IPv4 address, or the network of an IPv6 one."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return ""
    if found.version == 4:  # noqa: PLR2004 - IPv4
        return str(found)
    mapped = found.ipv4_mapped
    return str(mapped or ipaddress.ip_network((found, NETWORK), strict=False))


def _too_often(detail: str, rate: Rate, wait_seconds: float) -> Problem:
    """429. https://datatracker.ietf.org/doc/draft-ietf-httpapi-ratelimit-headers/ has the headers."""
    wait, window = max(1, ceil(wait_seconds)), max(1, ceil(rate.burst / rate.per_second))
    headers = {
        "Retry-After": str(wait),
        "RateLimit-Policy": f'"requests";q={rate.burst};w={window}',
        "RateLimit": f'"requests";r=0;t={wait}',
    }
    return Problem(429, "too-many-requests", detail, headers)
