"""The agents' page in a real browser: signing in and out, presence both ways, without a mouse, in two languages."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import pytest

from tests.pages.centre import PAYLOADS, Centre, begun, token_of
from tests.pages.screen import CONNECTED, Screen
from tests.served import TOKEN, write_secret

READY = re.compile(r"^Ready since \d\d:\d\d$")
LUNCH = re.compile(r"^Not ready \(lunch\) since \d\d:\d\d$")
AWAY = re.compile(r"^Not at work since \d\d:\d\d$")
SIGNED_OUT = "You were signed out. Sign in again."


def test_presence_goes_both_ways(screen: Screen, centre: Centre) -> None:
    screen.sign_in("anna", name="Anna Example").stands(AWAY)
    screen.is_pressed("End of work")
    screen.button("Ready").click()
    screen.stands(READY)
    screen.is_pressed("Ready")
    assert centre.presence("anna") == ("ready", "")
    screen.reason.select_option("training")
    screen.button("Not ready").click()
    screen.stands(re.compile(r"^Not ready \(training\) since"))
    assert centre.presence("anna") == ("not-ready", "training")
    # Whoever else changes it: nobody has to touch the page.
    assert tell(centre, "anna", {"presence": "ready"}) == 200
    screen.stands(READY)
    assert tell(centre, "anna", {"presence": "not-ready", "reason": "lunch"}) == 200
    screen.stands(LUNCH)
    screen.is_pressed("Not ready")
    screen.button("End of work").click()
    screen.stands(AWAY)
    assert centre.presence("anna")[0] == "signed-out"


def test_work_begins_with_a_reason_too(screen: Screen, centre: Centre) -> None:
    screen.sign_in("boris")
    screen.reason.select_option("own-code")
    screen.button("Not ready").click()
    screen.stands(re.compile(r"^Not ready \(own-code\) since"))
    assert centre.presence("boris") == ("not-ready", "own-code")
    screen.button("Sign out").click()
    screen.asks_for_the_token()
    assert centre.presence("boris")[0] == "signed-out"


def test_what_is_kept_in_the_browser_is_a_cookie_that_no_script_reads(screen: Screen) -> None:
    screen.sign_in("anna", name="Anna Example")
    kept = screen.page.evaluate(
        "[document.cookie, Object.keys(localStorage).length, Object.keys(sessionStorage).length]"
    )
    assert kept == ["", 0, 0]
    (cookie,) = screen.page.context.cookies()
    assert (cookie["name"], cookie["httpOnly"], cookie["sameSite"]) == ("acd-session", True, "Strict")
    assert token_of("anna") not in screen.page.content()
    assert screen.page.locator("#token").input_value() == ""


def test_a_wrong_token_says_so(screen: Screen) -> None:
    screen.asks_for_the_token()
    screen.enter("a-token-that-nobody-has")
    screen.warns("This token is not known. Type it again, or ask whoever gave it to you.")
    screen.asks_for_the_token()
    assert screen.cookies() == []
    screen.sign_in("boris")
    screen.warns("")


def test_a_token_of_no_agent_says_so_and_signs_nobody_in(screen: Screen) -> None:
    screen.enter(TOKEN)
    screen.warns("This token belongs to no agent, and this page is for agents.")
    screen.asks_for_the_token()
    assert screen.cookies() == []


def test_a_reload_keeps_whoever_is_signed_in(screen: Screen) -> None:
    screen.sign_in("anna", name="Anna Example")
    screen.button("Ready").click()
    screen.stands(READY)
    screen.page.reload()
    screen.has_heading("Anna Example")
    screen.stands(READY)
    screen.says(CONNECTED)


def test_every_tab_shows_the_same_and_signs_out_with_the_others(screen: Screen, centre: Centre) -> None:
    screen.sign_in("boris")
    other = Screen(screen.page.context.new_page(), centre).open()
    other.has_heading("boris")
    other.says(CONNECTED)
    other.button("Ready").click()
    screen.stands(READY)
    screen.button("Sign out").click()
    screen.asks_for_the_token()
    other.warns(SIGNED_OUT)
    other.asks_for_the_token()
    other.page.reload()
    other.asks_for_the_token()
    assert centre.presence("boris")[0] == "signed-out"
    other.check()


def test_everything_can_be_done_without_a_mouse(screen: Screen, centre: Centre) -> None:
    press = screen.page.keyboard.press
    screen.asks_for_the_token()
    screen.page.keyboard.type(token_of("boris"))
    press("Enter")
    screen.has_heading("boris")
    screen.says(CONNECTED)
    press("Tab")
    screen.is_focused(screen.button("Ready"))
    press("Space")
    screen.stands(READY)
    screen.is_focused(screen.button("Ready"))
    press("Tab")
    screen.is_focused(screen.reason)
    press("ArrowDown")
    press("Tab")
    press("Enter")
    screen.stands(re.compile(r"^Not ready \(training\)"))
    press("Tab")
    press("Tab")
    screen.is_focused(screen.button("Sign out"))
    press("Enter")
    screen.asks_for_the_token()
    assert centre.presence("boris")[0] == "signed-out"


@pytest.mark.parametrize("signed_in", [False, True], ids=["stranger", "agent"])
def test_whoever_does_not_see_the_page_is_told_what_is_there(screen: Screen, *, signed_in: bool) -> None:
    """By the accessibility tree that Chromium gives to screen readers."""
    if signed_in:
        screen.sign_in("anna", name="Anna Example")
    else:
        screen.asks_for_the_token()
    tree = screen.page.context.new_cdp_session(screen.page).send("Accessibility.getFullAXTree")["nodes"]
    found = [
        (node["role"]["value"], node.get("name", {}).get("value", ""))
        for node in tree
        if not node.get("ignored", False)
    ]
    controls = {"button", "textbox", "combobox", "link", "checkbox"}
    named = {name for role, name in found if role in controls}
    assert "" not in named
    assert named == {"Language"} | (
        {"Ready", "Reason for not being ready", "Not ready", "End of work", "Sign out", "Sound", "Notifications"}
        if signed_in
        else {"Your token", "Sign in"}
    )
    assert ("heading", "Agent desk") in found
    assert [name for role, name in found if role == "main"] == [""]
    if signed_in:
        assert ("region", "Anna Example") in found
        assert ("group", "Presence") in found
    else:
        assert ("form", "Sign in") in found


def test_the_page_speaks_chinese_and_remembers_it(screen: Screen) -> None:
    screen.sign_in("张伟")
    screen.page.get_by_label("Language").select_option("zh")
    screen.button("就绪").click()
    screen.stands(re.compile(r"^就绪，自 \d\d:\d\d 起$"))
    assert screen.page.evaluate("document.documentElement.lang") == "zh"
    assert screen.page.title() == "座席工作台"
    assert screen.page.get_by_role("option", name="午餐").count() == 1
    screen.page.reload()
    screen.has_heading("张伟")
    screen.stands(re.compile(r"^就绪，自"))
    left = [each for each in screen.page.locator("[data-word]").all_inner_texts() if re.search("[A-Za-z]", each)]
    assert left == []


# What comes from others is text


def test_names_are_shown_as_they_are(screen: Screen) -> None:
    for number, payload in enumerate(PAYLOADS):
        screen.sign_in(f"odd-{number}", name="".join(each for each in payload if each.isprintable()))
        assert screen.page.locator("#who").evaluate("element => element.childElementCount") == 0
        screen.button("Sign out").click()
        screen.asks_for_the_token()


def test_a_reason_is_shown_as_it_is(screen: Screen, centre: Centre) -> None:
    screen.sign_in("boris")
    screen.button("Ready").click()
    for payload in PAYLOADS:
        assert tell(centre, "boris", {"presence": "not-ready", "reason": payload}) == 200
        screen.stands(re.compile(rf"^Not ready \({re.escape(payload)}\) since"))
    assert screen.page.locator("#state").evaluate("element => element.childElementCount") == 0
    screen.button("End of work").click()
    screen.stands(AWAY)


def test_the_policy_would_stop_what_got_through(screen: Screen) -> None:
    """Markup made of a text, an inline script, one from elsewhere: none of it, and the tests would notice."""
    page = screen.page
    failed = page.evaluate(
        "(() => { try { document.body.innerHTML = '<b>x</b>' } catch (error) { return error.name } })()"
    )
    assert failed == "TypeError"
    page.evaluate(
        """() => {
          const image = document.createElement("img");
          image.src = "https://evil.example/x.png";
          document.body.append(image);
          const button = document.createElement("button");
          document.body.append(button);
          try { button.setAttribute("onclick", "window.bad = 1") } catch {}
          button.click();
        }"""
    )
    page.wait_for_function("window.violations.some((each) => each.startsWith('img-src'))")
    assert page.evaluate("[window.bad === undefined, window.violations.length > 1]") == [True, True]
    page.evaluate("window.violations = []")


# When the other end goes


def test_a_token_that_is_taken_away_signs_out_at_once(screen: Screen, centre: Centre) -> None:
    screen.sign_in("boris")
    try:
        write_secret(centre.folder, "boris.token", "another-token-of-boris")
        centre.served.process.send_signal(signal.SIGHUP)
        screen.warns(SIGNED_OUT)
        screen.asks_for_the_token()
        screen.enter(token_of("boris"))
        screen.warns("This token is not known. Type it again, or ask whoever gave it to you.")
    finally:
        write_secret(centre.folder, "boris.token", token_of("boris"))
        assert centre.ask("POST", "/v1/tokens/reload")[0] == 200


def test_a_server_that_is_killed_is_missed_and_found_again(screen: Screen, tmp_path: Path) -> None:
    with begun(tmp_path) as centre:
        screen.centre = centre
        screen.open().sign_in("anna", name="Anna Example")
        screen.button("Ready").click()
        screen.stands(READY)
        centre.served.kill()
        screen.says("No connection. Trying again …")
        centre.begin_anew()
        screen.warns(SIGNED_OUT)
        screen.sign_in("anna", name="Anna Example").stands(READY)


def tell(centre: Centre, agent: str, body: dict[str, str]) -> int:
    """As a supervisor would."""
    return centre.put(f"/v1/agents/{agent}/presence", body)
