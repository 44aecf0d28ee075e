"""Pictures and files in the chat window, in a real browser: chosen, dropped, pasted, cut off, refused, and shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Final

import pytest

from tests.pages.conftest import Somebody
from tests.pages.screen import PATIENCE_MS
from tests.pages.shop import Agent, Shop, Window, expect, opened
from tests.pages.wire import Wire, wired
from tests.runtime.chat.pictures import SECRET, exif, png, segment

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Locator

BIG: Final = b"0123456789abcde\n" * 440_000
TEXT: Final = "text/plain"

DRAWN: Final = """async ([type, width, height]) => {
  const canvas = new OffscreenCanvas(width, height), context = canvas.getContext("2d");
  context.fillStyle = "red";
  context.fillRect(0, 0, width / 2, height);
  const blob = await canvas.convertToBlob({ type });
  return [...new Uint8Array(await blob.arrayBuffer())];
}"""

GIVEN: Final = """(panel, [kind, files]) => {
  const data = new DataTransfer();
  for (const [name, type, bytes] of files) data.items.add(new File([new Uint8Array(bytes)], name, { type }));
  const options = { bubbles: true, cancelable: true, composed: true };
  if (kind === "paste") return panel.dispatchEvent(new ClipboardEvent("paste", { ...options, clipboardData: data }));
  for (const each of ["dragover", "drop"]) panel.dispatchEvent(new DragEvent(each, { ...options, dataTransfer: data }));
}"""

RED: Final = """async (image) => {
  await image.decode();
  const canvas = new OffscreenCanvas(image.naturalWidth, image.naturalHeight), context = canvas.getContext("2d");
  context.drawImage(image, 0, 0);
  const [red, green, blue] = context.getImageData(1, 1, 1, 1).data;
  return [image.naturalWidth, image.naturalHeight, red > 200 && green < 60 && blue < 60];
}"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    with opened(tmp_path_factory.mktemp("shop")) as found:
        yield found


@pytest.fixture
def anna(shop: Shop) -> Iterator[Agent]:
    agent = Agent(shop.centre).sign_in()
    yield agent
    agent.sign_out()


@pytest.fixture
def window(somebody: Somebody, shop: Shop) -> Iterator[Window]:
    window = Window(somebody().new_page(), shop).visit()
    yield window
    window.check()


@pytest.fixture
def wire(shop: Shop) -> Iterator[Wire]:
    with wired(shop.centre.address) as found:
        shop.address = found.address
        yield found
        shop.address = ""


def begun(window: Window, agent: Agent) -> str:
    window.open().writes("Hello")
    conversation = agent.accepts()
    window.stands("You are talking with: Anna W.")
    return conversation


def file(name: str, data: bytes, media: str = TEXT) -> FilePayload:
    return {"name": name, "mimeType": media, "buffer": data}


def choose(window: Window, *files: FilePayload) -> None:
    with window.page.expect_file_chooser() as chooser:
        window.button("Send a picture or a file").click()
    chooser.value.set_files(list(files))


def drawn(window: Window, media: str, width: int = 40, height: int = 20) -> bytes:
    """A picture as the browser makes it, the left half of which is red."""
    return bytes(window.page.evaluate(DRAWN, [media, width, height]))


def lines(window: Window) -> Locator:
    """Of both sides, messages and files."""
    return window.dialog.locator(".message")


def saved(window: Window, name: str) -> tuple[str, bytes]:
    with window.page.expect_download() as download:
        window.button(f"Save the file {name}").click()
    return download.value.suggested_filename, Path(download.value.path()).read_bytes()


def shown(window: Window, name: str) -> list[object]:
    """Width, height, and whether its left half is red, as the browser has decoded it."""
    picture = window.dialog.get_by_alt_text(f"Picture: {name}", exact=True)
    expect(picture).to_be_visible(timeout=PATIENCE_MS)
    found: list[object] = picture.evaluate(RED)
    return found


# ---- both ways


def test_pictures_and_files_go_both_ways(window: Window, anna: Agent) -> None:
    conversation = begun(window, anna)
    picture = drawn(window, "image/png")
    choose(window, file("鞋.png", picture, "image/png"), file("bill.txt", b"12 Euro"))
    expect(window.dialog.locator(".customer .file")).to_have_text(["鞋.png (1 kB)", "bill.txt (1 kB)"])
    assert shown(window, "鞋.png") == [40, 20, True]
    first, second = anna.files(conversation)
    assert (first["text"], first["file"]["width"]) == ("鞋.png", 40)
    assert anna.gets(conversation, second["seq"]) == b"12 Euro"
    expect(window.field).to_be_focused()
    anna.sends(conversation, picture, "theirs.png")
    anna.sends(conversation, b"%PDF-1.7\n", "账单.pdf")
    assert shown(window, "theirs.png") == [40, 20, True]
    assert saved(window, "账单.pdf") == ("账单.pdf", b"%PDF-1.7\n")
    # And after a reload all of it is fetched, own ones too.
    window.reload().open()
    for name in ("鞋.png", "theirs.png"):
        assert shown(window, name) == [40, 20, True]
    assert saved(window, "bill.txt") == ("bill.txt", b"12 Euro")


@pytest.mark.parametrize("media", ["image/jpeg", "image/webp", "image/png"])
def test_a_picture_is_shown_when_what_it_said_besides_is_gone(window: Window, anna: Agent, media: str) -> None:
    """As a real browser makes and decodes them."""
    conversation = begun(window, anna)
    picture = drawn(window, media, 64, 32)
    if media == "image/jpeg":
        # Taken with the camera turned, and with the place in it.
        picture = picture[:2] + segment(0xE1, exif(6)) + segment(0xFE, SECRET) + picture[2:]
    choose(window, file("photo", picture + SECRET, media))
    window.last_state("Sent")
    (entry,) = anna.until(lambda: anna.files(conversation))
    kept = anna.gets(conversation, entry["seq"])
    assert SECRET not in kept
    window.reload().open()
    width, height, red = shown(window, entry["text"])
    assert (width, height) == (entry["file"]["width"], entry["file"]["height"])
    assert (width, height) == ((32, 64) if media == "image/jpeg" else (64, 32))
    assert red


def test_a_file_may_be_dropped_and_a_picture_of_the_screen_pasted(window: Window, anna: Agent) -> None:
    conversation = begun(window, anna)
    picture = list(drawn(window, "image/png"))
    window.dialog.evaluate(GIVEN, ["drop", [["a.txt", TEXT, [65]], ["b.txt", TEXT, [66]]]])
    window.field.evaluate(GIVEN, ["paste", [["image.png", "image/png", picture]]])
    anna.until(lambda: len(anna.files(conversation)) == 3)
    assert [each["text"] for each in anna.files(conversation)] == ["a.txt", "b.txt", "image.png"]
    assert shown(window, "image.png") == [40, 20, True]
    # A text is pasted as ever.
    window.field.fill("one")
    expect(window.field).to_have_value("one")


def test_a_file_can_begin_a_conversation(window: Window, anna: Agent) -> None:
    window.open()
    choose(window, file("first.txt", b"x"))
    conversation = anna.accepts()
    window.writes("and this is it")
    anna.until(lambda: anna.texts(conversation) == ["first.txt", "and this is it"])


# ---- in order, whatever becomes of the network


def test_what_is_written_behind_a_file_comes_behind_it_though_the_network_is_cut(
    window: Window, anna: Agent, wire: Wire, shop: Shop
) -> None:
    window.visit()
    conversation = begun(window, anna)
    wire.cuts = [2_000_000, 3_000_000]
    choose(window, file("big.txt", BIG))
    window.writes("behind")
    choose(window, file("small.txt", b"x"))
    window.writes("at last")
    anna.until(lambda: len(anna.entries(conversation)) >= 6)
    told = [(each["kind"], each["text"]) for each in anna.entries(conversation) if each["side"] == "customer"]
    assert told == [
        ("message", "Hello"),
        ("file", "big.txt"),
        ("message", "behind"),
        ("file", "small.txt"),
        ("message", "at last"),
    ]
    assert wire.cuts == []
    (big, _) = anna.files(conversation)
    assert anna.gets(conversation, big["seq"]) == BIG
    expect(lines(window)).to_have_count(5, timeout=PATIENCE_MS)
    expect(window.dialog.locator("progress")).to_have_count(0)
    assert shop.address


def test_a_file_whose_answer_is_lost_is_there_once(window: Window, anna: Agent) -> None:
    conversation = begun(window, anna)
    answers: list[int] = []

    def lose(route: object) -> None:
        response = route.fetch()  # type: ignore[attr-defined]
        answers.append(response.status)
        if len(answers) == 1:
            route.abort()  # type: ignore[attr-defined]
        else:
            route.fulfill(response=response)  # type: ignore[attr-defined]

    window.page.route(re.compile(r"/v1/chat/files"), lose)
    choose(window, file("once.txt", b"x"))
    expect(window.dialog.locator(".customer .file")).to_have_text(["once.txt (1 kB)"], timeout=PATIENCE_MS)
    window.writes("behind")
    anna.until(lambda: anna.texts(conversation)[-1] == "behind")
    assert anna.texts(conversation) == ["Hello", "once.txt", "behind"]
    window.page.unroute(re.compile(r"/v1/chat/files"))


def test_who_cancels_has_sent_nothing_and_the_rest_goes_on(window: Window, anna: Agent) -> None:
    conversation = begun(window, anna)
    window.page.route(re.compile(r"/v1/chat/files"), lambda _: None)  # it hangs
    choose(window, file("big.txt", BIG))
    expect(window.dialog.get_by_label("Sending big.txt")).to_be_visible()
    window.writes("behind")
    window.last_state("Sending …")
    window.page.unroute(re.compile(r"/v1/chat/files"))
    window.button("Do not send big.txt").click()
    anna.until(lambda: anna.texts(conversation) == ["Hello", "behind"])
    expect(lines(window)).to_have_count(2)
    assert anna.files(conversation) == []


# ---- what is refused


def test_what_cannot_be_sent_is_said_and_does_not_hold_up_the_rest(window: Window, anna: Agent) -> None:
    conversation = begun(window, anna)
    choose(window, file("tool.txt", b"MZ\x90\0\x03\0" * 20), file("broken.png", png()[:40], "image/png"))
    window.writes("behind")
    expect(window.dialog.locator(".why")).to_have_text(
        ["Files of this kind cannot be sent here.", "This picture is damaged."], timeout=PATIENCE_MS
    )
    anna.until(lambda: anna.texts(conversation) == ["Hello", "behind"])
    choose(window, file("enormous.txt", bytes(8_000_001)))
    window.says("A file is too large, or empty.")
    # Tried again it is refused again, and can be taken away.
    window.button("Send again").first.click()
    expect(window.dialog.locator(".why")).to_have_count(2)
    for _ in range(2):
        window.dialog.get_by_role("button", name=re.compile("^Do not send")).first.click()
    expect(window.dialog.locator(".why")).to_have_count(0)
    assert anna.files(conversation) == []


def test_nothing_hostile_is_shown_as_anything_but_its_name(window: Window, anna: Agent) -> None:
    conversation = begun(window, anna)
    hostile = {
        "page.html": b"<!doctype html><script>alert(1)</script>",
        "x.svg": b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(1)"/>',
        "<img src=x onerror=alert(1)>.png": png(60_000, 60_000),
        "gpj.\u202eexe.txt": b"x",
    }
    for name, data in hostile.items():
        anna.sends(conversation, data, name)
    names = [
        "page.html.txt (1 kB)",
        "x.svg.txt (1 kB)",
        "_img src=x onerror=alert(1)_.png (1 kB)",
        "gpj.exe.txt (1 kB)",
    ]
    expect(window.dialog.locator(".agent .file")).to_have_text(names, timeout=PATIENCE_MS)
    assert window.dialog.locator("img").count() == 0
    assert saved(window, "page.html.txt") == ("page.html.txt", hostile["page.html"])


def test_where_the_shops_policy_lets_no_pictures_there_is_the_name(shop: Shop, somebody: Somebody, anna: Agent) -> None:
    shop.pictures = ""
    try:
        window = Window(somebody().new_page(), shop).visit()
        conversation = begun(window, anna)
        anna.sends(conversation, drawn(window, "image/png"), "shoe.png")
        button = window.button("Save the file shoe.png")
        expect(button).to_be_visible(timeout=PATIENCE_MS)
        expect(window.dialog.locator("img")).to_have_count(0)
        assert saved(window, "shoe.png")[0] == "shoe.png"
        # The browser has said so once, and is not asked again.
        anna.sends(conversation, drawn(window, "image/png"), "another.png")
        expect(window.button("Save the file another.png")).to_be_visible(timeout=PATIENCE_MS)
        assert len(window.page.evaluate("window.violations")) == 1
        assert window.noted == []
    finally:
        shop.pictures = "img-src blob:; "


def test_where_files_are_off_there_is_no_button(window: Window) -> None:
    window.page.route_web_socket(re.compile("/v1/chat"), silenced)
    window.reload().open()
    window.writes("Hello")
    expect(window.dialog.get_by_role("button", name="Send a picture or a file")).to_have_count(0)
    window.button("End").click()
    window.button("End it").click()


def silenced(socket: object) -> None:
    """As a release says that has no files."""
    server = socket.connect_to_server()  # type: ignore[attr-defined]
    changed = re.compile(r',"max_file":\d+')
    server.on_message(lambda text: socket.send(changed.sub(',"max_file":0', text)))  # type: ignore[attr-defined]
