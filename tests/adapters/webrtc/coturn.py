"""A real coturn for tests, the machine's own or Debian's fetched on first use, on 127.0.0.1 only.

Owns starting it with a configuration of `acd_webrtc.turn`, waiting until it answers, and ending it. Knows no test.
"""

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final, NamedTuple

from acd_asterisk.lab import LabUnavailable
from acd_webrtc.turn import TurnServer, coturn_configuration, read_turn
from bench.provision import Program, coturn_program
from tests.adapters.webrtc.turn_client import TurnClient
from tests.missing import missing_tool

START_SECONDS: Final = 20.0
POLL_SECONDS: Final = 0.05
SECRET: Final = "f0" * 32


class Coturn(NamedTuple):
    """One that runs."""

    server: TurnServer
    program: Program
    log: Path


def program() -> Program:
    """Without it a test skips; under CI it fails."""
    try:
        return coturn_program()
    except LabUnavailable as reason:
        missing_tool(f"coturn: {reason}")


@contextmanager
def coturn(folder: Path, **options: object) -> Iterator[Coturn]:
    """Started with these options of `read_turn` besides the usual; asserts that it answers."""
    found = program()
    port = _free_port()
    usual = {"host": "127.0.0.1", "realm": "example.org", "secret": SECRET, "port": port, "listen": ["127.0.0.1"]}
    server = read_turn({**usual, "first_relay_port": 61_000, "last_relay_port": 61_999, **options})
    configuration, log = folder / "turnserver.conf", folder / "turnserver.log"
    # What is of this machine: its files, one thread, and that peers are on the same machine.
    own = f"relay-threads=1\nallow-loopback-peers\npidfile={folder / 'pid'}\nuserdb={folder / 'db'}\n"
    configuration.write_text(coturn_configuration(server) + own)
    with log.open("wb") as sink:
        process = subprocess.Popen(
            [str(found.folder / "turnserver"), "-c", str(configuration)],
            env=found.environment(),
            cwd=folder,
            stdout=sink,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait_until_it_answers(process, port, log)
        yield Coturn(server, found, log)
    finally:
        process.kill()
        process.wait()


def _free_port() -> int:
    """Beyond those that the system gives to whoever asks for any; processes begin at different ones."""
    ports = range(62_000, 65_000)
    for number in range(len(ports)):
        port = ports[(os.getpid() * 7 + number) % len(ports)]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe, suppress(OSError):
            probe.bind(("127.0.0.1", port))
            return port
    raise AssertionError("every port is taken")


def _wait_until_it_answers(process: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            with TurnClient(port, seconds=0.1) as client:
                assert client.bind().code == 0
        except OSError:  # nobody there yet: refused at once, or no answer
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, log.read_text()
            time.sleep(POLL_SECONDS)
        else:
            return
