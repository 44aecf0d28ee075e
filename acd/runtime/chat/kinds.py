"""What kinds of files there are, how one is told by its first bytes, and what a file may be called.

Owns this list. Must not know how files come and go. Neither a name nor what a page says of a file decides its kind: a
name gets the ending of what the bytes are, and nothing that a browser would run has a kind.
"""

import re
import unicodedata
from collections.abc import Mapping
from typing import Final

from msgspec import Struct

HEAD: Final = 64
"""So many first bytes tell the kind."""

MAX_NAME: Final = 100
"""Characters of a name, with its ending."""

MAX_GIVEN_NAME: Final = 1_000
"""Characters of a name as a page says it."""


class FileKind(Struct, frozen=True):
    """`media`: its media type. `endings`: of names, without the full stop; the first is added where there is none."""

    media: str
    endings: tuple[str, ...]
    picture: bool = False


_OFFICE: Final = "application/vnd.openxmlformats-officedocument."

KINDS: Final[Mapping[str, FileKind]] = {
    "png": FileKind("image/png", ("png",), picture=True),
    "jpeg": FileKind("image/jpeg", ("jpg", "jpeg", "jfif"), picture=True),
    "gif": FileKind("image/gif", ("gif",), picture=True),
    "webp": FileKind("image/webp", ("webp",), picture=True),
    "pdf": FileKind("application/pdf", ("pdf",)),
    "text": FileKind("text/plain", ("txt", "csv", "log", "md")),
    "docx": FileKind(f"{_OFFICE}wordprocessingml.document", ("docx",)),
    "xlsx": FileKind(f"{_OFFICE}spreadsheetml.sheet", ("xlsx",)),
    "pptx": FileKind(f"{_OFFICE}presentationml.presentation", ("pptx",)),
}
"""All that can be allowed. Only pictures are ever shown; of an office document nothing is opened, here or in a page."""

USUAL_KINDS: Final = ("png", "jpeg", "gif", "webp", "pdf", "text")

_ZIP: Final = b"PK\x03\x04"
_OFFICE_KINDS: Final = frozenset({"docx", "xlsx", "pptx"})
_SIGNATURES: Final = (
    ("png", re.compile(rb"\x89PNG\r\n\x1a\n")),
    ("jpeg", re.compile(rb"\xff\xd8\xff")),
    ("gif", re.compile(rb"GIF8[79]a")),
    ("webp", re.compile(rb"RIFF....WEBP", re.DOTALL)),
    ("pdf", re.compile(rb"%PDF-[12]\.")),
)

_NOT_TEXT: Final = re.compile(rb"[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f]")
"""Bytes that are in no text, whether it is in UTF-8 or in GB 18030."""

_NEVER: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
"""Categories of characters that no name has: controls, what turns the direction of writing, what cannot be seen."""

_SEPARATORS: Final = re.compile(r"[/\\]")
_RESERVED: Final = re.compile(r'[<>:"|?*;%]')
_DEVICE: Final = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\.|$)")


def kind_of(head: bytes, name: str) -> str:
    """By the first `HEAD` bytes, or all there are; empty for none of these.

    Only between office documents, which are all the same outside, the name decides.
    """
    for kind, signature in _SIGNATURES:
        if signature.match(head):
            return kind
    if head.startswith(_ZIP):
        ending = _ending(name)
        return ending if ending in _OFFICE_KINDS else ""
    return "text" if head and is_text(head) else ""


def is_text(part: bytes) -> bool:
    """Whether this may be a part of a text."""
    return _NOT_TEXT.search(part) is None


def cleaned_name(name: str, kind: str) -> str:
    """A name that is one on every system, shows what it is, and has the ending of the `kind`."""
    last = _SEPARATORS.split(unicodedata.normalize("NFC", name))[-1]
    seen = "".join(each if each.isspace() or unicodedata.category(each) not in _NEVER else "" for each in last)
    text = " ".join(_RESERVED.sub("_", seen).split()).strip(". ")
    endings = KINDS[kind].endings
    ending = _ending(text)
    stem = text[: -len(ending) - 1] if ending in endings else text
    ending = ending if ending in endings else endings[0]
    stem = stem[: MAX_NAME - len(ending) - 1].strip(". ") or "file"
    return f"_{stem}.{ending}" if _DEVICE.match(stem) else f"{stem}.{ending}"


def _ending(name: str) -> str:
    return name.rpartition(".")[2].lower() if "." in name.strip(".") else ""
