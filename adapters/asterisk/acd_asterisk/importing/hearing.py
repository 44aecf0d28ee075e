"""Options of queues.conf about what callers hear while they wait, which are understood together.

Owns what they come to in `[channels.NAME.queues.QUEUE]`. Must not know any other option (`settings`).

app_queue says position and expected wait every `announce-frequency` seconds and when the position has changed, and
periodic announcements at a frequency of their own. Here both are one prompt, with one `every`.
"""

from collections.abc import Callable, Mapping
from typing import Final

from acd.runtime.config import format_duration
from acd.runtime.config.problems import quoted
from acd_asterisk.importing.conf import Entry
from acd_asterisk.importing.members import is_true, whole
from acd_asterisk.importing.said import NOTHING, Said
from acd_asterisk.importing.writing import Value
from acd_asterisk.media import MAX_MEDIA, media_of

_LEAST_SECONDS: Final = 5
_MOST_SECONDS: Final = 3_600
_MOST_POSITION: Final = 1_000
_LIMIT: Final = 10
"""app_queue's `announce-position-limit` unless it is said."""

_APART_SECONDS: Final = 15
"""How far apart a position that has become better is said again, as with app_queue unless it is said otherwise."""

_DEFAULT: Final = "queue-periodic-announce"
_SILENT: Final = Said({}, "anyway", "announce-frequency is 0, so that app_queue says none of it")


def heard(last: Mapping[str, Entry]) -> dict[str, Said]:
    """What each of these options comes to, of those that a queue has. `last`: option → the entry that counts."""
    given = {option: entry.value for option, entry in last.items()}
    frequency = whole(given.get("announce-frequency", "0"))
    said = {option: read(given) for option, read in _PERIODIC.items() if option in given}
    for option, read in _REGULAR.items():
        if option in given:
            said[option] = read(given) if frequency > 0 else _SILENT
    if frequency > 0:
        said["announce-frequency"] = _regularly(given, frequency)
    elif "announce-frequency" in given:
        said["announce-frequency"] = NOTHING
    return said


def played(names: str) -> tuple[list[str], list[str]]:
    """Sounds that can be played, and those that cannot."""
    found = [name.strip() for name in names.split(",") if name.strip()]
    good = [name for name in found if media_of(name) is not None]
    return good[:MAX_MEDIA], [*(name for name in found if media_of(name) is None), *good[MAX_MEDIA:]]


# ---- position and wait, every announce-frequency


def _regularly(given: Mapping[str, str], frequency: int) -> Said:
    """Whatever app_queue says without being told to is part of this."""
    if not _is_something_said(given):
        return Said({}, "anyway", "neither position nor wait is to be said")
    at_pbx: dict[str, Value] = _every(frequency)
    for option, read in (("announce-position", _position), ("announce-holdtime", _holdtime)):
        if option not in given:
            at_pbx.update(read(given).at_pbx)
    return _clamped(frequency, at_pbx)


def _is_something_said(given: Mapping[str, str]) -> bool:
    return bool(_position(given).at_pbx or _holdtime(given).at_pbx)


def _position(given: Mapping[str, str]) -> Said:
    word = given.get("announce-position", "yes").strip().lower()
    if word in {"limit", "more"}:
        most = whole(given.get("announce-position-limit", str(_LIMIT)))
        if most <= 0:
            return Said({}, "anyway", "no position is low enough to be said")
        at_pbx: dict[str, Value] = {"position": "improved", "position_limit": min(most, _MOST_POSITION)}
        more = "that there are more than so many is not said" if word == "more" else ""
        return Said({}, "differs" if more else "mapped", more, at_pbx)
    if is_true(word):
        return Said(at_pbx={"position": "improved", "position_limit": _MOST_POSITION})
    return NOTHING


def _holdtime(given: Mapping[str, str]) -> Said:
    word = given.get("announce-holdtime", "yes").strip().lower()
    if word == "once":
        return Said({}, "differs", "it is said every time, as it changes", {"wait": True})
    return Said(at_pbx={"wait": True}) if is_true(word) else NOTHING


def _position_limit(given: Mapping[str, str]) -> Said:
    if given.get("announce-position", "yes").strip().lower() in {"limit", "more"}:
        return Said({}, "mapped", "position_limit of the queue at the PBX")
    return Said({}, "anyway", "counts only with announce-position = limit or more")


def _apart(given: Mapping[str, str]) -> Said:
    same = whole(given["min-announce-frequency"]) == _APART_SECONDS
    text = f"a position that has become better is said again after {_APART_SECONDS} s at least"
    return Said({}, "anyway" if same else "differs", text)


def _only_up(given: Mapping[str, str]) -> Said:
    if not is_true(given["announce-position-only-up"]):
        return Said({}, "differs", "a position that has become worse is not said before its time")
    return Said({}, "differs", "a position that is the same is said again, every time")


def _rounding(given: Mapping[str, str]) -> Said:
    if whole(given["announce-round-seconds"]) <= 0:
        return NOTHING
    return Said({}, "left", "a wait is said in minutes, rounded up: nobody can foretell seconds")


def _first_user(given: Mapping[str, str]) -> Said:
    if not is_true(given["announce-to-first-user"]):
        return Said({}, "differs", "who is first hears so, too, as long as no agent's telephone rings")
    return Said({}, "differs", "nothing is said while an agent's telephone rings")


# ---- periodic announcements


def _periodic(given: Mapping[str, str]) -> Said:
    if not _period(given):
        return Said({}, "anyway", "periodic-announce-frequency is 0, so that app_queue never says it")
    return _announcements(given["periodic-announce"])


def _announcements(names: str) -> Said:
    good, bad = played(names)
    text = f"left out: {quoted(', '.join(bad))}, of which no prompt can be made" if bad else ""
    if not good:
        return Said({}, "left", text or "names no sound")
    return Said({}, "differs" if bad else "mapped", text, {"announcements": good})


def _period(given: Mapping[str, str]) -> int:
    return max(whole(given.get("periodic-announce-frequency", "0")), 0)


def _periodically(given: Mapping[str, str]) -> Said:
    period = _period(given)
    if not period:
        return NOTHING
    announcements = {} if "periodic-announce" in given else _announcements(_DEFAULT).at_pbx
    if "periodic-announce" in given and not _announcements(given["periodic-announce"]).at_pbx:
        return Said({}, "left", "there is nothing to say")
    frequency = whole(given.get("announce-frequency", "0"))
    if frequency <= 0 or not _is_something_said(given):
        return _clamped(period, {**_every(period), **announcements})
    if frequency == period:
        return Said({}, "mapped", "every", announcements)
    return Said({}, "differs", f"they are said with the position, every {frequency} s", announcements)


def _at_random(given: Mapping[str, str]) -> Said:
    if not is_true(given["random-periodic-announce"]):
        return NOTHING
    return Said({}, "differs", "one after the other, in turn")


def _from_the_end(given: Mapping[str, str]) -> Said:
    if not is_true(given["relative-periodic-announce"]):
        return NOTHING
    return Said({}, "differs", "the time counts from the beginning of an announcement")


def _start(given: Mapping[str, str]) -> Said:
    text = "the first one comes when every is over; what is said at once is greeting"
    return Said({}, "left" if _period(given) else "anyway", text)


def _every(seconds: int) -> dict[str, Value]:
    return {"every": format_duration(min(max(seconds, _LEAST_SECONDS), _MOST_SECONDS) * 1_000_000)}


def _clamped(seconds: int, at_pbx: Mapping[str, Value]) -> Said:
    is_same = _LEAST_SECONDS <= seconds <= _MOST_SECONDS
    text = "" if is_same else f"it takes {_LEAST_SECONDS} to {_MOST_SECONDS} s"
    return Said({}, "mapped" if is_same else "differs", text, at_pbx)


_REGULAR: Final[Mapping[str, Callable[[Mapping[str, str]], Said]]] = {
    "announce-position": _position,
    "announce-holdtime": _holdtime,
    "announce-position-limit": _position_limit,
    "min-announce-frequency": _apart,
    "announce-position-only-up": _only_up,
    "announce-round-seconds": _rounding,
    "announce-to-first-user": _first_user,
}
"""They count only with an `announce-frequency`."""

_PERIODIC: Final[Mapping[str, Callable[[Mapping[str, str]], Said]]] = {
    "periodic-announce": _periodic,
    "periodic-announce-frequency": _periodically,
    "random-periodic-announce": _at_random,
    "relative-periodic-announce": _from_the_end,
    "periodic-announce-startdelay": _start,
}

OPTIONS: Final = frozenset({"announce-frequency", *_REGULAR, *_PERIODIC})
"""Those that are understood here."""
