"""What a file is, by its bytes, and what it may be called."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.runtime.chat.kinds import HEAD, KINDS, MAX_NAME, cleaned_name, is_text, kind_of
from tests.runtime.chat.pictures import gif, jpeg, png, webp

SVG = b'<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>'


@pytest.mark.parametrize(
    ("data", "name", "kind"),
    [
        (png(), "a.txt", "png"),
        (jpeg(), "a.html", "jpeg"),
        (gif(), "a", "gif"),
        (webp(), "a.png", "webp"),
        (b"%PDF-1.7\n", "a.exe", "pdf"),
        (SVG, "a.png", "text"),
        (b"<!doctype html><script>alert(1)</script>", "a.html", "text"),
        ("发票".encode(), "发票", "text"),
        ("发票".encode("gb18030"), "发票.txt", "text"),
        (b"PK\x03\x04\x14\0\x06\0", "bill.docx", "docx"),
        (b"PK\x03\x04\x14\0\x06\0", "bill.XLSX", "xlsx"),
        (b"PK\x03\x04\x14\0\x06\0", "bomb.zip", ""),
        (b"PK\x03\x04\x14\0\x06\0", "tool.jar", ""),
        (b"MZ\x90\0\x03\0", "a.png", ""),
        (b"\x7fELF\x02", "a.txt", ""),
        (b"\xff\xfeh\0t\0m\0l\0", "a.txt", ""),
        (b"RIFF\x24\0\0\0WAVEfmt ", "a.webp", ""),
        (b"GIF87", "a.gif", "text"),
        (b"", "a.txt", ""),
    ],
)
def test_the_bytes_say_what_it_is(data: bytes, name: str, kind: str) -> None:
    assert kind_of(data[:HEAD], name) == kind


@pytest.mark.parametrize(
    ("name", "kind", "cleaned"),
    [
        ("发票 2026.pdf", "pdf", "发票 2026.pdf"),
        ("photo.JPG", "jpeg", "photo.jpg"),
        ("a.jpeg", "jpeg", "a.jpeg"),
        ("page.html", "text", "page.html.txt"),
        ("drawing.svg", "text", "drawing.svg.txt"),
        ("bill.exe", "pdf", "bill.exe.pdf"),
        ("../../etc/passwd", "text", "passwd.txt"),
        ("C:\\windows\\a.txt", "text", "a.txt"),
        ("a.txt\r\nSet-Cookie: x=1", "text", "a.txt Set-Cookie_ x=1.txt"),
        ("a\0b\x1b.txt", "text", "ab.txt"),
        ("gpj.\u202eexe.png", "png", "gpj.exe.png"),
        ("a\u2066b\u200f\ufeff.png", "png", "ab.png"),
        ('<img src=x onerror=alert(1)>"%22.png', "png", "_img src=x onerror=alert(1)___22.png"),
        (".htaccess", "text", "htaccess.txt"),
        ("...", "png", "file.png"),
        ("\u200b", "pdf", "file.pdf"),
        ("con.txt", "text", "_con.txt"),
        ("LPT1", "text", "_LPT1.txt"),
        ("  a   b .png ", "png", "a b.png"),
        ("\ud800.png", "png", "png.png"),
    ],
)
def test_a_name_is_one_everywhere(name: str, kind: str, cleaned: str) -> None:
    assert cleaned_name(name, kind) == cleaned


@given(st.text(st.characters(), max_size=300), st.sampled_from(sorted(KINDS)))
def test_no_name_is_anything_else(name: str, kind: str) -> None:
    cleaned = cleaned_name(name, kind)
    assert 0 < len(cleaned) <= MAX_NAME + 1
    assert not set(cleaned) & set('/\\<>:"|?*;%\r\n')
    assert not any(unicodedata.category(each) in ("Cc", "Cf", "Cs") for each in cleaned)
    assert cleaned.rpartition(".")[2].lower() in KINDS[kind].endings
    assert cleaned.encode()
    assert cleaned_name(cleaned, kind) == cleaned


def test_a_text_has_no_other_bytes() -> None:
    assert is_text("发票\r\n\t\x0c价格 €".encode())
    assert not is_text(b"a\0")
    assert not is_text(b"\x1a")
