"""A simulated customer: a page that speaks the web chat's protocol by its rules, and somebody who uses it.

Owns the page and what somebody does with it: write, wait, leave, fall silent, go away and come back, reload. Must not
know the engine, nor the agents. What the rules are stands in CHAT.md, "How nothing is lost"; `ChatLog` is these rules.
"""

import asyncio
import json
from collections.abc import Callable
from random import Random
from typing import Any, Final

import aiohttp

from acd.client.chat_log import ChatLog
from tests.api.chat.soak_account import CUSTOMER, Account, Said, Screen, shown

ORIGIN: Final = "https://shop.example"
PROTOCOL: Final = "acd.chat.v1+json"
HURRY: Final = 0.3
"""How long those think who hurry, beside what is usual: with less they would say more at once than is let through."""

UNSTAFFED: Final = "nobody"
"""The queue of those who go away while they wait."""

END: Final = "please end this"
HAND_ON: Final = "somebody else, please"

SILENCE_SECONDS: Final = 6.0
"""After so long without a word the connection is given up; a ping is sent twice as often."""

PING: Final = '{"type": "ping", "id": "p"}'

CONNECT_SECONDS: Final = 5.0
TOO_FAST_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = 1.0
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 4.0
PATIENCE_SECONDS: Final = 90.0
"""Nothing takes longer than that, whatever is cut or killed meanwhile."""

BY_AGENT_SECONDS: Final = 25.0
"""How long is waited for an agent to end it, or for idleness to."""

Told = dict[str, Any]


class Page:
    """The page. What is to last over a reload is `token`, the conversation's id, and how far it has been shown."""

    def __init__(self, address: str, http: aiohttp.ClientSession, account: Account, chance: Random) -> None:
        """Nothing is connected yet."""
        self.log = ChatLog()
        self.ended = False
        self.news = asyncio.Event()
        self.wanted = asyncio.Event()
        self.wanted.set()
        self._address, self._http, self._account, self._chance = address, http, account, chance
        self._token = ""
        self._resume = 0
        self._outgoing: asyncio.Queue[str] | None = None
        self._listening: asyncio.Task[None] | None = None
        self._said: dict[str, Said] = {}
        self._asking: dict[str, Told] = {}
        self._leaving = ""
        self._screen = Screen(CUSTOMER)
        self._screen_of = ""
        self._code = ""

    # ---- for whoever uses it

    def begin(self, **fields: object) -> None:
        """Ask for an agent."""
        self._send([self.log.begin(**fields)])

    def say(self, text: str) -> None:
        """Write a message."""
        self._send(self.log.say(text))

    def leave(self) -> None:
        """End it; said again with every connection until it has."""
        self._leaving = self.log.conversation
        self._send([{"type": "leave", "conversation": self._leaving}])

    def rate(self) -> None:
        """Once it has ended."""
        fields = {"score": self._chance.randint(1, 5), "conversation": self.log.conversation}
        self._ask({"type": "rate", "id": f"r-{self._chance.getrandbits(64):x}", **fields})

    def types(self) -> None:
        """To be seen by the agent."""
        self._send([{"type": "typing"}])

    def go(self) -> None:
        """Leave the shop, without a word."""
        self.wanted.clear()
        self._hang_up()

    def come_back(self) -> None:
        """After that."""
        self.wanted.set()

    def reload(self, *, keeps: bool) -> None:
        """All is lost but the token, the conversation's id and, if the page `keeps` it, how far it was shown."""
        self._account.counts["reloads"] += 1
        for message_id in self.log.pending:
            if message_id in self._said:
                self._said[message_id].fate = "forgotten"
        conversation, resume = self.log.conversation, self.log.after if keeps else 0
        self.log = ChatLog(conversation=conversation)
        self._asking.clear()
        self._screen_of = ""
        self._show(conversation, [])
        self._resume = resume
        self._hang_up()

    @property
    def is_settled(self) -> bool:
        """Whether it has ended, and all that was said has its answer."""
        return self.ended and not self.log.pending and not self._asking

    # ---- the connection

    async def run(self) -> None:
        """As long as the page is open. Raises `AssertionError` when the server breaks its promises."""
        loop, pause = asyncio.get_running_loop(), FIRST_PAUSE
        while True:
            await self.wanted.wait()
            begun = loop.time()
            try:
                await self._connection()
            except (aiohttp.ClientError, OSError, TimeoutError):
                self._account.counts["connections lost"] += 1
            if loop.time() - begun > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause * self._chance.uniform(0.5, 1.0))
            pause = min(LONGEST_PAUSE, pause * 2)
            if self._code == "too-fast":
                await asyncio.sleep(TOO_FAST_SECONDS)
            self._code = ""

    async def _connection(self) -> None:
        """One of them, from hello to whatever ends it."""
        async with asyncio.timeout(CONNECT_SECONDS):
            socket = await self._http.ws_connect(
                f"{self._address}/v1/chat?channel=shop",
                protocols=(PROTOCOL,),
                headers={"Origin": ORIGIN},
                timeout=aiohttp.ClientWSTimeout(ws_close=0.2),
            )
        outgoing: asyncio.Queue[str] = asyncio.Queue()
        telling = asyncio.create_task(_tell(socket, outgoing))
        self._listening = listening = asyncio.create_task(self._listen(socket, outgoing))
        try:
            await asyncio.wait((telling, listening), return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._outgoing = None
            for task in (telling, listening):
                task.cancel()
            found = await asyncio.gather(telling, listening, return_exceptions=True)
            await socket.close()
        for error in found:
            if isinstance(error, Exception):
                raise error

    async def _listen(self, socket: aiohttp.ClientWebSocketResponse, outgoing: asyncio.Queue[str]) -> None:
        resume = max(self._resume, self.log.after)
        hello = {"type": "hello", "token": self._token, "conversation": self.log.conversation, "after": resume}
        outgoing.put_nowait(json.dumps(hello))
        loop = asyncio.get_running_loop()
        async with asyncio.timeout(SILENCE_SECONDS) as patience:
            async for message in socket:
                patience.reschedule(loop.time() + SILENCE_SECONDS)
                if message.type == aiohttp.WSMsgType.TEXT:
                    told = json.loads(message.data)
                    if told["type"] == "welcome":
                        self._outgoing = outgoing
                    self._hear(told)

    def _hang_up(self) -> None:
        self._outgoing = None
        if self._listening is not None:
            self._listening.cancel()

    def _send(self, messages: list[Told]) -> None:
        """Now, if there is a connection; else it comes with the next."""
        for message in messages:
            if message["type"] == "send" and message["id"] not in self._said:
                said = self._account.say(message["conversation"], CUSTOMER, message["text"])
                self._said[message["id"]] = said
        if self._outgoing is not None:
            for message in messages:
                self._outgoing.put_nowait(json.dumps(message))

    def _ask(self, message: Told) -> None:
        self._asking[message["id"]] = message
        self._send([message])

    # ---- what comes

    def _hear(self, told: Told) -> None:
        match told["type"]:
            case "welcome":
                self._token = told["token"]
                self._send([*self.log.again(), *self._asking.values()])
                if self._leaving:
                    self._send([{"type": "leave", "conversation": self._leaving}])
                if self._resume > self.log.after:
                    self._look_back()
            case "token":
                self._token = told["token"]
            case "conversation":
                self._show(told["id"], self.log.show(told["id"], anew=told["anew"]), anew=told["anew"])
            case "done":
                self._asking.pop(told["id"], None)
                self._show(told["conversation"], self.log.done(told["id"], told["conversation"]))
            case "sent":
                self._kept(told["id"])
                self.log.sent(told["id"])
            case "entry":
                assert told["conversation"] == self.log.conversation, (told, self.log.conversation)
                self._take(told)
            case "history":
                self._asking.pop(told["id"], None)
                for entry in told["entries"]:
                    self._take(entry)
                if told["more"]:
                    self._look_back()
            case "error":
                self._refused(told)
            case "closing":
                self._account.counts[f"closed: {told['code']}"] += 1
                self._code = told["code"]
                if self._code in {"token-expired", "token-invalid"}:
                    raise AssertionError(told)
        self.news.set()

    def _show(self, conversation: str, messages: list[Told], *, anew: bool = False) -> None:
        """The log shows this one now: on another screen, if it was another one."""
        assert not anew, conversation
        if self._screen_of != self.log.conversation == conversation:
            self._screen, self._screen_of = self._account.screen(conversation, CUSTOMER), conversation
            self.ended, self._resume = False, 0
        self._send(messages)

    def _take(self, entry: Told) -> None:
        if int(entry["seq"]) > self.log.after + 1:
            self._look_back()
            return
        if entry["side"] == "customer" and entry["kind"] == "message":
            self._kept(entry["id"])
        if self.log.take(entry):
            self._screen.shown.append(shown(entry))
            if entry["kind"] == "ended":
                self.ended, self._leaving = True, ""
            elif self._chance.random() < 0.3:
                read = {"type": "mark", "read": self.log.after, "conversation": self.log.conversation}
                self._send([read])

    def _look_back(self) -> None:
        """Something is missing before what has come."""
        if "h" not in self._asking:
            self._ask({"type": "history", "id": "h", "conversation": self.log.conversation, "after": self.log.after})

    def _kept(self, message_id: str) -> None:
        if message_id in self._said and self._said[message_id].fate == "pending":
            self._said[message_id].fate = "kept"

    def _refused(self, told: Told) -> None:
        code, message_id = told["code"], told["id"]
        self._account.counts[f"refused: {code}"] += 1
        self._asking.pop(message_id, None)
        if message_id in self._said:
            assert code in {"ended", "conversation-full"}, told
            self._said[message_id].fate = "refused"
        else:
            assert code in {"unavailable", "too-many-conversations", "already-rated", "ended"}, told
        self.log.refused(message_id, code)
        if self.log.beginning is not None and self.log.beginning["id"] == message_id:
            asyncio.get_running_loop().call_later(AGAIN_SECONDS, self._send, [self.log.beginning])


class Customer:
    """Somebody with such a page, from conversation to conversation."""

    def __init__(self, number: int, page: Page, account: Account, chance: Random, queues: tuple[str, ...]) -> None:
        """`number`: what makes their texts their own."""
        self.name = f"c{number:03}"
        self.doing = "nothing"
        self.stopping = False
        self.hurries = False
        """Whether they think little, and leave by themselves."""
        self._page, self._account, self._chance, self._queues = page, account, chance, queues
        self._texts = 0

    async def run(self) -> None:
        """Until told to stop, and what has begun is over. Raises `AssertionError` when something never comes."""
        running = asyncio.create_task(self._page.run())
        living = asyncio.create_task(self._live())
        try:
            await asyncio.wait((running, living), return_when=asyncio.FIRST_COMPLETED)
            if running.done():
                await running
            await living
        finally:
            running.cancel()
            living.cancel()
            await asyncio.gather(running, living, return_exceptions=True)

    async def _live(self) -> None:
        while not self.stopping:
            await self._pause(0.2, 2.0)
            await self._visit()
            self._account.counts["visits"] += 1

    async def _visit(self) -> None:
        page, chance = self._page, self._chance
        before = page.log.conversation
        how = "leave" if self.hurries else chance.choices(("leave", "agent", "idle", "away"), (6, 8, 1, 1))[0]
        queue = UNSTAFFED if how == "away" else chance.choice(self._queues)
        page.begin(queue=queue, name=self.name, attributes={"topic": "soak"})
        if chance.random() < 0.3:
            self._say()
        await self._until("begun", lambda: page.log.beginning is None and page.log.conversation not in {"", before})
        for _ in range(chance.randint(2, 9)):
            await self._pause(0.2, 2.5)
            if page.ended:
                break
            await self._act()
        if not page.ended:
            await self._end(how)
        await self._until(f"ended by {how}", lambda: page.is_settled)
        if chance.random() < 0.4:
            page.rate()
            await self._until("rated", lambda: page.is_settled)

    async def _act(self) -> None:
        page, chance = self._page, self._chance
        what = chance.random()
        if what < 0.08:
            page.reload(keeps=chance.random() < 0.5)
            return
        if what < 0.2:
            page.types()
            return
        for _ in range(chance.choice((1, 1, 1, 2, 4))):
            self._say()
        if what > 0.92:
            self._say(HAND_ON)

    async def _end(self, how: str) -> None:
        page = self._page
        if how == "agent":
            self._say(END)
        if how == "away":
            page.go()
            await self._pause(6.0, 9.0)
            page.come_back()
        if how != "leave":
            await self._until(how, lambda: page.ended, BY_AGENT_SECONDS, surely=False)
        if not page.ended:
            page.leave()

    def _say(self, text: str = "") -> None:
        self._texts += 1
        self._page.say(f"{self.name}-{self._texts} {text}".strip())

    async def _pause(self, least: float, most: float) -> None:
        await asyncio.sleep(self._chance.uniform(least, most) * (HURRY if self.hurries else 1.0))

    async def _until(
        self, what: str, holds: Callable[[], bool], seconds: float = PATIENCE_SECONDS, *, surely: bool = True
    ) -> None:
        """Wait for news from the page until this holds; what does not come `surely` may not."""
        self.doing = what
        try:
            async with asyncio.timeout(seconds):
                while not holds():
                    self._page.news.clear()
                    await self._page.news.wait()
        except TimeoutError:
            page = self._page
            state = f"{page.log.conversation} {page.log.shown[-2:]} {page.log.pending} {page.log.beginning}"
            assert not surely, f"{self.name} has waited for {seconds:g} s to be {what}: {state}"
        self.doing = "nothing"


async def _tell(socket: aiohttp.ClientWebSocketResponse, outgoing: asyncio.Queue[str]) -> None:
    """What the page says; when it has nothing to say, whether the other end is still there."""
    while True:
        try:
            async with asyncio.timeout(SILENCE_SECONDS / 2):
                text = await outgoing.get()
        except TimeoutError:
            text = PING
        await socket.send_str(text)
