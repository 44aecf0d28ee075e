"""From where a page connects, as far as that can be told, and how often and how many at a time from one place.

Owns these bounds. Must not know what pages say. Behind a proxy on this machine everybody's own address is the last of
`X-Forwarded-For`, which such a proxy has written itself; whoever else sends that header could write there what they
like, and is taken for themselves. Where nothing can be told nothing is bounded: the proxy has to.
"""

import ipaddress
from collections import Counter
from typing import Final

from aiohttp import web

from acd.api.quota import network_of
from acd.api.rates import Rates

CONNECTS_PER_SECOND: Final = 5.0
CONNECTS_AT_ONCE: Final = 200
"""How often one place may connect: steadily, and in a burst."""


class Addresses:
    """Places, and the pages that are connected from each."""

    def __init__(self) -> None:
        """Nobody yet."""
        self._connects = Rates(CONNECTS_PER_SECOND, CONNECTS_AT_ONCE)
        self._pages: Counter[tuple[str, str]] = Counter()

    def connects(self, place: str, now_us: int) -> float:
        """Count a connection: 0, or the seconds until there may be another one."""
        return self._connects.take(place, now_us) if place else 0.0

    def has_room(self, channel: str, place: str, most: int) -> bool:
        """Whether one more page may be connected from there; always if `most` is 0."""
        return not place or not most or self._pages[channel, place] < most

    def enter(self, channel: str, place: str) -> None:
        """A page is connected."""
        self._pages[channel, place] += 1

    def leave(self, channel: str, place: str) -> None:
        """It is gone."""
        self._pages[channel, place] -= 1
        if not self._pages[channel, place]:
            del self._pages[channel, place]


def place_of(request: web.Request) -> str:
    """An IPv4 address, the /64 of an IPv6 one, or nothing."""
    if not _is_here(request.remote or ""):
        return network_of(request.remote or "")
    return network_of(",".join(request.headers.getall("X-Forwarded-For", ())).rpartition(",")[2].strip())


def _is_here(address: str) -> bool:
    """Whether that is this machine: by its loopback, or a socket in its file system."""
    try:
        return not address or ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False
