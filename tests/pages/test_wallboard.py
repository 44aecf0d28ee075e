"""The supervisors' page in a real browser: what it shows, what can be done there, and what becomes of it in trouble."""

from __future__ import annotations

import json
import re
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.pages.board_screen import CALM, CONNECTED, BoardScreen, expect
from tests.pages.centre import PAYLOADS
from tests.pages.floor import Floor, opened, token_of
from tests.pages.screen import PATIENCE_MS

if TYPE_CHECKING:
    from playwright.sync_api import BrowserContext

SIGNED_OUT = "You were signed out. Sign in again."
AGE = re.compile(r"^\d+:\d\d$")


@pytest.fixture(scope="module")
def floor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Floor]:
    with opened(tmp_path_factory.mktemp("floor")) as found:
        yield found


@pytest.fixture
def board(somebody: Callable[[], BrowserContext], floor: Floor) -> Iterator[BoardScreen]:
    """The page, just opened, over an empty centre; in the end it has done nothing that it must not."""
    floor.empty()
    board = BoardScreen(somebody().new_page(), floor).open()
    yield board
    board.check()


# What it shows


def test_queues_agents_and_who_waits_are_shown_as_it_happens(board: BoardScreen, floor: Floor) -> None:
    board.sign_in()
    board.alarms(CALM)
    sales = board.row("queues", re.compile("^Sales"))
    board.cells(sales, "0", "–")
    floor.sign_in("anna")
    agent = board.row("agents", "Anna Example")
    board.cells(agent, "● Ready", AGE)
    floor.call("q1-talk", customer={"number": "13812345678", "name": "Li Ming"})
    board.cells(agent, "▶ At work", AGE, re.compile(r"^voice, Sales: ringing \d+:\d\d, L\*\* \S*138\*\*\*\*5678$"))
    floor.answer("q1-talk", "anna")
    board.cells(agent, "▶ At work", AGE, re.compile(r"^voice, Sales: talking \d+:\d\d, L\*\* \S*138\*\*\*\*5678$"))
    floor.call("q1-first")
    floor.call("q1-second", priority=5)
    board.cells(sales, "2", AGE)
    board.count("waiting", 2)
    first = board.page.locator("#waiting tbody tr").first
    expect(first.get_by_role("rowheader")).to_have_text("2", timeout=PATIENCE_MS)
    board.cells(first, "Sales", "voice", AGE, "0", "waiting")
    # Of the window: one answered in time; agents ready, at work, not ready.
    expect(sales.get_by_role("cell").nth(3)).to_have_text("100 %")
    expect(sales.get_by_role("cell").nth(8)).to_have_text("1")
    floor.must("PUT", "/v1/agents/anna/presence", {"presence": "not-ready", "reason": "lunch"})
    board.cells(agent, "▶ At work → Not ready")
    floor.must("POST", "/v1/interactions/q1-talk/end", {"by": "customer"})
    board.cells(agent, "◼ Not ready (lunch)")
    assert "138123" not in board.page.content()


def test_an_alarm_is_raised_and_cleared_in_words_in_events_and_for_prometheus(board: BoardScreen, floor: Floor) -> None:
    board.sign_in()
    for number in range(4):
        floor.call(f"al-{number}")
    board.alarms("⚠ Alarms now: 1")
    alarm = board.page.get_by_role("listitem")
    expect(alarm).to_have_text(re.compile(r"^⚠ Sales: \d waiting \(limit 3\), since \d\d:\d\d$"))
    expect(board.row("queues", re.compile("^Sales"))).to_contain_text("⚠")
    assert 'acd_alarm{alarm="waiting",domain="default",queue="sales"} 1.0' in metrics(floor)
    for number in range(4):
        floor.must("DELETE", f"/v1/interactions/al-{number}")
    board.alarms(CALM)
    expect(alarm).to_have_count(0)
    assert 'acd_alarm{alarm="waiting",domain="default",queue="sales"} 0.0' in metrics(floor)
    told = [
        (event["type"], event["data"]["alarm"])
        for event in floor.must("GET", "/v1/events?after=0&limit=500")["events"]
        if "alarm" in event["type"]
    ]
    assert told[-2:] == [("acd.alarm-raised", "waiting"), ("acd.alarm-cleared", "waiting")]


def test_the_day_is_drawn_and_said(board: BoardScreen, floor: Floor) -> None:
    floor.sign_in("anna")
    floor.call("day-1")
    floor.answer("day-1", "anna")
    floor.call("day-2")
    floor.must("POST", "/v1/interactions/day-2/end", {"by": "customer"})
    board.sign_in()
    said = board.page.locator("#plot-calls-words")
    expect(said).to_have_text(re.compile(r"^[1-9]\d* answered, [1-9]\d* abandoned\.$"), timeout=PATIENCE_MS)
    before = said.inner_text()
    assert board.page.locator("#plot-calls rect.good").count() > 0
    assert board.page.locator("#plot-calls rect.poor").count() > 0
    assert board.page.locator("#plot-level line.line").count() > 0
    expect(board.page.get_by_role("img", name=before)).to_be_visible()
    board.page.get_by_label("Queue", exact=True).select_option("support")
    expect(said).to_have_text("0 answered, 0 abandoned.", timeout=PATIENCE_MS)


# What can be done


def test_somebody_who_waits_is_moved_put_first_and_let_go(board: BoardScreen, floor: Floor) -> None:
    floor.call("do-1")
    floor.call("do-2")
    board.sign_in()
    board.count("waiting", 2)
    row = board.page.locator("#waiting tbody tr").nth(1)
    dialog = board.act(row)
    dialog.get_by_label("Priority").fill("7")
    board.button("Change priority").click()
    board.confirm("Give priority 7 to Place 2 in Sales?")
    board.done()
    assert floor.interaction("do-2")["priority"] == 7
    expect(row.get_by_role("rowheader")).to_have_text("1", timeout=PATIENCE_MS)
    dialog = board.act(row)
    dialog.get_by_label("Other queue").select_option("support")
    board.button("Move").click()
    board.confirm("Move Place 1 in Sales to Support?")
    board.done()
    assert floor.interaction("do-2")["queue"] == "support"
    last = board.page.locator("#waiting tbody tr").first
    expect(last.get_by_role("rowheader")).to_have_text("1", timeout=PATIENCE_MS)
    board.act(last)
    board.button("Let go").click()
    board.button("No, back").click()
    assert floor.interaction("do-1")["state"] == "queued"
    board.button("Let go").click()
    board.confirm("Let go Place 1 in Sales? They wait no more: a chat ends, and a call goes on in the dialplan.")
    board.done()
    board.count("waiting", 1)
    assert floor.interaction("do-1")["state"] == "cancelled"


def test_a_press_is_not_lost_when_somebody_before_goes(board: BoardScreen, floor: Floor) -> None:
    for name in ("press-1", "press-2"):
        floor.call(name)
    board.sign_in()
    board.count("waiting", 2)
    board.page.locator("#waiting tbody tr").nth(1).get_by_role("button").hover()
    board.page.mouse.down()
    floor.must("POST", "/v1/interactions/press-1/end", {"by": "customer"})
    board.count("waiting", 1)
    # Their row has moved up from under the hand: the browser asks where both ends of the press were.
    board.page.locator("#waiting tbody tr").get_by_role("button").hover()
    board.page.mouse.up()
    expect(board.page.locator("#dialog-about")).to_have_text("press-2", timeout=PATIENCE_MS)
    board.button("Close").click()


def test_presence_is_forced_and_a_conversation_ended(board: BoardScreen, floor: Floor) -> None:
    floor.sign_in("anna")
    board.sign_in()
    row = board.row("agents", "Anna Example")
    dialog = board.act(row)
    dialog.get_by_label("Reason").select_option("training")
    board.button("Make not ready").click()
    board.confirm("Make Anna Example not ready (training)?")
    board.done()
    assert floor.presence("anna") == ("not-ready", "training")
    board.cells(row, "◼ Not ready (training)")
    board.act(row)
    board.button("Make ready").click()
    board.confirm("Make Anna Example ready?")
    board.done()
    floor.call("end-1")
    floor.answer("end-1", "anna")
    board.cells(row, "▶ At work")
    expect(row).to_contain_text("talking", timeout=PATIENCE_MS)
    board.act(row)
    board.button("End the conversation").click()
    board.confirm("End the conversation of Anna Example? The customer is disconnected.")
    board.done()
    assert floor.interaction("end-1")["state"] == "completed"


def test_what_is_refused_is_said_in_words(board: BoardScreen, floor: Floor) -> None:
    floor.sign_in("anna")
    floor.call("no-1")
    floor.answer("no-1", "anna")
    board.sign_in()
    row = board.row("agents", "Anna Example")
    expect(row).to_contain_text("talking", timeout=PATIENCE_MS)
    for mode in ("Listen in", "Whisper to the agent", "Join in"):
        dialog = board.act(row)
        dialog.get_by_label("Your own agent id").fill("")
        board.button(mode).click()
        expect(board.page.locator("#said")).to_have_text("Write your own agent id first: its telephone is to ring.")
        dialog.get_by_label("Your own agent id").fill("boris")
        board.button(mode).click()
        board.button("Yes, do it").click()
        board.refused("Nobody can listen on this channel.")
    # It has ended between the choice and the deed.
    board.act(row)
    board.button("End the conversation").click()
    floor.must("POST", "/v1/interactions/no-1/end", {"by": "customer"})
    board.button("Yes, do it").click()
    expect(board.page.locator("#said")).to_have_text(
        re.compile("It has ended meanwhile|is over|not there"), timeout=PATIENCE_MS
    )
    board.button("Close").click()


def test_who_is_an_agent_too_supervises_by_their_own_telephone(board: BoardScreen, floor: Floor) -> None:
    """Nobody writes down who they are; what becomes of it on a PBX: test_wallboard_on_a_pbx.py."""
    board.sign_in("anna-boss")
    floor.sign_in("boris")
    floor.call("s1-talk", "support")
    floor.answer("s1-talk", "boris")
    row = board.row("agents", "boris")
    expect(row).to_contain_text("talking", timeout=PATIENCE_MS)
    board.act(row)
    expect(board.page.get_by_label("Your own agent id")).to_be_hidden()
    board.button("Listen in").click()
    with board.page.expect_request("**/v1/interactions/s1-talk/supervision/**") as asked:
        board.button("Yes, do it").click()
    assert asked.value.url.endswith("/supervision/anna")
    board.refused("Nobody can listen on this channel.")


def test_it_works_without_a_mouse(board: BoardScreen, floor: Floor) -> None:
    floor.call("key-1")
    page = board.page
    page.get_by_label("Your token").focus()
    page.keyboard.type(token_of("boss"))
    page.keyboard.press("Enter")
    board.says(CONNECTED)
    expect(page.get_by_role("heading", name="Alarms")).to_be_focused()
    board.count("waiting", 1)
    act = page.locator("#waiting tbody button")
    for _ in range(20):
        page.keyboard.press("Tab")
        if act.evaluate("element => element === document.activeElement"):
            break
    expect(act).to_be_focused()
    # Rows that come and go leave the focus where it is.
    floor.call("key-2", priority=9)
    board.count("waiting", 2)
    expect(act.first).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_be_visible()
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(act.first).to_be_focused()


def test_every_control_has_a_name_and_every_text_is_there_in_chinese(board: BoardScreen, floor: Floor) -> None:
    floor.call("zh-1")
    floor.sign_in("anna")
    board.sign_in()
    board.count("waiting", 1)
    page = board.page
    page.get_by_label("Language").select_option("zh")
    expect(page.get_by_role("heading", level=1)).to_have_text("监控看板")
    board.alarms("✔ 没有告警")
    texts = [each for each in page.locator("#board").inner_text().split("\n") if re.search("[A-Za-z]", each)]
    names = "Anna Example|Sales|Support|boris"
    assert [each for each in texts if not re.search(names, each)] == []
    for control in page.locator("button:visible, select:visible, input:visible").all():
        assert control.evaluate("e => (e.ariaLabel || e.textContent || e.labels?.[0]?.textContent || '').trim()") != ""
    page.get_by_label("语言").select_option("en")


# Who may see what


def test_a_supervisor_of_one_queue_sees_and_moves_only_its_own(board: BoardScreen, floor: Floor) -> None:
    floor.call("scope-1")
    floor.call("scope-2", queue="support")
    floor.sign_in("anna", "boris")
    board.sign_in("sales-boss")
    board.count("queues", 1)
    expect(board.row("agents", "Anna Example")).to_be_visible(timeout=PATIENCE_MS)
    board.count("agents", 1)
    assert "scope-2" not in board.page.content()
    assert "Support" not in board.page.locator("#board").inner_text()
    # What the page does not offer, the server does not do either.
    status = """async ([path, body]) => (await fetch(path, {method: "POST", body: JSON.stringify(body),
                headers: {"Content-Type": "application/json"}})).status"""
    assert board.page.evaluate(status, ["/v1/interactions/scope-2/move", {"queue": "sales"}]) == 404
    assert board.page.evaluate(status, ["/v1/interactions/scope-1/move", {"queue": "support"}]) == 403
    assert board.page.evaluate(status, ["/v1/agents/boris/sign-out", {}]) == 404


def test_a_token_of_an_agent_says_so_and_signs_nobody_in(board: BoardScreen) -> None:
    board.enter(token_of("anna"))
    board.warns("This token is no supervisor's, and this page is for supervisors.")
    board.asks_for_the_token()
    assert board.page.context.cookies() == []
    board.enter("a-token-that-nobody-has")
    board.warns("This token is not known. Type it again, or ask whoever gave it to you.")


# When something goes wrong


def test_two_tabs_show_the_same_and_sign_out_together(board: BoardScreen, floor: Floor) -> None:
    board.sign_in()
    other = BoardScreen(board.page.context.new_page(), floor).open()
    other.says(CONNECTED)
    floor.call("tab-1")
    for each in (board, other):
        each.count("waiting", 1)
    board.page.reload()
    board.count("waiting", 1)
    board.button("Sign out").click()
    board.asks_for_the_token()
    other.warns(SIGNED_OUT)
    other.asks_for_the_token()
    assert other.page.locator("#board").is_hidden()
    other.count("waiting", 0)
    other.check()


def test_a_restart_in_the_middle_keeps_the_day_and_the_alarm(board: BoardScreen, tmp_path: Path) -> None:
    with opened(tmp_path) as floor:
        board.floor = floor
        board.open().sign_in()
        floor.sign_in("anna")
        for number in range(5):
            floor.call(f"re-{number}")
        floor.answer("re-0", "anna")
        board.alarms("⚠ Alarms now: 1")
        floor.served.kill()
        board.says("No connection: this is how it was. Trying again …")
        floor.begin_anew()
        board.warns(SIGNED_OUT)
        board.sign_in()
        board.alarms("⚠ Alarms now: 1")
        board.count("waiting", 4)
        said = board.page.locator("#plot-calls-words")
        expect(said).to_have_text("1 answered, 0 abandoned.", timeout=PATIENCE_MS)
        raised = [
            event["type"]
            for event in floor.must("GET", "/v1/events?after=0&limit=500")["events"]
            if "alarm" in event["type"]
        ]
        assert raised == ["acd.alarm-raised"], "once, over the restart"


def test_a_lost_network_is_said_and_made_good(board: BoardScreen, floor: Floor) -> None:
    board.sign_in()
    context = board.page.context
    context.set_offline(True)
    board.page.evaluate("window.dispatchEvent(new Event('offline'))")
    floor.call("net-1")
    context.set_offline(False)
    board.count("waiting", 1)
    board.says(CONNECTED)


# What comes from others is text, and however much there is, the page stays small


def test_names_titles_and_reasons_are_shown_as_they_are(board: BoardScreen, tmp_path: Path) -> None:
    odd = ["".join(each for each in payload if each.isprintable()) for payload in PAYLOADS]
    people = "".join(_odd(number, text) for number, text in enumerate(odd))
    with opened(tmp_path, people + "[agents.anna]\n[queues.sales]\n") as floor:
        board.floor = floor
        floor.sign_in(*(f"a{number}" for number in range(len(odd))))
        for number, payload in enumerate(PAYLOADS):
            floor.must("PUT", f"/v1/agents/a{number}/presence", {"presence": "not-ready", "reason": payload})
        board.open().sign_in()
        board.count("agents", len(odd))
        for table in ("agents", "queues"):
            shown = board.page.locator(f"#{table} tbody th").all_text_contents()
            assert sorted(set(shown) - {"sales", "anna"}) == sorted(odd)
        states = " ".join(board.page.locator("#agents tbody tr").all_text_contents())
        assert all(f"({payload})" in states for payload in PAYLOADS)
        assert board.page.locator("tbody :is(script, img, svg, iframe, a, style, math, form)").count() == 0


def _odd(number: int, text: str) -> str:
    return f"[agents.a{number}]\nname = {json.dumps(text)}\n[queues.q{number}]\ntitle = {json.dumps(text)}\n"


def test_five_hundred_agents_and_a_thousand_in_line_are_counted_and_the_first_are_shown(
    board: BoardScreen, tmp_path: Path
) -> None:
    people = "".join(f"[agents.a{number}]\nqueues = ['q0']\n" for number in range(500))
    people += "[agents.anna]\n[queues.sales]\n"
    people += "".join(
        f"[queues.q{number}]\nrequirement = '\"never\" in labels'\nmax_waiting = 2000\n" for number in range(50)
    )
    with opened(tmp_path, people) as floor:
        board.floor = floor
        for begin in range(0, 1_000, 100):
            rows = [
                {"id": f"many-{number}", "queue": f"q{number % 50}", "channel": "voice"}
                for number in range(begin, begin + 100)
            ]
            floor.must("POST", "/v1/interactions/batch", {"interactions": rows})
        for number in range(500):
            floor.must("POST", f"/v1/agents/a{number}/sign-in", {"ready": True})
        board.open().sign_in()
        board.count("queues", 51)
        board.count("waiting", 100)
        board.count("agents", 100)
        expect(board.page.locator("#waiting-more")).to_have_text(
            "1000 in line, longest wait first. The first 100 of 1000 are shown."
        )
        expect(board.page.locator("#agents-more")).to_contain_text("The first 100 of 500 are shown")
        assert board.page.evaluate("document.querySelectorAll('*').length") < 4_000
        board.page.get_by_label("Queue", exact=True).select_option("q7")
        board.count("waiting", 20)


def metrics(floor: Floor) -> str:
    with urllib.request.urlopen(f"{floor.address}/metrics", timeout=10) as response:  # noqa: S310 - our own address
        found: bytes = response.read()
        return found.decode()
