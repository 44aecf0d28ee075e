"""A centre whose customers call from a page: `acd serve` as a process of its own, and the shop whose page it is."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any, Final

from tests.served import TOKEN, Served, ask, write_secret

HERE: Final = Path(__file__).parent
AGENTS: Final = ("anna", "boris")

CONFIG: Final = """\
[snapshots]
enabled = false
[api]
port = 0
[api.desk]
enabled = true
[queues.sales]
[queues.support]
[channels.talk]
type = "webrtc"
origins = [{origin}]
queues = ["sales"]
away = "5s"
join = "20s"
resume = "8s"
names = {{ anna = "Anna W." }}
{more}
"""


class Shop(BaseHTTPRequestHandler):
    """Every address is the same page."""

    def do_GET(self) -> None:
        body = (HERE / "customer.html").read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *_: object) -> None:  # noqa: A002 - the base class's name
        """Nothing."""


@contextmanager
def shop() -> Iterator[str]:
    """A server whose origin is what is given."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}).start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()


class Centre:
    """One that is being served, at `address`; customers' pages are at `shop`."""

    def __init__(self, folder: Path, shop_address: str) -> None:
        self.folder = folder
        self.shop = shop_address
        self.served = Served(folder)
        self.address = self.served.ready()

    def ask(self, method: str, path: str, body: object = None) -> Any:  # noqa: ANN401 - whatever is answered
        """As the centre's other systems do; JSON of what is no problem."""
        status, text = ask(f"{self.address}{path}", method, body=json.dumps(body or {}).encode())
        assert status < 300, (path, status, text)
        return json.loads(text)

    def health(self) -> dict[str, Any]:
        """What the channel says of itself."""
        found: dict[str, Any] = json.loads(ask(f"{self.address}/readyz")[1])["channels"]["talk"]
        return found

    def metrics(self) -> str:
        return ask(f"{self.address}/metrics")[1]

    def begin_anew(self) -> None:
        """The same centre at the same address, in another process; the one before is killed."""
        port = self.address.rpartition(":")[2]
        self.served.kill()
        self.served = Served(self.folder, ACD_API_PORT=port)
        assert self.served.ready() == self.address


@contextmanager
def begun(folder: Path, shop_address: str, more: str = "") -> Iterator[Centre]:
    """A centre in this folder, until it is no longer needed."""
    write_secret(folder, "token", TOKEN)
    text = CONFIG.format(origin=json.dumps(shop_address), more=more) + _token("test", "token", "system")
    for agent in AGENTS:
        write_secret(folder, f"{agent}.token", token_of(agent))
        text += f"[agents.{agent}]\n{_token(agent, f'{agent}.token', 'agent', agent)}"
    (folder / "acd.toml").write_text(text, encoding="utf-8")
    centre = Centre(folder, shop_address)
    try:
        yield centre
    finally:
        centre.served.kill()


def token_of(agent: str) -> str:
    """What an agent signs in with."""
    return f"a-long-token-of-{agent}"


def _token(name: str, file: str, role: str, agent: str = "") -> str:
    whose = f'agent = "{agent}"\n' if agent else ""
    return f'[[api.tokens]]\nname = "{name}"\ntoken_file = "{file}"\nroles = ["{role}"]\n{whose}'
