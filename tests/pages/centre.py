"""A contact centre for people in browsers: `acd serve` as a process of its own, with the agents' page."""

import json
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from tests.served import TOKEN, Served, ask, write_secret

NAMES: Final = {
    "anna": "Anna Example",
    "boris": "",
    "张伟": "张伟",
}
"""Agents of the centre, and what they are called; none is called by its id."""

PAYLOADS: Final = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "<svg/onload=alert(1)>",
    '"><script>alert(1)</script>',
    "' onmouseover='alert(1)",
    "</title><script>alert(1)</script>",
    "<iframe src=javascript:alert(1)></iframe>",
    "<a href=javascript:alert(1)>x</a>",
    "<style>@import url(https://evil.example/x.css);</style>",
    "<math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>",
    "{{constructor.constructor('alert(1)')()}}",
    "${alert(1)}",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "＜script＞alert(1)＜/script＞",
    "javascript:alert(1)//\u202e",
)
"""What has been markup or code somewhere, as agents' names and reasons."""

CONFIG: Final = """\
[snapshots]
enabled = false
[api]
port = 0
[api.desk]
enabled = true
reasons = ["lunch", "training", "own-code"]
"""

QUEUES: Final = """\
[queues.sales]
title = "Sales"
offer_timeout = "60s"
[queues.support]
title = "Support"
offer_timeout = "60s"
wrap_up = "20s"
wrap_up_policy = "extended"
wrap_up_most = "45s"
dispositions = ["solved", "other"]
disposition_required = true
[queues.short]
offer_timeout = "2s"
wrap_up = "1s"
[queues.asked]
wrap_up = "60s"
wrap_up_policy = "optional"
[queues.odd]
title = "<img src=x onerror=alert(1)>"
[channels.shop]
type = "webchat"
origins = ["https://shop.example"]
queues = ["sales"]
"""
"""Queues for work of every kind: with titles and without, with after-call work of several kinds."""


class Centre:
    """One that is being served. `address`: of its API, and of the page."""

    def __init__(self, folder: Path) -> None:
        """`acd.toml` and the tokens are in the folder already."""
        self.folder = folder
        self.served = Served(folder)
        self.address = self.served.ready()

    def ask(self, method: str, path: str) -> tuple[int, Any]:
        """As the centre's other systems do; status and JSON."""
        status, text = ask(f"{self.address}{quote(path)}", method)
        return status, json.loads(text)

    def put(self, path: str, body: object) -> int:
        """Likewise; the status."""
        return self._send("PUT", path, body)[0]

    def post(self, path: str, body: object) -> Any:  # noqa: ANN401 - JSON
        """Likewise; the answer."""
        return self._send("POST", path, body)[1]

    def _send(self, method: str, path: str, body: object) -> tuple[int, Any]:
        request = urllib.request.Request(  # noqa: S310 - our own address
            f"{self.address}{quote(path)}",
            method=method,
            headers={"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"},
            data=json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=10) as response:  # noqa: S310
            return int(response.status), json.load(response)

    def come(self, interaction: str, queue: str = "sales", channel: str = "voice", **more: object) -> None:
        """A customer comes, and whoever is ready is asked."""
        self.post("/v1/interactions", {"id": interaction, "queue": queue, "channel": channel, **more})

    def interaction(self, interaction: str) -> Any:  # noqa: ANN401 - JSON
        """How it stands."""
        return self.ask("GET", f"/v1/interactions/{interaction}")[1]

    def work(self, agent: str) -> dict[str, str]:
        """What the agent has in hand: by interaction the state."""
        _, found = self.ask("GET", f"/v1/agents/{agent}")
        return {item["interaction_id"]: item["state"] for item in found["work"]}

    def presence(self, agent: str) -> tuple[str, str]:
        """How the engine says that an agent stands."""
        _, found = self.ask("GET", f"/v1/agents/{agent}")
        return found["presence"], found["reason"]

    def begin_anew(self) -> None:
        """The same centre at the same address, in another process; the one before is killed, unless it has been."""
        port = self.address.rpartition(":")[2]
        self.served.kill()
        self.served = Served(self.folder, ACD_API_PORT=port)
        assert self.served.ready() == self.address


@contextmanager
def begun(folder: Path, queues: str = "[queues.sales]\n", capacity: str = "exclusive") -> Iterator[Centre]:
    """A centre in this folder, until it is no longer needed. `queues`: of its configuration, with whatever follows."""
    write_secret(folder)
    agents = {**NAMES, **{f"odd-{number}": payload for number, payload in enumerate(PAYLOADS)}}
    text = f"{CONFIG}{_token('test', 'token', 'system')}"
    for agent, name in agents.items():
        write_secret(folder, f"{agent}.token", token_of(agent))
        text += _token(agent, f"{agent}.token", "agent", agent)
        text += f"[agents.{json.dumps(agent)}]\ncapacity = {json.dumps(capacity)}\n"
        text += f"name = {json.dumps(_printable(name))}\n" if name else ""
    (folder / "acd.toml").write_text(f"{text}{queues}", encoding="utf-8")
    centre = Centre(folder)
    try:
        yield centre
    finally:
        centre.served.kill()


def token_of(agent: str) -> str:
    """What an agent types in."""
    return f"a-long-token-of-{agent.encode().hex()}"


def _printable(name: str) -> str:
    """A configuration takes no invisible characters, so they come by another way: as reasons."""
    return "".join(each for each in name if each.isprintable())


def _token(name: str, file: str, role: str, agent: str = "") -> str:
    whose = f"agent = {json.dumps(agent)}\n" if agent else ""
    return f'[[api.tokens]]\nname = {json.dumps(name)}\ntoken_file = {json.dumps(file)}\nroles = ["{role}"]\n{whose}'
