"""The name of a recording: whose application, when it began, which offer, whose side. Pure.

Owns making and reading names, and the names of the attributes by which an interaction knows its recordings. Must not
know REST. A name has ids only, and characters that a file's name may have everywhere; whatever has another name is not
ours, and is never deleted.

- file:       `acd-APP-20260131T081500Z-OFFER`, behind it `-caller` or `-agent` for one side
- attributes: `recording.N`, `recording.N.caller`, `recording.N.agent`, with the file; N is the offer's number
"""

import re
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final, Literal

from msgspec import Struct

Side = Literal["", "caller", "agent"]

ATTRIBUTE: Final = "recording"

_STAMP: Final = "%Y%m%dT%H%M%SZ"
_NAME: Final = re.compile(r"([0-9]{8}T[0-9]{6}Z)-([A-Za-z0-9._:@+~-]{1,128}?)(?:-(caller|agent))?", re.ASCII)
_SAFE_OFFER: Final = re.compile(r"[A-Za-z0-9._:@+~-]{1,128}", re.ASCII)


class Label(Struct, frozen=True):
    """What a recording's name says. `stamp`: when it began, in UTC, as `stamp_of` writes it."""

    stamp: str
    offer_id: str
    side: Side = ""

    @property
    def attribute(self) -> str:
        """The interaction's attribute that holds the file's name."""
        number = self.offer_id.rpartition(".")[2]
        return ".".join(filter(None, (ATTRIBUTE, number, self.side)))

    def at(self) -> float:
        """When it began, in seconds since 1970; 0 if there is no such moment."""
        try:
            return datetime.strptime(self.stamp, _STAMP).replace(tzinfo=UTC).timestamp()
        except ValueError:
            return 0.0


class Labels:
    """The names of one Stasis application's recordings."""

    def __init__(self, app: str) -> None:
        """`app` is the application's name."""
        self._prefix = f"acd-{app}-"

    def name(self, label: Label) -> str:
        """The recording's name, without the ending that its format gives it."""
        offer = label.offer_id
        if not _SAFE_OFFER.fullmatch(offer):
            offer = f"x{sha256(offer.encode('utf-8', 'surrogatepass')).hexdigest()[:40]}"
        return "-".join(filter(None, (f"{self._prefix}{label.stamp}", offer, label.side)))

    def read(self, name: str) -> Label | None:
        """What a name says; None if it is not ours. Of an id that no file's name can hold only a digest is there."""
        found = _NAME.fullmatch(name.removeprefix(self._prefix)) if name.startswith(self._prefix) else None
        if found is None:
            return None
        side: Side = "caller" if found[3] == "caller" else "agent" if found[3] == "agent" else ""
        return Label(found[1], found[2], side)


def stamp_of(seconds: float) -> str:
    """A moment as it stands in a name."""
    return datetime.fromtimestamp(seconds, UTC).strftime(_STAMP)
