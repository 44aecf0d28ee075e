"""What stays in memory of what has ended."""

import pytest

from acd.runtime.chat import rooms as module
from acd.runtime.chat.conversation import Conversation, Head
from acd.runtime.chat.rooms import Room, Rooms
from tests.runtime.chat.chats import Page


def over(number: int, characters: int = 10) -> Room:
    chat = Conversation(Head(f"chat-{number}", f"cv_{number}", "sales", "cu_1", number))
    chat.post("", "a", "x" * characters, number)
    chat.end("left", number)
    chat.keep(2)
    return Room(chat)


def there(rooms: Rooms) -> list[int]:
    return [number for number in range(9) if rooms.get(f"chat-{number}") is not None]


def test_whoever_is_looked_at_stays_so_that_there_is_one_of_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENDED", 2)
    rooms = Rooms()
    rooms.watch("cv_0", Page())
    for number in range(4):
        rooms.add(over(number))
    assert there(rooms) == [0, 3]


def test_long_ones_take_the_room_of_many(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_ENDED_CHARACTERS", 100)
    rooms = Rooms()
    for number in range(5):
        rooms.add(over(number))
    rooms.add(over(5, 80))
    assert there(rooms) == [3, 4, 5]
    rooms.forget(["chat-5", "chat-8"])
    rooms.add(over(6, 80))
    assert there(rooms) == [3, 4, 6]
    for number in (3, 4):
        rooms.watch(f"cv_{number}", Page())
    rooms.add(over(7, 100))
    assert there(rooms) == [3, 4], "the others are read from the file"
    rooms.watch("cv_8", Page())
    rooms.add(over(8, 100))
    assert there(rooms) == [8], "also what is looked at goes, if nothing else is left"
