"""What all pages share, in a real browser: whose session it is, what is missing on the network, and the words."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.pages.centre import Centre, token_of
from tests.pages.conftest import Somebody
from tests.pages.screen import CONNECTED, Screen

if TYPE_CHECKING:
    from playwright.sync_api import Request, Route

SIGNED_OUT = "You were signed out. Sign in again."
WRONG = "This token is not known. Type it again, or ask whoever gave it to you."
NOT_CONNECTED = "No connection. Trying again …"


def test_whoever_signs_in_in_another_tab_leaves_nobody_elses_page_open(screen: Screen, centre: Centre) -> None:
    """All tabs have one cookie: what one person's page showed would be asked for in the name of the other."""
    other = Screen(screen.page.context.new_page(), centre).open()
    other.asks_for_the_token()
    screen.sign_in("anna", name="Anna Example")
    other.sign_in("boris")
    screen.warns(SIGNED_OUT)
    screen.asks_for_the_token()
    other.button("Ready").click()
    other.is_pressed("Ready")
    assert centre.presence("boris") == ("ready", "")
    other.button("Sign out").click()
    other.asks_for_the_token()


def test_a_page_finds_out_by_itself_that_the_cookie_is_another_persons(
    screen: Screen, somebody: Somebody, centre: Centre
) -> None:
    """As where the other page was closed before it could say so."""
    screen.sign_in("boris")
    other = Screen(somebody().new_page(), centre).open()
    other.sign_in("anna", name="Anna Example")
    (cookie,) = other.page.context.cookies()
    screen.page.context.add_cookies([{"name": cookie["name"], "value": cookie["value"], "url": centre.address}])
    screen.page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    screen.warns(SIGNED_OUT)
    screen.asks_for_the_token()
    other.check()


def test_a_page_in_use_asks_for_another_cookie_when_half_its_time_is_over(screen: Screen) -> None:
    """By the page's own timer, half an hour after it was signed in, and not before."""
    asked: list[str] = []
    page = screen.page

    def note(request: Request) -> None:
        if request.url.endswith("/v1/session"):
            asked.append(request.method)

    page.on("request", note)
    page.clock.install()
    screen.open().sign_in("anna", name="Anna Example")
    asked.clear()
    page.clock.fast_forward("29:00")
    screen.says(CONNECTED)
    assert asked == []
    with page.expect_response("**/v1/session") as found:
        page.clock.fast_forward("01:10")
    assert (found.value.request.method, found.value.status) == ("POST", 201)
    assert asked == ["POST"]


def test_a_page_of_an_older_release_begins_anew_with_whoever_signs_in(screen: Screen) -> None:
    screen.sign_in("anna", name="Anna Example")
    screen.button("Sign out").click()
    screen.asks_for_the_token()
    screen.page.evaluate("window.older = true")

    def upgraded(route: Route) -> None:
        if route.request.method != "POST":
            route.continue_()
            return
        answer = route.fetch()
        route.fulfill(response=answer, json={**answer.json(), "release": "another"})

    screen.page.route("**/v1/session", upgraded)
    with screen.page.expect_event("load"):
        screen.enter(token_of("anna"))
    assert screen.page.evaluate("window.older === undefined")
    screen.has_heading("Anna Example")
    screen.says(CONNECTED)


def test_who_signs_out_is_signed_out_though_the_engine_cannot_end_their_work(screen: Screen) -> None:
    """Whoever leaves a desk that others use leaves no session there; that the work goes on is said."""
    screen.sign_in("anna", name="Anna Example")
    screen.button("Ready").click()
    screen.is_pressed("Ready")

    def refused(route: Route) -> None:
        route.fulfill(status=503, content_type="application/problem+json", body='{"code": "journal-unavailable"}')

    screen.page.route("**/v1/agents/anna/sign-out", refused)
    with screen.page.expect_response("**/v1/agents/anna/sign-out"):
        screen.button("Sign out").click()
    screen.asks_for_the_token()
    assert screen.page.context.cookies() == []
    screen.page.unroute("**/v1/agents/anna/sign-out")
    screen.sign_in("anna", name="Anna Example")
    screen.button("Sign out").click()
    screen.asks_for_the_token()


def test_a_network_that_goes_is_missed_at_once(screen: Screen) -> None:
    screen.sign_in("anna", name="Anna Example")
    screen.page.context.set_offline(offline=True)
    screen.says(NOT_CONNECTED)
    screen.page.context.set_offline(offline=False)
    screen.says(CONNECTED)


def test_what_can_be_no_token_is_none(screen: Screen) -> None:
    """No header can have such letters; a browser says so by the same error as for a network that is gone."""
    for text in ("пароль-для-анны", "密码", "a token", "töken"):
        screen.enter(text)
        screen.warns(WRONG)
        screen.asks_for_the_token()


def test_without_its_words_a_page_speaks_another_language(screen: Screen) -> None:
    screen.page.route("**/desk/words.en.json", lambda route: route.fulfill(status=503, body="{}"))
    screen.open()
    screen.button("登录").wait_for()
    assert screen.page.evaluate("document.documentElement.lang") == "zh"


def test_of_two_languages_the_one_that_was_chosen_last_counts(screen: Screen) -> None:
    """However long the words of the other are on the way."""
    screen.asks_for_the_token()
    page = screen.page
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/desk/words.zh.json", hold)
    language = page.get_by_label("Language")
    language.select_option("zh")
    page.wait_for_timeout(0)
    with page.expect_response("**/desk/words.en.json"):
        language.select_option("en")
    with page.expect_response("**/desk/words.zh.json") as slow:
        held[0].continue_()
    slow.value.finished()
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")
    assert page.evaluate("[document.documentElement.lang, document.title]") == ["en", "Agent desk"]


def test_a_refusal_that_has_no_word_is_no_developers_sentence(screen: Screen) -> None:
    screen.sign_in("anna", name="Anna Example")
    refusal = {"code": "out-of-the-blue", "detail": "agent: GET /v1/agents lists those that there are."}
    screen.page.route("**/v1/agents/anna/sign-in", lambda route: route.fulfill(status=409, json=refusal))
    screen.button("Ready").click()
    screen.warns("This could not be done (out-of-the-blue).")
