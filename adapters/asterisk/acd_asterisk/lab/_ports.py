"""Blocks of ports that several instances on one machine share without ever colliding.

Owns: which ports the lab uses, and a lease on each block that the system takes back when its holder dies.
Must not know: what listens on them.
"""

from __future__ import annotations

import fcntl
import os
import socket
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO


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
    # SIP, HTTP, AMI, then RTP: two ports for each channel.
    "pbx": _Kind(first=12_000, size=4_000, blocks=11, probed=3),
    # SIP, remote control, then media.
    "sipp": _Kind(first=8_000, size=20, blocks=190, probed=2),
}


class PortLease:
    """A block of ports, held until `release` or the death of this process."""

    def __init__(self, first: int, size: int, handle: IO[str]) -> None:
        self.first = first
        self.last = first + size - 1
        self._handle = handle

    def release(self) -> None:
        """Give the block back; more than once is harmless."""
        self._handle.close()


def lease_ports(kind: str) -> PortLease:
    """Lease the first free block of `pbx` or `sipp`.

    Raises:
        NoFreePorts: there is none.
    """
    form = _KINDS[kind]
    folder = Path(tempfile.gettempdir()) / f"acd-lab-ports-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    for number in range(form.blocks):
        first = form.first + number * form.size
        handle = (folder / f"{kind}-{first}").open("w")
        with ExitStack() as stack:
            stack.callback(handle.close)
            with suppress(BlockingIOError):
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if all(is_free(first + offset) for offset in range(form.probed)):
                    stack.pop_all()
                    return PortLease(first, form.size, handle)
    raise NoFreePorts(f"all {form.blocks} blocks of ports for {kind} are taken; stop some instances")


def is_free(port: int) -> bool:
    """Whether nobody on 127.0.0.1 has this port, UDP or TCP."""
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
