"""Which session descriptions pass, and what signalling reads in them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from acd_webrtc.descriptions import MAX_CANDIDATES, MAX_LINES, MAX_MEDIA, Outline, outline
from acd_webrtc.signals import SignalRefused
from tests.adapters.webrtc.pages import FINGERPRINT, sdp

GOOD = sdp(1, "abcd", "audio", "video")
DATA = f"""\
v=0
o=- 4611731400430051336 2 IN IP4 127.0.0.1
s=-
t=0 0
a=group:BUNDLE 0
a=ice-ufrag:Ab+/
a=ice-pwd:asd88fgpdd777uzjYhagZg
a=fingerprint:sha-256 {FINGERPRINT}
m=application 9 UDP/DTLS/SCTP webrtc-datachannel
c=IN IP4 0.0.0.0
a=sctp-port:5000
"""


def test_the_outline_has_names_of_ice_and_kinds_of_media() -> None:
    assert outline(GOOD) == Outline(frozenset({"abcd"}), ("audio", "video"))
    assert outline(DATA) == Outline(frozenset({"Ab+/"}), ("application",))


def bundled(group: str, *sections: tuple[str, str]) -> str:
    """Sections by name, with all of ICE and DTLS if their name is in capitals; `port` is what follows `m=audio`."""
    lines = ["v=0", "o=- 1 2 IN IP4 127.0.0.1", "s=-", "t=0 0", f"a=group:BUNDLE {group}"]
    for mid, port in sections:
        lines += [f"m=audio {port.split()[0]} UDP/TLS/RTP/SAVPF 111", "c=IN IP4 0.0.0.0", f"a=mid:{mid}"]
        lines += ["a=bundle-only"] * port.endswith("bundle-only")
        if mid.isupper():
            lines += [f"a=ice-ufrag:uf{mid}g", f"a=ice-pwd:{'p' * 22}", f"a=fingerprint:sha-256 {FINGERPRINT}"]
    return "\r\n".join(lines) + "\r\n"


@pytest.mark.parametrize(
    ("description", "ufrags"),
    [
        (bundled("A b c", ("A", "9"), ("b", "0 bundle-only"), ("c", "0 bundle-only")), {"ufAg"}),  # RFC 8829, 5.2.1
        (bundled("A b", ("A", "9"), ("b", "9")), {"ufAg"}),  # an answer, or a later offer: RFC 9143, 7.3
        (bundled("B a", ("a", "9"), ("B", "9")), {"ufBg"}),
        (bundled("a B c", ("a", "0"), ("B", "9"), ("c", "9")), {"ufBg"}),  # the first has been refused
        (bundled("A B", ("A", "9"), ("B", "9")), {"ufAg", "ufBg"}),
    ],
)
def test_what_is_bundled_has_ice_and_dtls_once(description: str, ufrags: set[str]) -> None:
    assert outline(description).ufrags == ufrags


@pytest.mark.parametrize(
    ("description", "number"),
    [
        (bundled("a B", ("a", "9"), ("B", "9")), 1),
        (bundled("A", ("A", "9"), ("b", "9")), 2),
        (bundled("A", ("A", "9"), ("b", "0 bundle-only")), 2),
        (bundled("x b", ("A", "9"), ("b", "9")), 2),
        (bundled("A b", ("A", "0"), ("b", "9")), 2),
    ],
)
def test_nothing_is_inherited_from_a_section_that_has_nothing(description: str, number: int) -> None:
    with pytest.raises(SignalRefused, match=f"media section {number} has no a=ice-ufrag"):
        outline(description)


def test_a_section_that_is_refused_needs_no_ice_one_that_is_only_bundled_with_nothing_does() -> None:
    refused = GOOD + "m=video 0 UDP/TLS/RTP/SAVPF 120\r\nc=IN IP4 0.0.0.0\r\na=inactive\r\n"
    assert outline(refused).media == ("audio", "video", "video")
    with pytest.raises(SignalRefused, match="media section 3 has no a=ice-ufrag"):
        outline(refused + "a=bundle-only\r\n")


@pytest.mark.parametrize(
    ("description", "problem"),
    [
        (GOOD.replace("v=0", "v=1"), "does not begin with v=0"),
        (GOOD.replace("a=setup", "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:x\r\na=setup"), "a key in the open"),
        (GOOD.replace("UDP/TLS/RTP/SAVPF", "RTP/AVP"), "no audio, video or data by DTLS"),
        (GOOD.replace("m=audio 9", "m=shell 9"), "media section 1 is no audio"),
        (GOOD.replace("a=ice-ufrag:abcd", "a=ice-ufrag:a"), "no a=ice-ufrag"),
        (GOOD.replace("p" * 22, "p" * 21), "no a=ice-ufrag or no a=ice-pwd"),
        (GOOD.replace("sha-256", "sha-1"), "no a=fingerprint of SHA-256"),
        (GOOD.replace("s=-", "s=\x00"), "line 3 is not of the form"),
        (GOOD.replace("s=-\r\n", "s=-\r\r\n"), "line 3 is not of the form"),
        (GOOD.replace("s=-", "\r\n"), "line 3 is not of the form"),
        *(
            (GOOD.replace("s=-", f"s=-{end}a=x"), "line 3 is not of the form")
            for end in ("\r", "\x85", "\u2028", "\u2029")
        ),
        (GOOD.replace("s=-", "s=" + "-" * 2_048), "line 3 is not of the form"),
        (GOOD + "a=x\r\n" * MAX_LINES, f"more than {MAX_LINES} lines"),
        (GOOD + "m=audio 9 UDP/TLS/RTP/SAVPF 0\r\n" * MAX_MEDIA, "18 media sections"),
        (GOOD + "a=candidate:1\r\n" * (MAX_CANDIDATES + 1), f"more than {MAX_CANDIDATES} candidates"),
        ("v=0\r\ns=-\r\n", "0 media sections"),
        ("x" * 65_537, "more than 65536 letters"),
    ],
)
def test_what_no_browser_makes_is_refused_by_name(description: str, problem: str) -> None:
    with pytest.raises(SignalRefused, match=problem) as caught:
        outline(description)
    assert caught.value.code == "bad-description"


@given(st.text(max_size=200), st.integers(0, len(GOOD)))
def test_whatever_is_put_into_one_it_passes_or_is_refused(text: str, place: int) -> None:
    with suppress(SignalRefused):  # and raises nothing else
        assert outline(GOOD[:place] + text + GOOD[place:]).media[:1] == ("audio",)
