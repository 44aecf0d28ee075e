"""What can be set of a channel of type `webrtc`. Owns its keys, their bounds and defaults; must not know what follows.

[channels.talk]
type = "webrtc"
origins = ["https://shop.example"]
queues = ["sales", "support"]
turn = { host = "turn.example.org", realm = "example.org", secret_file = "turn.secret" }

Reads no file: what is in one is read when the channel starts.
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from acd.errors import ChannelError, ConfigError
from acd.runtime.config.problems import Problems
from acd.runtime.config.table import Table
from acd.runtime.config.web_pages import read_names, read_origins, read_queues, refuse
from acd_webrtc.recording.settings import RecordingOptions, read_recording
from acd_webrtc.signalling import Limits
from acd_webrtc.turn import TurnServer, read_turn

SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60 * SECOND_US
_DAY_US: Final = 24 * 60 * _MINUTE_US

MAX_CALLS: Final = 5_000
MAX_CONNECTIONS: Final = 20_000
MAX_PER_VISITOR: Final = 1_000

_ANY_SECRET: Final = "0" * 64
_SECRET_KEYS: Final = ("secret", "secret_file", "secret_env")


class TurnOptions(Struct, frozen=True):
    """The table `turn`, checked but for its secret, and where that is."""

    table: Mapping[str, object]
    secret: str = ""
    secret_file: Path | None = None
    secret_env: str = ""

    def server(self) -> TurnServer:
        """With the secret, which is read now. Raises `ChannelError`, `ConfigError`."""
        secret = self.secret or (os.environ.get(self.secret_env, "") if self.secret_env else "")
        if self.secret_file is not None:
            try:
                secret = self.secret_file.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ChannelError(f"turn.secret_file cannot be read: {type(error).__name__}") from error
        return read_turn({**self.table, "secret": secret})

    def __repr__(self) -> str:
        """Without the secret."""
        return f"TurnOptions(host={self.table.get('host')!r})"


class WebrtcOptions(Struct, frozen=True):
    """The options, checked. Durations in µs; paths absolute.

    `origins`: pages that customers may call from. `queues`: those a page may ask for, the first if it asks for none.
    `away_us`: how long one who waits may be gone. `limits`: how long a talk waits for its pages. `token_us`: life of a
    visitor's token. `calls`, `connections`: at a time. `per_visitor`: calls that one visitor may begin in an hour.
    `per_address`: pages, and calls, of one address at a time; 0 for any number.
    `relay_only`: media goes through coturn alone. `names`: what customers see of agents, by id.
    """

    media: str
    origins: tuple[str, ...]
    queues: tuple[str, ...]
    key: Path
    away_us: int = 30 * SECOND_US
    limits: Limits = Limits()
    token_us: int = 240 * _MINUTE_US
    calls: int = 500
    connections: int = 2_000
    per_visitor: int = 20
    per_address: int = 100
    turn: TurnOptions | None = None
    relay_only: bool = False
    names: Mapping[str, str] = {}
    recording: RecordingOptions = RecordingOptions()


def read_options(name: str, options: Mapping[str, object]) -> WebrtcOptions:
    """The options of a section. Raises `ConfigError` with every problem."""
    problems = Problems("")
    table = Table(dict(options), ("channels", name), problems, getattr(options, "base", Path()))
    turn, more = _turn(table)
    found = WebrtcOptions(
        media=table.identifier("media", "voice"),
        origins=read_origins(table),
        queues=read_queues(table, getattr(options, "queues", None)),
        key=table.path("key", f"acd-calls-{name}.key"),
        away_us=table.duration("away", 30 * SECOND_US, 5 * SECOND_US, _DAY_US),
        limits=Limits(
            join_us=table.duration("join", 60 * SECOND_US, 5 * SECOND_US, 10 * _MINUTE_US),
            resume_us=table.duration("resume", 30 * SECOND_US, 5 * SECOND_US, 10 * _MINUTE_US),
            answer_us=table.duration("answer", 30 * SECOND_US, 5 * SECOND_US, 10 * _MINUTE_US),
        ),
        token_us=table.duration("token", 240 * _MINUTE_US, _MINUTE_US, 30 * _DAY_US),
        calls=table.integer("calls", 500, 1, MAX_CALLS),
        connections=table.integer("connections", 2_000, 1, MAX_CONNECTIONS),
        per_visitor=table.integer("per_visitor", 20, 1, MAX_PER_VISITOR),
        per_address=table.integer("per_address", 100, 0, MAX_CONNECTIONS),
        turn=turn,
        relay_only=table.flag("relay_only", default=False),
        names=read_names(table),
        recording=read_recording(table, name),
    )
    if found.relay_only and turn is None and not more:
        problems.error(table.at("relay_only"), "needs a TURN server", "add turn = { host = …, … }")
    table.finish()
    refuse(problems, more)
    return found


def _turn(table: Table) -> tuple[TurnOptions | None, tuple[str, ...]]:
    """The server, and what is wrong with it."""
    if not table.has("turn"):
        return None, ()
    raw = dict(table.table("turn").raw)
    place = ".".join(map(str, table.at("turn")))
    given = [each for each in _SECRET_KEYS if raw.get(each)]
    if len(given) != 1:
        return None, (f"{place}: has {len(given)} secrets; give one of {', '.join(_SECRET_KEYS)}",)
    secret, file, variable = (str(raw.pop(each, "")) for each in _SECRET_KEYS)
    try:
        read_turn({**raw, "secret": secret or _ANY_SECRET}, key=place)
    except ConfigError as error:
        return None, error.problems
    return TurnOptions(raw, secret, table.resolved(file) if file else None, variable), ()
