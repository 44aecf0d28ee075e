"""The servers of the networked rivals: started on the loopback with a password, ended by their process id.

Owns starting, waiting until one answers, and ending. Must not know what is asked of them. Redis writes nothing
to disk; PostgreSQL has the settings with which it comes, but for just-in-time compilation, which only costs here.
"""

from __future__ import annotations

import os
import pwd
import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, NamedTuple

from acd_asterisk.lab import LabUnavailable
from bench.provision import Program, postgresql_program, redis_program

START_SECONDS: Final = 60.0
END_SECONDS: Final = 20.0
PAUSE_SECONDS: Final = 0.05
HOST: Final = "127.0.0.1"
USER: Final = "bench"
"""PostgreSQL's."""


_UNPRIVILEGED: Final = ("postgres", "nobody")
"""As whom PostgreSQL runs if we are root, which it refuses."""


class Address(NamedTuple):
    """Where a server listens, on this machine alone, and the password of its one user."""

    host: str
    port: int
    password: str


Answers = Callable[[Address], bool]
"""Tries a server: whether it answers."""


@contextmanager
def redis_server(answers: Answers) -> Iterator[Address]:
    """A Redis that is there for us alone. Raises `LabUnavailable`."""
    program = redis_program()
    address = _free_address()
    with tempfile.TemporaryDirectory(prefix="acd-redis-") as name:
        # Not on the command line, which others may read.
        settings = f"bind {address.host}\nport {address.port}\nrequirepass {address.password}\nsave ''\ndir {name}\n"
        configuration = Path(name) / "redis.conf"
        configuration.write_text(settings, encoding="utf-8")
        command = [str(program.folder / "redis-server"), str(configuration)]
        with _running(command, program, Path(name), lambda: answers(address), user=None):
            yield address


@contextmanager
def postgresql_server(answers: Answers) -> Iterator[Address]:
    """A PostgreSQL that is there for us alone. Raises `LabUnavailable`."""
    program = postgresql_program()
    address = _free_address()
    user = _unprivileged() if os.geteuid() == 0 else None
    with tempfile.TemporaryDirectory(prefix="acd-postgresql-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        _initialise(program, folder, address, user)
        command = [str(program.folder / "postgres"), "-D", str(folder / "data"), "-p", str(address.port)]
        for setting in (f"listen_addresses={address.host}", f"unix_socket_directories={name}", "jit=off"):
            command += ["-c", setting]
        with _running(command, program, folder, lambda: answers(address), user=user):
            yield address


def _initialise(program: Program, folder: Path, address: Address, user: str | None) -> None:
    password = folder / "password"
    password.touch(mode=0o600)
    password.write_text(address.password, encoding="utf-8")
    if user is not None:
        shutil.chown(folder, user)
        shutil.chown(password, user)
    command = [str(program.folder / "initdb"), "-D", str(folder / "data"), "-U", USER, "-A", "scram-sha-256"]
    done = subprocess.run(  # noqa: S603 - the server that was found or fetched
        [*command, f"--pwfile={password}", "--no-sync", "-E", "UTF8", "--no-locale"],
        env=program.environment(),
        cwd=folder,
        user=user,
        capture_output=True,
        text=True,
        check=False,
        timeout=START_SECONDS,
    )
    if done.returncode:
        raise LabUnavailable(f"PostgreSQL's initdb failed: {done.stderr.strip()[-500:]}")


def _free_address() -> Address:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return Address(HOST, probe.getsockname()[1], secrets.token_hex(16))


@contextmanager
def _running(
    command: Sequence[str], program: Program, folder: Path, answers: Callable[[], bool], *, user: str | None
) -> Iterator[None]:
    log = folder / "server.log"
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603 - the server that was found or fetched
            command,
            env=program.environment(),
            cwd=folder,
            user=user,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        _wait(process, log, answers)
        yield
    finally:
        # SIGINT: PostgreSQL throws its clients out and ends in order; Redis ends at once.
        process.send_signal(signal.SIGINT)
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _wait(process: subprocess.Popen[bytes], log: Path, answers: Callable[[], bool]) -> None:
    deadline = time.monotonic() + START_SECONDS
    while not answers():
        if process.poll() is not None or time.monotonic() > deadline:
            said = log.read_text(encoding="utf-8", errors="replace").strip()[-500:]
            raise LabUnavailable(f"{Path(process.args[0]).name} did not start: {said}")  # type: ignore[index,arg-type]
        time.sleep(PAUSE_SECONDS)


def _unprivileged() -> str:
    for name in _UNPRIVILEGED:
        try:
            pwd.getpwnam(name)
        except KeyError:
            continue
        return name
    raise LabUnavailable(f"PostgreSQL does not run as root, and there is no user {' or '.join(_UNPRIVILEGED)}")
