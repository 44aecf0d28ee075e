"""The sections about the service itself: journal, personal store, outbox, snapshots, router, API and channels.

Owns their keys, bounds and defaults. Must not know agents or queues, except whether an agent exists.
"""

import re
import stat
from collections.abc import Mapping
from os.path import exists, isdir, isfile  # unlike those of Path they never raise
from pathlib import Path
from typing import Final, get_args

from acd.ports.journal import Durability
from acd.runtime.config.addresses import read_host, read_socket
from acd.runtime.config.durations import parse_duration
from acd.runtime.config.model import (
    DAY_US,
    ApiConfig,
    ChannelConfig,
    Config,
    JournalConfig,
    OutboxConfig,
    PersonalConfig,
    RouterConfig,
    SessionsConfig,
    SnapshotsConfig,
)
from acd.runtime.config.pages import check_pages, read_desk, read_sessions, read_wallboard
from acd.runtime.config.problems import quoted
from acd.runtime.config.rates import read_rates
from acd.runtime.config.secrets import SECRET_KEY
from acd.runtime.config.table import Table
from acd.runtime.config.tokens import EXTERNAL, Known, check_private, read_tokens
from acd.runtime.numbering import known_region

JOURNAL_FILE: Final = "acd-journal.db"
OUTBOX_FILE: Final = "acd-outbox.db"
PERSONAL_FILE: Final = "acd-personal.db"
KEY_FILE: Final = "acd-personal.key"
SNAPSHOTS_FOLDER: Final = "acd-snapshots"

KEY_BYTES: Final = 32
"""Size of a master key."""

FOR_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
"""Permissions that a key file must not give."""

MAX_CHANNELS: Final = 256
"""Channel instances of one domain."""

MAX_ORIGINS: Final = 64
"""Web origins that may open a WebSocket."""

MAX_INBOX: Final = 1_000_000
MAX_BATCH: Final = 10_000
MAX_SNAPSHOT_EVERY: Final = 100_000_000
MAX_SNAPSHOTS_KEPT: Final = 100
MAX_CHANNEL_DEADLINE_US: Final = 60_000_000

LEAST_IDEMPOTENCY_US: Final = 60 * 1_000_000
MAX_IDEMPOTENCY_US: Final = 30 * DAY_US
"""For how long requests with an `Idempotency-Key` may be remembered."""

_DURABILITIES: Final[tuple[Durability, ...]] = get_args(Durability)
_ORIGIN = re.compile(r"https?://[^\s/?#@]+")


def read_journal(root: Table) -> JournalConfig:
    """`[journal]`."""
    table = root.table("journal")
    config = JournalConfig(
        path=file_to_be(table, "path", JOURNAL_FILE),
        durability=table.choice("durability", "full", _DURABILITIES, "a durability"),
    )
    if config.durability != "full":
        reason = "with anything but full a power failure can lose commands that were already acted upon"
        table.problems.warn(table.at("durability"), reason, 'use "full" in production')
    table.finish()
    return config


def read_personal(root: Table) -> PersonalConfig:
    """`[personal]`."""
    table = root.table("personal")
    region = table.text("region", "CN")
    if not known_region(region):
        table.problems.error(table.at("region"), f"{quoted(region)} is not a region", 'use two capitals, like "CN"')
    config = PersonalConfig(
        path=file_to_be(table, "path", PERSONAL_FILE),
        key_file=table.path("key_file", KEY_FILE),
        region=region,
    )
    _check_key_file(table, config)
    table.finish()
    return config


def read_outbox(root: Table) -> OutboxConfig:
    """`[outbox]`; to write the section is to want one."""
    enabled = root.has("outbox")
    table = root.table("outbox")
    config = OutboxConfig(path=file_to_be(table, "path", OUTBOX_FILE), enabled=enabled)
    table.finish()
    return config


def check_files(root: Table, journal: JournalConfig, personal: PersonalConfig, outbox: OutboxConfig) -> None:
    """No two stores in one file: the second would refuse it, when it is opened at last."""
    taken: dict[Path, str] = {}
    for section, path in (("journal", journal.path), ("personal", personal.path), ("outbox", outbox.path)):
        other = taken.setdefault(path, section)
        if other != section:
            root.problems.error((section, "path"), f"is the same file as {other}.path", "give each a file of its own")


def read_snapshots(root: Table) -> SnapshotsConfig:
    """`[snapshots]`."""
    table = root.table("snapshots")
    config = SnapshotsConfig(
        path=table.path("path", SNAPSHOTS_FOLDER),
        enabled=table.flag("enabled", default=True),
        every=table.integer("every", 50_000, 1, MAX_SNAPSHOT_EVERY),
        interval_us=table.duration("interval", 60_000_000, least=1_000_000),
        keep=table.integer("keep", 3, 1, MAX_SNAPSHOTS_KEPT),
    )
    table.finish()
    return config


def read_router(root: Table) -> RouterConfig:
    """`[router]`."""
    table = root.table("router")
    config = RouterConfig(
        inbox=table.integer("inbox", 10_000, 1, MAX_INBOX),
        batch=table.integer("batch", 256, 1, MAX_BATCH),
        channel_deadline_us=table.duration("channel_deadline", 5_000_000, 1_000, MAX_CHANNEL_DEADLINE_US),
    )
    table.finish()
    return config


def read_api(root: Table, known: Known, environment: Mapping[str, str]) -> ApiConfig | None:
    """`[api]`; None when there is none: then the engine serves no HTTP."""
    if not root.has("api"):
        return None
    table = root.table("api")
    unix = read_socket(table)
    # Whoever names a socket and no address means the socket only.
    by_address = unix is None or table.has("host") or table.has("port")
    host = read_host(table) if by_address else ""
    certificate, private_key = _tls(table)
    tls, desk, wallboard = certificate is not None, read_desk(table), read_wallboard(table)
    sessions = read_sessions(table, tls=tls)
    if sessions is None and (desk is not None or wallboard is not None):
        sessions = SessionsConfig(secure=tls)  # without them nobody could sign in there
    config = ApiConfig(
        host=host,
        port=table.integer("port", 8420, 0, 65_535),
        tokens=read_tokens(table, known, environment),
        origins=_origins(table),
        certificate=certificate,
        private_key=private_key,
        open=table.flag("open", default=False),
        versions=table.path("versions", "acd-versions.db"),
        answers=file_to_be(table, "answers", "acd-answers.db"),
        rates=read_rates(table),
        idempotency_us=table.duration("idempotency", DAY_US, LEAST_IDEMPOTENCY_US, MAX_IDEMPOTENCY_US),
        socket=unix,
        metrics=not root.has("metrics"),
        sessions=sessions,
        desk=desk,
        wallboard=wallboard,
    )
    if not config.local and certificate is None:
        reason = f"{host} can be reached from other machines, and tokens would travel in clear"
        fix = 'use "127.0.0.1" behind a TLS proxy, or set certificate and private_key'
        table.problems.warn(table.at("host"), reason, fix)
    _check_entry(table, config)
    check_pages(table, config)
    table.finish()
    return config


def read_channels(root: Table) -> tuple[ChannelConfig, ...]:
    """`[channels]`, sorted by name. Everything but `type` is left to the plugin."""
    found = []
    for name, table in root.named("channels", "channel", MAX_CHANNELS):
        if not table.has("type"):
            table.problems.error(table.key, "has no type", 'say which plugin it is, like type = "asterisk"')
        kind = table.identifier("type", "")
        options = {option: value for option, value in table.raw.items() if option != "type"}
        _check_secrets(table, options)
        found.append(ChannelConfig(name=name, type=kind, options=options, base=root.base))
    return tuple(found)


def check_external(root: Table, config: Config) -> None:
    """Somebody must be able to become each external channel."""
    for channel in config.channels:
        if channel.type != EXTERNAL:
            continue
        key = ("channels", channel.name)
        if config.api is None:
            root.problems.warn(key, "is a channel that connects over the API, and there is none", "add [api]")
        elif not config.api.open and not any(
            token.channel == channel.name or "system" in token.roles for token in config.api.tokens
        ):
            fix = f'add [[api.tokens]] with roles = ["channel"] and channel = "{channel.name}"'
            root.problems.warn(key, "has no token, so that nobody can connect", fix)


def _check_entry(table: Table, config: ApiConfig) -> None:
    """Somebody must be able to use the API, and not just anybody."""
    if config.tokens:
        if config.open:
            table.problems.warn(table.at("open"), "has no effect beside tokens", "leave it out")
    elif not config.open:
        fix = "add [[api.tokens]], or set open = true on a loopback host"
        table.problems.error(table.key, "has no tokens, so that nobody could use it", fix)
    elif not config.local:
        reason = f"lets everybody in, and {quoted(config.host)} can be reached from other machines"
        table.problems.error(table.at("open"), reason, 'add [[api.tokens]], or set host = "127.0.0.1"')


def _check_secrets(table: Table, options: Mapping[str, object]) -> None:
    """Warn of secrets in clear, and in files that others can read. What the options mean is the plugin's to say."""
    for option, value in options.items():
        if not isinstance(value, str) or not value or not SECRET_KEY.search(option) or option.endswith("_env"):
            continue
        if parse_duration(value) is not None:
            continue  # how long one is good
        if not option.endswith("_file"):
            if not table.problems.variable(table.at(option)):
                fix = f"move it into a file of mode 600 and use {option}_file, if the plugin has that"
                table.problems.warn(table.at(option), "is a secret in clear", fix)
        elif isfile(table.resolved(value)):
            check_private(table, table.at(option), table.resolved(value))


def _check_key_file(table: Table, config: PersonalConfig) -> None:
    """Find now what the store would refuse when the first caller rings."""
    key, path = table.at("key_file"), config.key_file
    if path == config.path:
        table.problems.error(key, "is the store itself", "keep the key in a file of its own")
    elif not exists(path):
        if isfile(config.path):
            reason = f"there is no file {path}, and without it nobody can read {config.path}"
            table.problems.error(key, reason, "restore it from your backup, or move the store away to begin anew")
        elif not isdir(path.parent):
            table.problems.error(key, f"there is no folder {path.parent}", "create it, or name another")
    elif not isfile(path) or path.stat().st_size != KEY_BYTES:
        table.problems.error(key, f"{path} does not hold {KEY_BYTES} bytes", "name the key file that acd made")
    elif path.stat().st_mode & FOR_OTHERS:
        table.problems.error(key, f"{path} is open to other users of this machine", f"chmod 600 {path}")


def file_to_be(table: Table, name: str, default: str) -> Path:
    """A path that may be created later; the folder it goes into must be there."""
    path = table.path(name, default)
    if not isdir(path.parent):
        table.problems.error(table.at(name), f"there is no folder {path.parent}", "create it, or name another")
    elif isdir(path):
        table.problems.error(table.at(name), f"{path} is a folder", "name a file")
    return path


def _tls(table: Table) -> tuple[Path | None, Path | None]:
    """Certificate and private key: both or neither, and both readable."""
    paths: list[Path | None] = []
    for name in ("certificate", "private_key"):
        path = table.path(name, "") if table.has(name) else None
        if path is not None and not isfile(path):
            table.problems.error(table.at(name), f"there is no file {path}", "name a PEM file")
        paths.append(path)
    certificate, private_key = paths
    if (certificate is None) != (private_key is None):
        missing = "certificate" if certificate is None else "private_key"
        table.problems.error(table.key, "has one half of TLS only", f"set {missing} as well")
    if private_key is not None and isfile(private_key):
        check_private(table, table.at("private_key"), private_key)
    return certificate, private_key


def _origins(table: Table) -> tuple[str, ...]:
    origins = table.texts("origins", MAX_ORIGINS)
    for index, origin in enumerate(origins):
        if not _ORIGIN.fullmatch(origin):
            reason = f"{quoted(origin)} is not a web origin"
            table.problems.error(table.at("origins", index), reason, 'write it like "https://desk.example.com"')
    return origins
