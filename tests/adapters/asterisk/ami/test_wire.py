"""One choke point: what may be sent, and that a real Asterisk reads one action where one was sent."""

import asyncio
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from panoramisk.message import Message

from acd_asterisk.ami import Access, Manager, Unsendable, text_of
from acd_asterisk.ami.wire import MAX_LINE_BYTES, MAX_LINES, Request, Value, encoded
from acd_asterisk.lab import Pbx, Provisioned

INJECTION = "x\r\n\r\nAction: UserEvent\r\nUserEvent: Injected"
LONG = "x" * (1_024 - len("Payload: ")) + "UserEvent: Injected"


def test_an_action_as_it_is_sent() -> None:
    fields: dict[str, Value] = {"Action": "Originate", "Variable": ("A=1", "B=王"), "Priority": 1}
    assert encoded(fields) == "Action: Originate\r\nVariable: A=1\r\nVariable: B=王\r\nPriority: 1\r\n\r\n".encode()


@pytest.mark.parametrize("value", [INJECTION, "a\nb", "a\rb", "a\0b", LONG, "\ud800", True, None, 1.5, [["a"]]])
def test_values_that_are_refused(value: Any) -> None:  # noqa: ANN401 - what no type would let through
    with pytest.raises(Unsendable) as caught:
        encoded({"Action": "Ping", "Payload": value})
    assert "Payload" in str(caught.value)
    assert "Injected" not in str(caught.value)


@pytest.mark.parametrize("key", ["", "a b", "a:b", "a\r\nb", "Größe", "-x", "k" * 65])
def test_keys_that_are_refused(key: str) -> None:
    with pytest.raises(Unsendable):
        encoded({"Action": "Ping", key: "x"})


def test_lines_are_counted() -> None:
    with pytest.raises(Unsendable, match="lines"):
        encoded({"Action": "Ping", "Variable": ["A=1"] * MAX_LINES})
    with pytest.raises(Unsendable, match="longer than Asterisk reads"):
        encoded({"Action": "Ping", "Payload": "王" * (MAX_LINE_BYTES // 3)})


async def test_an_answer_is_complete_when_asterisk_says_so() -> None:
    queued = Message({"Response": "Success", "Message": "Added interface to queue"})
    request = Request({"Action": "QueueAdd"})
    assert request.add_message(queued)
    assert request.future.result() == [queued]
    listing = Request({"Action": "QueueStatus"}, wants_list=True)
    assert not listing.add_message(Message({"Response": "Success", "EventList": "start"}))
    assert not listing.add_message(Message({"Event": "QueueMemberComplete"}))
    assert listing.add_message(Message({"Event": "QueueStatusComplete", "EventList": "Complete"}))
    assert len(await listing.future) == 3
    refused = Request({"Action": "QueueStatus"}, wants_list=True)
    assert refused.add_message(Message({"Response": "Error", "Message": "no"}))


def test_one_action_in_one_out(provisioned: Provisioned) -> None:
    """Whatever stands in a value, Asterisk has been told one thing, or nothing was sent."""
    with asyncio.Runner() as runner:
        pbx = Pbx(provisioned)
        runner.run(pbx.start())
        manager = Manager(
            Access(port=pbx.ami_port, user=pbx.ami_user, password=pbx.ami_password),
            events="system,user",
            wanted=frozenset({"UserEvent"}),
        )
        runner.run(manager.open())
        assert text_of(runner.run(manager.next()), "Event") == "FullyBooted"

        async def tell(value: str, key: str) -> None:
            try:
                reply = await manager.ask("UserEvent", {"UserEvent": "Mine", key: value})
            except Unsendable:
                is_sent = False
            else:
                is_sent = reply.is_success
                assert is_sent, json.dumps(value)
            await manager.ask("UserEvent", {"UserEvent": "Last"})
            seen: list[str] = []
            while not seen or seen[-1] != "Last":
                seen.append(text_of(await manager.next(), "UserEvent"))
            assert seen == (["Mine", "Last"] if is_sent else ["Last"]), json.dumps(value)

        hostile = st.lists(
            st.sampled_from(["\r", "\n", "\0", "\r\n\r\n", "Action: ", "UserEvent: Injected", ": ", "王", "x" * 400])
            | st.text(max_size=5),
            max_size=8,
        ).map("".join)

        @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
        @example(value=INJECTION, key="Payload")
        @example(value=LONG, key="Payload")
        @example(value="x", key="Payload\r\n\r\nAction: UserEvent\r\nUserEvent")
        @given(value=hostile, key=st.just("Payload") | hostile.filter(lambda key: key.lower() != "action"))
        def play(value: str, key: str) -> None:
            runner.run(tell(value, key))

        try:
            play()
        finally:
            manager.close()
            runner.run(pbx.stop())
