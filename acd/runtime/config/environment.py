"""Settings from the environment: ACD_SECTION_KEY replaces what the file says, ACD_…_FILE names a file with a secret.

Owns which variables there are and how their texts become values of the file. Must not know what a setting means: the
section's reader says what is wrong with it, and the problem then names the variable. Only the service itself is set
like this. What decides (agents, queues, capacities, calendars) is in the file or belongs to the API, so that a journal
never depends on who started the engine.
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Literal

from msgspec import Struct

from acd.runtime.config.owned import SECTIONS
from acd.runtime.config.problems import Key, Problems, did_you_mean, dotted
from acd.runtime.config.secrets import SECRET_KEY

PREFIX: Final = "ACD_"
_IN_THE_FILE: Final = f"keep {', '.join(SECTIONS[:-1])} and {SECTIONS[-1]} in the file"

Kind = Literal["text", "integer", "flag", "duration"]

KEYS: Final[Mapping[str, Mapping[str, Kind]]] = {
    "domain": {"name": "text"},
    "journal": {"path": "text", "durability": "text"},
    "personal": {"path": "text", "key_file": "text", "region": "text"},
    "outbox": {"path": "text"},
    "snapshots": {"path": "text", "enabled": "flag", "every": "integer", "interval": "duration", "keep": "integer"},
    "router": {"inbox": "integer", "batch": "integer", "channel_deadline": "duration"},
    "telemetry": {"endpoint": "text", "service": "text"},
    "api": {
        "host": "text",
        "port": "integer",
        "certificate": "text",
        "private_key": "text",
        "open": "flag",
        "versions": "text",
        "answers": "text",
        "idempotency": "duration",
        "socket": "text",
        "socket_mode": "text",
        "socket_group": "text",
    },
    "api.rates": {
        "token": "text",
        "token_burst": "integer",
        "agent": "text",
        "agent_burst": "integer",
        "failures": "text",
        "failures_burst": "integer",
    },
    "api.sessions": {"lifetime": "duration", "longest": "duration", "secure": "flag"},
    "api.desk": {"enabled": "flag", "notes": "flag", "keep": "duration", "path": "text", "key": "text"},
    "api.wallboard": {"enabled": "flag", "window": "duration"},
    "alarms": {
        "longest_wait": "duration",
        "longest_wait_clear": "duration",
        "waiting": "integer",
        "waiting_clear": "integer",
        "service_level": "integer",
        "service_level_clear": "integer",
        "no_agent_ready": "duration",
        "window": "duration",
        "least_calls": "integer",
        "settle": "duration",
    },
    "queue_log": {"path": "text", "state": "text", "caller": "text", "ami": "text"},
    "metrics": {"host": "text", "port": "integer"},
}
"""Section → its single values. A test holds this to what the sections' readers know."""

TOKEN_KEYS: Final[Mapping[str, Kind]] = {
    "token": "text",
    "token_file": "text",
    "token_env": "text",
    "old_token_file": "text",
}
"""Of a `[[api.tokens]]`, by its name."""

WEBHOOK_KEYS: Final[Mapping[str, Kind]] = {
    "url": "text",
    "secret_file": "text",
    "old_secret_file": "text",
    "timeout": "duration",
}
"""Of a `[webhooks.NAME]`."""

ELSEWHERE: Final = frozenset({"ACD_COMPILE", "ACD_SEED", "ACD_TEST_SEED", "ACD_TEST_PASSWORD"})
"""Variables that are read by others: the build, and the tests."""

ELSEWHERE_PREFIXES: Final = ("ACD_LAB_",)

_NUMBER = re.compile(r"[+-]?[0-9]{1,18}")
_FLAGS: Final = {"true": True, "false": False}


class Override(Struct, frozen=True):
    """One setting that comes from the environment: the variable, and what it replaces."""

    variable: str
    key: Key

    def __str__(self) -> str:
        """For people; never the value, which may be a secret."""
        return f"{self.variable} sets {dotted(self.key)}"


class _Place(Struct, frozen=True):
    """Where a variable's value goes; `kind` None for options of plugins."""

    key: Key
    kind: Kind | None


def put_over(
    raw: dict[str, object], environment: Mapping[str, str], problems: Problems
) -> tuple[dict[str, object], tuple[Override, ...]]:
    """The document with the environment's settings in place of its own, and which those are, by variable.

    An empty variable counts as not set. `problems` are told which keys come from where; a variable that is nearly one
    of ours is noted as a warning.
    """
    ours = {name: value for name, value in sorted(environment.items()) if name.startswith(PREFIX) and value}
    if not ours:
        return raw, ()
    merged, places = _copied(raw), _places(raw)
    found = []
    for variable, value in ours.items():
        fitting = places.get(variable) or _options(raw, variable)
        if len(fitting) > 1:
            problems.comes_from((variable,), variable)
            both = " and ".join(dotted(place.key[:-1]) for place in fitting)
            problems.error((variable,), f"fits {both}", "rename one of them, or say it in the file")
        for place in fitting[:1]:
            problems.comes_from(_put(merged, place, variable, value), variable)
            found.append(Override(variable, place.key))
    _warn_of_others(ours, {*_named_by(raw), *(each.variable for each in found)}, places, problems)
    return merged, tuple(found)


def variable_part(name: str) -> str:
    """A channel's, webhook's or token's name as it stands in a variable: `pbx-1` → `PBX_1`."""
    return re.sub(r"[^A-Z0-9]", "_", name.upper())


def _places(raw: Mapping[str, object]) -> dict[str, list[_Place]]:
    """Every variable that is known by its whole name, and what it may mean: one thing, unless names look alike."""
    found: dict[str, list[_Place]] = {}
    for named, key, kind in _settings(raw):
        found.setdefault(PREFIX + "_".join(map(variable_part, named)), []).append(_Place(key, kind))
    return found


def _settings(raw: Mapping[str, object]) -> Iterator[tuple[tuple[str, ...], Key, Kind]]:
    """What each is called in variables, where it is, and its kind."""
    for section, keys in KEYS.items():
        parts = tuple(section.split("."))
        yield from (((*parts, key), (*parts, key), kind) for key, kind in keys.items())
    for index, name in _tokens(raw).items():
        for key, kind in TOKEN_KEYS.items():
            yield ("api", "tokens", name, key), ("api", "tokens", index, key), kind
    for name in _names(raw, "webhooks"):
        yield from ((("webhooks", name, key), ("webhooks", name, key), kind) for key, kind in WEBHOOK_KEYS.items())


def _options(raw: Mapping[str, object], variable: str) -> list[_Place]:
    """An option of a channel, which only its plugin knows. Of two names that fit, the longer one is meant."""
    prefixes = {name: f"{PREFIX}CHANNELS_{variable_part(name)}_" for name in _names(raw, "channels")}
    fitting = {name: prefix for name, prefix in prefixes.items() if variable.startswith(prefix) and variable != prefix}
    longest = max(map(len, fitting.values()), default=0)
    return [
        _Place(("channels", name, variable.removeprefix(prefix).lower()), None)
        for name, prefix in fitting.items()
        if len(prefix) == longest
    ]


def _warn_of_others(ours: Iterable[str], known: set[str], places: Iterable[str], problems: Problems) -> None:
    """A variable that nobody reads is most likely a slip."""
    for variable in sorted(set(ours) - known - ELSEWHERE):
        if not variable.startswith(ELSEWHERE_PREFIXES):
            problems.comes_from((variable,), variable)
            of_file = variable.removeprefix(PREFIX).partition("_")[0].lower() in SECTIONS
            fix = _IN_THE_FILE if of_file else did_you_mean(variable, places)
            problems.warn((variable,), "is not a setting of acd", fix)


def _tokens(raw: Mapping[str, object]) -> dict[int, str]:
    """Place → name of each token that has one."""
    api = raw.get("api")
    tokens = api.get("tokens") if isinstance(api, dict) else None
    each = enumerate(tokens) if isinstance(tokens, list) else ()
    return {index: str(token["name"]) for index, token in each if isinstance(token, dict) and "name" in token}


def _names(raw: Mapping[str, object], section: str) -> tuple[str, ...]:
    tables = raw.get(section)
    return tuple(tables) if isinstance(tables, dict) else ()


def _named_by(table: object) -> Iterator[str]:
    """Variables that the file itself names: `token_env = "ACD_CRM_TOKEN"`."""
    if isinstance(table, dict):
        for key, value in table.items():
            if isinstance(value, str) and key.endswith("_env"):
                yield value
            yield from _named_by(value)
    elif isinstance(table, list):
        for item in table:
            yield from _named_by(item)


def _put(merged: dict[str, object], place: _Place, variable: str, value: str) -> Key:
    """Replace one value, and what else says where the same secret is; returns the key that now has it."""
    table: object = merged
    for part in place.key[:-1]:
        if isinstance(table, dict):
            table = table.setdefault(part, {})
        elif isinstance(table, list) and isinstance(part, int):
            table = table[part]
    key = str(place.key[-1])
    if not isinstance(table, dict):
        return place.key  # a section that is no table is noted by whoever reads it
    stem = key.removesuffix("_file").removesuffix("_env")
    if SECRET_KEY.search(stem):
        for other in (stem, f"{stem}_file", f"{stem}_env"):
            table.pop(other, None)
    if place.key[:2] == ("api", "tokens") and key == "token":
        key, value = "token_env", variable
    table[key] = _value(value, place.kind, key, table.get(key))
    return (*place.key[:-1], key)


def _value(text: str, kind: Kind | None, key: str, written: object) -> object:
    """The text as TOML would have it. What does not fit stays a text, and the reader says so."""
    if kind is None:
        return text if SECRET_KEY.search(key) or isinstance(written, str) else _guessed(text)
    if kind == "flag":
        return _FLAGS.get(text.lower(), text)
    return int(text) if kind in ("integer", "duration") and _NUMBER.fullmatch(text) else text


def _guessed(text: str) -> object:
    """For options that only a plugin knows: a value of TOML if it is one, else a text."""
    try:
        return tomllib.loads(f"value = {text}")["value"]
    except (ValueError, RecursionError):
        return text


def _copied(value: object) -> dict[str, object]:
    """The parts of the document that may be changed, apart from the original."""
    return {
        key: _deep(part) if key in (*KEYS, "channels", "webhooks") else part
        for key, part in (value.items() if isinstance(value, dict) else ())
    }


def _deep(value: object) -> object:
    if isinstance(value, dict):
        return {key: _deep(part) for key, part in value.items()}
    return [_deep(part) for part in value] if isinstance(value, list) else value
