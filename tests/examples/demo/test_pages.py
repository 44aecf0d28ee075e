"""The pages of the demo: whether a browser finds all in its place is really looked at, and what is told fits in."""

import io
import re
import socket
import tomllib
from collections.abc import AsyncIterator
from contextlib import ExitStack, suppress
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from rich.cells import cell_len
from rich.console import Console

from acd.runtime.config import check_text
from examples.demo import pages as served
from examples.demo.audience import MIA, QUEUE, SEATS, Places, configuration, draw_tokens, invitation, reminder
from examples.demo.cast import AGENTS, QUEUES
from examples.demo.cast import configuration as of_the_cast
from examples.demo.desk import AgentNow, Desk, Picture, QueueNow
from examples.demo.pages import Pages
from examples.demo.screen import Screen
from examples.demo.simulated_stage import SimulatedStage
from examples.demo.stage import Seen
from examples.demo.verdict import Check, both

PLACES = Places("http://127.0.0.1:8420", "http://127.0.0.1:8421")
SERVED, SIGN_IN, SOCKETS = (
    "desk, wallboard and shop are served, each with its script",
    "the tokens sign in, and nothing else does",
    "the shop's pages are answered at the sockets for chat and calls, others are not",
)


@pytest.fixture
async def stage() -> AsyncIterator[SimulatedStage]:
    stage = SimulatedStage()
    try:
        await stage.open(lambda _: None)
        yield stage
    finally:
        await stage.close()


async def held(pages: Pages) -> dict[str, bool]:
    return {check.claim: check.held for check in await pages.look()}


async def test_all_is_in_its_place_and_again_after_a_crash(stage: SimulatedStage) -> None:
    assert await held(stage.pages) == {SERVED: True, SIGN_IN: True, SOCKETS: True}
    address = stage.url()
    await stage.crash()
    assert await held(stage.pages) == {SERVED: False, SIGN_IN: False, SOCKETS: False}
    await stage.revive()
    assert await held(stage.pages) == {SERVED: True, SIGN_IN: True, SOCKETS: True}
    assert stage.url() == address


async def test_each_look_can_fail_by_itself(stage: SimulatedStage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "_SCRIPT", re.compile('<script [^>]*src="([^"]+)x"'))
    assert await held(stage.pages) == {SERVED: False, SIGN_IN: True, SOCKETS: True}
    monkeypatch.undo()
    monkeypatch.setattr(served, "_STRANGER", stage.pages.places.shop)
    assert await held(stage.pages) == {SERVED: True, SIGN_IN: True, SOCKETS: False}
    monkeypatch.undo()
    monkeypatch.setattr(stage.pages, "tokens", draw_tokens())
    assert await held(stage.pages) == {SERVED: True, SIGN_IN: False, SOCKETS: True}


async def test_the_shop_is_foreign_strict_and_no_way_to_other_files(stage: SimulatedStage) -> None:
    shop, acd = stage.pages.places.shop, stage.pages.places.acd
    assert shop != acd
    async with aiohttp.ClientSession(shop) as session:
        for path in ("/", "/zh.html"):
            async with session.get(path) as answer:
                text, policy = await answer.text(), answer.headers["Content-Security-Policy"]
            assert f'src="{acd}/chat/widget.js"' in text
            assert f"script-src {acd}; connect-src {acd} {acd.replace('http', 'ws')};" in policy
            assert "unsafe" not in policy
            assert "img-src 'self' blob:;" in policy, "pictures of the conversation are shown"
        for path in ("/README.md", "/../demo/cast.py", "/%2e%2e/demo/cast.py", "/nothing"):
            async with session.get(path) as answer:
                assert answer.status == web.HTTPNotFound.status_code, path


def test_the_configuration_has_no_problem_at_all(tmp_path: Path) -> None:
    (tmp_path / "token").touch(mode=0o600)
    (tmp_path / "token").write_text("x" * 43 + "\n", encoding="utf-8")
    more = configuration(PLACES, tmp_path, draw_tokens())
    report = check_text(of_the_cast("", token_file="token", port=8420, more=more), base=tmp_path)
    assert (report.errors, report.warnings) == ((), ())
    assert all((tmp_path / f"{seat.id}.token").stat().st_mode & 0o077 == 0 for seat in SEATS)


def test_the_cast_and_the_audience_take_nothing_from_each_other(tmp_path: Path) -> None:
    said = tomllib.loads(configuration(PLACES, tmp_path, draw_tokens()))
    assert set(said["queues"]) == {QUEUE}
    assert {channel["queues"][0] for channel in said["channels"].values()} == {QUEUE}
    assert not set(said["agents"]) & {person.id for person in AGENTS}
    assert QUEUE not in {line.id for line in QUEUES}
    assert not any("skills" in agent for agent in said["agents"].values())


def test_tokens_are_drawn_for_each_performance_and_can_be_typed() -> None:
    one, other = draw_tokens(), draw_tokens()
    assert set(one) == {seat.id for seat in SEATS}
    assert not set(one.values()) & set(other.values())
    assert all(len(token) >= 16 and not set(token) & set("01il o") - set(seat) for seat, token in one.items())


def test_taken_ports_are_passed_over() -> None:
    with ExitStack() as stack:
        with suppress(OSError):  # whoever has it, it is taken
            stack.enter_context(socket.create_server((served.HOST, served.FIRST_PORT)))
        port, shop = served._ports()
        with shop:
            assert port != served.FIRST_PORT
            assert shop.getsockname()[1] == port + 1


def test_no_port_at_all_says_which(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(served, "PAIRS", 0)
    with pytest.raises(OSError, match="no two free ports next to each other from 8420"):
        served._ports()


def test_twice_looked_at_is_twice_held() -> None:
    good, bad = Check("a", held=True, counted="2 of 2"), Check("a", held=False, counted="1 of 2: not chat")
    assert both([good], [good]) == [good]
    assert both([bad], [good]) == both([good], [bad]) == [bad]
    assert [check.held for check in both([], [good])] == [False]


async def test_people_press_their_own_buttons(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody is made ready who has said that they are not."""
    sent: list[str] = []

    async def send(_method: str, path: str, _body: object) -> None:
        sent.append(path)

    monkeypatch.setattr("examples.demo.desk.RETURN_SECONDS", 0)
    async with Desk("token", lambda: "") as desk:
        monkeypatch.setattr(desk, "_send", send)
        await desk.sign_in(["anna", "ben"])
        away = [AgentNow(agent, agent, "not-ready", "rona", []) for agent in ("anna", MIA.id)]
        await desk.bring_back(Picture(away, [], [], frozenset()))
    assert sent == ["/v1/agents/anna/sign-in", "/v1/agents/ben/sign-in", "/v1/agents/anna/presence"]


@pytest.mark.parametrize(("width", "height"), [(80, 24), (110, 42)])
def test_the_picture_keeps_the_reminder_and_the_cast_only(width: int, height: int) -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, color_system=None, width=width, height=height)
    tokens = draw_tokens()
    people = {each.id: each.name for each in AGENTS} | {each.id: each.name for each in SEATS}
    picture = Picture(
        [AgentNow(agent, name, "ready", "", []) for agent, name in people.items()],
        [QueueNow(each, each, "best-fit", 0, 0, 0, 0.0) for each in (*(line.id for line in QUEUES), QUEUE)],
        [],
        frozenset(),
    )
    with Screen(console) as screen:
        screen.show("Asterisk", 12.0, picture, Seen())
        screen.invite(invitation(PLACES, tokens, "until Ctrl-C"), reminder(PLACES, tokens))
        screen.show("Asterisk", 12.0, picture, Seen())
    frame = file.getvalue().rpartition("\x1b[2K")[2].splitlines()
    assert len(frame) < height
    assert max(map(cell_len, frame)) <= width
    text = "\n".join(frame)
    assert all(line in text for line in reminder(PLACES, tokens))
    assert all(person.name in text for person in AGENTS)
    assert MIA.name not in text
    invited = invitation(PLACES, tokens, "until Ctrl-C")
    assert all(line in file.getvalue() for line in invited)
    assert max(map(cell_len, invited)) < 80, "a terminal breaks an address in two"
    assert "[dim]" not in file.getvalue(), "the picture is redrawn below what is printed"
