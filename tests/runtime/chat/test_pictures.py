"""Pictures as they pass by: what they measure, what they say besides, and bytes that are none."""

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd.runtime.chat.pictures import MAX_SCANS, BrokenPicture, Picture
from tests.runtime.chat.pictures import SECRET, chunk, comment, exif, gif, jpeg, png, segment, webp

TOLD = [
    ("png", png(3, 2, chunk(b"tEXt", b"Place\0" + SECRET), chunk(b"eXIf", SECRET)), (3, 2)),
    ("png", png(3, 2, after=SECRET), (3, 2)),
    ("jpeg", jpeg(40, 20, segment(0xE1, exif(1))), (40, 20)),
    ("jpeg", jpeg(40, 20, segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + SECRET)), (40, 20)),
    ("jpeg", jpeg(40, 20, segment(0xED, b"Photoshop 3.0\0" + SECRET), segment(0xFE, SECRET)), (40, 20)),
    ("jpeg", jpeg(40, 20, segment(0xE0, b"JFXX\0" + SECRET), segment(0xE2, b"MPF\0" + SECRET)), (40, 20)),
    ("jpeg", jpeg(40, 20, after=b"\xff\xd8" + segment(0xE1, exif(1))), (40, 20)),
    ("gif", gif(3, 2, comment(SECRET)), (3, 2)),
    ("gif", gif(3, 2, b"!\xff\x0bXMP DataXMP" + bytes([len(SECRET)]) + SECRET + b"\0", after=SECRET), (3, 2)),
    ("webp", webp(3, 2, (b"EXIF", SECRET), (b"XMP ", SECRET + b"!"), (b"what", SECRET), after=SECRET), (3, 2)),
]


def passed(kind: str, data: bytes, step: int = 1 << 20) -> tuple[bytes, Picture]:
    picture = Picture(kind)
    made = b"".join(picture.feed(data[at : at + step]) for at in range(0, len(data), step))
    return made + picture.close(), picture


@pytest.mark.parametrize(("kind", "data", "size"), TOLD)
def test_what_it_says_besides_is_gone_and_it_is_as_long_as_before(
    kind: str, data: bytes, size: tuple[int, int]
) -> None:
    assert SECRET in data
    made, picture = passed(kind, data)
    assert SECRET not in made
    assert len(made) == len(data)
    assert (picture.width, picture.height) == size
    assert picture.is_small
    again, _ = passed(kind, made)
    assert again == made


@given(st.sampled_from(TOLD), st.integers(1, 40))
def test_it_does_not_matter_in_which_pieces_it_comes(told: tuple[str, bytes, tuple[int, int]], step: int) -> None:
    kind, data, _ = told
    assert passed(kind, data, step)[0] == passed(kind, data)[0]


@pytest.mark.parametrize("data", [png(), jpeg(), gif(), webp()], ids=["png", "jpeg", "gif", "webp"])
def test_the_picture_itself_is_as_it_was(data: bytes) -> None:
    kind = {b"\x89": "png", b"\xff": "jpeg", b"G": "gif", b"R": "webp"}[data[:1]]
    made, _ = passed(kind, data)
    # Of the webp, flags say that there is more than there is.
    assert made == data.replace(b"\x0c\0\0\0\x02", b"\0\0\0\0\x02") if kind == "webp" else made == data


@pytest.mark.parametrize("order", [">", "<"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_a_photo_taken_upright_stays_upright(orientation: int, order: str) -> None:
    made, picture = passed("jpeg", jpeg(40, 20, segment(0xE1, exif(orientation, order))))
    assert (picture.width, picture.height) == ((20, 40) if orientation >= 5 else (40, 20))
    if orientation > 1:
        # What has been made of it says the same when it is read again.
        assert passed("jpeg", made)[1].width == picture.width
    else:
        assert b"Exif" not in made


def test_a_chunk_that_was_emptied_is_whole() -> None:
    made, _ = passed("png", png(3, 2, chunk(b"tEXt", SECRET)))
    at = made.index(b"blNk")
    assert made[at + 4 : at + 4 + len(SECRET)] == bytes(len(SECRET))
    assert int.from_bytes(made[at + 4 + len(SECRET) :][:4]) == zlib.crc32(b"blNk" + bytes(len(SECRET)))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("png", png(60_000, 60_000)),
        ("png", png(16_385, 1)),
        ("jpeg", jpeg(65_535, 65_535)),
        ("jpeg", jpeg(10, 0)),
        ("gif", gif(65_535, 65_535)),
        ("webp", webp(16_384, 16_384)),
    ],
)
def test_what_says_that_it_is_enormous_is_not_to_be_shown(kind: str, data: bytes) -> None:
    assert not passed(kind, data)[1].is_small


def test_a_frame_beyond_the_picture_counts() -> None:
    small = gif(3, 2)
    frame = b"," + (60_000).to_bytes(2, "little") + (60_000).to_bytes(2, "little")
    assert not passed("gif", small.replace(b",\0\0\0\0", frame))[1].is_small


BROKEN = [
    ("png", png()[:-5]),
    ("png", b"\x89PNG\r\n\x1a\n<html><script>alert(1)</script></html>"),
    ("png", png().replace(b"IHDR", b"IHDX")),
    ("png", png(3, 2, chunk(b"EVIL", b"x"))),
    ("png", png(3, 2, chunk(b"IHDR", bytes(13)))),
    ("jpeg", b"\xff\xd8\xff\xe0<html><script>alert(1)</script></html>"),
    ("jpeg", b"\xff\xd8\xff\xe0\x00\x01"),
    ("jpeg", jpeg(40, 20, segment(0xC2, b"\x08\0\x01\0\x01\x01\x01\x11\0"))),
    ("jpeg", jpeg()[:30]),
    ("gif", b"GIF89a/*" + b"=1;alert(1)//" * 3),
    ("gif", gif()[:-1]),
    ("webp", webp()[:-1]),
    ("webp", b"RIFF\xff\xff\xff\xffWEBP<html><script>alert(1)</script>"),
    ("webp", b"RIFF\x04\x00\x00\x00WEBP"),
]


@pytest.mark.parametrize(("kind", "data"), BROKEN)
def test_what_only_begins_as_one_is_none(kind: str, data: bytes) -> None:
    with pytest.raises(BrokenPicture):
        passed(kind, data)


SIZE = b"\x08\0\x10\0\x10\x01\x01\x11\0"
LABORIOUS = [
    ("jpeg", b"\xff\xd8" + segment(0xC0, SIZE), b"\xff\xda\0\x02"),
    ("jpeg", b"\xff\xd8" + segment(0xC0, SIZE), b"\xff\xd0"),
    ("jpeg", b"\xff\xd8" + segment(0xC0, SIZE) + b"\xff\xda\0\x02", b"\xff\x01"),
    ("gif", gif()[:19] + b"!\xfe", b"\x01A"),
    ("gif", gif()[:19], b"!\xfe\0"),
    ("png", png()[:33], chunk(b"tEXt", b"")),
    ("png", png()[:33], chunk(b"IDAT", b"")),
    ("webp", b"RIFF\xff\xff\xff\x0fWEBP", b"EXIF\0\0\0\0"),
]


@pytest.mark.parametrize(("kind", "begin", "part"), LABORIOUS)
def test_what_was_made_to_be_laborious_is_none(kind: str, begin: bytes, part: bytes) -> None:
    """Megabytes of parts that say nothing would take the engine's time: a second and more for each of them."""
    picture = Picture(kind)
    picture.feed(begin)
    with pytest.raises(BrokenPicture):
        picture.feed(part * (100_000 // len(part)))


def test_as_many_scans_as_any_photo_has() -> None:
    scan = segment(0xDA, b"\x01\x01\0\0?\0") + b"data"
    assert passed("jpeg", jpeg(end=scan * (MAX_SCANS - 1) + b"\xff\xd9"))[1].is_small
    with pytest.raises(BrokenPicture):
        passed("jpeg", jpeg(end=scan * MAX_SCANS + b"\xff\xd9"))


@pytest.mark.parametrize(
    ("kind", "data"),
    [
        ("gif", gif(3, 2, *[gif()[19:-1]] * 250)),
        ("gif", gif(3, 2, b"!\xfe" + (b"\xff" + bytes(255)) * 8_000 + b"\0")),
        ("png", png(3, 2, *[chunk(b"IDAT", bytes(1_000))] * 1_000)),
        ("jpeg", jpeg(end=b"data\xff\0\xff\xd3" * 200_000 + b"\xff\xd9")),
        ("webp", webp(3, 2, *[(b"ANMF", bytes(200))] * 1_000)),
    ],
    ids=["short frames", "full blocks", "small chunks", "restarts", "frames"],
)
@pytest.mark.parametrize("step", [1_000, 1 << 20])
def test_what_is_made_of_many_parts_is_still_one(kind: str, data: bytes, step: int) -> None:
    assert passed(kind, data, step)[1].is_small


def test_a_photo_that_was_cut_off_is_still_one() -> None:
    cut = jpeg(end=b"")
    made, picture = passed("jpeg", cut)
    assert (made, picture.width) == (cut, 40)
    assert passed("jpeg", cut + b"\xff", 7)[0] == cut + b"\xff"


@given(st.sampled_from(["png", "jpeg", "gif", "webp"]), st.data())
def test_whatever_comes_ends(kind: str, data: st.DataObject) -> None:
    """A picture with some of its bytes changed: as long as before, or none."""
    whole = bytearray({"png": png(), "jpeg": jpeg(), "gif": gif(), "webp": webp()}[kind])
    for at in data.draw(st.lists(st.integers(0, len(whole) - 1), max_size=8)):
        whole[at] = data.draw(st.integers(0, 255))
    try:
        made, _ = passed(kind, bytes(whole), data.draw(st.integers(1, 64)))
    except BrokenPicture:
        return
    assert len(made) == len(whole)
