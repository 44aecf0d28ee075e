"""A simulated desk: it follows the event stream and reads what is new, as the agents' page does, and somebody answers.

Owns the page and what somebody does with it: take offers, answer, hand customers on, end conversations, go on a break.
Must not know customers. What is shown is what the API says: after every connection and every event it is read anew.
"""

import asyncio
import json
from collections.abc import Coroutine
from random import Random
from typing import Any, Final

import aiohttp

from acd.client.chat_log import ChatLog
from tests.api.chat.soak_account import Account, Said, Screen, shown
from tests.api.chat.soak_customer import END, HAND_ON

SILENCE_SECONDS: Final = 20.0
"""The server says something every 15 seconds."""

REQUEST_SECONDS: Final = 5.0
AGAIN_SECONDS: Final = (0.25, 1.0)
FIRST_PAUSE, LONGEST_PAUSE = 0.25, 4.0
PAGE: Final = 50

Json = dict[str, Any]


class Away(Exception):
    """There was no answer, or none that lasts."""


class Talk:
    """One conversation on the page: what it shows, and what waits to be sent, in order."""

    def __init__(self, agent: str, interaction: str, screen: Screen, waiting: list[Said] | None = None) -> None:
        """`waiting`: from before a reload."""
        self.log = ChatLog(agent=agent, conversation=interaction)
        self.screen = screen
        self.waiting: list[Said] = [] if waiting is None else waiting
        self.sending = False
        self.reading = False
        self.read_again = False
        self.joined = 0
        """The last entry that says that this agent talks."""
        self.ended = False
        self.closed = False
        """Nothing more is to be shown of it: it is over, or somebody else's."""


class Desk:
    """One agent's."""

    def __init__(
        self,
        name: str,
        colleagues: tuple[str, ...],
        queues: tuple[str, ...],
        address: str,
        http: aiohttp.ClientSession,
        account: Account,
        chance: Random,
    ) -> None:
        """`http` has the agent's token. `colleagues`, `queues`: to whom customers are handed on."""
        self.name = name
        self.on_break = False
        self.closing = False
        """Nothing new is begun; what is there comes to its end."""
        self.talks: dict[str, Talk] = {}
        self.refusal: Json = {}
        """The last."""
        self._colleagues = tuple(each for each in colleagues if each != name)
        self._queues = queues
        self._address, self._http, self._account, self._chance = address, http, account, chance
        self._answering: set[str] = set()
        self._asked: set[str] = set()
        """Texts that have been sent at least once: a page that begins anew does not know with what outcome."""
        self._reacted: set[tuple[str, int]] = set()
        self._group: asyncio.TaskGroup
        self._looking = self._look_again = False
        self._texts = 0

    async def run(self) -> None:
        """As long as the desk is staffed. Raises `AssertionError` when the server breaks its promises."""
        async with asyncio.TaskGroup() as group:
            self._group = group
            self._spawn(self._follow())
            self._spawn(self._rest())

    def reload(self) -> None:
        """The page begins anew; what waits to be sent is what it has kept."""
        self._account.counts["desks reloaded"] += 1
        for interaction, talk in tuple(self.talks.items()):
            if not talk.closed:
                talk.closed = True
                self._open(interaction, talk.waiting)
        self._look_soon()

    @property
    def unsettled(self) -> list[str]:
        """Where something is to be read or sent still."""
        return [
            f"{self.name}: {talk.log.conversation}, {len(talk.waiting)} to be sent, "
            f"{'closed' if talk.closed else 'open'}, {'reading' if talk.reading else 'not reading'}"
            for talk in self.talks.values()
            if not talk.closed or talk.waiting
        ]

    # ---- the stream

    async def _follow(self) -> None:
        pause = FIRST_PAUSE
        loop = asyncio.get_running_loop()
        while True:
            begun = loop.time()
            try:
                await self._connection()
            except (aiohttp.ClientError, OSError, TimeoutError):
                self._account.counts["desks' connections lost"] += 1
            if loop.time() - begun > LONGEST_PAUSE:
                pause = FIRST_PAUSE
            await asyncio.sleep(pause * self._chance.uniform(0.5, 1.0))
            pause = min(LONGEST_PAUSE, pause * 2)

    async def _connection(self) -> None:
        query = {"agent": self.name, "conversations": "true", "coalesce": "true"}
        async with asyncio.timeout(REQUEST_SECONDS):
            socket = await self._http.ws_connect(
                f"{self._address}/v1/events",
                params=query,
                protocols=("cloudevents.json",),
                timeout=aiohttp.ClientWSTimeout(ws_close=0.2),
            )
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(SILENCE_SECONDS) as patience:
                async for message in socket:
                    patience.reschedule(loop.time() + SILENCE_SECONDS)
                    if message.type == aiohttp.WSMsgType.TEXT:
                        self._hear(json.loads(message.data))
        finally:
            await socket.close()

    def _hear(self, event: Json) -> None:
        match event["type"]:
            case "acd.conversation":
                talk = self.talks.get(event["data"]["interaction_id"])
                if talk is not None and event["data"]["news"] == "entries":
                    self._read_soon(talk)
            case "acd.stream-started":
                self._look_soon()
                for talk in self.talks.values():
                    self._read_soon(talk)
            case "acd.heartbeat":
                pass
            case "acd.stream-ended":
                self._account.counts[f"stream ended: {event['data']['code']}"] += 1
            case _:
                self._look_soon()

    # ---- what is there

    def _look_soon(self) -> None:
        self._look_again = True
        if not self._looking:
            self._looking = True
            self._spawn(self._look())

    async def _look(self) -> None:
        """Until it has been read at least once since it was last asked for."""
        try:
            while self._look_again:
                self._look_again = False
                try:
                    found = await self._ask("GET", f"/v1/agents/{self.name}/work")
                except Away:
                    self._look_again = True
                    await self._pause(*AGAIN_SECONDS)
                    continue
                assert found is not None, self.refusal
                self._take(found)
        finally:
            self._looking = False

    def _take(self, found: Json) -> None:
        for item in found["items"]:
            work = item["work"]
            if work["state"] == "offered" and work["offer_id"] not in self._answering:
                self._answering.add(work["offer_id"])
                self._spawn(self._answer(work["offer_id"]))
            if item["conversation"] and item["interaction"] is not None:
                talk = self.talks.get(work["interaction_id"])
                if talk is None or (talk.closed and not talk.ended):
                    self._open(work["interaction_id"], None if talk is None else talk.waiting)
        there = {item["work"]["interaction_id"] for item in found["items"]}
        for interaction, talk in self.talks.items():
            if interaction not in there:
                self._read_soon(talk)  # it is over, or somebody else's, of which nothing else is told
        presence = found["agent"]["presence"]
        if presence not in {"ready", "draining"} and not self.on_break:
            self._account.counts[f"found {presence} {found['agent']['reason'] or ''}".strip()] += 1
            self._spawn(self._become_ready(presence))

    async def _become_ready(self, presence: str) -> None:
        try:
            if presence == "signed-out":
                await self._ask("POST", f"/v1/agents/{self.name}/sign-in", {"ready": True})
            else:
                await self._ask("PUT", f"/v1/agents/{self.name}/presence", {"presence": "ready"})
        except Away:
            self._look_soon()

    async def _answer(self, offer: str) -> None:
        """Mostly they take it; sometimes not, or they do not look."""
        chance = self._chance
        what = "accept" if self.closing else chance.choices(("accept", "decline", ""), (94, 4, 2))[0]
        if what:
            await self._pause(0.05, 0.6)
            try:
                await self._ask("POST", f"/v1/offers/{offer}/{what}", {"agent_id": self.name})
            except Away:
                self._answering.discard(offer)  # looked at again: it may have been taken
            self._account.counts[what] += 1
        self._look_soon()

    # ---- conversations

    def _open(self, interaction: str, waiting: list[Said] | None = None) -> None:
        screen = self._account.screen(interaction, self.name)
        self.talks[interaction] = talk = Talk(self.name, interaction, screen, waiting)
        self._read_soon(talk)
        if talk.waiting:
            self._send_soon(talk)

    def _read_soon(self, talk: Talk) -> None:
        talk.read_again = True
        if not talk.reading and not talk.closed:
            talk.reading = True
            self._spawn(self._read(talk))

    async def _read(self, talk: Talk) -> None:
        """All that there is after the last entry."""
        path = self._path(talk)
        try:
            while talk.read_again and not talk.closed:
                talk.read_again = False
                try:
                    found = await self._ask("GET", f"{path}?after={talk.log.after}&limit={PAGE}")
                except Away:
                    talk.read_again = True
                    await self._pause(*AGAIN_SECONDS)
                    continue
                if found is None or talk.closed:
                    talk.closed = True  # it is somebody else's
                    return
                for entry in found["entries"]:
                    self._show(talk, entry)
                talk.read_again = talk.read_again or found["more"]
                if self._chance.random() < 0.3 and self.name in found["conversation"]["talking"]:
                    self._spawn(self._mark(talk))
        finally:
            talk.reading = False
        talk.closed = talk.closed or talk.ended

    def _show(self, talk: Talk, entry: Json) -> None:
        if not talk.log.take(entry):
            return
        talk.screen.shown.append(shown(entry))
        talk.ended = talk.ended or entry["kind"] == "ended"
        if entry["kind"] == "joined" and entry["agent"] == self.name:
            talk.joined = int(entry["seq"])
        key = (talk.log.conversation, int(entry["seq"]))
        if entry["side"] == "customer" and talk.joined and key not in self._reacted and not talk.ended:
            self._reacted.add(key)
            self._spawn(self._react(talk, entry["text"]))

    async def _mark(self, talk: Talk) -> None:
        try:
            await self._ask("POST", f"{self._path(talk)}/marks", {"read": talk.log.after})
        except Away:
            self._account.counts["marks lost"] += 1

    async def _react(self, talk: Talk, text: str) -> None:
        chance = self._chance
        await self._pause(0.1, 1.5)
        try:
            if text.endswith(END):
                await self._ask("POST", f"/v1/interactions/{talk.log.conversation}/end", {"by": "agent"})
            elif text.endswith(HAND_ON):
                await self._hand_on(talk)
            elif chance.random() < 0.6 and not talk.ended:
                self._say(talk)
            elif chance.random() < 0.2:
                await self._ask("POST", f"{self._path(talk)}/typing", {})
        except Away:
            self._account.counts["deeds lost"] += 1

    async def _hand_on(self, talk: Talk) -> None:
        target = {"to_queue": self._chance.choice(self._queues)}
        if self._chance.random() < 0.5:
            target["to_agent"] = self._chance.choice(self._colleagues)
        path = f"/v1/agents/{self.name}/work/{talk.log.conversation}/transfer"
        if await self._ask("POST", path, {**target, "with_context": True}) is not None:
            self._account.counts["transfers"] += 1

    # ---- what the agent writes: nothing overtakes a message that has no answer

    def _say(self, talk: Talk) -> None:
        self._texts += 1
        text = f"{self.name}-{self._texts} how may I help you?"
        talk.waiting.append(self._account.say(talk.log.conversation, self.name, text))
        self._send_soon(talk)

    def _send_soon(self, talk: Talk) -> None:
        talk = self.talks[talk.log.conversation]  # the page may have begun anew since, with the same list
        if not talk.sending:
            talk.sending = True
            self._spawn(self._send(talk))

    async def _send(self, talk: Talk) -> None:
        """Until nothing waits. The id is the text's, so that it is the same after a reload."""
        while talk.waiting and self.talks[talk.log.conversation] is talk:
            said = talk.waiting[0]
            body = {"id": said.text.partition(" ")[0], "text": said.text}
            asked_before = said.text in self._asked
            self._asked.add(said.text)
            try:
                found = await self._ask("POST", f"{self._path(talk)}/messages", body)
            except Away:
                await self._pause(*AGAIN_SECONDS)
                continue
            if found is not None:
                said.fate = "kept"
                if found["seq"] == talk.log.after + 1:
                    self._show(talk, found)
            elif said.fate == "pending":
                said.fate = "forgotten" if asked_before else "refused"
            if said in talk.waiting:  # else another page of the same desk has sent it, too
                talk.waiting.remove(said)
        talk.sending = False

    # ---- inside

    def _path(self, talk: Talk) -> str:
        return f"/v1/agents/{self.name}/conversations/{talk.log.conversation}"

    async def _rest(self) -> None:
        """Breaks, and reloads of the page."""
        while True:
            await self._pause(5, 40)
            if self.closing:
                return
            if self._chance.random() < 0.5:
                self.reload()
                continue
            self.on_break = True
            try:
                body = {"presence": "not-ready", "reason": "break"}
                await self._ask("PUT", f"/v1/agents/{self.name}/presence", body)
            except Away:
                self._account.counts["deeds lost"] += 1
            await self._pause(1, 4)
            self.on_break = False
            self._look_soon()

    async def _pause(self, least: float, most: float) -> None:
        await asyncio.sleep(self._chance.uniform(least, most))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        self._group.create_task(work)

    async def _ask(self, method: str, path: str, body: Json | None = None) -> Json | None:
        """The answer; None when it is refused. Raises `Away` when it is worth asking again."""
        try:
            async with (
                asyncio.timeout(REQUEST_SECONDS),
                self._http.request(method, f"{self._address}{path}", json=body) as response,
            ):
                found = await response.json()
        except (aiohttp.ClientError, OSError, TimeoutError, ValueError) as error:
            raise Away(str(error)) from error
        if response.status == 429 or response.status >= 500:
            self._account.counts[f"desks told {response.status}: {found.get('code')}"] += 1
            raise Away(found)
        if response.status >= 400:
            self._account.counts[f"desks refused: {found.get('code')}"] += 1
            self.refusal = found
            assert response.status in {404, 409}, (method, path, body, found)
            return None
        assert isinstance(found, dict)
        return found
