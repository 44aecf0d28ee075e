"""The configuration that is in force: the file's part, and beside it the API's, of which every version is kept.

Owns the order of things when a new version is applied: checked, put into force by the engine, kept; what could not be
kept is taken back. Must not know HTTP, nor what a configuration means. The file's part is as it was read at the start.
"""

import asyncio
from pathlib import Path
from typing import Final, Protocol

import msgspec

from acd.core.messages import Outcome
from acd.errors import AcdError, ConfigError, VersionChanged
from acd.runtime.config import Config, Report, check, check_text
from acd.runtime.config.owned import Change, Document, changes
from acd.runtime.log import Logger
from acd.runtime.single_thread import SingleThread
from acd.runtime.versions import EMPTY, FIRST, Version, VersionStore, latest_document

ANY: Final = "*"
"""Instead of a version's tag: whichever is in force."""

_log = Logger(__name__)


class Engine(Protocol):
    """Whoever puts a configuration into force: a Router."""

    async def reconfigure(self, config: Config, *, actor: str = "", trace: str = "") -> Outcome:
        """Agents and queues of another configuration. Raises `ConfigError`."""
        ...

    def now_us(self) -> int:
        """The engine's time."""
        ...


class Configurations:
    """Versions of the API's part. For the event loop. Everything may raise `VersionsError`."""

    def __init__(self, source: "Source", store: VersionStore, config: Config, engine: Engine) -> None:
        """`config` is in force; the `store` stays the caller's, but is used in a thread of this object's own."""
        self._source = source
        self._store = store
        self._config = config
        self._engine = engine
        self._thread = SingleThread("acd-versions")
        self._applying = asyncio.Lock()

    async def current(self) -> Version:
        """The version in force."""
        return await self._thread.run(self._store.latest)

    async def version(self, number: int) -> Version | None:
        """A version by its number, 0 for what there was before the first."""
        return FIRST if number == 0 else await self._thread.run(self._store.get, number)

    async def versions(self, before: int, most: int) -> tuple[Version, ...]:
        """At most so many, the newest first."""
        return await self._thread.run(self._store.page, before, most)

    async def check(self, document: Document) -> Report:
        """What is wrong with it beside the file's part."""
        return await self._thread.run(self._source.check, document)

    async def difference(self, document: Document) -> tuple[Change, ...]:
        """What would change."""
        return changes(document_of(await self.current()), document)

    async def asked_by(self, request: str) -> Version | None:
        """The version that a command led to before, if it did."""
        return await self._thread.run(self._store.asked_by, request)

    async def apply(self, document: Document, expected: str, wanted: Version, trace: str = "") -> Version:
        """Put it into force and keep it: `wanted` has everything but number, time and document.

        `expected`: the tag of the version that it replaces, or `ANY`. A `request` that was carried out before leads to
        the same version, and to nothing else. Raises `VersionChanged`, and `ConfigError` with every problem.
        """
        async with self._applying:
            known = await self.asked_by(wanted.request)
            if known is not None:
                return known
            current = await self.current()
            if expected not in (ANY, current.tag):
                raise VersionChanged(f"version {current.number} is in force; read it, and try again with its tag")
            report = await self.check(document)
            if report.config is None:
                raise ConfigError(tuple(map(str, report.errors)))
            return await self._put_into_force(report.config, document, wanted, trace)

    def close(self) -> None:
        """No further version. The one in force stays."""
        self._thread.close()

    async def _put_into_force(self, config: Config, document: Document, wanted: Version, trace: str) -> Version:
        before = self._config
        await self._engine.reconfigure(config, actor=wanted.actor, trace=trace)
        raw = msgspec.json.encode(document, order="sorted")
        version = msgspec.structs.replace(wanted, at_us=self._engine.now_us(), document=raw)
        try:
            kept = await self._thread.run(self._store.put, version)
        except AcdError:
            # After a restart it would be gone: better now, and said.
            _log.error("a version of the configuration cannot be kept; the one before is put into force again")
            await self._engine.reconfigure(before, actor=wanted.actor)
            raise
        self._config = config
        return kept


class Source:
    """The file's part, as it was read once."""

    def __init__(self, path: Path) -> None:
        """Raises `ConfigError` when the file cannot be read."""
        self._path = path
        try:
            self._text = path.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigError((f"{path}: cannot be read; {error}",)) from error

    def check(self, document: Document) -> Report:
        """The file's part and this one together. Blocks."""
        return check_text(self._text, str(self._path), self._path.parent, owned=document)


def document_of(version: Version) -> Document:
    """A version's document."""
    return decoded(version.document)


def decoded(raw: bytes) -> Document:
    """A document as it is kept → as it is read."""
    return msgspec.json.decode(raw, type=dict[str, dict[str, dict[str, object]]])


def check_in_force(path: Path) -> Report:
    """The file, and beside it what the API's last version says. Blocks. Raises `VersionsError`."""
    report = check(path)
    if report.config is None or report.config.api is None:
        return report
    owned = latest_document(report.config.api.versions)
    return report if owned == EMPTY else check(path, owned=decoded(owned))
