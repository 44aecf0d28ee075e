"""The name of a recording, whoever makes it: whose, when it began, which offer, which side. Pure.

Owns making and reading names, which of them are old, and the names of the attributes by which an interaction knows its
recordings. Must not know files, nor any channel. A name has ids only, and characters that a file's name may have
everywhere; whatever has another name is not ours, and is never deleted.

- file:       `acd-OWNER-20260131T081500Z-OFFER`, behind it `-2` for the second of this offer, `-caller` or `-agent`
- attributes: `recording.N`, `recording.N.caller`, `recording.N.2.agent`, with the file; N is the offer's number
"""

import re
from collections.abc import Iterable
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Literal

from msgspec import Struct

Side = Literal["", "caller", "agent"]

ATTRIBUTE: Final = "recording"
"""The interaction's attribute that says how its recording stood after the last order; `recording.…` are its files."""
_STAMP: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(
    r"([0-9]{8}T[0-9]{6}Z)-([A-Za-z0-9._:@+~-]{1,128}?)(?:-([2-9]|[1-9][0-9]{1,3}))?(?:-(caller|agent))?", re.ASCII
)
_SAFE: Final = re.compile(r"[A-Za-z0-9._:@+~-]{1,128}", re.ASCII)


class Label(Struct, frozen=True):
    """What a recording's name says. `stamp`: when it began, in UTC, as `stamp_of` writes it. `number`: of this offer's.

    The offer of an id that no file's name can hold is a digest in it.
    """

    stamp: str
    offer_id: str
    side: Side = ""
    number: int = 1

    @property
    def attribute(self) -> str:
        """The interaction's attribute that holds the file's name."""
        offer = self.offer_id.rpartition(".")[2]
        return ".".join(filter(None, (ATTRIBUTE, offer, str(self.number) if self.number > 1 else "", self.side)))

    def at(self) -> float:
        """When it began, in seconds since 1970; 0 if there is no such moment."""
        try:
            return datetime.strptime(self.stamp, _STAMP).replace(tzinfo=UTC).timestamp()
        except ValueError:
            return 0.0


class Labels:
    """The names of one channel's recordings."""

    def __init__(self, owner: str) -> None:
        """`owner`: what they begin with: a channel's name, or a Stasis application's."""
        self._prefix = f"acd-{_safe(owner)}-"

    def name(self, label: Label) -> str:
        """The recording's name, without its ending."""
        number = str(label.number) if label.number > 1 else ""
        return "-".join(filter(None, (f"{self._prefix}{label.stamp}", _safe(label.offer_id), number, label.side)))

    def read(self, name: str) -> Label | None:
        """What a name says; None if it is not ours."""
        found = _NAME.fullmatch(name.removeprefix(self._prefix)) if name.startswith(self._prefix) else None
        if found is None:
            return None
        side: Side = "caller" if found[4] == "caller" else "agent" if found[4] == "agent" else ""
        return Label(found[1], found[2], side, int(found[3] or 1))

    def old(self, names: Iterable[str], before: float) -> list[str]:
        """Those that began before this, in seconds since 1970, the oldest first."""
        found = [(label.stamp, name) for name in names if (label := self.read(name)) and 0 < label.at() < before]
        return [name for _, name in sorted(found)]


def stamp_of(seconds: float) -> str:
    """A moment as it stands in a name."""
    return datetime.fromtimestamp(seconds, UTC).strftime(_STAMP)


def next_number(attributes: Iterable[str], offer_id: str) -> int:
    """What the next recording of this offer is numbered, from the names of the interaction's attributes."""
    offer = offer_id.rpartition(".")[2]
    highest = 0
    for name in attributes:
        first, *rest = name.split(".")
        if first == ATTRIBUTE and rest[:1] == [offer]:
            highest = max(highest, int(rest[1]) if len(rest) > 1 and rest[1].isdecimal() else 1)
    return highest + 1


def _safe(text: str) -> str:
    if _SAFE.fullmatch(text):
        return text
    return f"x{sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"
