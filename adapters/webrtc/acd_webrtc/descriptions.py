"""What signalling has to know of a session description (SDP), and what it does not let pass.

Owns the check of RFC 8866's outer form and of what WebRTC demands (RFC 8829, 8839, 8122): ICE credentials and a DTLS
fingerprint for everything that is not refused by port 0, and no keys in the open. What is bundled has them once for
all, in the section whose name comes first in its group (RFC 9143, 7.1.3). Reads; changes nothing.

Must not know calls or sides. Codecs and directions are the browsers' own affair.
"""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from acd_webrtc.signals import MAX_DESCRIPTION_LETTERS, SignalRefused

MAX_LINES: Final = 4_096
MAX_LINE_LETTERS: Final = 2_048
MAX_MEDIA: Final = 16
MAX_CANDIDATES: Final = 128

# Nor with what others take for a line's end, so that there is nothing in it for them that is not seen here.
_LINE: Final = re.compile(r"[a-z]=[^\x00-\x1f\x7f\x85\u2028\u2029]*")
_MEDIA: Final = re.compile(r"m=(audio|video|application) (\d{1,5})(?:/\d+)? (\S+) \S.*")
_UFRAG: Final = re.compile(r"a=ice-ufrag:([A-Za-z0-9+/]{4,256})")
_PASSWORD: Final = re.compile(r"a=ice-pwd:[A-Za-z0-9+/]{22,256}")
_FINGERPRINT: Final = re.compile(r"a=fingerprint:sha-(?:256|384|512) [0-9A-F]{2}(?::[0-9A-F]{2}){31,63}", re.IGNORECASE)
_BUNDLE: Final = "a=group:BUNDLE "
_SECURE: Final = frozenset({"UDP/TLS/RTP/SAVPF", "TCP/TLS/RTP/SAVPF", "UDP/DTLS/SCTP", "TCP/DTLS/SCTP"})


class Outline(NamedTuple):
    """What signalling compares."""

    ufrags: frozenset[str]
    """ICE's names for it; with others ICE has been started anew."""
    media: tuple[str, ...]
    """The kind of each section, in order; an answer has those of its offer."""


def outline(sdp: str) -> Outline:
    """Check a description and say what it is.

    Raises:
        SignalRefused: bad-description; names the line or what is missing, and repeats nothing of it.
    """
    sections = _sections(sdp)
    common, media = sections[0], sections[1:]
    ufrags: set[str] = set()
    kinds: list[str] = []
    bundled = _bundled(common, media)
    for number, section in enumerate(media, 1):
        found = _MEDIA.fullmatch(section[0])
        if found is None or found[3] not in _SECURE:
            raise _refused(f"media section {number} is no audio, video or data by DTLS; send what the browser made")
        kinds.append(found[1])
        if _is_refused(section):
            continue  # it needs neither
        names = _names(section) or _names(common)
        if not names and bundled.get(number):
            continue  # they are in the group's first section
        if not names or not (_any(_PASSWORD, section) or _any(_PASSWORD, common)):
            raise _refused(f"media section {number} has no a=ice-ufrag or no a=ice-pwd (RFC 8839)")
        if not (_any(_FINGERPRINT, section) or _any(_FINGERPRINT, common)):
            raise _refused(f"media section {number} has no a=fingerprint of SHA-256 or better (RFC 8122)")
        ufrags |= names
    return Outline(frozenset(ufrags), tuple(kinds))


def _bundled(common: list[str], media: list[list[str]]) -> dict[int, bool]:
    """Sections, by number, that go by the transport of another: the first of their group that is in use."""
    mids = {number: line for number, section in enumerate(media, 1) for line in section if line.startswith("a=mid:")}
    used = {number for number, section in enumerate(media, 1) if not _is_refused(section)}
    found: dict[int, bool] = {}
    for line in common:
        if line.startswith(_BUNDLE):
            group = [f"a=mid:{each}" for each in line.removeprefix(_BUNDLE).split()]
            first = next((mid for mid in group if any(mids.get(number) == mid for number in used)), "")
            found |= {number: mid != first for number, mid in mids.items() if mid in group and number in used}
    return found


def _is_refused(section: list[str]) -> bool:
    """Or ended: by port 0, which what is only bundled has as well."""
    return section[0].split(" ")[1:2] == ["0"] and "a=bundle-only" not in section


def _sections(sdp: str) -> list[list[str]]:
    """Lines of the session, then those of each media section; the first of a section is its `m=`."""
    if len(sdp) > MAX_DESCRIPTION_LETTERS:
        raise _refused(f"it has more than {MAX_DESCRIPTION_LETTERS} letters")
    lines = sdp.removesuffix("\n").removesuffix("\r").split("\n")
    if len(lines) > MAX_LINES:
        raise _refused(f"it has more than {MAX_LINES} lines")
    sections: list[list[str]] = [[]]
    candidates = 0
    for number, line in enumerate(_stripped(lines), 1):
        if len(line) > MAX_LINE_LETTERS or not _LINE.fullmatch(line):
            raise _refused(f"line {number} is not of the form a=… of at most {MAX_LINE_LETTERS} letters (RFC 8866)")
        if line.startswith("a=crypto:"):
            raise _refused(f"line {number} has a key in the open; only DTLS is taken (RFC 8827)")
        candidates += line.startswith("a=candidate:")
        if line.startswith("m="):
            sections.append([])
        sections[-1].append(line)
    if lines[0].rstrip("\r") != "v=0":
        raise _refused("it does not begin with v=0 (RFC 8866)")
    if not 1 < len(sections) <= MAX_MEDIA + 1:
        raise _refused(f"it has {len(sections) - 1} media sections; 1 to {MAX_MEDIA} are taken")
    if candidates > MAX_CANDIDATES:
        raise _refused(f"it has more than {MAX_CANDIDATES} candidates")
    return sections


def _stripped(lines: list[str]) -> Iterator[str]:
    return (line.removesuffix("\r") for line in lines)


def _names(section: list[str]) -> set[str]:
    return {found[1] for line in section if (found := _UFRAG.fullmatch(line))}


def _any(pattern: re.Pattern[str], section: list[str]) -> bool:
    return any(pattern.fullmatch(line) for line in section)


def _refused(problem: str) -> SignalRefused:
    return SignalRefused("bad-description", f"sdp: {problem}")
