"""Pictures and files at the agents' desk, in a real browser, before a customer who sends some, too."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.pages.centre import Centre
from tests.pages.checker import Checker
from tests.pages.pane import Pane, expect
from tests.pages.screen import PATIENCE_MS, Screen
from tests.pages.test_widget_files_sent import BIG, DRAWN, GIVEN, RED, TEXT, file
from tests.pages.writing import Customer, answered, asked, writing_centre
from tests.runtime.chat.pictures import SECRET, exif, png, segment

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Locator, Route

FILES = re.compile(r"/conversations/[^/]+/files\?")


@pytest.fixture(scope="module")
def centre(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Centre]:
    with writing_centre(tmp_path_factory.mktemp("writing")) as found:
        for agent in ("anna", "boris"):
            asked(found, "POST", f"/v1/agents/{agent}/sign-in", {"ready": False, "reason": "lunch"})
        yield found


@pytest.fixture
def customer(centre: Centre) -> Iterator[Customer]:
    found = Customer(centre)
    found.connect()
    yield found
    found.tell("leave")
    found.close()


@pytest.fixture
def pane(screen: Screen, centre: Centre, customer: Customer) -> Pane:
    """Of a conversation that anna has accepted, before her."""
    screen.sign_in("anna", name="Anna Example")
    found = Pane(screen, answered(centre, customer))
    expect(found.field).to_be_visible(timeout=PATIENCE_MS)
    return found


def choose(pane: Pane, *files: FilePayload) -> None:
    with pane.page.expect_file_chooser() as chooser:
        pane.button("Picture or file").click()
    chooser.value.set_files(list(files))


def drawn(pane: Pane, media: str, width: int = 40, height: int = 20) -> bytes:
    return bytes(pane.page.evaluate(DRAWN, [media, width, height]))


def shown(pane: Pane, name: str) -> list[Any]:
    picture = pane.element.get_by_alt_text(f"Picture: {name}", exact=True)
    picture.scroll_into_view_if_needed()
    expect(picture).to_be_visible(timeout=PATIENCE_MS)
    return list(picture.evaluate(RED))


def links(pane: Pane) -> Locator:
    return pane.element.locator(".entries a.file")


def heard(customer: Customer, count: int) -> list[dict[str, Any]]:
    """So much has been said; all of it."""
    while len(said := [each for each in customer.log.shown if each["kind"] in ("message", "file")]) < count:
        customer.hear()
    return [dict(each) for each in said]


def test_pictures_and_files_go_both_ways(pane: Pane, customer: Customer) -> None:
    photo = drawn(pane, "image/jpeg", 64, 32)
    photo = photo[:2] + segment(0xE1, exif(6)) + photo[2:]
    seq = customer.send_file(photo, "IMG_1.JPG", "f-1")["seq"]
    assert shown(pane, "IMG_1.jpg") == [32, 64, True]
    customer.send_file(b"%PDF-1.7\n", "账单.pdf", "f-2")
    expect(links(pane)).to_have_text(["IMG_1.jpg (1 kB)", "账单.pdf (1 kB)"], timeout=PATIENCE_MS)
    with pane.page.expect_download() as download:
        links(pane).last.click()
    assert download.value.suggested_filename == "账单.pdf"
    assert Path(download.value.path()).read_bytes() == b"%PDF-1.7\n"
    picture = drawn(pane, "image/png")
    choose(pane, file("shoe.png", picture, "image/png"), file("note.txt", b"Good day"))
    first, second = heard(customer, 4)[2:]
    assert (first["kind"], first["side"], first["text"], first["file"]["width"]) == ("file", "agent", "shoe.png", 40)
    assert customer.file(first["seq"]) == picture
    assert customer.file(second["seq"]) == b"Good day"
    assert shown(pane, "shoe.png") == [40, 20, True]
    expect(pane.field).to_be_focused()
    pane.stands("note.txt (1 kB)", "Sent")
    customer.tell("mark", read=customer.log.after)
    pane.stands("note.txt (1 kB)", "Read")
    checker = Checker(pane.page)
    checker.look("pictures and files of both sides")
    checker.check()
    assert SECRET in photo
    assert SECRET not in customer.file(seq)


def test_files_are_dropped_and_pasted(pane: Pane, customer: Customer) -> None:
    picture = list(drawn(pane, "image/png"))
    pane.element.evaluate(GIVEN, ["drop", [["a.txt", TEXT, [65]], ["b.txt", TEXT, [66]]]])
    pane.field.evaluate(GIVEN, ["paste", [["image.png", "image/png", picture]]])
    assert [each["text"] for each in heard(customer, 3)] == ["a.txt", "b.txt", "image.png"]


def test_what_is_written_behind_a_file_comes_behind_it_and_nothing_twice(pane: Pane, customer: Customer) -> None:
    """The first answer is lost, the second attempt is cut off on the way."""
    tries: list[int] = []

    def disturb(route: Route) -> None:
        tries.append(1)
        if len(tries) == 1:
            route.fetch()
        if len(tries) <= 2:
            route.abort()
        else:
            route.continue_()

    pane.page.route(FILES, disturb)
    pane.write("before")
    choose(pane, file("big.txt", BIG))
    pane.write("behind")
    choose(pane, file("small.txt", b"x"))
    pane.write("at last")
    pane.waits_for(0)
    texts = [each["text"] for each in heard(customer, 5)]
    assert texts == ["before", "big.txt", "behind", "small.txt", "at last"]
    assert customer.file(next(each["seq"] for each in heard(customer, 5) if each["text"] == "big.txt")) == BIG
    assert len(tries) >= 3
    # A file's line has its name in another place than a message its text.
    expect(pane.element.locator(".entries .own")).to_have_count(5, timeout=PATIENCE_MS)
    pane.page.unroute(FILES)


def test_a_file_can_be_given_up_and_the_rest_goes_on(pane: Pane, customer: Customer) -> None:
    pane.page.route(FILES, lambda _: None)  # it hangs
    choose(pane, file("big.txt", BIG))
    pane.write("behind")
    pane.waits_for(2)
    pane.button("Do not send big.txt").click()
    assert [each["text"] for each in heard(customer, 1)] == ["behind"]
    pane.waits_for(0)
    pane.page.unroute(FILES)


def test_what_is_refused_is_said_and_holds_up_nothing(pane: Pane, customer: Customer) -> None:
    choose(pane, file("tool.txt", b"MZ\x90\0\x03\0" * 20), file("broken.png", png()[:40], "image/png"))
    pane.write("behind")
    assert [each["text"] for each in heard(customer, 1)] == ["behind"]
    waiting = pane.element.locator(".waiting .standing")
    expect(waiting).to_have_count(2, timeout=PATIENCE_MS)
    expect(waiting.first).to_contain_text("Files of this kind cannot be sent.")
    expect(waiting.last).to_contain_text("This picture is damaged.")
    choose(pane, file("enormous.txt", bytes(8_000_001)))
    pane.says("A file is too large, or empty, and was not sent.")
    for name in ("tool.txt", "broken.png"):
        pane.button(f"Do not send {name}").click()
    pane.waits_for(0)


def test_nothing_hostile_is_shown_as_anything_but_its_name(pane: Pane, customer: Customer, screen: Screen) -> None:
    hostile = {
        "page.html": b"<!doctype html><script>alert(1)</script>",
        "x.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "<img src=x onerror=alert(1)>.png": png(60_000, 60_000),
        "gpj.\u202eexe.txt": b"x",
    }
    for number, (name, data) in enumerate(hostile.items()):
        customer.send_file(data, name, f"f-{number}")
    names = [
        "page.html.txt (1 kB)",
        "x.svg.txt (1 kB)",
        "_img src=x onerror=alert(1)_.png (1 kB)",
        "gpj.exe.txt (1 kB)",
    ]
    expect(links(pane)).to_have_text(names, timeout=PATIENCE_MS)
    assert pane.element.locator("img").count() == 0
    # Opened as an address of its own it is saved, and no page.
    with pane.page.expect_download() as download:
        links(pane).first.evaluate("(link) => { link.removeAttribute('download'); link.click(); }")
    assert download.value.suggested_filename == "page.html.txt"
    screen.check()


def test_an_agent_whose_conversation_it_is_not_does_not_get_it(pane: Pane, customer: Customer) -> None:
    """With the same browser, and the same address but for the agent."""
    seq = customer.send_file(b"secret", "a.txt", "f-1")["seq"]
    ask = "async (path) => { const answer = await fetch(path); return [answer.status, await answer.text()]; }"
    path = f"/v1/agents/anna/conversations/{pane.conversation}/files/{seq}"
    assert pane.page.evaluate(ask, path) == [200, "secret"]
    status, text = pane.page.evaluate(ask, path.replace("anna", "boris"))
    assert status == 404
    assert "secret" not in text


def test_a_reload_loses_a_file_that_waits_but_no_message(pane: Pane, customer: Customer, screen: Screen) -> None:
    pane.page.route(FILES, lambda route: route.abort())
    choose(pane, file("big.txt", BIG))
    pane.write("behind")
    pane.waits_for(2)
    pane.page.unroute(FILES)
    conversation = pane.conversation
    pane.page.reload()
    again = Pane(screen, conversation)
    assert [each["text"] for each in heard(customer, 1)] == ["behind"]
    again.waits_for(0)
