"""A centre whose customers write, and a customer who does, with a real page's rules but no page."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from time import monotonic, sleep
from typing import Any, Final
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from websockets.sync.client import ClientConnection, connect
from websockets.typing import Origin, Subprotocol

from acd.client.chat_log import ChatLog
from tests.pages.centre import Centre, token_of
from tests.served import TOKEN, ask, write_secret

ORIGIN: Final = "https://shop.example"
PROTOCOL: Final = "acd.chat.v1+json"
SOON: Final = 20.0
POLL_SECONDS: Final = 0.02

CONFIG: Final = """\
[snapshots]
enabled = false
[api]
port = 0
[api.rates]
token = "unlimited"
agent = "unlimited"
[api.desk]
enabled = true
[api.desk.answers]
hello = "Good day, {customer}! I am {agent}."
bye = "Thank you for writing.\\nGoodbye!"
"发票" = "您的发票已开具，请查收。"
[[api.tokens]]
name = "test"
token_file = "token"
roles = ["system"]
[[api.tokens]]
name = "anna"
token_file = "anna.token"
roles = ["agent"]
agent = "anna"
[[api.tokens]]
name = "boris"
token_file = "boris.token"
roles = ["agent"]
agent = "boris"
[agents.anna]
name = "Anna Example"
[agents.boris]
[queues.sales]
[channels.shop]
type = "webchat"
origins = ["https://shop.example"]
queues = ["sales"]
files = true
file_megabytes = 8
"""

Message = dict[str, Any]


@contextmanager
def writing_centre(folder: Path) -> Iterator[Centre]:
    """A centre with a web chat, in this folder, until it is no longer needed."""
    write_secret(folder)
    for agent in ("anna", "boris"):
        write_secret(folder, f"{agent}.token", token_of(agent))
    (folder / "acd.toml").write_text(CONFIG, encoding="utf-8")
    centre = Centre(folder)
    try:
        yield centre
    finally:
        centre.served.kill()


def asked(centre: Centre, method: str, path: str, body: object = None, *, token: str = TOKEN) -> Message:
    """What the API answers to a system of the centre's, or to whoever has this token; it has to be success."""
    sent = b"{}" if body is None else json.dumps(body).encode()
    status, text = ask(f"{centre.address}{path}", method, token, sent)
    assert status < 300, text
    found: Message = json.loads(text)
    return found


class Customer:
    """Somebody who writes, over one connection at a time; `log` is what a page of theirs would show."""

    def __init__(self, centre: Centre) -> None:
        self.centre = centre
        self.token = ""
        self.conversation = ""
        self.log = ChatLog()
        self.marks: Message = {}
        self.typed = 0
        self.socket: ClientConnection
        self._opened = ExitStack()

    def connect(self) -> None:
        """And what is missing comes."""
        address = self.centre.address.replace("http://", "ws://")
        url = f"{address}/v1/chat?channel=shop"
        opening = connect(url, origin=Origin(ORIGIN), subprotocols=[Subprotocol(PROTOCOL)])
        self.socket = self._opened.enter_context(opening)
        known = {"conversation": self.conversation, "after": self.log.after} if self.conversation else {}
        self.tell("hello", token=self.token, **known)
        self.token = self.until("welcome")["token"]
        self._send(self.log.again())

    def close(self) -> None:
        self._opened.close()

    def tell(self, type_: str, **fields: object) -> None:
        self.socket.send(json.dumps({"type": type_, **fields}))

    def write(self, text: str) -> None:
        self._send(self.log.say(text))

    def send_file(self, data: bytes, name: str, key: str) -> Message:
        """Over HTTP, as a page does; the answer."""
        query = {"channel": "shop", "conversation": self.conversation, "id": key, "name": name}
        found: Message = json.loads(self._ask("POST", query, data))
        return found

    def file(self, seq: int) -> bytes:
        """The bytes of one, of either side's."""
        return self._ask("GET", {"channel": "shop", "conversation": self.conversation, "seq": str(seq)}, None)

    def _ask(self, method: str, query: dict[str, str], data: bytes | None) -> bytes:
        headers = {
            "Origin": ORIGIN,
            "Authorization": f"Bearer {self.token}",
            "Content-Type": "application/octet-stream",
        }
        url = f"{self.centre.address}/v1/chat/files?{urlencode(query)}"
        request = Request(url, data, headers, method=method)  # noqa: S310 - our own address
        with urlopen(request, timeout=SOON) as response:  # noqa: S310
            return bytes(response.read())

    def _send(self, messages: list[Message]) -> None:
        for message in messages:
            self.socket.send(json.dumps(message))

    def hear(self) -> Message:
        message: Message = json.loads(self.socket.recv(SOON))
        match message["type"]:
            case "conversation":
                self.conversation = message["id"]
                self._send(self.log.show(self.conversation, anew=message["anew"]))
                self.marks = {side: message[side] for side in ("customer", "agent")}
            case "entry":
                self.log.take(message)
            case "sent":
                self.log.sent(message["id"])
            case "marks":
                self.marks = {side: message[side] for side in ("customer", "agent")}
            case "typing":
                self.typed += 1
        return message

    def until(self, type_: str, **fields: object) -> Message:
        while True:
            message = self.hear()
            if message["type"] == type_ and all(message[name] == value for name, value in fields.items()):
                return message

    def begin(self, key: str = "first") -> str:
        self.tell("begin", id=key)
        self.until("done", id=key)
        while not self.conversation:
            self.hear()
        return self.conversation

    def reads(self, text: str) -> None:
        """Wait until it is the last message, and say that it has been read."""
        while self.texts[-1:] != [text]:
            self.hear()
        self.tell("mark", read=self.log.after)

    @property
    def texts(self) -> list[str]:
        return [entry["text"] for entry in self.log.shown if entry["kind"] == "message"]


def answered(centre: Centre, customer: Customer, agent: str = "anna") -> str:
    """A conversation that the agent has accepted; its id."""
    only(centre, agent)
    conversation = customer.begin()
    accepted(centre, conversation, agent)
    return conversation


def only(centre: Centre, agent: str) -> None:
    """Nobody else is asked to take what comes."""
    for each in ("anna", "boris"):
        wanted = {"presence": "ready"} if each == agent else {"presence": "not-ready", "reason": "lunch"}
        centre.put(f"/v1/agents/{each}/presence", wanted)


def accepted(centre: Centre, conversation: str, agent: str = "anna") -> None:
    """The agent is asked, and takes it."""
    deadline = monotonic() + SOON
    while True:
        offers = asked(centre, "GET", f"/v1/agents/{agent}/offers")["offers"]
        for offer in offers:
            if offer["interaction"]["id"] == conversation:
                asked(centre, "POST", f"/v1/offers/{offer['id']}/accept", {"agent_id": agent})
                return
        assert monotonic() < deadline, f"{agent} is not asked to take {conversation}"
        sleep(POLL_SECONDS)
