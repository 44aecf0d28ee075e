"""A chat by telnet, as an external channel of the ACD: customers on one TCP port, agents' desks on another.

    pip install -r requirements.txt
    python chat.py --customers 7001 --desks 7002          ACD_TOKEN in the environment, if the API wants one

A customer connects, waits, and talks by typing. An agent connects and types `login anna`, then
`answer OFFER`, `decline OFFER`, `say CONVERSATION text`, `end CONVERSATION`. A desk is told `ring OFFER`, `stop OFFER`,
`joined CONVERSATION`, `left CONVERSATION`, `asking CONVERSATION` (for advice), `said CONVERSATION text`.

`Link` is the part that every channel needs; copy it. `Chat` is what this one does. CHANNELS.md has the protocol.
"""

import argparse
import asyncio
import os
import sys
import uuid
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import suppress
from typing import Any

import msgpack
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake
from websockets.typing import Subprotocol

Message = dict[str, Any]

SUPERSEDED = 4409
FIRST_PAUSE, LONGEST_PAUSE, BUSY_PAUSE = 0.1, 5.0, 0.5
MAX_LINE = 4_000
MAX_CUSTOMERS = 10_000


class Impossible(Exception):
    """An order that cannot be carried out; the text is a word for the engine."""


class Link:
    """The connection to the ACD: connects for ever, answers orders, and keeps commands until their outcome is known."""

    def __init__(
        self, url: str, token: str, carry_out: Callable[[Message], None], refused: Callable[[Message, str], None]
    ) -> None:
        """`carry_out` does what is ordered, or raises `Impossible`. `refused` hears of commands that were not taken."""
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._carry_out = carry_out
        self._refused = refused
        self._pending: dict[str, Message] = {}
        self._comparing: list[Message] = []
        self._queue: asyncio.Queue[Message] = asyncio.Queue()
        self._pause = FIRST_PAUSE
        self._run = uuid.uuid4().hex[:12]
        self._count = 0

    def command(self, kind: str, **fields: object) -> None:
        """Hand in a command, now or as soon as there is a connection; however often it is sent, under one id."""
        self._count += 1
        name = f"{self._run}-{self._count}"
        message = {"type": kind, "id": name, **fields}
        self._pending[name] = message
        self._queue.put_nowait(message)

    def is_pending(self, kind: str, interaction_id: str) -> bool:
        """Whether such a command about this interaction has no outcome yet."""
        asked = ((each["type"], each.get("interaction_id")) for each in self._pending.values())
        return (kind, interaction_id) in asked

    async def run(self) -> None:
        """Until another process has become this channel."""
        while True:
            try:
                async with connect(
                    self._url,
                    additional_headers=self._headers,
                    subprotocols=[Subprotocol("acd.channel.v1+msgpack")],
                    compression=None,
                    max_size=None,
                ) as socket:
                    await self._talk(socket)
            except ConnectionClosed as error:
                say(f"cut off: {error}")
                if error.rcvd is not None and error.rcvd.code == SUPERSEDED:
                    return
            except (OSError, InvalidHandshake, TimeoutError) as error:
                say(f"not connected: {type(error).__name__}")
            await asyncio.sleep(self._pause)
            self._pause = min(LONGEST_PAUSE, self._pause * 2)

    async def _talk(self, socket: ClientConnection) -> None:
        await socket.send(msgpack.packb({"type": "hello", "software": "python chat 1"}))
        welcome = msgpack.unpackb(await socket.recv())
        if welcome["type"] != "welcome":
            return
        say(f"connected as {welcome['channel']}")
        self._pause = FIRST_PAUSE
        # What has no outcome may have been carried out or not: the same again, under the same ids.
        self._queue = asyncio.Queue()
        self._comparing.clear()
        for message in self._pending.values():
            self._queue.put_nowait(message)
        sending = asyncio.create_task(self._send(socket))
        try:
            async for packed in socket:
                self._take(msgpack.unpackb(packed))
        finally:
            sending.cancel()

    async def _send(self, socket: ClientConnection) -> None:
        with suppress(ConnectionClosed):
            while True:
                await socket.send(msgpack.packb(await self._queue.get()))

    def _take(self, message: Message) -> None:
        if message["type"] == "outcome":
            self._outcome(message)
        elif "number" in message:
            self._order(message)

    def _outcome(self, outcome: Message) -> None:
        command = self._pending.get(outcome["id"])
        if command is None:
            return
        if outcome["again"]:
            asyncio.get_running_loop().call_later(BUSY_PAUSE, self._queue.put_nowait, command)
            return
        del self._pending[outcome["id"]]
        if not outcome["accepted"]:
            self._refused(command, outcome["code"])

    def _order(self, order: Message) -> None:
        if order["type"] == "reconcile":
            self._comparing.extend(order["interactions"])
            if order["more"]:
                return
            order = {**order, "interactions": list(self._comparing)}
            self._comparing.clear()
        answer: Message = {"type": "done", "number": order["number"]}
        try:
            self._carry_out(order)
        except Impossible as error:
            answer = {"type": "failed", "number": order["number"], "reason": str(error)}
        self._queue.put_nowait(answer)


class Conversation:
    """A customer, or an agent who asks for advice; whose desks ring, and who talks, both as offer → agent."""

    def __init__(self, name: str, customer: asyncio.StreamWriter | None, asking: str = "") -> None:
        self.name = name
        self.customer = customer
        self.asking = asking
        self.ringing: dict[str, str] = {}
        self.talking: dict[str, str] = {}
        self.answered: set[str] = set()
        self.ended: set[str] = set()
        """Offers that have stopped ringing by themselves."""


class Chat:
    """Everybody who is there, and what the ACD wants of them."""

    def __init__(self, url: str, token: str, queue: str) -> None:
        self.link = Link(url, token, self.carry_out, self.refused)
        self._queue = queue
        self._conversations: dict[str, Conversation] = {}
        self._desks: dict[str, asyncio.StreamWriter] = {}

    # ---- what the ACD wants: every order twice is as good as once

    def carry_out(self, order: Message) -> None:
        """One order. Raises `Impossible`."""
        kind, name = order["type"], order.get("interaction_id", "")
        found = self._conversations.get(name)
        if kind == "reconcile":
            self._compare(order["interactions"])
        elif kind == "release":
            self._release(name)
        elif kind == "consult":
            self._consult(name, order["parent_id"], order["agent_id"])
        elif found is None:
            # Whoever has just left needs nothing more: the ACD hears of it in this moment.
            if kind not in ("revoke", "disconnect", "announce") and not self.link.is_pending("end", name):
                raise Impossible("no-such-conversation")
        elif kind == "park":
            self._park(found)
        elif kind == "offer":
            self._ring(found, order["offer_id"], order["agent_id"])
        elif kind == "connect":
            self._talk(found, order["offer_id"], order["agent_id"])
        elif kind == "join":
            self._release(order["consult_id"])
            self._talk(found, order["offer_id"], order["agent_id"])
        elif kind == "revoke":
            self._silence(found, order["offer_id"])
        elif kind == "disconnect":
            self._silence(found, order["offer_id"])
            self._let_go(found, order["offer_id"])
        elif kind == "announce":
            write(found.customer, f"* {order['name']}")
        else:
            raise Impossible("unknown-order")

    def refused(self, command: Message, code: str) -> None:
        """A customer whom nobody takes is sent away; the rest is put right by what the ACD orders next."""
        say(f"{command['type']} {command['id']}: {code}")
        if command["type"] == "enqueue" and code != "duplicate-interaction":
            self._release(command["interaction_id"])

    def _compare(self, wishes: list[Message]) -> None:
        wanted = {wish["interaction_id"] for wish in wishes}
        for name in [name for name in self._conversations if name not in wanted]:
            # Nobody can desire a customer before the ACD has heard of them.
            if not self.link.is_pending("enqueue", name):
                self._release(name)
        for wish in wishes:
            name, offers = wish["interaction_id"], {each["offer_id"]: each["agent_id"] for each in wish["offers"]}
            if name not in self._conversations and wish["parent"] in self._conversations:
                self._consult(name, wish["parent"], wish["asking"])
            found = self._conversations.get(name)
            if found is None:
                if not self.link.is_pending("end", name):
                    self.link.command("end", interaction_id=name, by="system", reason="lost")
            else:
                self._heal(found, wish["state"], offers)

    def _heal(self, found: Conversation, state: str, offers: dict[str, str]) -> None:
        for offer in [offer for offer in found.ringing if state != "offered" or offer not in offers]:
            self._silence(found, offer)
        for offer in [offer for offer in found.talking if state != "connected" or offer not in offers]:
            self._let_go(found, offer)
        for offer, agent in offers.items():
            if state == "connected":
                self._talk(found, offer, agent)
            elif offer in found.answered:
                self.link.command("accept", offer_id=offer, agent_id=agent)
            elif offer in found.ended:
                self.link.command("fail-offer", offer_id=offer, reason="unreachable")
            else:
                self._ring(found, offer, agent)

    def _park(self, found: Conversation) -> None:
        for offer in list(found.ringing):
            self._silence(found, offer)
        for offer in list(found.talking):
            self._let_go(found, offer)

    def _ring(self, found: Conversation, offer: str, agent: str) -> None:
        if offer in found.ringing or offer in found.talking or offer in found.ended:
            return
        if agent in self._desks:
            found.ringing[offer] = agent
            self._tell(agent, f"ring {offer}")
        else:
            found.ended.add(offer)
            self.link.command("fail-offer", offer_id=offer, reason="unreachable")

    def _silence(self, found: Conversation, offer: str) -> None:
        found.answered.discard(offer)
        if agent := found.ringing.pop(offer, ""):
            self._tell(agent, f"stop {offer}")

    def _talk(self, found: Conversation, offer: str, agent: str) -> None:
        found.ringing.pop(offer, None)
        found.answered.discard(offer)
        if offer not in found.talking:
            found.talking[offer] = agent
            self._tell(agent, f"joined {found.name}")
            write(found.customer, f"* {agent} is with you")

    def _let_go(self, found: Conversation, offer: str) -> None:
        if agent := found.talking.pop(offer, ""):
            self._tell(agent, f"left {found.name}")
            write(found.customer, f"* {agent} has left" + ("" if found.talking else "; please wait"))

    def _consult(self, name: str, parent: str, asking: str) -> None:
        if parent not in self._conversations:
            raise Impossible("no-such-conversation")
        if name not in self._conversations:
            self._conversations[name] = Conversation(name, None, asking)
            self._tell(asking, f"asking {name}")

    def _release(self, name: str) -> None:
        found = self._conversations.pop(name, None)
        if found is None:
            return
        self._park(found)
        if found.asking:
            self._tell(found.asking, f"left {name}")
        if found.customer is not None:
            write(found.customer, "* goodbye")
            found.customer.close()

    async def hang_up(self) -> None:
        """Send everybody away: somebody else is the channel now."""
        for name in list(self._conversations):
            self._release(name)
        for desk in self._desks.values():
            desk.close()
        await asyncio.wait(asyncio.all_tasks() - {asyncio.current_task()}, timeout=1)

    # ---- what people do

    async def customer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """A customer, from their coming to their going."""
        if len(self._conversations) >= MAX_CUSTOMERS:
            writer.close()
            return
        found = Conversation(f"chat-{uuid.uuid4().hex[:16]}", writer)
        self._conversations[found.name] = found
        write(writer, f"* welcome to {found.name}; please wait")
        self.link.command("enqueue", interaction_id=found.name, queue=self._queue)
        async for line in lines(reader):
            self._spread(found, "", line)
        if self._conversations.get(found.name) is found:
            found.customer = None
            self._release(found.name)
            self.link.command("end", interaction_id=found.name, by="customer")
        writer.close()

    async def desk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """An agent's desk, from login to its end."""
        agent = ""
        async for line in lines(reader):
            word, _, rest = line.partition(" ")
            if word == "login":
                agent = rest
                self._desks[agent] = writer
                write(writer, f"hello {agent}")
            elif agent:
                self._act(agent, word, *rest.partition(" ")[::2])
        if self._desks.get(agent) is writer:
            del self._desks[agent]
            self._lost(agent)
        writer.close()

    def _act(self, agent: str, word: str, name: str, text: str) -> None:
        found = self._conversations.get(name.rpartition(".")[0] if word in ("answer", "decline") else name)
        if found is None:
            self._tell(agent, f"no {name}")
        elif word == "answer" and found.ringing.get(name) == agent:
            found.answered.add(name)
            self.link.command("accept", offer_id=name, agent_id=agent)
        elif word == "decline" and found.ringing.get(name) == agent:
            self.link.command("decline", offer_id=name, agent_id=agent)
        elif word == "say" and agent in (*found.talking.values(), found.asking):
            self._spread(found, agent, text)
        elif word == "end" and agent in found.talking.values():
            self.link.command("end", interaction_id=name, by="agent")

    def _spread(self, found: Conversation, author: str, text: str) -> None:
        """Everybody in it reads what one of them has said; `author` is empty for the customer."""
        for agent in {*found.talking.values(), found.asking} - {author, ""}:
            self._tell(agent, f"said {found.name} {author or 'customer'}: {text}")
        if author:
            write(found.customer, f"{author}: {text}")

    def _lost(self, agent: str) -> None:
        """A desk is gone: it rings no more, and whoever it talked with waits again."""
        for found in self._conversations.values():
            for offer in [offer for offer, rung in found.ringing.items() if rung == agent]:
                self._silence(found, offer)
                found.ended.add(offer)
                self.link.command("fail-offer", offer_id=offer, reason="unreachable")
            if list(found.talking.values()) == [agent] and not found.asking:
                self.link.command("requeue", interaction_id=found.name, reason="desk-lost")

    def _tell(self, agent: str, line: str) -> None:
        write(self._desks.get(agent), line)


def write(writer: asyncio.StreamWriter | None, line: str) -> None:
    """A line for whoever is there to read it."""
    if writer is not None and not writer.is_closing():
        writer.write(f"{line}\n".encode())


async def lines(reader: asyncio.StreamReader) -> AsyncIterator[str]:
    """What is typed, until the other end is gone or types without end."""
    while True:
        try:
            line = await reader.readline()
        except (ConnectionError, ValueError):
            return
        if not line:
            return
        yield line.decode(errors="replace").strip()


def say(text: str) -> None:
    """For whoever watches: no customer's name, number or words."""
    print(text, flush=True)


async def main(arguments: Iterable[str]) -> None:
    """Serve both ports until another process has become this channel."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", default="ws://127.0.0.1:8420/v1/channels/web")
    parser.add_argument("--queue", default="sales")
    parser.add_argument("--customers", type=int, default=7001)
    parser.add_argument("--desks", type=int, default=7002)
    given = parser.parse_args(list(arguments))
    chat = Chat(given.url, os.environ.get("ACD_TOKEN", ""), given.queue)
    customers = await asyncio.start_server(chat.customer, "127.0.0.1", given.customers, limit=MAX_LINE)
    desks = await asyncio.start_server(chat.desk, "127.0.0.1", given.desks, limit=MAX_LINE)
    ports = (server.sockets[0].getsockname()[1] for server in (customers, desks))
    say("ready: customers {} desks {}".format(*ports))
    async with customers, desks:
        await chat.link.run()
        await chat.hang_up()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
