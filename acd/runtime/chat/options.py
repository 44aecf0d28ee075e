"""What can be set of a channel of type `webchat`. Owns its keys, their bounds and defaults; must not know what follows.

[channels.shop]
type = "webchat"
origins = ["https://shop.example"]
queues = ["sales", "support"]
"""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from acd.runtime.chat.kinds import KINDS, USUAL_KINDS
from acd.runtime.config.problems import Problems, quoted
from acd.runtime.config.secrets import Secret
from acd.runtime.config.table import Table
from acd.runtime.config.tokens import read_secret_file
from acd.runtime.config.web_pages import read_names, read_origins, read_queues, refuse
from acd.runtime.vouching import LEAST_SECRET

_SECOND_US: Final = 1_000_000
_MINUTE_US: Final = 60 * _SECOND_US
_DAY_US: Final = 24 * 60 * _MINUTE_US

MAX_CONVERSATIONS: Final = 20_000
MAX_CONNECTIONS: Final = 20_000
MAX_PER_VISITOR: Final = 1_000
MAX_MEGABYTES: Final = 10_000_000
MOST_PRIORITY: Final = 60
MAX_FILE_MEGABYTES: Final = 100
MAX_CONVERSATION_MEGABYTES: Final = 10_000

OF_FILES: Final = 0.8
"""Up to this part of what it may be the chat file takes files in: the rest is left to what is written."""


class ChatOptions(Struct, frozen=True):
    """The options, checked. Durations in µs; paths absolute.

    `origins`: pages that may connect. `queues`: those a page may ask for, the first if it asks for none. `idle_us`: how
    long a customer who talks may be silent. `away_us`: how long one who waits may be gone. `token_us`: life of a
    visitor's token. `keep_us`: how long a conversation is kept after its end. `conversations`, `connections`: at a
    time. `per_visitor`: conversations of one visitor that are kept. `per_address`: pages, and conversations, of one
    address at a time; 0 for any number. `megabytes`: of the file, beyond which nothing begins. `names`: what customers
    see of agents, by id. `widget`: the files of the ready-made page part are served. `messages`: customers may leave
    one where nobody can be reached, with `message_priority` when its turn has come. `call`: the channel by which
    customers may call instead of writing; none if it is empty. `identity_secrets`: with one of them the shop's
    server signs who its customers are; without any, nobody is vouched for.
    """

    media: str
    origins: tuple[str, ...]
    queues: tuple[str, ...]
    path: Path
    key: Path
    idle_us: int = 10 * _MINUTE_US
    away_us: int = 2 * _MINUTE_US
    token_us: int = 240 * _MINUTE_US
    keep_us: int = 30 * _DAY_US
    conversations: int = 2_000
    connections: int = 5_000
    per_visitor: int = 20
    per_address: int = 100
    megabytes: int = 10_000
    names: Mapping[str, str] = {}
    widget: bool = False
    messages: bool = False
    message_priority: int = 0
    call: str = ""
    identity_secrets: tuple[Secret, ...] = ()
    files: bool = False
    file_megabytes: int = 10
    file_kinds: tuple[str, ...] = USUAL_KINDS
    conversation_megabytes: int = 100

    @property
    def file_bytes(self) -> int:
        """Of one file at most; 0 where none may be sent."""
        return self.file_megabytes * 1_000_000 if self.files else 0


def read_options(name: str, options: Mapping[str, object]) -> ChatOptions:
    """The options of a section. Raises `ConfigError` with every problem."""
    problems = Problems("")
    table = Table(dict(options), ("channels", name), problems, getattr(options, "base", Path()))
    found = ChatOptions(
        media=table.identifier("media", "chat"),
        origins=read_origins(table),
        queues=read_queues(table, getattr(options, "queues", None)),
        path=table.path("path", f"acd-chat-{name}.db"),
        key=table.path("key", f"acd-chat-{name}.key"),
        idle_us=table.duration("idle", 10 * _MINUTE_US, 10 * _SECOND_US, _DAY_US),
        away_us=table.duration("away", 2 * _MINUTE_US, 5 * _SECOND_US, _DAY_US),
        token_us=table.duration("token", 240 * _MINUTE_US, _MINUTE_US, 30 * _DAY_US),
        keep_us=table.duration("keep", 30 * _DAY_US, 0, 3_650 * _DAY_US),
        conversations=table.integer("conversations", 2_000, 1, MAX_CONVERSATIONS),
        connections=table.integer("connections", 5_000, 1, MAX_CONNECTIONS),
        per_visitor=table.integer("per_visitor", 20, 1, MAX_PER_VISITOR),
        per_address=table.integer("per_address", 100, 0, MAX_CONNECTIONS),
        megabytes=table.integer("megabytes", 10_000, 1, MAX_MEGABYTES),
        names=read_names(table),
        widget=table.flag("widget", default=False),
        messages=table.flag("messages", default=False),
        message_priority=table.integer("message_priority", 0, -MOST_PRIORITY, MOST_PRIORITY),
        call=table.identifier("call", ""),
        identity_secrets=_identity_secrets(table),
        files=table.flag("files", default=False),
        file_megabytes=table.integer("file_megabytes", 10, 1, MAX_FILE_MEGABYTES),
        file_kinds=_read_kinds(table),
        conversation_megabytes=table.integer("conversation_megabytes", 100, 1, MAX_CONVERSATION_MEGABYTES),
    )
    if table.has("message_priority") and not found.messages:
        reason = "no messages can be left, so that it does nothing"
        problems.error(table.at("message_priority"), reason, "set messages = true, or leave it out")
    _check_files(table, found)
    table.finish()
    refuse(problems)
    return found


def _identity_secrets(table: Table) -> tuple[Secret, ...]:
    """The one in force, and the one before while it is being changed; those that cannot be used are noted."""
    sources = [each for each in ("identity_secret_file", "identity_secret_env", "identity_secret") if table.has(each)]
    if len(sources) > 1:
        table.problems.error(table.at(sources[1]), f"is there beside {sources[0]}", "leave one of them out")
    if not sources and table.has("old_identity_secret_file"):
        reason = "is there without a new one"
        table.problems.error(table.at("old_identity_secret_file"), reason, "name the new one's identity_secret_file")
    found = (_identity_secret(table, each) for each in (*sources[:1], "old_identity_secret_file") if table.has(each))
    return tuple(Secret(each) for each in found if each)


def _identity_secret(table: Table, source: str) -> str:
    value = table.text(source, most=4_096)
    if source.endswith("_file"):
        value = read_secret_file(table, table.at(source), table.resolved(value)) if value else ""
    elif source.endswith("_env") and value:
        variable, value = value, os.environ.get(value, "")
        if not value:
            table.problems.error(table.at(source), f"the environment has no {variable}", "set it before the start")
    if value and len(value) < LEAST_SECRET:
        reason = f"holds a secret of {len(value)} characters, which can be guessed"
        table.problems.error(table.at(source), reason, f"use {LEAST_SECRET} random ones or more: openssl rand -hex 32")
    return value


def _read_kinds(table: Table) -> tuple[str, ...]:
    kinds = table.ids("file_kinds", "kind", len(KINDS))
    for kind in kinds:
        if kind not in KINDS:
            reason = f"{quoted(kind)} is no kind of file that is known here"
            table.problems.error(table.at("file_kinds"), reason, f"use some of {', '.join(KINDS)}")
    return kinds or USUAL_KINDS


def _check_files(table: Table, found: ChatOptions) -> None:
    for key in ("file_megabytes", "file_kinds", "conversation_megabytes"):
        if table.has(key) and not found.files:
            reason = "no files can be sent, so that it does nothing"
            table.problems.error(table.at(key), reason, "set files = true, or leave it out")
    most = min(found.conversation_megabytes, int(found.megabytes * OF_FILES))
    if found.files and found.file_megabytes > most:
        reason = f"a conversation, or the chat file, has room for {most} MB"
        fix = "give conversation_megabytes and megabytes more, or this less"
        table.problems.error(table.at("file_megabytes"), reason, fix)
