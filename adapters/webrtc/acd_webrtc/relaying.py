"""What a side says that tells where it is, for sides whose addresses are nobody's business: agents who work at home.

Owns which lines of a description, and which candidates, name an address (RFC 8839, 5.1; RFC 8866, 5.2 and 5.7), and
leaves those of the relay alone. A page that is to send by the relay only is told so besides (`Welcome`): else its
browser would show where it is by the first packet that it sends.

Must not know calls or sides.
"""

import re
from typing import Final

from msgspec.structs import replace

from acd_webrtc.signals import Answer, Candidate, Offer

_RELAYED: Final = re.compile(r"candidate:\S+ \d+ \S+ \d+ \S+ \d+ typ relay\b", re.IGNORECASE)
_BEHIND: Final = re.compile(r" raddr \S+ rport \d+", re.IGNORECASE)
"""From which address the relay is used."""
_NOWHERE: Final = (
    (re.compile(r"c=IN IP[46] \S+"), "c=IN IP4 0.0.0.0"),
    (re.compile(r"(o=\S+ \S+ \S+) IN IP[46] \S+"), r"\1 IN IP4 127.0.0.1"),
    (re.compile(r"a=rtcp:\d+( IN IP[46] \S+)?"), "a=rtcp:9 IN IP4 0.0.0.0"),
    (re.compile(r"(m=\w+) [1-9]\d*(?:/\d+)? (.+)"), r"\1 9 \2"),
)
"""Where media would go without ICE, as browsers write it before they have any candidate (RFC 8840, 4.1.1)."""


def relayed(said: Offer | Answer | Candidate) -> Offer | Answer | Candidate | None:
    """The same without addresses but the relay's; None for a candidate that is none of the relay's."""
    if not isinstance(said, Candidate):
        lines = said.sdp.split("\n")
        return replace(said, sdp="\n".join(found for line in lines if (found := _line(line)) is not None))
    if not said.candidate:
        return said
    found = _candidate(said.candidate)
    return None if found is None else replace(said, candidate=found)


def _line(line: str) -> str | None:
    """Of a description; None for one that goes."""
    text, end = line.removesuffix("\r"), "\r" if line.endswith("\r") else ""
    if text.startswith("a=remote-candidates:"):
        return None
    if text.startswith("a=candidate:"):
        found = _candidate(text.removeprefix("a="))
        return None if found is None else f"a={found}{end}"
    for pattern, nowhere in _NOWHERE:
        if pattern.fullmatch(text):
            return pattern.sub(nowhere, text) + end
    return line


def _candidate(text: str) -> str | None:
    return _BEHIND.sub(" raddr 0.0.0.0 rport 0", text) if _RELAYED.match(text) else None
