"""Pictures of pages, made small: at most 256 colours, packed as well as zlib can.

Owns what of PNG (RFC 2083) that takes. Must not know what is on a picture.
"""

import struct
import zlib
from typing import Final

import numpy as np
from numpy.typing import NDArray

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
COLOURS: Final = 256
_CHANNELS: Final = {2: 3, 6: 4}
"""Kind of colour → bytes of a pixel: those that browsers write."""


def size_of(picture: bytes) -> tuple[int, int]:
    """Width and height."""
    assert picture.startswith(SIGNATURE)
    width, height = struct.unpack(">II", picture[16:24])
    return int(width), int(height)


def colours_of(picture: bytes) -> int:
    """How many there are in the palette."""
    return len(_chunks(picture)[b"PLTE"]) // 3


def small(picture: bytes) -> bytes:
    """The same picture with a palette: its commonest colours, the others as the nearest of them."""
    pixels = _pixels(picture)
    height, width, _ = pixels.shape
    found, where, counts = np.unique(pixels.reshape(-1, 3), axis=0, return_inverse=True, return_counts=True)
    kept = np.argsort(-counts, kind="stable")[:COLOURS]
    palette = found[kept].astype(np.int64)
    distances = ((found[:, None, :].astype(np.int64) - palette[None, :, :]) ** 2).sum(axis=2)
    indexes = distances.argmin(axis=1).astype(np.uint8)[where.reshape(height, width)]
    # Without a filter: neighbours in a palette are no neighbours in colour.
    rows = np.concatenate([np.zeros((height, 1), np.uint8), indexes], axis=1)
    return b"".join(
        (
            SIGNATURE,
            _chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)),
            _chunk(b"PLTE", palette.astype(np.uint8).tobytes()),
            _chunk(b"IDAT", zlib.compress(rows.tobytes(), 9)),
            _chunk(b"IEND", b""),
        )
    )


def _pixels(picture: bytes) -> NDArray[np.uint8]:
    """Red, green and blue of every pixel; nothing on a page is transparent."""
    chunks = _chunks(picture)
    width, height, depth, kind, _, _, interlaced = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert (depth, interlaced) == (8, 0)
    channels = _CHANNELS[kind]
    raw = np.frombuffer(zlib.decompress(chunks[b"IDAT"]), np.uint8).reshape(height, 1 + width * channels)
    above = np.zeros(width * channels, np.uint8)
    rows = []
    for row in raw:
        above = _unfiltered(int(row[0]), row[1:], above, channels)
        rows.append(above)
    return np.stack(rows).reshape(height, width, channels)[:, :, :3]


def _unfiltered(kind: int, row: NDArray[np.uint8], above: NDArray[np.uint8], channels: int) -> NDArray[np.uint8]:
    match kind:
        case 0:
            return row
        case 1:
            return np.cumsum(row.reshape(-1, channels), axis=0, dtype=np.uint8).reshape(-1)
        case 2:
            return row + above
    line, before = [int(each) for each in row], [int(each) for each in above]
    for at in range(len(line)):
        left, corner = (line[at - channels], before[at - channels]) if at >= channels else (0, 0)
        guess = (left + before[at]) // 2 if kind == 3 else _paeth(left, before[at], corner)
        line[at] = (line[at] + guess) & 0xFF
    return np.array(line, np.uint8)


def _paeth(left: int, above: int, corner: int) -> int:
    guess = left + above - corner
    return min((left, above, corner), key=lambda each: abs(guess - each))


def _chunks(picture: bytes) -> dict[bytes, bytes]:
    """By kind; parts of one kind belong together."""
    found: dict[bytes, bytes] = {}
    at = len(SIGNATURE)
    while at < len(picture):
        (length,), kind = struct.unpack(">I", picture[at : at + 4]), picture[at + 4 : at + 8]
        found[kind] = found.get(kind, b"") + picture[at + 8 : at + 8 + length]
        at += length + 12
    return found


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
