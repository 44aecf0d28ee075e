"""A contact centre for supervisors in browsers: `acd serve` with the wallboard, agents, queues, calls by the API."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.error import HTTPError
from urllib.parse import quote

from tests.served import TOKEN, Served, write_secret

SUPERVISORS: Final = {
    "boss": 'roles = ["supervisor"]\n',
    "sales-boss": 'roles = ["supervisor"]\nqueues = ["sales"]\n',
    "anna-boss": 'roles = ["supervisor", "agent"]\nagent = "anna"\n',
}
"""Tokens of supervisors, what they are limited to, and who of them is an agent."""

CONFIG: Final = """\
[snapshots]
enabled = false
[api]
port = 0
wallboard = { enabled = true }
[[api.tokens]]
name = "test"
token_file = "token"
roles = ["system"]
[[api.tokens]]
name = "anna"
token_file = "anna.token"
roles = ["agent"]
agent = "anna"
"""

PEOPLE: Final = """\
[agents.anna]
name = "Anna Example"
queues = ["sales"]
[agents.boris]
queues = ["support"]
[agents."张伟"]
queues = ["sales", "support"]
[queues.sales]
title = "Sales"
requirement = '"sales" in queues'
offer_timeout = "1h"
alarms = { waiting = 3, waiting_clear = 1, settle = "1s" }
[queues.support]
title = "Support"
requirement = '"support" in queues'
offer_timeout = "1h"
"""


def token_of(name: str) -> str:
    """What a supervisor, or Anna, types in."""
    return f"a-long-token-of-{name}"


class Floor:
    """One that is being served. `address`: of its API, and of the page."""

    def __init__(self, folder: Path) -> None:
        """`acd.toml` and the tokens are in the folder already."""
        self.folder = folder
        self.served = Served(folder)
        self.address = self.served.ready()

    def ask(self, method: str, path: str, body: object = None) -> tuple[int, Any]:
        """As the centre's other systems do; status and JSON."""
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.address}{quote(path, safe='/?=&')}",
            method=method,
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
            data=None if method == "GET" else json.dumps({} if body is None else body).encode(),
        )
        try:
            with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
                return int(response.status), json.load(response)
        except HTTPError as error:
            with error:
                return error.code, json.load(error)

    def must(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - JSON
        """Likewise; it has to succeed."""
        status, found = self.ask(method, path, body)
        assert status < 300, (method, path, found)
        return found

    def call(self, name: str, queue: str = "sales", **more: object) -> None:
        """Somebody comes in."""
        self.must("POST", "/v1/interactions", {"id": name, "queue": queue, "channel": "voice", **more})

    def sign_in(self, *agents: str) -> None:
        for agent in agents:
            self.must("POST", f"/v1/agents/{agent}/sign-in", {"ready": True})

    def answer(self, name: str, agent: str) -> None:
        """Whoever it rings at picks up."""
        self.must("POST", f"/v1/offers/{name}.1/accept", {"agent_id": agent})

    def interaction(self, name: str) -> Any:  # noqa: ANN401 - JSON
        return self.must("GET", f"/v1/interactions/{name}")

    def presence(self, agent: str) -> tuple[str, str]:
        found = self.must("GET", f"/v1/agents/{agent}")
        return found["presence"], found["reason"]

    def empty(self) -> None:
        """Nobody waits or talks, and nobody is at work."""
        for agent in self.must("GET", "/v1/agents")["agents"]:
            if agent["presence"] != "signed-out":
                self.must("POST", f"/v1/agents/{agent['id']}/sign-out")
        for each in self.must("GET", "/v1/interactions?limit=500")["interactions"]:
            if each["state"] == "active":
                self.must("POST", f"/v1/interactions/{each['id']}/end", {"by": "system"})
            elif each["state"] in {"queued", "offered"}:
                with suppress(AssertionError):
                    self.must("DELETE", f"/v1/interactions/{each['id']}")

    def begin_anew(self) -> None:
        """The same centre at the same address, in another process; the one before is killed."""
        port = self.address.rpartition(":")[2]
        self.served.kill()
        self.served = Served(self.folder, ACD_API_PORT=port)
        assert self.served.ready() == self.address


@contextmanager
def opened(folder: Path, people: str = PEOPLE) -> Iterator[Floor]:
    """A centre in this folder, until it is no longer needed."""
    write_secret(folder)
    write_secret(folder, "anna.token", token_of("anna"))
    text = CONFIG
    for name, limits in SUPERVISORS.items():
        write_secret(folder, f"{name}.token", token_of(name))
        text += f'[[api.tokens]]\nname = "{name}"\ntoken_file = "{name}.token"\n{limits}'
    (folder / "acd.toml").write_text(text + people, encoding="utf-8")
    floor = Floor(folder)
    try:
        yield floor
    finally:
        floor.served.kill()
