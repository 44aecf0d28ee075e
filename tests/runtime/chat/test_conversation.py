"""The conversation by itself, and a state machine: networks cut at random, every message once and in order."""

import itertools

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from acd.client.chat_log import ChatLog
from acd.runtime.chat import conversation as module
from acd.runtime.chat.conversation import (
    MAX_ENTRIES,
    MAX_MESSAGE_ID,
    MAX_TEXT,
    RESERVED,
    Conversation,
    Entry,
    Head,
    Marks,
    Refused,
)

HEAD = Head("chat-1", "visitor-1", "sales", "cu_1", 1_000)


def talking() -> Conversation:
    found = Conversation(HEAD)
    assert found.join("chat-1.1", "anna", 2_000) is not None
    found.keep(1)
    return found


def code(answer: object) -> str:
    assert isinstance(answer, Refused), answer
    return answer.code


def test_entries_count_from_one_and_time_never_goes_back() -> None:
    chat = talking()
    chat.post("", "a", "hello", 5_000)
    chat.post("anna", "a", "good day", 4_000)
    assert chat.entries == [
        Entry(1, 2_000, "joined", "anna", key="chat-1.1"),
        Entry(2, 5_000, "message", "", "hello", "a"),
        Entry(3, 5_000, "message", "anna", "good day", "a"),
    ]
    assert [entry.side for entry in chat.entries[1:]] == ["customer", "agent"]


def test_the_same_id_of_the_same_side_is_the_same_message() -> None:
    chat = talking()
    first = chat.post("", "a", "hello", 3_000)
    assert chat.post("", "a", "hello", 9_000) == first
    assert len(chat.entries) == 2


def test_what_is_not_kept_is_shown_to_nobody_and_may_be_taken_back() -> None:
    chat = talking()
    chat.post("", "a", "hello", 3_000)
    chat.keep(2)
    chat.post("", "b", "are you there", 4_000)
    chat.leave("chat-1.1", 5_000)
    chat.end("gone", 6_000)
    assert [entry.seq for entry in chat.since(0, 10)] == [1, 2]
    chat.roll_back()
    assert (len(chat.entries), chat.ended, chat.head.ended_us, chat.heard_us) == (2, "", 0, 3_000)
    assert chat.talking == {"chat-1.1": "anna"}
    again = chat.post("", "b", "are you there", 7_000)
    assert isinstance(again, Entry)
    assert again.seq == 3


def test_only_agents_who_talk_write() -> None:
    chat = talking()
    assert code(chat.post("boris", "a", "hello", 3_000)) == "not-talking"
    chat.join("chat-1.2", "boris", 3_000)
    assert isinstance(chat.post("boris", "a", "hello", 3_000), Entry)
    chat.leave("chat-1.2", 4_000)
    assert code(chat.post("boris", "b", "hello again", 5_000)) == "not-talking"
    assert isinstance(chat.post("boris", "a", "hello", 6_000), Entry), "said before"


@pytest.mark.parametrize("text", ["", "  \n", "x" * (MAX_TEXT + 1), "bell \x07", "nul \x00", "del \x7f"])
def test_bad_texts_are_refused_by_name(text: str) -> None:
    answer = talking().post("", "a", text, 3_000)
    assert code(answer) == "invalid-field"
    assert isinstance(answer, Refused)
    assert answer.detail.startswith("text: ")


@pytest.mark.parametrize("message_id", ["", "x" * (MAX_MESSAGE_ID + 1)])
def test_bad_ids_are_refused_by_name(message_id: str) -> None:
    answer = talking().post("", message_id, "hello", 3_000)
    assert isinstance(answer, Refused)
    assert answer.detail.startswith("id: ")


def test_a_conversation_is_bounded_and_can_still_end(monkeypatch: pytest.MonkeyPatch) -> None:
    chat = talking()
    for number in range(MAX_ENTRIES - RESERVED - 1):
        assert isinstance(chat.post("", str(number), "x", 3_000), Entry)
    assert code(chat.post("", "more", "x", 3_000)) == "conversation-full"
    assert chat.end("customer", 4_000) is not None
    monkeypatch.setattr(module, "MAX_CHARACTERS", 10)
    short = talking()
    assert isinstance(short.post("", "a", "x" * 10, 3_000), Entry)
    assert code(short.post("", "b", "x", 3_000)) == "conversation-full"


def test_after_the_end_nothing_follows_but_a_rating() -> None:
    chat = talking()
    assert code(chat.rate(5, "")) == "not-ended"
    assert chat.end("customer", 3_000) == Entry(2, 3_000, "ended", "", "customer")
    assert chat.end("again", 3_000) is None
    assert chat.join("chat-1.2", "boris", 3_000) is None
    assert chat.announce("soon", 3_000) is None
    assert chat.leave("chat-1.1", 3_000) is None
    assert code(chat.post("", "a", "wait", 3_000)) == "ended"
    assert chat.rate(5, "fine") is None
    assert chat.rate(5, "fine") is None
    assert code(chat.rate(1, "no")) == "already-rated"
    assert (chat.head.rating, chat.head.ended_us, chat.last_agent) == (5, 3_000, "anna")


def test_marks_only_advance_and_not_beyond_what_is_kept() -> None:
    chat = talking()
    chat.post("anna", "a", "hello", 3_000)
    assert chat.mark("customer", read=9)
    assert chat.marks("customer") == Marks(1, 1)
    chat.keep(2)
    assert chat.mark("customer", delivered=2)
    assert chat.marks("customer") == Marks(2, 1)
    assert not chat.mark("customer", delivered=1, read=1)
    assert chat.marks("agent") == Marks()


def test_it_is_the_same_again_from_what_was_kept() -> None:
    chat = talking()
    chat.post("", "a", "hello", 3_000)
    chat.leave("chat-1.1", 4_000)
    chat.join("chat-1.2", "boris", 5_000)
    again = Conversation(chat.head, chat.entries)
    assert (again.talking, again.last_agent, again.kept) == ({"chat-1.2": "boris"}, "boris", 4)
    assert again.post("", "a", "hello", 9_000) == chat.entries[1]


class Client:
    """One tab, or one desk: what it shows, and what is under way in both directions while it is connected."""

    def __init__(self, agent_id: str, ids: "itertools.count[int]") -> None:
        self.agent_id = agent_id
        self.log = ChatLog(lambda: f"m{next(ids)}", conversation="chat-1", agent=agent_id)
        self.up: list[dict[str, str]] = []
        self.down: list[dict[str, object]] = []
        self.told = 0
        self.connected = False
        self.working = ""
        """The message that the server is keeping: the next of this connection is taken after it."""

    def cut(self) -> None:
        self.connected, self.up, self.down, self.working = False, [], [], ""

    def connect(self) -> None:
        self.connected, self.told, self.up = True, self.log.after, self.log.again()


def _told(entry: Entry) -> dict[str, object]:
    """As either side is told; both number their messages alike, so an id says nothing without the side."""
    side = entry.side if entry.kind == "message" else "system"
    return {
        "type": "entry",
        "seq": entry.seq,
        "id": entry.key,
        "text": entry.text,
        "side": side,
        "agent": entry.agent_id,
    }


class CutNetworks(RuleBasedStateMachine):
    """Two tabs of a customer and two desks of an agent; commits take time, and fail."""

    @initialize()
    def begin(self) -> None:
        self.chat = talking()
        ids, others = itertools.count(), itertools.count()
        self.clients = [Client("", ids), Client("", ids), Client("anna", others), Client("anna", others)]
        self.said: list[list[str]] = [[], [], [], []]
        self.clock_us = 10_000

    which = st.integers(0, 3)

    @rule(number=which)
    def say(self, number: int) -> None:
        text = f"{number}:{len(self.said[number])}"
        self.said[number].append(text)
        client = self.clients[number]
        messages = client.log.say(text)
        if client.connected:
            client.up += messages

    @rule(number=which)
    def connect(self, number: int) -> None:
        self.clients[number].cut()
        self.clients[number].connect()

    @rule(number=which)
    def cut(self, number: int) -> None:
        self.clients[number].cut()

    @rule(number=which)
    def server_reads(self, number: int) -> None:
        client = self.clients[number]
        if not client.up or client.working:
            return
        message = client.up.pop(0)
        self.clock_us += 1
        assert isinstance(self.chat.post(client.agent_id, message["id"], message["text"], self.clock_us), Entry)
        client.working = message["id"]

    @rule()
    def commit(self) -> None:
        self.chat.keep(len(self.chat.entries))
        for client in self.clients:
            if client.working:
                client.down.append({"type": "sent", "id": client.working})
                client.working = ""

    @rule()
    def commit_fails(self) -> None:
        """Whoever waited for it is cut off, so that nothing of theirs overtakes what has failed."""
        self.chat.roll_back()
        for client in self.clients:
            if client.working:
                client.cut()

    @rule(number=which, limit=st.integers(1, 3))
    def server_writes(self, number: int, limit: int) -> None:
        client = self.clients[number]
        if client.connected:
            for entry in self.chat.since(client.told, limit):
                client.down.append(_told(entry))
                client.told = entry.seq

    @rule(number=which)
    def client_reads(self, number: int) -> None:
        client = self.clients[number]
        if client.down:
            message = client.down.pop(0)
            if message["type"] == "sent":
                client.log.sent(str(message["id"]))
            else:
                client.log.take(message)

    @precondition(lambda self: len(self.chat.entries) > 1)
    @rule()
    def server_dies(self) -> None:
        """What was not kept is gone, and every connection with it."""
        self.chat = Conversation(self.chat.head, self.chat.entries[: self.chat.kept])
        for client in self.clients:
            client.cut()

    @invariant()
    def everybody_shows_the_beginning_of_the_same(self) -> None:
        kept = [entry.text for entry in self.chat.since(0, 10_000)]
        for client in self.clients:
            shown = [entry["text"] for entry in client.log.shown]
            assert shown == kept[: len(shown)]

    def teardown(self) -> None:
        """The network holds: all is said once, in the order of whoever said it, and shown to everybody."""
        if not hasattr(self, "clients"):
            return
        for number in range(4):
            self.connect(number)
        while any(client.up or client.working for client in self.clients):
            for number in range(4):
                self.server_reads(number)
            self.commit()
        for number, client in enumerate(self.clients):
            self.server_writes(number, 10_000)
            while client.down:
                self.client_reads(number)
        texts = [entry["text"] for entry in self.clients[0].log.shown[1:]]
        assert sorted(texts) == sorted(itertools.chain(*self.said))
        for number, client in enumerate(self.clients):
            assert [entry["text"] for entry in client.log.shown[1:]] == texts
            assert [text for text in texts if text.startswith(f"{number}:")] == self.said[number]
            assert not client.log.pending


CutNetworks.TestCase.settings = settings(max_examples=150, stateful_step_count=60, deadline=None)
TestCutNetworks = CutNetworks.TestCase
