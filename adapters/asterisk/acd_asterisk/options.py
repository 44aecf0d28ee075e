"""The options of `[channels.NAME]` with `type = "asterisk"`: their names, bounds, defaults and checks.

Owns validation. Must not know what an option does, and does no IO: a password's file is read when the
channel connects, so that a new password needs no restart.
"""

import os
import re
from collections.abc import Mapping
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal
from urllib.parse import urlsplit

from msgspec import Struct

from acd.core import limits
from acd.errors import ConfigError
from acd.runtime.config import Secret, parse_duration
from acd_asterisk.ari import MAX_CONNECTIONS
from acd_asterisk.names import MAX_APP
from acd_asterisk.translate import STANDARD_VARIABLES, VARIABLE_NAME, clean_name, clean_number, is_queue_name

MAX_VARIABLES: Final = 32
"""Channel variables to fetch besides the standard ones."""

MAX_PASSWORD: Final = 512
MAX_PASSWORD_FILE_BYTES: Final = 4_096

_SECOND_US: Final = 1_000_000
_HOUR_US: Final = 3600 * _SECOND_US
_APP: Final = re.compile(rf"[A-Za-z0-9_-]{{1,{MAX_APP}}}")
_USER: Final = re.compile(r"[^\x00-\x20:\x7f-\xa0]{1,128}")
_MUSIC: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_ENVIRONMENT: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,127}")
_PASSWORD_SOURCES: Final = ("password", "password_file", "password_env")


class PasswordUnavailable(Exception):
    """The password cannot be had; the text names the option and the reason, never the password."""


class Password(Struct, frozen=True):
    """Where the password comes from: one of a value, a file or the environment."""

    value: Secret | None = None
    file: Path | None = None
    variable: str = ""

    def read(self) -> str:
        """The password. Raises `PasswordUnavailable`."""
        if self.value is not None:
            return self.value.reveal()
        if self.file is None:
            found = os.environ.get(self.variable, "")
            if not found:
                raise PasswordUnavailable(f"password_env: the environment has no {self.variable}")
            return found
        try:
            with self.file.open("rb") as handle:
                text = handle.read(MAX_PASSWORD_FILE_BYTES).decode().strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
            raise PasswordUnavailable(f"password_file: {self.file} cannot be read: {reason}") from None
        if not text:
            raise PasswordUnavailable(f"password_file: {self.file} is empty")
        return text


class Options(Struct, frozen=True, kw_only=True):
    """Everything that can be chosen for one PBX. Durations in µs end in `_us`."""

    url: str
    """Without a slash at the end: `http://127.0.0.1:8088/ari`."""
    user: str
    password: Password
    app: str = "acd"
    queue: str = ""
    """For callers whose dialplan names none."""
    caller_id: str = "caller"
    """What agents see: `caller`, or a fixed number; empty: whatever Asterisk makes of it."""
    ring_margin_us: int = 5 * _SECOND_US
    """How much longer than the offer a device rings at most, should nobody take the offer back."""
    heartbeat_us: int = 10 * _SECOND_US
    """How often the dead-man's switch of a waiting caller is wound up; 0: never."""
    dead_man_us: int = 30 * _SECOND_US
    """How long a caller stays after the last heartbeat before the dialplan's `T` extension has them."""
    connections: int = 64
    rest_deadline_us: int = 2 * _SECOND_US
    """For one request; a verb may take two, and the runtime gives an effect 5 s by default."""
    music_class: str = "default"
    variables: tuple[str, ...] = STANDARD_VARIABLES
    """Channel variables to fetch when they did not come with the call."""
    fetch_variables: bool = True
    on_cancel: Literal["continue", "hangup"] = "continue"
    """What becomes of a caller whose waiting was cancelled: back to the dialplan, or the end."""


def read_options(name: str, given: Mapping[str, object]) -> Options:
    """Check everything; raises `ConfigError` with every problem at once."""
    reader = _Reader(name, given)
    options = Options(
        url=reader.url(),
        user=reader.pattern("user", "", _USER, "a user's name without blanks and colons, as in ari.conf"),
        password=reader.password(),
        app=reader.pattern("app", "acd", _APP, f"letters, digits, - and _, at most {MAX_APP}"),
        queue=reader.queue(),
        caller_id=reader.caller_id(),
        ring_margin_us=reader.duration("ring_margin", 5 * _SECOND_US, _SECOND_US, 600 * _SECOND_US),
        heartbeat_us=reader.duration("heartbeat", 10 * _SECOND_US, 0, _HOUR_US),
        dead_man_us=reader.duration("dead_man", 30 * _SECOND_US, 2 * _SECOND_US, 24 * _HOUR_US),
        connections=reader.integer("connections", 64, 4, MAX_CONNECTIONS),
        rest_deadline_us=reader.duration("rest_deadline", 2 * _SECOND_US, _SECOND_US // 10, 60 * _SECOND_US),
        music_class=reader.pattern("music_class", "default", _MUSIC, "a class of musiconhold.conf"),
        variables=reader.variables(),
        fetch_variables=reader.flag("fetch_variables", default=True),
        on_cancel=reader.on_cancel(),
    )
    if options.heartbeat_us and options.dead_man_us < 2 * options.heartbeat_us:
        reader.problem("dead_man", "is shorter than two heartbeats", "make it at least twice `heartbeat`")
    reader.finish()
    return options


class _Reader:
    """Reads options one by one, notes what is wrong, and goes on with the default."""

    def __init__(self, name: str, given: Mapping[str, object]) -> None:
        self._name = name
        self._given = given
        self._known: set[str] = set()
        self._problems: list[str] = []

    def problem(self, key: str, reason: str, fix: str) -> None:
        path = f"channels.{self._name}.{key}" if key else f"channels.{self._name}"
        self._problems.append(f"{path}: {reason}; {fix}")

    def finish(self) -> None:
        for key in sorted(set(self._given) - self._known):
            close = get_close_matches(key, self._known, n=1)
            fix = f"did you mean {close[0]}?" if close else f"known are {', '.join(sorted(self._known))}"
            self.problem(key, "is no option of an Asterisk channel", fix)
        if self._problems:
            raise ConfigError(tuple(self._problems))

    def pattern(self, key: str, default: str, form: re.Pattern[str], meaning: str) -> str:
        text = self._text(key, default)
        if text is None:
            return default
        if key not in self._given and not default:
            self.problem(key, "is missing", f"give it {meaning}")
        elif not form.fullmatch(text):
            self.problem(key, f"{text!r} cannot be used", f"it takes {meaning}")
            return default
        return text

    def url(self) -> str:
        example = 'write it like "http://127.0.0.1:8088/ari"'
        text = self._text("url", "")
        if text is None:
            return ""
        if not text:
            self.problem("url", "is missing", example)
            return ""
        try:
            parts = urlsplit(text)
            has_port = parts.port is None or parts.port > 0
        except ValueError:
            self.problem("url", "cannot be read as a URL", example)
            return ""
        if parts.username is not None or parts.password is not None:
            # Not quoted: it may contain the password.
            self.problem("url", "holds a user or a password", "use the options user and password_file")
        elif parts.scheme not in {"http", "https"} or not parts.hostname or not has_port or not text.isprintable():
            self.problem("url", f"{text!r} is not an http or https URL", example)
        elif parts.query or parts.fragment or " " in text:
            self.problem("url", "has more than a host, a port and a path", example)
        else:
            return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/') or '/ari'}"
        return ""

    def password(self) -> Password:
        present = [key for key in _PASSWORD_SOURCES if key in self._given]
        self._known.update(_PASSWORD_SOURCES)
        if len(present) != 1:
            reason = f"has {' and '.join(present)}" if present else "has no password"
            self.problem("", reason, "set exactly one of password_file, password_env and password")
            return Password()
        key = present[0]
        text = self._text(key, "")
        if not text:
            if text is not None:
                self.problem(key, "is empty", "give it a value")
        elif key == "password":
            if len(text) <= MAX_PASSWORD and text.isprintable():
                return Password(value=Secret(text))
            self.problem(key, "is too long or has control characters", f"use at most {MAX_PASSWORD} printable ones")
        elif key == "password_file":
            # Relative to the configuration's folder, which the runtime hands on with the options.
            base: Path = getattr(self._given, "base", Path())
            return Password(file=base / os.path.expanduser(text))  # noqa: PTH111 - never raises
        elif _ENVIRONMENT.fullmatch(text):
            return Password(variable=text)
        else:
            self.problem(key, "is not a variable's name", "name a variable, like ACD_ARI_PASSWORD")
        return Password()

    def queue(self) -> str:
        text = self._text("queue", "") or ""
        if text and not is_queue_name(text):
            self.problem("queue", f"{text!r} is no queue's name", f"at most {limits.MAX_ID} characters, no blanks")
        return text

    def caller_id(self) -> str:
        text = self._text("caller_id", "caller")
        if text is None or text in {"caller", ""}:
            return text or ""
        if clean_number(text) != text and clean_name(text) != text:
            self.problem("caller_id", "has characters that do not belong into a caller's identity", 'use "caller"')
        return text

    def on_cancel(self) -> Literal["continue", "hangup"]:
        text = self._text("on_cancel", "continue")
        if text == "hangup":
            return "hangup"
        if text not in {"continue", None}:
            self.problem("on_cancel", f"{text!r} is no choice", 'use "continue" or "hangup"')
        return "continue"

    def variables(self) -> tuple[str, ...]:
        self._known.add("variables")
        given = self._given.get("variables", ())
        if not isinstance(given, list | tuple) or not all(isinstance(each, str) for each in given):
            self.problem("variables", "is not a list of names", 'write it like ["X_ACD_TIER"]')
            return STANDARD_VARIABLES
        if len(given) > MAX_VARIABLES:
            self.problem("variables", f"names {len(given)} variables", f"{MAX_VARIABLES} at most")
            return STANDARD_VARIABLES
        for each in given:
            if not VARIABLE_NAME.fullmatch(each):
                self.problem("variables", f"{each!r} cannot be used", "they begin with X_ACD_, in capitals")
        return tuple(dict.fromkeys((*STANDARD_VARIABLES, *given)))

    def duration(self, key: str, default: int, least: int, most: int) -> int:
        self._known.add(key)
        if key not in self._given:
            return default
        value = parse_duration(self._given[key])
        if value is None:
            self.problem(key, "is not a duration", 'write it like "10s", "500ms" or a number of seconds')
        elif not least <= value <= most:
            bounds = f"{least / _SECOND_US:g} to {most / _SECOND_US:g} seconds"
            self.problem(key, f"{value / _SECOND_US:g} seconds are out of bounds", f"use {bounds}")
        else:
            return value
        return default

    def integer(self, key: str, default: int, least: int, most: int) -> int:
        self._known.add(key)
        value = self._given.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            self.problem(key, f"{value!r} is not a number from {least} to {most}", f"leave it out for {default}")
            return default
        return value

    def flag(self, key: str, *, default: bool) -> bool:
        self._known.add(key)
        value = self._given.get(key, default)
        if not isinstance(value, bool):
            self.problem(key, f"{value!r} is not true or false", "write true or false, without quotes")
            return default
        return value

    def _text(self, key: str, default: str) -> str | None:
        """The text; None, with a note, when it is something else."""
        self._known.add(key)
        value = self._given.get(key, default)
        if isinstance(value, str):
            return value
        self.problem(key, "is not a text", "write it in quotes")
        return None
