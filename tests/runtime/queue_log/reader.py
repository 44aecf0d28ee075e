"""An independent reader of a `queue_log`, after Asterisk's published description of the file: none of our code.

Each event's fields by the names that the description gives them. What it does not describe is an error.
"""

from dataclasses import dataclass
from pathlib import Path

_WAITED = ("position", "origposition", "waittime")
FIELDS: dict[str, tuple[str, ...]] = {
    "QUEUESTART": ("",),
    "CONFIGRELOAD": ("",),
    "ADDMEMBER": ("paused",),
    "REMOVEMEMBER": ("",),
    "PAUSE": ("reason",),
    "UNPAUSE": ("reason",),
    "PAUSEALL": ("reason",),
    "UNPAUSEALL": ("reason",),
    "ENTERQUEUE": ("url", "callerid", "origposition"),
    "CONNECT": ("holdtime", "bridgedchanneluniqueid", "ringtime"),
    "COMPLETEAGENT": ("holdtime", "calltime", "origposition"),
    "COMPLETECALLER": ("holdtime", "calltime", "origposition"),
    "ABANDON": _WAITED,
    "EXITEMPTY": _WAITED,
    "EXITWITHTIMEOUT": _WAITED,
    "EXITWITHKEY": ("key", *_WAITED),
    "WITHDRAW": (*_WAITED, "info"),
    "RINGNOANSWER": ("ringtime",),
    "RINGCANCELED": ("ringtime",),
    "BLINDTRANSFER": ("extension", "context", "holdtime", "calltime", "origposition"),
    "ATTENDEDTRANSFER": ("method", "bridge", "holdtime", "calltime", "origposition"),
}
_NUMBERS = {"position", "origposition", "waittime", "holdtime", "calltime", "ringtime"}


@dataclass(frozen=True)
class Entry:
    epoch: int
    call: str
    queue: str
    agent: str
    event: str
    data: dict[str, str]

    def number(self, name: str) -> int:
        return int(self.data[name])


def read(path: Path) -> list[Entry]:
    raw = path.read_bytes()
    assert raw.endswith(b"\n") or not raw
    return [_entry(line) for line in raw.decode().split("\n")[:-1]]


def events(path: Path, call: str = "") -> list[str]:
    return [entry.event for entry in read(path) if not call or entry.call == call]


def _entry(line: str) -> Entry:
    epoch, call, queue, agent, event, *data = line.split("|")
    assert all((call, queue, agent)), line
    names = FIELDS[event]
    assert len(data) == len(names), line
    found = dict(zip(names, data, strict=True))
    assert all(found[name].isdecimal() for name in names if name in _NUMBERS), line
    return Entry(int(epoch), call, queue, agent, event, found)
