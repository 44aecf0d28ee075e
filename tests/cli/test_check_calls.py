"""`acd check` on web chats whose customers may call instead: the channel, its pages, agents with room."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from acd.cli import acd

CONFIG = """\
[queues.sales]
hold_for = "20s"
[agents.anna]
capacity = "parallel"
[channels.shop]
type = "webchat"
origins = ["https://shop.example", "https://www.shop.example"]
queues = ["sales"]
call = "talk"
[channels.talk]
type = "webrtc"
origins = ["https://shop.example", "https://www.shop.example"]
queues = ["sales"]
"""
LINE = 9


def checked(folder: Path, config: str) -> tuple[int, str]:
    """Exit status, and what is said of the chat's calls."""
    (folder / "acd.toml").write_text(config)
    result = CliRunner().invoke(acd, ["check", str(folder / "acd.toml")])
    return result.exit_code, "\n".join(each for each in result.output.splitlines() if "channels.shop.call" in each)


def test_nothing_is_wrong(tmp_path: Path) -> None:
    assert checked(tmp_path, CONFIG) == (0, "")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('call = "talk"', 'call = "tlak"', 'there is no channel "tlak"'),
        ('call = "talk"', 'call = "shop"', 'nobody can call by the channel "shop" from a page'),
        ('call = "talk"', 'call = ""', "is an empty id"),
        (
            '[channels.talk]\ntype = "webrtc"\norigins = ["https://shop.example", "https://www.shop.example"]',
            '[channels.talk]\ntype = "webrtc"\norigins = ["https://shop.example"]',
            "pages of https://www.shop.example may chat here, and not call there",
        ),
    ],
)
def test_what_cannot_work_is_an_error_with_the_line_of_the_key(
    tmp_path: Path, before: str, after: str, said: str
) -> None:
    assert before in CONFIG
    status, found = checked(tmp_path, CONFIG.replace(before, after))
    assert status == 1
    assert f"acd.toml:{LINE}: channels.shop.call: {said}" in found
    assert found.startswith("error")


def test_a_channel_that_is_wrong_itself_is_said_once(tmp_path: Path) -> None:
    assert checked(tmp_path, CONFIG.replace('type = "webrtc"', 'type = "webrtc"\naway = "soon"')) == (1, "")


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ('capacity = "parallel"', "", 'no agent has room for a call of "voice" beside a conversation'),
        ('hold_for = "20s"', "", "a call from queue sales goes to anybody while the agent of the chat is busy"),
    ],
)
def test_what_leads_to_another_agent_is_a_warning(tmp_path: Path, before: str, after: str, said: str) -> None:
    status, found = checked(tmp_path, CONFIG.replace(before, after))
    assert status == 0
    assert found.startswith("warning")
    assert said in found


def test_an_agent_whom_calls_may_interrupt_has_room(tmp_path: Path) -> None:
    profile = (
        "[capacities.mine]\ntotal = 100\n"
        'channels = { chat = { cost = 100 }, voice = { cost = 100, interrupts = ["chat"] } }\n'
    )
    assert checked(tmp_path, CONFIG.replace('"parallel"', '"mine"') + profile) == (0, "")
