"""`acd serve` as a process of its own, for tests that stop it, or kill it; a small configuration, and requests."""

import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from contextlib import closing
from pathlib import Path

TOKEN = "canary-token-0123456789"
CONFIG = """\
[snapshots]
enabled = false
[api]
port = 0
[[api.tokens]]
name = "test"
token_file = "token"
roles = ["system"]
[agents.anna]
[queues.sales]
"""


class Served:
    """A running `acd serve`."""

    def __init__(self, folder: Path, *arguments: str, **variables: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "acd.cli", "serve", *arguments],
            cwd=folder,
            env={**os.environ, **variables},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> str:
        """Wait for the line that says so; returns what it says."""
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line.startswith("acd: ready: "), self.end()
        self.address = line.removeprefix("acd: ready: ").strip()
        return self.address

    def end(self, number: signal.Signals | None = None) -> tuple[int, str, str]:
        """Send a signal if one is given, wait; returns exit status, the rest of standard output, and the log."""
        if number is not None:
            self.process.send_signal(number)
        out, log = self.process.communicate(timeout=30)
        return self.process.returncode, out, log

    def kill(self) -> None:
        """As a crash would: nothing is finished, nothing is said."""
        self.process.kill()
        self.process.communicate()


def write_secret(folder: Path, name: str = "token", text: str = TOKEN) -> None:
    """A file that only its owner may read."""
    (folder / name).touch(mode=0o600)
    (folder / name).write_text(text)


def write_centre(folder: Path, text: str = CONFIG) -> Path:
    """The configuration with its token; returns the folder."""
    write_secret(folder)
    (folder / "acd.toml").write_text(text)
    return folder


def ask(url: str, method: str = "GET", token: str = TOKEN, body: bytes = b"{}") -> tuple[int, str]:
    """Status and body of the answer, of whatever status. `body` is sent with a POST."""
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    request = urllib.request.Request(  # noqa: S310 - our own address
        url, method=method, headers=headers, data=body if method == "POST" else None
    )
    try:
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with closing(error):
            return error.code, error.read().decode()
