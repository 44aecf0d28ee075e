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
RINGS = {"RINGNOANSWER", "RINGCANCELED"}
ENDS = {event for event, fields in FIELDS.items() if "origposition" in fields} - {"ENTERQUEUE"}
"""Each ends a stay in a queue, or the talk that it has led to."""

_TALKED = {event for event in ENDS if "calltime" in FIELDS[event]}
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


def stays(entries: list[Entry]) -> dict[str, list[list[str]]]:
    """The events of each stay in a queue, by call: from the one ENTERQUEUE to the one end, in between only what may be.

    Whoever adds up calls as reports do counts one too many, or one too few, where that is not so.
    """
    found: dict[str, list[list[str]]] = {}
    for entry in entries:
        if entry.event in ENDS | RINGS | {"ENTERQUEUE", "CONNECT"}:
            of_call = found.setdefault(entry.call, [])
            if entry.event == "ENTERQUEUE":
                assert not of_call or of_call[-1][-1] in ENDS, f"{entry}: in a queue already"
                of_call.append([])
            assert of_call, f"{entry}: in no queue"
            assert not of_call[-1] or of_call[-1][-1] not in ENDS, f"{entry}: in no queue any more"
            of_call[-1].append(entry.event)
    for call, of_call in found.items():
        for events in of_call:
            has_talked = "CONNECT" in events
            assert events[-1] in ENDS, f"{call} is in the queue for ever: {events}"
            assert has_talked == (events[-1] in _TALKED), f"{call}: {events}"
            assert not has_talked or events[-2] == "CONNECT", f"{call} is offered while it talks: {events}"
    return found


def _entry(line: str) -> Entry:
    epoch, call, queue, agent, event, *data = line.split("|")
    assert all((call, queue, agent)), line
    names = FIELDS[event]
    assert len(data) == len(names), line
    found = dict(zip(names, data, strict=True))
    assert all(found[name].isdecimal() for name in names if name in _NUMBERS), line
    return Entry(int(epoch), call, queue, agent, event, found)
