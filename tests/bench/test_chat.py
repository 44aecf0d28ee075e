"""What is made of the blocks, and a small run on a real Asterisk."""

import json
from typing import Any

import pytest

from bench.chat import Block, Chatter, Result, as_dict, measure
from bench.entry_to_invite import Waits


def test_blocks_of_one_kind_are_taken_together() -> None:
    blocks = [
        Block(with_chat=False, waits=Waits("x", [1_000, 3_000]), processor=0.1),
        Block(with_chat=True, waits=Waits("x", [6_000, 2_000], 1), processor=0.3),
        Block(with_chat=False, waits=Waits("x", [2_000]), processor=0.2),
    ]
    result = Result("", 100, 200, 5, 1, blocks, [Chatter(1, 1.0, [5], [4], 2, 3, ["x"], grown=2_000_000)])
    assert result.delays(with_chat=False) == [1_000, 2_000, 3_000]
    assert result.delays(with_chat=True) == [2_000, 6_000]
    assert result.lost(with_chat=True) == 1
    assert result.processor(with_chat=False) == pytest.approx(0.15)
    assert result.ratio == pytest.approx(2.0)
    assert result.bytes_per_socket == pytest.approx(20_000)
    assert result.harm == 7


def verdicts(result: Result) -> list[bool | None]:
    """By voice, the rate of messages, and what was lost."""
    targets: Any = as_dict(result, smaller=False)["targets"]
    assert [each["figure"] for each in targets] == ["chat-voice", "chat-rate", "chat-lost"]
    return [each["target_met"] for each in targets]


def result_of(late_us: int, messages: int, cut_off: int = 0, *, sockets: int = 2_000) -> Result:
    """A run of ten seconds, in which telephones rang after 2 ms, and after so long beside chats."""
    blocks = [
        Block(with_chat=False, waits=Waits("x", [2_000]), processor=0.1),
        Block(with_chat=True, waits=Waits("x", [late_us]), processor=0.1),
    ]
    return Result("", sockets, 200, 5, 10, blocks, [Chatter(messages, 10.0, [5], [4], 0, cut_off, [])])


def test_voice_is_unharmed_only_if_the_chats_were_there() -> None:
    assert verdicts(result_of(2_900, 2_000)) == [True, True, True]
    assert verdicts(result_of(3_100, 2_000)) == [False, True, True]
    assert verdicts(result_of(2_900, 1_800)) == [True, False, True]
    assert verdicts(result_of(2_900, 2_000, 1)) == [True, True, False]


def test_a_smaller_run_says_nothing_of_the_target() -> None:
    assert verdicts(result_of(2_900, 2_000, sockets=1_999)) == [None, None, None]


@pytest.mark.xdist_group("load")
@pytest.mark.usefixtures("provisioned")
async def test_calls_and_chats_are_measured_beside_each_other() -> None:
    result = await measure(sockets=20, messages=20, rate=10, seconds=2, blocks=2, conversations=5)
    assert [block.with_chat for block in result.blocks] == [False, True, False, True]
    assert all(len(block.waits.delays_us) == 10 for block in result.blocks)
    for chatter in result.chatter:
        assert chatter.faults == []
        assert (chatter.lost, chatter.cut_off) == (0, 0)
        assert len(chatter.late_us) > 15
        assert len(chatter.answered_us) > 15
    assert json.dumps(as_dict(result, smaller=True))
