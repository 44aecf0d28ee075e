"""Blocks of ports: nobody else's, and looked at without touching them."""

import os
import socket
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from acd_asterisk.lab._ports import is_free, is_open, lease_ports

KINDS = ["pbx", "sipp", "rtp"]
HOLDER = """
import os, sys
from acd_asterisk.lab._ports import lease_ports
os.getpid = lambda: int(sys.argv[1])
held = [lease_ports(kind) for kind in sys.argv[2:]]
print(*(lease.first for lease in held), flush=True)
sys.stdin.read()
"""


@pytest.mark.parametrize("kind", KINDS)
def test_two_leases_have_nothing_in_common(kind: str) -> None:
    one, two = lease_ports(kind), lease_ports(kind)
    try:
        assert not {*range(one.first, one.last + 1)} & {*range(two.first, two.last + 1)}
    finally:
        one.release()
        two.release()


def test_nor_have_those_of_another_process_with_other_folders(tmp_path: Path) -> None:
    """Which begins to look where this one does."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(os.getpid()), *KINDS],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        theirs = [int(first) for first in holder.stdout.readline().split()]
        ours = [lease_ports(kind) for kind in KINDS]
        assert not {lease.first for lease in ours} & set(theirs)
        for lease in ours:
            lease.release()
        holder.stdin.close()
    assert len(theirs) == len(KINDS)


def test_a_block_whose_ports_somebody_has_is_left() -> None:
    lease = lease_ports("pbx")
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as other:
        other.bind(("127.0.0.1", lease.first))
        lease.release()
        again = lease_ports("pbx")
        assert again.first != lease.first
        again.release()


def test_a_port_is_looked_at_without_being_taken() -> None:
    """Who is about to listen would find it in use."""
    lease = lease_ports("sipp")
    assert is_free(lease.first)
    assert not is_open(lease.first)
    with closing(socket.socket(socket.AF_INET, socket.SOCK_DGRAM)) as listener:
        listener.bind(("127.0.0.1", lease.first))
        assert is_open(lease.first)
        assert not is_free(lease.first)
    assert not is_open(lease.first)
    lease.release()
