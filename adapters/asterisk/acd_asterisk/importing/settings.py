"""One queue of queues.conf: each of its options becomes a setting of the engine, or a reason why not.

Owns the mapping. Must not know members, penalties (`penalties`), or how TOML is spelt.
"""

from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from acd.core import limits
from acd.runtime.config import format_duration
from acd.runtime.config.problems import did_you_mean, quoted
from acd_asterisk.importing import hearing
from acd_asterisk.importing.conf import Entry, Section
from acd_asterisk.importing.members import is_true, whole
from acd_asterisk.importing.report import Report
from acd_asterisk.importing.said import NOTHING, Said
from acd_asterisk.importing.unmapped import ANYWAY, LEFT, is_off
from acd_asterisk.importing.writing import Value, line
from acd_asterisk.media import MUSIC_CLASS

STRATEGIES: Final[Mapping[str, tuple[str, str]]] = {
    "ringall": ("broadcast", ""),
    "leastrecent": ("longest-idle", "who has been idle longest, counting calls of all queues"),
    "rrmemory": ("round-robin", ""),
    "roundrobin": ("round-robin", ""),
    "rrordered": ("round-robin", ""),
    "linear": ("linear", ""),
    "fewestcalls": ("longest-idle", "calls of the past are not counted; who has been idle longest is asked"),
    "random": (
        "longest-idle",
        "no chance decides; who has been idle longest is asked, which shares calls out as evenly",
    ),
    "wrandom": ("longest-idle", "no chance decides, and penalties are weights no more: all members are of one level"),
}
"""Strategy → the engine's, and what is different."""

DEFAULT_STRATEGY: Final = "ringall"
UNWEIGHTED: Final = "wrandom"
"""The strategy for which a penalty is a weight."""

ELSEWHERE: Final = frozenset({"member", "strategy", "weight", "penaltymemberslimit", "defaultrule"})
"""Options that need more than their own value to be understood: `queues` sees to them."""

_TIMEOUT_SECONDS: Final = 15
_RETRY_SECONDS: Final = 5
_FOR_EVER: Final = "1h"
_SYNONYMS: Final = {"music": "musicclass", "musiconhold": "musicclass"}
_MOST_SECONDS: Final = limits.MAX_DURATION_US // 1_000_000
_NAMED_SO: Final = "of letters, digits, _ . and -"

_NOBODY_SIGNED_IN: Final = frozenset({"paused", "penalty", "unavailable", "invalid", "unknown"})
_BUSY: Final = frozenset({"inuse", "ringing", "wrapup"})
_WORDS: Final = {"strict": _NOBODY_SIGNED_IN - {"unknown"}, "loose": frozenset({"penalty", "invalid"})}
_NO_JOIN: Final = frozenset({"penalty", "paused", "invalid"})


class Settings(NamedTuple):
    """Those of `[queues.QUEUE]`, and those of `[channels.NAME.queues.QUEUE]`."""

    of_queue: dict[str, Value]
    at_pbx: dict[str, Value]


def settings_of(section: Section, report: Report, *, broadcast: bool) -> Settings:
    """The settings of a queue, without strategy, band and levels. Accounts for every option but those of `ELSEWHERE`.

    `broadcast`: the queue rings several agents at once, and then nobody is made not-ready for not answering.
    """
    found: dict[str, Value] = {
        "offer_timeout": f"{_TIMEOUT_SECONDS}s",
        "retry_after": f"{_RETRY_SECONDS}s",
        "when_full": "wait",
    }
    if not broadcast:
        found["rona"] = "stay-ready"
    at_pbx: dict[str, Value] = {}
    last = {option_of(entry): entry for entry in section.entries}
    together = hearing.heard(last)
    for entry in section.entries:
        option = option_of(entry)
        if option in ELSEWHERE:
            continue
        if last[option] is not entry:
            report.add("anyway", section.name, entry, "the same option stands below again, and the last one counts")
            continue
        said = together.get(option) or _said(option, entry.value, broadcast=broadcast)
        found.update(said.settings)
        at_pbx.update(said.at_pbx)
        text = "; ".join(part for part in (_shown(said.settings), _shown(said.at_pbx), said.text) if part)
        report.add(said.outcome, section.name, entry, text)
    if "max_waiting" in found:
        del found["when_full"]
    return Settings(found, at_pbx)


def account_general(section: Section, report: Report) -> None:
    """The options of `[general]`: none of them is a setting of the engine."""
    for entry in section.entries:
        option = option_of(entry)
        if option == "force_longest_waiting_caller":
            says_so = entry.value.strip().lower() == "prio" or is_true(entry.value)
            text = "who waits longest goes first in all queues of one band, priorities counted in"
            report.add("anyway" if says_so else "differs", section.name, entry, text)
        else:
            said = _known(option, entry.value)
            report.add(said.outcome, section.name, entry, said.text)


def option_of(entry: Entry) -> str:
    """The option that an entry is for: app_queue does not care for case, and has synonyms."""
    option = entry.name.lower()
    return _SYNONYMS.get(option, option)


def _said(option: str, value: str, *, broadcast: bool) -> Said:
    if option == "autopause" and broadcast:
        if is_off(option, value):
            return NOTHING
        return Said({}, "left", "nobody is made not-ready for what others were rung for, too")
    mapper = _MAPPED.get(option)
    return mapper(value) if mapper else _known(option, value)


def _known(option: str, value: str) -> Said:
    if option in ANYWAY:
        values, same, different = ANYWAY[option]
        return Said({}, "anyway", same) if is_true(value) in values else Said({}, "differs", different)
    if option in LEFT:
        return NOTHING if is_off(option, value) else Said({}, "left", LEFT[option])
    hint = did_you_mean(option, [*_MAPPED, *ANYWAY, *LEFT, *ELSEWHERE, *hearing.OPTIONS])
    hint = f"; {hint}" if hint.startswith("did") else ""
    return Said({}, "left", f"app_queue has no such option and passes over it{hint}")


def _timeout(value: str) -> Said:
    seconds = whole(value)
    if seconds <= 0:
        return Said({"offer_timeout": _FOR_EVER}, "differs", "an offer cannot ring for ever")
    return Said({"offer_timeout": _seconds(seconds)})


def _retry(value: str) -> Said:
    seconds = whole(value) if whole(value) > 0 else _RETRY_SECONDS
    return Said(
        {"retry_after": _seconds(seconds)}, "differs", "other agents are asked at once, the same one after this"
    )


def _maxlen(value: str) -> Said:
    most = whole(value)
    if most <= 0:
        return Said({}, text='unlimited: when_full = "wait"')
    return Said({"max_waiting": min(most, limits.MAX_INTERACTIONS)})


def _wrapuptime(value: str) -> Said:
    return Said({"wrap_up": _seconds(whole(value))}) if whole(value) > 0 else NOTHING


def _servicelevel(value: str) -> Said:
    if whole(value) <= 0:
        return Said({}, "left", "without a time nothing is in time; the engine counts with 20s")
    return Said({"service_level": _seconds(whole(value))})


def _autopause(value: str) -> Said:
    if value.strip().lower() == "all":
        return Said({"rona": "not-ready"})
    if is_true(value):
        return Said(
            {"rona": "not-ready"}, "differs", "whoever does not answer is not-ready in all queues, not in this one"
        )
    return Said({"rona": "stay-ready"})


def _autopauseunavail(value: str) -> Said:
    text = "an agent whose phone cannot be reached is made not-ready in all queues, with the reason unreachable"
    return Said({}, "anyway" if is_true(value) else "differs", text)


def _musicclass(value: str) -> Said:
    if value in {"", "default"}:
        return Said({}, "anyway", "callers hear the class default unless the channel's music_class says otherwise")
    if not MUSIC_CLASS.fullmatch(value):
        return Said({}, "left", f"no class of music may be called so; rename it in musiconhold.conf, {_NAMED_SO}")
    return Said(at_pbx={"music_class": value})


def _announce(value: str) -> Said:
    if value.strip().lower() in {"", "no"}:
        return NOTHING
    good, bad = hearing.played(value)
    if bad or not good:
        return Said({}, "left", f"no prompt can be made of {quoted(value)}: name it otherwise, and then in briefing")
    return Said(at_pbx={"briefing": good})


def _joinempty(value: str) -> Said:
    factors, unknown = _factors(value, _NO_JOIN if not is_true(value) else frozenset())
    if not factors and not unknown:
        return Said({"when_unstaffed": "wait"})
    if not factors & _NOBODY_SIGNED_IN:
        return Said({}, "left", "nobody is sent away because all agents are busy; use max_waiting or max_wait")
    exact = factors <= {"unavailable", "penalty", "invalid", "unknown"}
    text = "asked is whether anybody is signed in who could take it; pauses and calls do not count against that"
    return Said({"when_unstaffed": "refuse"}, "mapped" if exact and not unknown else "differs", "" if exact else text)


def _leavewhenempty(value: str) -> Said:
    factors, unknown = _factors(value, _NO_JOIN if is_true(value) else frozenset())
    if not factors and not unknown:
        return NOTHING
    text = 'who waits is not sent away when the last agent leaves; max_wait = "5m" with when_overdue bounds the wait'
    return Said({}, "left", text)


def _factors(value: str, plain: frozenset[str]) -> tuple[frozenset[str], bool]:
    """What makes a member count as absent; and whether there is any word that app_queue does not know."""
    word = value.strip().lower()
    if word in _WORDS:
        return _WORDS[word], False
    if is_true(word) or word in {"no", "false", "n", "f", "0", "off"}:
        return plain, False
    named = frozenset(part.strip().lower() for part in value.split(",") if part.strip())
    return named & (_NOBODY_SIGNED_IN | _BUSY), not named <= (_NOBODY_SIGNED_IN | _BUSY)


_MAPPED: Final[Mapping[str, Callable[[str], Said]]] = {
    "timeout": _timeout,
    "retry": _retry,
    "maxlen": _maxlen,
    "wrapuptime": _wrapuptime,
    "servicelevel": _servicelevel,
    "autopause": _autopause,
    "autopauseunavail": _autopauseunavail,
    "musicclass": _musicclass,
    "announce": _announce,
    "joinempty": _joinempty,
    "leavewhenempty": _leavewhenempty,
}


def _seconds(seconds: int) -> str:
    return format_duration(min(seconds, _MOST_SECONDS) * 1_000_000)


def _shown(settings: Mapping[str, Value]) -> str:
    return ", ".join(line(key, value) for key, value in settings.items())
