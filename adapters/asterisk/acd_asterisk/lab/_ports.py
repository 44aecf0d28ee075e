"""Blocks of ports that several instances on one machine share without ever colliding.

Owns: which ports the lab uses, and a lease on each block that the system takes back when its holder dies.
Must not know: what listens on them.
"""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

_UDP = Path("/proc/net/udp")


class NoFreePorts(Exception):
    """Every block of the kind is leased or in use by others."""


@dataclass(frozen=True, slots=True)
class _Kind:
    first: int
    size: int
    blocks: int
    probed: int
    """How many ports at the start of a block must be free when it is leased."""


_KINDS = {
    # SIP, HTTP, AMI, HTTPS. Below the ports that the system gives to whoever asks for any, which could have one of them
    # between a lease and its use, or while Asterisk is restarted.
    "pbx": _Kind(first=7_000, size=10, blocks=90, probed=4),
    # SIP, remote control, then media; likewise.
    "sipp": _Kind(first=8_000, size=20, blocks=190, probed=2),
    # RTP: two ports for each channel. Asterisk takes another one when one is taken.
    "rtp": _Kind(first=12_000, size=4_000, blocks=11, probed=0),
}


class PortLease:
    """A block of ports, held until `release` or the death of this process."""

    def __init__(self, first: int, size: int, handle: socket.socket) -> None:
        self.first = first
        self.last = first + size - 1
        self._handle = handle

    def release(self) -> None:
        """Give the block back; more than once is harmless."""
        self._handle.close()


def lease_ports(kind: str) -> PortLease:
    """Lease a free block of `pbx`, `sipp` or `rtp`.

    Raises:
        NoFreePorts: there is none.
    """
    form = _KINDS[kind]
    # Who leases at the same time begins elsewhere, and what was sent to an earlier holder seldom comes to the next.
    begin = os.getpid() % form.blocks
    for number in (*range(begin, form.blocks), *range(begin)):
        first = form.first + number * form.size
        with ExitStack() as stack:
            handle = stack.enter_context(socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM))
            with suppress(OSError):
                # A name that no file has is one for all who share these ports, whoever they are and wherever their
                # files are: other users, and containers on the machine's network.
                handle.bind(f"\0acd-lab-ports:{kind}:{first}")
                if all(is_free(first + offset) for offset in range(form.probed)):
                    stack.pop_all()
                    return PortLease(first, form.size, handle)
    raise NoFreePorts(f"all {form.blocks} blocks of ports for {kind} are taken; stop some instances")


def is_free(port: int) -> bool:
    """Whether nobody on 127.0.0.1 has this port, UDP or TCP. For a moment nobody else can have it."""
    for form in (socket.SOCK_DGRAM, socket.SOCK_STREAM):
        with socket.socket(socket.AF_INET, form) as probe:
            if form == socket.SOCK_STREAM:
                # A connection of an earlier instance that lingers is no obstacle to a listener.
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                return False
    return True


def is_open(port: int) -> bool:
    """Whether somebody has this UDP port, without being in the way of who is about to take it."""
    wanted = f":{port:04X}"
    return any(line.split(maxsplit=2)[1].endswith(wanted) for line in _UDP.read_text().splitlines()[1:])
