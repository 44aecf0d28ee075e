"""A state machine over all of it: two pages of a visitor, an agent, an engine and a disk that fail, restarts, cuts.

Whatever comes when: every text is in one conversation once, or its page was told that it is not; pages show what is
kept, in order; and what lives here lives in the engine, and nowhere else.
"""

import asyncio
import itertools
import json
from collections import Counter, deque
from collections.abc import Callable, Coroutine, Iterable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Literal, TypeVar

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from acd.api.chat.session import Session
from acd.api.rates import Rates
from acd.api.sockets import Ending
from acd.client.chat_log import ChatLog
from acd.core.messages import Command, EndInteraction, EnqueueInteraction, Outcome, Refusal, ReleaseInteraction
from acd.errors import AcdError, ChatStoreError, OutcomeUnknown, RouterOverloaded
from acd.ports.channel import Desired
from acd.runtime.chat import beginning, keeping
from acd.runtime.chat import channel as channels
from acd.runtime.chat.channel import WebChatChannel
from acd.runtime.chat.store import ChatStore, Page
from acd.testing.recording_host import RecordingHost
from tests.runtime.chat.chats import options

Mood = Literal["well", "closed", "overloaded", "unknown-done", "unknown-lost"]
T = TypeVar("T")
GONE = Ending(1000, "gone", "cut")


class Thread:
    """Runs what it is given in the loop, a moment later and in order, so that a failure can be played again."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    async def run(self, function: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - whatever it takes
        async def later() -> T:
            for _ in range(3):
                await asyncio.sleep(0)
            return function(*args)

        task = asyncio.create_task(later())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return await asyncio.shield(task)

    def close(self) -> None:
        pass


class Engine(RecordingHost):
    """Carries a command out once, and says so or does not."""

    def __init__(self) -> None:
        super().__init__(lambda _agent, _channel: "")
        self.mood: Mood = "well"
        self.outcomes: dict[str, Outcome] = {}
        self.used: set[str] = set()
        self.effects: deque[ReleaseInteraction] = deque()

    async def submit(self, command: Command) -> Outcome:
        await asyncio.sleep(0)
        if command.id not in self.outcomes:
            if self.mood == "overloaded":
                raise RouterOverloaded("too much")
            if self.mood == "unknown-lost":
                raise OutcomeUnknown("the journal is away")
            self.outcomes[command.id] = self._carried_out(command)
        if self.mood.startswith("unknown"):
            raise OutcomeUnknown("the journal is away")
        return self.outcomes[command.id]

    def new_id(self) -> str:
        return f"{super().new_id()}-{len(self.outcomes)}"

    def _carried_out(self, command: Command) -> Outcome:
        if isinstance(command, EnqueueInteraction):
            if command.interaction_id in self.used:
                return Outcome((), (), Refusal("duplicate-interaction", "every id is used once"))
            if self.mood == "closed":
                return Outcome((), (), Refusal("queue-closed", "the queue is closed"))
            self.used.add(command.interaction_id)
            self.wished[command.interaction_id] = Desired(command.interaction_id, "waiting")
        elif isinstance(command, EndInteraction) and self.wished.pop(command.interaction_id, None) is not None:
            self.effects.append(ReleaseInteraction(command.interaction_id, "shop", "completed"))
        return Outcome()


class Tab:
    """A page: its log, and what is on its way to the server."""

    def __init__(self, ids: "itertools.count[int]") -> None:
        self.log = ChatLog(lambda: f"m{next(ids)}")
        self.token = ""
        self.refused: list[str] = []
        self.up: deque[dict[str, Any]] = deque()
        self.session: Session | None = None
        self._tasks: list[asyncio.Task[None]] = []

    def connect(self, channel: WebChatChannel) -> None:
        self.cut()
        self.session = session = Session(channel, Rates(1e9, 10**9))
        known = {"conversation": self.log.conversation, "after": self.log.after} if self.log.conversation else {}
        self.up.append({"type": "hello", "token": self.token, **known})
        self._tasks = [asyncio.create_task(self._listen(session)), asyncio.create_task(self._tell(session))]

    def cut(self) -> None:
        for task in self._tasks:
            task.cancel()
        if self.session is not None:
            self.session.end(GONE)
        self.up.clear()
        self.session = None

    @property
    def is_connected(self) -> bool:
        return self.session is not None and not self.session.ended.done()

    def send(self, messages: list[dict[str, Any]]) -> None:
        if self.is_connected:
            self.up += messages

    async def _listen(self, session: Session) -> None:
        while not session.ended.done():
            if self.up:
                await session.receive(json.dumps(self.up.popleft()))
            else:
                await asyncio.sleep(0)

    async def _tell(self, session: Session) -> None:
        async for text in session.outgoing():
            self._hear(json.loads(text))
            await asyncio.sleep(0)

    def _hear(self, told: dict[str, Any]) -> None:
        match told["type"]:
            case "welcome":
                self.token = told["token"]
                self.send(self.log.again())
            case "done":
                self.send(self.log.done(told["id"], told["conversation"]))
            case "conversation":
                self.send(self.log.show(told["id"], anew=told["anew"]))
            case "entry":
                assert told["conversation"] == self.log.conversation
                self.log.take(told)
            case "sent":
                self.log.sent(told["id"])
            case "error":
                text = self.log.refused(told["id"], told["code"])
                self.refused += [text] if text else []
            case "token":
                self.token = told["token"]


class Everything(RuleBasedStateMachine):
    """One visitor, from the first page on."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = TemporaryDirectory()
        self.loop = asyncio.new_event_loop()
        self.patched = pytest.MonkeyPatch()
        self.patched.setattr(channels, "SWEEP_SECONDS", 3_600.0)
        self.patched.setattr(beginning, "AGAIN_SECONDS", 0)
        self.patched.setattr(keeping, "REST_SECONDS", 0)
        self.disk_fails = False
        for name in ("write", "forget"):
            self.patched.setattr(ChatStore, name, self._failing(getattr(ChatStore, name)))
        self.engine = Engine()
        self.said: list[str] = []
        self.answers = 0
        self.channel: WebChatChannel

    def _failing(self, real: Callable[[ChatStore, Any], list[str]]) -> Callable[[ChatStore, Any], list[str]]:
        def maybe(store: ChatStore, what: Iterable[Page] | str) -> list[str]:
            if self.disk_fails:
                raise ChatStoreError("the disk is full: free some space")
            return real(store, what)

        return maybe

    def do(self, what: Coroutine[Any, Any, T]) -> T | None:
        """What fails is done again by whoever asked: here, the last rules."""

        async def in_time() -> T:
            async with asyncio.timeout(20):
                return await what

        try:
            return self.loop.run_until_complete(in_time())
        except AcdError:
            return None

    async def _start(self) -> None:
        self.channel = WebChatChannel("shop", options(Path(self.folder.name)))
        self.channel._keeper._thread = Thread()
        await self.channel.start(self.engine)

    async def _turns(self, count: int) -> None:
        for _ in range(count):
            await asyncio.sleep(0)

    @initialize()
    def open(self) -> None:
        self.do(self._start())
        ids = itertools.count()
        self.tabs = [Tab(ids), Tab(ids)]
        self.connect(0, 60)
        self.tabs[1].token = self.tabs[0].token
        self.connect(1, 60)
        self.say(0, 60)
        self.agent_answers()

    tab = st.integers(0, 1)
    moods = st.sampled_from(("well", "well", "closed", "overloaded", "unknown-done", "unknown-lost"))
    turns = st.sampled_from((0, 1, 2, 3, 5, 8, 13, 40, 40, 40))
    """How much happens before the next thing is done: most of it, or next to nothing."""

    @rule(number=tab, turns=turns)
    def connect(self, number: int, turns: int) -> None:
        async def connect() -> None:
            self.tabs[number].connect(self.channel)

        self.do(connect())
        self.do(self._turns(turns))

    @rule(number=tab, turns=turns)
    def cut(self, number: int, turns: int) -> None:
        self.tabs[number].cut()
        self.do(self._turns(turns))

    @rule(number=tab, turns=turns)
    def begin(self, number: int, turns: int) -> None:
        """Another one, if the one before is over."""
        log = self.tabs[number].log
        self.tabs[number].send([log.begin()])
        self.do(self._turns(turns))

    @rule(number=tab, turns=turns)
    def say(self, number: int, turns: int) -> None:
        text = f"{number}:{len(self.said)}"
        self.said.append(text)
        tab = self.tabs[number]
        if not tab.log.conversation:
            tab.send([tab.log.begin()])  # which is no more than asking again if it has asked already
        tab.send(tab.log.say(text))
        self.do(self._turns(turns))

    @rule(number=tab, turns=turns)
    def leave(self, number: int, turns: int) -> None:
        tab = self.tabs[number]
        tab.send([{"type": "leave", "conversation": tab.log.conversation}])
        self.do(self._turns(turns))

    @rule(number=tab, fails=st.booleans(), mood=moods, turns=turns)
    def another(self, number: int, fails: bool, mood: Mood, turns: int) -> None:  # noqa: FBT001 - drawn
        """The engine ends the one there is, and a page begins the next as well as it can."""
        mood_before, self.engine.mood = self.engine.mood, mood
        self.engine.wished.clear()
        self.compare()
        self.disk_fails = fails
        self.begin(number, turns)
        self.say(number, turns)
        self.engine.mood = mood_before

    @rule()
    def agent_answers(self) -> None:
        for interaction_id in self.engine.wished:
            self.engine.wished[interaction_id] = Desired(interaction_id, "connected", f"{interaction_id}.1", "anna")
        self.compare()

    @rule()
    def agent_writes(self) -> None:
        room = next((room for room in self.channel.rooms if not room.beginning), None)
        if room is not None and room.conversation.talking:
            self.answers += 1
            key = f"m{self.answers}"
            self.do(self.channel.reception.post(room, "anna", key, f"anna:{key}"))

    @rule(mood=moods)
    def engine_is(self, mood: Mood) -> None:
        self.engine.mood = mood

    @rule(fails=st.booleans())
    def disk(self, fails: bool) -> None:  # noqa: FBT001 - drawn
        self.disk_fails = fails

    @rule()
    def engine_orders(self) -> None:
        while self.engine.effects:
            self.do(self.channel.perform(self.engine.effects.popleft()))

    @rule()
    def compare(self) -> None:
        self.engine.effects.clear()
        self.do(self.channel.reconcile(self.engine.desired()))

    @rule()
    def sweep(self) -> None:
        if self.engine.mood == "well":
            self.do(self.channel.sweep())

    @rule(crash=st.booleans())
    def restart(self, crash: bool) -> None:  # noqa: FBT001 - drawn
        """After a crash nothing is written any more; otherwise what waits is."""
        for tab in self.tabs:
            tab.cut()
        fails, self.disk_fails = self.disk_fails, crash or self.disk_fails
        self.do(self.channel.stop())
        self.disk_fails = fails
        self.do(self._start())

    def _kept(self) -> dict[str, list[str]]:
        """What is in the file: entries of every conversation that anybody may find."""
        store = self.channel._keeper._store
        if store is None:
            return {}
        found = store._connection.execute("SELECT id FROM conversation").fetchall()
        return {each.id: [entry.text for entry in each.entries] for each in store.load_all(row[0] for row in found)}

    @invariant()
    def pages_show_what_is_kept(self) -> None:
        if not hasattr(self, "tabs"):
            return
        kept = self._kept()
        for tab in self.tabs:
            shown = [entry["text"] for entry in tab.log.shown]
            assert not shown or shown == kept[tab.log.conversation][: len(shown)]

    def teardown(self) -> None:
        try:
            if hasattr(self, "tabs"):
                self._all_is_well()
        finally:
            for tab in getattr(self, "tabs", ()):
                tab.cut()
            self.do(self.channel.stop())
            self.loop.run_until_complete(self._turns(10))
            self.loop.close()
            self.patched.undo()
            self.folder.cleanup()

    def _all_is_well(self) -> None:
        self.engine.mood, self.disk_fails = "well", False
        for _ in range(3):
            self.compare()
            for number, tab in enumerate(self.tabs):
                if not tab.is_connected:
                    self.connect(number, 0)
            self.do(self._turns(150))
            for tab in self.tabs:
                if tab.log.beginning is not None or (tab.log.pending and not tab.log.conversation):
                    tab.send([tab.log.begin()])
            self.do(self._turns(150))
        self.sweep()
        kept = self._kept()
        counts = Counter(itertools.chain(*kept.values()))
        refused = Counter(text for tab in self.tabs for text in tab.refused)
        assert [text for text in self.said if counts[text] + refused[text] != 1] == []
        for tab in self.tabs:
            assert (tab.log.pending, tab.log.beginning) == ({}, None)
        living = {room.id for room in self.channel.rooms}
        store = self.channel._keeper._store
        assert store is not None
        assert living == set(store.living()) == set(self.engine.wished)
        assert self.tabs[0].log.conversation == self.tabs[1].log.conversation
        self.pages_show_what_is_kept()
        shown = [len(tab.log.shown) for tab in self.tabs]
        assert shown == [len(kept.get(tab.log.conversation, ())) for tab in self.tabs]


Everything.TestCase.settings = settings(max_examples=60, stateful_step_count=50, deadline=None)
TestEverything = Everything.TestCase


def test_what_came_to_nothing_is_forgotten_though_it_began_again_in_vain() -> None:
    """The engine refuses it, the disk keeps it from being forgotten, and the next one of its id from being kept."""
    state = Everything()
    state.open()
    for turns in (0, 0, 5, 0):
        state.another(number=0, fails=False, mood="well", turns=turns)
    state.another(number=0, fails=True, mood="closed", turns=40)
    state.teardown()
