"""Pictures in the four forms, made of their parts, with whatever a test wants to have in them."""

import struct
import zlib

SECRET = b"GPS 31.2304 N 121.4737 E"


def chunk(kind: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4) + kind + data + zlib.crc32(kind + data).to_bytes(4)


def png(width: int = 3, height: int = 2, *more: bytes, after: bytes = b"") -> bytes:
    """Grey, of 8 bits; `more` chunks before the picture's data."""
    rows = b"".join(b"\0" + bytes(range(width)) for _ in range(height)) if width * height < 10_000 else b""
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    parts = chunk(b"IHDR", head), *more, chunk(b"IDAT", zlib.compress(rows)), chunk(b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(parts) + after


def segment(code: int, data: bytes) -> bytes:
    return bytes([0xFF, code]) + (len(data) + 2).to_bytes(2) + data


def exif(orientation: int, order: str = ">") -> bytes:
    """With a place in it."""
    mark = b"MM" if order == ">" else b"II"
    tags = struct.pack(f"{order}HHHIHHHHII", 2, 0x0112, 3, 1, orientation, 0, 0x8825, 4, 1, 38)
    return b"Exif\0\0" + mark + struct.pack(f"{order}HI", 42, 8) + tags + bytes(4) + SECRET


def jpeg(width: int = 40, height: int = 20, *more: bytes, end: bytes = b"\xff\xd9", after: bytes = b"") -> bytes:
    """No picture to look at: its segments, and a scan with stuffed bytes and restarts. `more` segments before that."""
    size = struct.pack(">BHHB", 8, height, width, 1) + b"\x01\x11\0"
    scan = b"data\xff\x00data\xff\xd0data" * 5
    parts = (
        segment(0xE0, b"JFIF\0\x01\x01\0\0\x01\0\x01\0\0"),
        *more,
        segment(0xC0, size),
        segment(0xDA, b"\x01\x01\0\0?\0"),
    )
    return b"\xff\xd8" + b"".join(parts) + scan + end + after


def gif(width: int = 3, height: int = 2, *more: bytes, after: bytes = b"") -> bytes:
    head = b"GIF89a" + struct.pack("<HHBBB", width, height, 0x80, 0, 0) + b"\0\0\0\xff\xff\xff"
    image = b"," + struct.pack("<HHHHB", 0, 0, width, height, 0) + b"\x02\x02\x44\x01\0"
    return head + b"".join(more) + image + b";" + after


def comment(data: bytes) -> bytes:
    return b"!\xfe" + bytes([len(data)]) + data + b"\0"


def webp(width: int = 3, height: int = 2, *more: tuple[bytes, bytes], after: bytes = b"") -> bytes:
    """Extended; `more` chunks behind the picture's data."""
    head = bytes([0x0C, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    lossless = b"\x2f" + ((width - 1) | (height - 1) << 14).to_bytes(4, "little") + bytes(7)
    chunks = ((b"VP8X", head), (b"VP8L", lossless), *more)
    body = b"".join(kind + len(data).to_bytes(4, "little") + data + bytes(len(data) % 2) for kind, data in chunks)
    return b"RIFF" + (len(body) + 4).to_bytes(4, "little") + b"WEBP" + body + after
