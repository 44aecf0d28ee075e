"""Events of AMI in which a caller has put line breaks: where they end in truth, and without those breaks. Pure.

Owns the form of what Asterisk says of a channel in every event about one. Must not know connections, nor any event.
A SIP URI may hold `%0d%0a`, and Asterisk (16 and 22 as tested) writes a caller's number and the number that was dialled
into its events as they are: a caller could write events of their own, for everybody who listens. What comes before and
behind such a value is always the same and longer than such a value can be: that is what it is told by.
"""

import re
from typing import Final

MAX_VALUE: Final = 120
"""Bytes of a number that are looked through; Asterisk takes 79 of a SIP URI."""

MAX_DATA: Final = 1_024
"""Bytes of an application's arguments, which may hold such a number, too."""

MAX_EVENT: Final = 4_096
"""Bytes in which what belongs to one event is looked for."""

_LINE: Final = rb"[^\r\n]*\r\n"
_ANY: Final = rb"[\s\S]{0,%d}" % MAX_VALUE
_FORM: Final = (
    rb"(?P<a>(?:^|\r\n)(?P<whose>\w*)ChannelStateDesc: %(line)s(?P=whose)CallerIDNum: )(?P<caller>%(value)s)"
    rb"(?P<b>\r\n(?P=whose)CallerIDName: %(line)s(?P=whose)ConnectedLineNum: )(?P<other>%(value)s)"
    rb"(?P<c>\r\n(?P=whose)ConnectedLineName: %(line)s(?:(?P=whose)(?!Exten: )\w+: %(line)s){0,8}(?P=whose)Exten: )"
    rb"(?P<dialled>%(value)s)"
    rb"(?P<d>\r\n(?P=whose)Priority: -?[0-9]+\r\n(?P=whose)Uniqueid: [^\r\n]+"
    rb"\r\n(?P=whose)Linkedid: [^\r\n]+(?:\r\n|$))"
)
_LISTED: Final = b"Event: CoreShowChannel\r\n"
_DATA: Final = (
    rb"(?P<a>\r\nApplicationData: )(?P<data>%s)"
    rb"(?P<b>\r\nDuration: [0-9]{2,}:[0-9]{2}:[0-9]{2}\r\nBridgeId: [^\r\n]*(?:\r\n|$))"
)
_SOUND_DATA: Final = re.compile(_DATA % rb"[^\r\n]*")
_BROKEN_DATA: Final = re.compile(_DATA % (rb"[\s\S]{0,%d}?" % MAX_DATA))
_SOUND: Final = re.compile(_FORM % {b"line": _LINE, b"value": rb"[^\r\n]*"})
_BROKEN: Final = re.compile(_FORM % {b"line": _LINE, b"value": _ANY})
_EOL: Final = b"\r\n"
_BEGIN: Final = b"ChannelStateDesc: "
_WHOSE: Final = re.compile(rb"(?:\r\n)?\w*")
_BREAK: Final = re.compile(rb"[\r\n]+")


def is_broken(raw: bytes) -> bool:
    """Whether what is said of a channel is not as Asterisk says it, in a message as far as it seems to go."""
    # By searching, not by one expression for all, which takes six times as long: this is asked of every message.
    at = raw.find(_BEGIN)
    while at >= 0:
        line = max(raw.rfind(_EOL, 0, at), 0)
        if _WHOSE.fullmatch(raw, line, at) is not None and _SOUND.match(raw, line) is None:
            return True
        at = raw.find(_BEGIN, at + 1)
    return raw.startswith(_LISTED) and _SOUND_DATA.search(raw) is None


def mended(text: bytes) -> bytes | None:
    """The same without line breaks in numbers; None when nothing is to be mended, or not all of it is there yet.

    `text`: from the beginning of a broken message on, at most `MAX_EVENT` bytes, what follows it included.
    """
    found = _BROKEN.sub(_plain, text)
    if found.startswith(_LISTED):
        found = _BROKEN_DATA.sub(_plain_data, found, count=1)
    return None if found == text else found


def _plain(match: re.Match[bytes]) -> bytes:
    caller, other, dialled = (_BREAK.sub(b" ", match[name]) for name in ("caller", "other", "dialled"))
    return b"".join((match["a"], caller, match["b"], other, match["c"], dialled, match["d"]))


def _plain_data(match: re.Match[bytes]) -> bytes:
    return b"".join((match["a"], _BREAK.sub(b" ", match["data"]), match["b"]))
