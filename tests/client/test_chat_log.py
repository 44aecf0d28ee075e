"""The rules of CHAT.md in Python: what is said again, to which conversation, and what is never said again."""

import itertools

import pytest

from acd.client.chat_log import ChatLog


def log(agent: str = "") -> ChatLog:
    ids = itertools.count(1)
    return ChatLog(lambda: f"m{next(ids)}", agent=agent)


def entry(seq: int, message_id: str, side: str = "customer", agent: str = "") -> dict[str, object]:
    return {"seq": seq, "kind": "message", "side": side, "agent": agent, "id": message_id, "text": message_id}


def send(message_id: str, text: str, conversation: str) -> dict[str, str]:
    return {"type": "send", "id": message_id, "text": text, "conversation": conversation}


def test_what_is_said_before_there_is_a_conversation_waits_for_it() -> None:
    one = log()
    begin = one.begin(queue="sales")
    assert begin == {"type": "begin", "id": "m1", "queue": "sales"}
    assert one.say("hello") == []
    assert one.again() == [begin], "however often"
    assert one.begin() is begin
    assert one.done("m1", "c1") == [send("m2", "hello", "c1")]
    assert one.again() == [send("m2", "hello", "c1")]
    assert one.done("m1", "c1") == []


def test_what_was_said_stays_in_its_conversation() -> None:
    one = log()
    one.show("c1")
    assert one.say("to the first") == [send("m1", "to the first", "c1")]
    one.take(entry(1, "other"))
    assert one.show("c2") == []
    assert (one.conversation, one.shown) == ("c2", [])
    one.say("to the second")
    assert one.again() == [send("m1", "to the first", "c1"), send("m2", "to the second", "c2")]


def test_what_is_written_while_the_next_one_is_asked_for_is_not_the_last_ones() -> None:
    one = log()
    one.show("c1")
    assert one.say("to the first") == [send("m1", "to the first", "c1")]
    begin = one.begin()
    assert one.say("to the second") == []
    assert one.show("c1") == [], "a connection that comes again tells of the last one first"
    assert one.again() == [begin, send("m1", "to the first", "c1")]
    assert one.done("m2", "c2") == [send("m3", "to the second", "c2")]


def test_the_same_conversation_goes_on_unless_it_is_told_anew() -> None:
    one = log()
    one.show("c1")
    assert one.take(entry(1, "x"))
    one.show("c1")
    assert one.after == 1
    one.show("c1", anew=True)
    assert one.after == 0


def test_what_was_refused_is_not_said_again() -> None:
    one = log()
    one.show("c1")
    one.say("hello")
    assert one.refused("m1", "ended") == "hello"
    assert (one.again(), one.refused("m1", "ended")) == ([], "")


@pytest.mark.parametrize(("code", "again"), [("unavailable", True), ("queue-closed", False)])
def test_a_begin_that_was_refused_is_said_again_if_that_may_help(code: str, *, again: bool) -> None:
    one = log()
    begin = one.begin()
    assert one.refused("m1", code) == ""
    assert one.again() == ([begin] if again else [])


@pytest.mark.parametrize(
    ("mine", "other"),
    [("", entry(1, "m1", "agent", "anna")), ("anna", entry(1, "m1")), ("anna", entry(1, "m1", "agent", "boris"))],
)
def test_an_id_of_another_side_is_another_message(mine: str, other: dict[str, object]) -> None:
    one = log(mine)
    one.show("c1")
    one.say("hello")
    assert one.take(other)
    assert one.pending == {"m1": "hello"}
    assert one.take(entry(2, "m1", "agent" if mine else "customer", mine))
    assert one.pending == {}


def test_a_gap_is_found() -> None:
    one = log()
    with pytest.raises(LookupError, match="entry 1 is missing before 2; ask for entries after 0"):
        one.take(entry(2, "m1"))
