"""Pictures as they pass by: how large they are, and what they say besides taken out of them, byte for byte.

Owns the forms of PNG, JPEG, GIF and WebP, as far as that needs. Must not know where the bytes come from or go. Nothing
is decoded: what is no part of the picture (the place where it was taken, the camera, a small copy of the picture before
it was cut, comments, whatever follows its end) is overwritten with zeros where it stands, so that a picture keeps its
length, and needs no more memory than one of its parts. Of a JPEG's Exif only the orientation stays.

https://www.w3.org/TR/png-3/, ITU-T T.81, https://www.w3.org/Graphics/GIF/spec-gif89a.txt, RFC 9649.
"""

import re
import struct
import zlib
from collections.abc import Callable, Generator, Mapping
from typing import Final

MAX_SIDE: Final = 16_384
MAX_PIXELS: Final = 50_000_000
"""Pixels of a side, and of a picture, that is shown: whoever shows it needs four bytes for each."""

_MOST: Final = 65_536
"""Bytes that are looked at together."""

STEPS: Final = 4_000
BYTES_PER_STEP: Final = 16
"""How often one may be looked at: so often, and once more for so many bytes. Each look takes a processor's time, which
telephones need, too; only what was made for that takes more."""

MAX_SCANS: Final = 100
"""Scans of a JPEG: a progressive one has a dozen. Whoever shows it goes through the whole picture for each."""

_FIRST_LOOK: Final = 256
"""Bytes of a scan that are looked at first: a short one is not to cost as much as a long one."""

_Wants = tuple[int, int]
_Parser = Generator[_Wants, bytes, None]

_MARKER: Final = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
"""In a scan of a JPEG's: anything else than data."""

_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_SCAN, _END, _COMMENT, _EXIF = 0xDA, 0xD9, 0xFE, 0xE1
_KEPT: Final[Mapping[int, bytes]] = {0xE0: b"JFIF\0", 0xE2: b"ICC_PROFILE\0", 0xEE: b"Adobe"}
"""Segments of applications that say how the picture is to look."""

_ORIENTATION: Final = 0x0112
_SHORT: Final = 3
_SIDEWAYS: Final = 5
_MAX_TAGS: Final = 200

_CHUNKS: Final = frozenset(
    b"IHDR PLTE IDAT IEND tRNS gAMA cHRM sRGB iCCP sBIT bKGD pHYs cICP mDCV cLLI acTL fcTL fdAT".split()
)
_BLANK: Final = b"blNk"
"""Ancillary, private, and safe to copy: every reader passes it over."""

_RIFF_KEPT: Final = frozenset({b"VP8X", b"VP8 ", b"VP8L", b"ALPH", b"ANIM", b"ANMF", b"ICCP"})
_SAYS: Final = 0x08 | 0x04
"""Flags of a VP8X chunk: there is Exif, there is XMP."""

_IMAGE, _EXTENSION, _TRAILER = 0x2C, 0x21, 0x3B
_PLAIN_TEXT, _GRAPHIC, _APPLICATION = 0x01, 0xF9, 0xFF
_LOOPS: Final = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0"})


class BrokenPicture(Exception):
    """The bytes are not what they began as."""


class Picture:
    """One picture on its way. `width`, `height`: in pixels as it is seen, 0 until they are known."""

    def __init__(self, kind: str) -> None:
        """`kind`: a picture's of `acd.runtime.chat.kinds`."""
        self.width = 0
        self.height = 0
        self._turned = False
        self._in = bytearray()
        self._out = bytearray()
        self._may_end = False
        self._steps = STEPS * BYTES_PER_STEP
        """How often it may still be looked at, in bytes."""
        self._parser: _Parser | None = _PARSERS[kind](self)
        self._wants = next(self._parser)

    def feed(self, data: bytes) -> bytes:
        """What may go on of all that has come; as many bytes in the end as came. Raises `BrokenPicture`."""
        self._in += data
        # The first look at what has come is free: in how small pieces it comes is not the picture's fault.
        self._steps += len(data) + BYTES_PER_STEP
        while self._parser is not None and len(self._in) >= self._wants[0]:
            self._steps -= BYTES_PER_STEP
            if self._steps < 0:
                raise BrokenPicture
            taken = bytes(self._in[: self._wants[1]])
            del self._in[: len(taken)]
            try:
                self._wants = self._parser.send(taken)
            except StopIteration:
                self._parser = None
        if self._parser is None:
            self._out += bytes(len(self._in))  # whatever follows is no picture
            self._in.clear()
        made = bytes(self._out)
        self._out.clear()
        return made

    def close(self) -> bytes:
        """The rest. Raises `BrokenPicture` when there is not all of it; only a JPEG may be cut off."""
        if self._parser is not None and not self._may_end:
            raise BrokenPicture
        if self._turned:
            self.width, self.height = self.height, self.width
        rest = bytes(self._in)
        self._in.clear()
        return rest

    @property
    def is_small(self) -> bool:
        """Whether it can be shown: a few bytes can say that they are an enormous picture."""
        return 0 < self.width <= MAX_SIDE and 0 < self.height <= MAX_SIDE and self.width * self.height <= MAX_PIXELS

    # ---- what parsers do

    def exactly(self, count: int) -> Generator[_Wants, bytes, bytes]:
        """So many bytes, which the caller puts out."""
        found = b""
        if count:
            found = yield count, count
        return found

    def copied(self, count: int) -> Generator[_Wants, bytes, bytes]:
        """So few bytes, put out as they are."""
        found = yield from self.exactly(count)
        self.put(found)
        return found

    def passed(self, count: int) -> Generator[_Wants, bytes, None]:
        """So many bytes, put out as they are."""
        while count:
            found = yield 1, min(count, _MOST)
            self.put(found)
            count -= len(found)

    def blanked(self, count: int, crc: int = 0) -> Generator[_Wants, bytes, int]:
        """Zeros in place of so many bytes; the CRC with them."""
        while count:
            found = yield 1, min(count, _MOST)
            zeros = bytes(len(found))
            crc = zlib.crc32(zeros, crc)
            self.put(zeros)
            count -= len(found)
        return crc

    def put(self, data: bytes) -> None:
        """This goes on."""
        self._out += data

    def back(self, data: bytes) -> None:
        """This is looked at again."""
        self._in[:0] = data

    def measured(self, width: int, height: int) -> None:
        """It is so large; of several sizes the largest counts."""
        self.width, self.height = max(self.width, width), max(self.height, height)

    def turn(self, orientation: int) -> None:
        """It is seen so."""
        self._turned = orientation >= _SIDEWAYS

    def may_end(self, *, here: bool) -> None:
        """Whether it is a picture if nothing more comes."""
        self._may_end = here


def _jpeg(picture: Picture) -> _Parser:
    yield from picture.copied(2)
    scans = 0
    while True:
        code = yield from _marker(picture)
        if code == _END:
            return
        if code in _ALONE:
            continue
        head = yield from picture.copied(2)
        length = int.from_bytes(head) - 2
        if length < 0:
            raise BrokenPicture
        body = yield from picture.exactly(length)
        if code in _FRAMES:
            if picture.width or length < 6:  # noqa: PLR2004 - precision, height, width, components
                raise BrokenPicture
            picture.measured(int.from_bytes(body[3:5]), int.from_bytes(body[1:3]))
        picture.put(_segment(picture, code, body))
        if code == _SCAN:
            scans += 1
            if scans > MAX_SCANS:
                raise BrokenPicture
            yield from _scan(picture)


def _marker(picture: Picture) -> Generator[_Wants, bytes, int]:
    """The next marker's code; any number of 0xFF may come before it."""
    found = yield from picture.copied(2)
    if found[0] != 0xFF:  # noqa: PLR2004 - as every marker begins
        raise BrokenPicture
    code = found[1]
    while code == 0xFF:  # noqa: PLR2004
        code = (yield from picture.copied(1))[0]
    picture.may_end(here=False)
    return code


def _segment(picture: Picture, code: int, body: bytes) -> bytes:
    """What stays of a segment: all, nothing, or its orientation."""
    if code == _EXIF:
        orientation = _orientation(body)
        picture.turn(orientation)
        exif = struct.pack(">6s2sHIHHHIHHI", b"Exif\0\0", b"MM", 42, 8, 1, _ORIENTATION, _SHORT, 1, orientation, 0, 0)
        return exif[: len(body)].ljust(len(body), b"\0") if orientation > 1 else bytes(len(body))
    if code == _COMMENT or (0xE0 <= code <= 0xEF and not body.startswith(_KEPT.get(code, b"\xff\xff"))):  # noqa: PLR2004
        return bytes(len(body))
    return body


def _orientation(body: bytes) -> int:
    """That an Exif segment says, 1 to 8; 1 for none. (Exif 2.32, 4.6.4)."""
    if not body.startswith(b"Exif\0\0"):
        return 1
    tiff = body[6:]
    order = ">" if tiff[:2] == b"MM" else "<"
    try:
        (begin,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, begin)
        for number in range(min(count, _MAX_TAGS)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, begin + 2 + number * 12)
            if tag == _ORIENTATION and kind == _SHORT:
                return int(value) if 1 <= value <= 8 else 1  # noqa: PLR2004 - there are eight
    except struct.error:
        pass
    return 1


def _scan(picture: Picture) -> _Parser:
    """Data, up to the next marker."""
    picture.may_end(here=picture.width > 0)
    look = _FIRST_LOOK
    while True:
        found = yield 2, look
        look = _MOST
        marker = _MARKER.search(found)
        if marker is not None:
            picture.put(found[: marker.start()])
            picture.back(found[marker.start() :])
            return
        held = 1 if found.endswith(b"\xff") else 0
        picture.put(found[: len(found) - held])
        picture.back(found[len(found) - held :])


def _png(picture: Picture) -> _Parser:
    yield from picture.copied(8)
    while True:
        head = yield from picture.exactly(8)
        length, kind = int.from_bytes(head[:4]), head[4:]
        if length >= 2**31 or (kind == b"IHDR") == bool(picture.width):
            raise BrokenPicture
        if kind == b"IHDR":
            picture.put(head)
            body = yield from picture.copied(17)
            picture.measured(*struct.unpack(">II", body[:8]))
            if length != 13 or not picture.width:  # noqa: PLR2004 - as an IHDR has
                raise BrokenPicture
        elif kind in _CHUNKS:
            picture.put(head)
            yield from picture.passed(length + 4)
        elif kind[:1].isupper():
            raise BrokenPicture
        else:
            picture.put(head[:4] + _BLANK)
            crc = yield from picture.blanked(length, zlib.crc32(_BLANK))
            yield from picture.exactly(4)
            picture.put(crc.to_bytes(4))
        if kind == b"IEND":
            return


def _gif(picture: Picture) -> _Parser:
    head = yield from picture.copied(13)
    picture.measured(*struct.unpack("<HH", head[6:10]))
    yield from picture.passed(_colours(head[10]))
    while True:
        (kind,) = yield from picture.copied(1)
        if kind == _TRAILER:
            return
        if kind == _IMAGE:
            frame = yield from picture.copied(9)
            left, top, width, height = struct.unpack("<HHHH", frame[:8])
            picture.measured(left + width, top + height)
            yield from picture.passed(_colours(frame[8]) + 1)
            yield from _blocks(picture, keep=True)
        elif kind == _EXTENSION:
            (label,) = yield from picture.copied(1)
            yield from _extension(picture, label)
        else:
            raise BrokenPicture


def _extension(picture: Picture, label: int) -> _Parser:
    if label != _APPLICATION:
        yield from _blocks(picture, keep=label in {_GRAPHIC, _PLAIN_TEXT})
        return
    (length,) = yield from picture.copied(1)
    name = yield from picture.copied(length)
    if length:
        yield from _blocks(picture, keep=name in _LOOPS)


def _blocks(picture: Picture, *, keep: bool) -> _Parser:
    while True:
        (length,) = yield from picture.copied(1)
        if not length:
            return
        if keep:
            yield from picture.passed(length)
        else:
            yield from picture.blanked(length)


def _colours(flags: int) -> int:
    """Bytes of a table of colours."""
    return 3 << ((flags & 0x07) + 1) if flags & 0x80 else 0


def _webp(picture: Picture) -> _Parser:
    head = yield from picture.copied(12)
    left = int.from_bytes(head[4:8], "little") - 4
    while left > 0:
        head = yield from picture.exactly(8)
        kind, length = head[:4], int.from_bytes(head[4:], "little")
        length += length % 2
        left -= 8 + length
        if left < 0:
            raise BrokenPicture
        picture.put(head if kind in _RIFF_KEPT else b"JUNK" + head[4:])
        if kind in _RIFF_MEASURES:
            first = yield from picture.exactly(min(length, 10))
            picture.put(_measured_webp(picture, kind, first))
            length -= len(first)
        if kind in _RIFF_KEPT:
            yield from picture.passed(length)
        else:
            yield from picture.blanked(length)
    if not picture.width:
        raise BrokenPicture


_RIFF_MEASURES: Final = frozenset({b"VP8X", b"VP8 ", b"VP8L"})


def _measured_webp(picture: Picture, kind: bytes, first: bytes) -> bytes:
    """The first ten bytes of a chunk that says how large it is, as they go on."""
    if len(first) < 10:  # noqa: PLR2004
        raise BrokenPicture
    if kind == b"VP8X":
        picture.measured(int.from_bytes(first[4:7], "little") + 1, int.from_bytes(first[7:10], "little") + 1)
        return bytes([first[0] & ~_SAYS]) + first[1:]
    if kind == b"VP8L":
        bits = int.from_bytes(first[1:5], "little")
        picture.measured((bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
    else:
        width, height = struct.unpack("<HH", first[6:10])
        picture.measured(width & 0x3FFF, height & 0x3FFF)
    return first


_PARSERS: Final[Mapping[str, Callable[[Picture], _Parser]]] = {"png": _png, "jpeg": _jpeg, "gif": _gif, "webp": _webp}
