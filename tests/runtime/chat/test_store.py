"""The file of conversations: what is kept, what others can read of it, what is forgotten."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from acd.errors import ChatDamaged, ChatStoreError
from acd.runtime.chat.conversation import Conversation, Head
from acd.runtime.chat.store import ChatStore, Page

CANARY = "canary 13800138000"


@pytest.fixture
def store(tmp_path: Path) -> Iterator[ChatStore]:
    found = opened(tmp_path)
    yield found
    found.close()


def opened(folder: Path) -> ChatStore:
    return ChatStore(folder / "chat.db", folder / "chat.key")


def said(number: int, texts: int = 1, *, ended_us: int = 0, visitor: str = "v1") -> Conversation:
    chat = Conversation(Head(f"chat-{number}", visitor, "sales", "cu_1", number))
    for each in range(texts):
        chat.post("", str(each), f"{CANARY} {each}", number)
    if ended_us:
        chat.end("customer", ended_us)
    return chat


def keep(store: ChatStore, *chats: Conversation) -> None:
    store.write([Page(chat.head, tuple(chat.entries[chat.kept :]), not chat.is_stored, chat.kept) for chat in chats])
    for chat in chats:
        chat.keep(len(chat.entries))


def test_what_was_kept_is_there_again(tmp_path: Path) -> None:
    store = opened(tmp_path)
    chat, over = said(1, 3), said(2, ended_us=9)
    keep(store, chat, over)
    chat.post("", "more", "and more", 7)
    chat.mark("customer", read=2)
    keep(store, chat)
    store.close()
    store = opened(tmp_path)
    again = store.load("chat-1")
    assert again is not None
    assert (again.head, again.entries, again.kept) == (chat.head, chat.entries, 4)
    assert store.living() == ["chat-1"]
    assert [head.id for head in store.heads_of("v1", 10)] == ["chat-2", "chat-1"]
    assert store.load("chat-3") is None
    store.close()


def test_nobody_reads_it_without_the_key(tmp_path: Path) -> None:
    store = opened(tmp_path)
    keep(store, said(1))
    store.close()
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("chat.db*"))
    assert CANARY.encode() not in raw
    assert (tmp_path / "chat.db").stat().st_mode & 0o077 == 0
    (tmp_path / "chat.key").write_bytes(bytes(32))
    with pytest.raises(ChatStoreError, match="is not the one of the chat store"):
        opened(tmp_path)
    (tmp_path / "chat.key").unlink()
    with pytest.raises(ChatStoreError, match="cannot be read"):
        opened(tmp_path)
    assert not (tmp_path / "chat.key").exists(), "no new key for conversations that it could not read"


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ("UPDATE entry SET data = zeroblob(60) WHERE seq = 2", "has been altered"),
        ("UPDATE entry SET seq = 9 WHERE seq = 3", "has been altered"),
        ("UPDATE entry SET conversation = 'chat-1' WHERE conversation = 'chat-2' AND seq = 4", "has been altered"),
        ("DELETE FROM entry WHERE seq = 2", "are missing"),
        ("DELETE FROM entry WHERE seq = 3", "are missing"),
        ("UPDATE conversation SET ended_us = 7", "has been altered"),
        ("UPDATE conversation SET visitor = 'v2'", "has been altered"),
        ("UPDATE conversation SET head = (SELECT head FROM conversation WHERE id = 'chat-2')", "has been altered"),
    ],
)
def test_what_was_altered_is_refused_by_name(tmp_path: Path, change: str, complaint: str) -> None:
    store = opened(tmp_path)
    keep(store, said(1, 3), said(2, 4))
    store.close()
    with sqlite3.connect(tmp_path / "chat.db") as connection:
        connection.execute(change)
    connection.close()
    store = opened(tmp_path)
    with pytest.raises(ChatStoreError, match=f"chat-1 .*{complaint}|conversation chat-1 {complaint}"):
        store.load("chat-1")
    store.close()


def test_all_or_nothing_is_written(store: ChatStore) -> None:
    keep(store, chat := said(1))
    doubled = Page(chat.head, tuple(chat.entries))
    with pytest.raises(ChatStoreError, match="UNIQUE"):
        store.write([Page(said(2).head, begins=True), doubled])
    assert store.load("chat-2") is None
    keep(store, said(2))
    assert store.load("chat-2") is not None


def test_what_is_old_or_too_much_is_forgotten_beyond_recovery(store: ChatStore, tmp_path: Path) -> None:
    keep(store, *(said(number, ended_us=number * 10) for number in range(1, 6)), said(6), said(7, visitor="v2"))
    wrapped = store._connection.execute("SELECT id, wrapped_key, head FROM conversation").fetchall()
    assert store.forget_surplus("v1", 3) == ["chat-2", "chat-1"]
    assert [head.id for head in store.heads_of("v1", 10)] == ["chat-6", "chat-5", "chat-4", "chat-3"]
    assert store.forget_before(50, limit=1) == ["chat-3"]
    assert store.forget_before(50, limit=9) == ["chat-4"]
    store.clean()
    assert [head.id for head in store.heads_of("v1", 10)] == ["chat-6", "chat-5"]
    assert store.load("chat-7") is not None, "somebody else's, and not over"
    raw = b"".join(path.read_bytes() for path in tmp_path.glob("chat.db*"))
    there = {chat_id for chat_id, *secrets in wrapped if all(secret in raw for secret in secrets)}
    assert there == {"chat-5", "chat-6", "chat-7"}, "those that are kept are found in this way"
    assert not [chat_id for chat_id, *secrets in wrapped if chat_id not in there and any(one in raw for one in secrets)]


def test_what_was_forgotten_does_not_come_back_in_part(store: ChatStore) -> None:
    keep(store, chat := said(1, ended_us=5))
    assert store.forget_before(9, limit=9) == ["chat-1"]
    chat.rate(5, "")
    keep(store, other := said(2))
    pages = [Page(chat.head, before=chat.kept), Page(other.head, before=1)]
    assert store.write(pages) == ["chat-1"]
    assert store.load("chat-1") is None


def test_what_begins_takes_the_place_of_what_came_to_nothing(store: ChatStore) -> None:
    keep(store, said(1, 3))
    keep(store, said(1, 2))
    again = store.load("chat-1")
    assert again is not None
    assert len(again.entries) == 2


def test_what_cannot_be_read_is_nobody_elses_trouble(store: ChatStore) -> None:
    keep(store, said(1), said(2), said(3))
    store._connection.execute("UPDATE conversation SET head = zeroblob(60) WHERE id = 'chat-2'")
    assert [each.id for each in store.load_all(store.living())] == ["chat-1", "chat-3"]
    assert [head.id for head in store.heads_of("v1", 9)] == ["chat-3", "chat-1"]
    with pytest.raises(ChatDamaged):
        store.load("chat-2")


def test_two_processes_do_not_share_a_file(store: ChatStore, tmp_path: Path) -> None:
    with pytest.raises(ChatStoreError, match="is in use by"):
        opened(tmp_path)
    assert store.living() == []


def of(customer: str, number: int, *, ended_us: int = 0) -> Conversation:
    chat = Conversation(Head(f"chat-{number}", f"v{number}", "sales", customer, number))
    chat.post("", "1", CANARY, number)
    if ended_us:
        chat.end("left", ended_us)
    return chat


def test_a_person_who_is_erased_leaves_nothing(store: ChatStore) -> None:
    living = of("cu_1", 3)
    keep(store, of("cu_1", 1, ended_us=9), of("cu_2", 2, ended_us=9), living)
    assert store.erase("cu_1") == ["chat-1"]
    assert store.load("chat-3") is not None  # it goes on, and goes when it has ended
    assert store.forget_erased() == []
    living.end("left", 12)
    keep(store, living)
    assert store.forget_erased() == ["chat-3"]
    store.clean()
    found = [table for (table,) in store._connection.execute("SELECT id FROM conversation")]
    assert found == ["chat-2"]
    assert store._connection.execute("SELECT * FROM erased").fetchall() == []
    keep(store, again := of("cu_1", 4, ended_us=20))
    assert (store.forget_erased(), again.id) == ([], "chat-4")  # somebody who writes afterwards is somebody new


def test_what_is_to_be_forgotten_at_its_end_is_known_after_a_restart(tmp_path: Path) -> None:
    store, living = opened(tmp_path), of("cu_1", 1)
    keep(store, living)
    assert store.erase("cu_1") == []
    store.close()
    store = opened(tmp_path)
    living.end("left", 12)
    keep(store, living)
    assert store.forget_erased() == ["chat-1"]
    store.close()


def test_a_file_of_the_release_before_is_read(tmp_path: Path) -> None:
    store = opened(tmp_path)
    chat = Conversation(Head("chat-1", "v1", "sales", "v1", 1))
    chat.post("", "1", "hello", 1)
    keep(store, chat)
    for statement in (
        "DROP INDEX conversation_customer",
        "DROP TABLE erased",
        "DROP TABLE file",
        "DROP TABLE file_part",
        "ALTER TABLE conversation DROP COLUMN customer",
        "PRAGMA user_version = 1",
    ):
        store._connection.execute(statement)
    store.close()
    store = opened(tmp_path)
    again = store.load("chat-1")
    assert again is not None
    assert (again.head, again.entries) == (chat.head, chat.entries)
    assert store.erase("v1") == []
    store.close()


def test_whose_it_is_cannot_be_exchanged(store: ChatStore) -> None:
    keep(store, of("cu_1", 1, ended_us=9))
    store._connection.execute("UPDATE conversation SET customer = 'cu_2'")
    with pytest.raises(ChatDamaged):
        store.load("chat-1")
