"""The configuration that is in force: the file's part, and beside it the API's, of which every version is kept.

Owns the order of things when a new version is applied: checked, put into force by the engine, kept; what could not be
kept is taken back. Must not know HTTP, nor what a configuration means. The file's part is as it was read at the start.
"""

import asyncio
import hashlib
import tomllib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Protocol

import msgspec

from acd.core import limits
from acd.core.messages import Outcome
from acd.errors import AcdError, ConfigError, EntryOfFile, VersionChanged
from acd.runtime.config import AgentEdit, Config, Problem, Report, check, check_text, read_agent
from acd.runtime.config.model import TokenConfig
from acd.runtime.config.owned import Change, Document, Entry, changes, with_entry
from acd.runtime.config.problems import quoted
from acd.runtime.log import Logger
from acd.runtime.single_thread import SingleThread
from acd.runtime.versions import FIRST, NEWEST, Version, VersionStore, latest_document

ANY: Final = "*"
"""Instead of a version's tag: whichever is in force."""

Edit = Callable[[Entry | None], Entry | None]
"""From what an entry is to what becomes of it; None: there is none."""

InForce = Callable[[], tuple[TokenConfig, ...]]
"""The tokens that are in force."""

_log = Logger(__name__)


class Engine(Protocol):
    """Whoever puts a configuration into force: a Router."""

    async def reconfigure(self, config: Config, *, actor: str = "", trace: str = "") -> Outcome:
        """Agents and queues of another configuration. Raises `ConfigError`."""
        ...

    async def reconfigure_agents(self, edit: AgentEdit, *, actor: str = "", trace: str = "") -> Outcome:
        """The same, for what is in force with some agents changed."""
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
        self._known: Document | None = None
        at_start = () if config.api is None else config.api.tokens
        self._named_at_start = frozenset(token.agent for token in at_start if token.agent)
        self._tokens: InForce = lambda: at_start

    def heed(self, tokens: InForce) -> None:
        """No agent goes whom one of these names. Those of the start, which may have been replaced, count no longer."""
        self._tokens = tokens

    # ---- reading

    async def current(self) -> Version:
        """The version in force."""
        return await self._thread.run(self._store.latest)

    async def document(self) -> Document:
        """The document in force. Not to be changed."""
        if self._known is not None:
            return self._known
        found: Document = await self._thread.run(self._store.document, NEWEST)
        self._known = found
        return found

    async def document_of(self, version: Version) -> Document:
        """The whole document of a version."""
        return await self._thread.run(self._store.document, version.number)

    async def version(self, number: int) -> Version | None:
        """A version by its number, 0 for what there was before the first."""
        return FIRST if number == 0 else await self._thread.run(self._store.get, number)

    async def versions(self, before: int, most: int) -> tuple[Version, ...]:
        """At most so many, the newest first."""
        return await self._thread.run(self._store.page, before, most)

    async def entry(self, section: str, name: str) -> Entry | None:
        """What the API says of an agent, queue, capacity or calendar; None when it does not name it."""
        return (await self.document()).get(section, {}).get(name)

    async def entry_before(self, version: Version, place: tuple[str, str]) -> Entry | None:
        """What the entry, (section, name), was before a version."""
        document: Document = await self._thread.run(self._store.document, version.number - 1)
        return document.get(place[0], {}).get(place[1])

    def entry_of_file(self, section: str, name: str) -> Entry | None:
        """What the file says, likewise."""
        return self._source.entry(section, name)

    async def check(self, document: Document) -> Report:
        """What is wrong with it beside the file's part."""
        report: Report = await self._thread.run(self._source.check, document, self._named_at_start)
        return report if report.config is None else self._beside_tokens(report, report.config)

    async def difference(self, document: Document) -> tuple[Change, ...]:
        """What would change."""
        return changes(await self.document(), document)

    async def asked_by(self, request: str) -> Version | None:
        """The version that a command led to before, if it did."""
        return await self._thread.run(self._store.asked_by, request)

    # ---- changing

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
            config = await self._checked(document)
            raw = msgspec.json.encode(document, order="sorted")
            await self._engine.reconfigure(config, actor=wanted.actor, trace=trace)
            return await self._keep(config, document, msgspec.structs.replace(wanted, document=raw))

    async def edit(
        self, place: tuple[str, str], change: Edit, expected: str, wanted: Version, trace: str = ""
    ) -> Version:
        """Change one entry, (section, name), of whatever is in force then; all else as for `apply`.

        `change` gives what becomes of the entry, None for nothing, and may raise. `expected`: the entry's tag, `ANY`
        for one that is there, empty for no matter what. An agent costs the engine next to nothing. Raises
        `EntryOfFile`, too.
        """
        async with self._applying:
            known = await self.asked_by(wanted.request)
            if known is not None:
                return known
            before = await self.entry(*place)
            self._check_owner(place)
            if expected and expected != tag_of(before) and not (expected == ANY and before is not None):
                raise VersionChanged(f"{place[0]}.{place[1]} is another by now; read it, and try again with its tag")
            entry = change(before)
            document = with_entry(await self.document(), *place, entry)
            config = await self._edited(place, entry, document, wanted, trace)
            difference = msgspec.json.encode({place[0]: {place[1]: entry}}, order="sorted")
            return await self._keep(
                config, document, msgspec.structs.replace(wanted, document=difference, difference=True)
            )

    def close(self) -> None:
        """No further version. The one in force stays."""
        self._thread.close()

    async def _edited(
        self, place: tuple[str, str], entry: Entry | None, document: Document, wanted: Version, trace: str
    ) -> Config:
        """Put an edited document into force; returns the configuration that is so now."""
        section, name = place
        alone = section == "agents" and self._stands_alone(name, entry)
        if not alone:
            config = await self._checked(document)
            await self._engine.reconfigure(config, actor=wanted.actor, trace=trace)
            return config
        capacities = {**document.get("capacities", {}), **self._source.entries("capacities")}
        if entry is None:
            edit = AgentEdit(removed=(name,))
        else:
            edit = AgentEdit((read_agent(name, entry, capacities, self._config.source),))
        await self._engine.reconfigure_agents(edit, actor=wanted.actor, trace=trace)
        return self._config.with_agents(edit)

    def _stands_alone(self, agent: str, entry: Entry | None) -> bool:
        """Whether nothing else in the configuration can be wrong for this agent's sake."""
        if entry is None:
            return all(token.agent != agent for token in self._tokens())
        return len(self._config.agents) < limits.MAX_AGENTS

    def _beside_tokens(self, report: Report, config: Config) -> Report:
        """Unusable if it lacks an agent whom a token in force names."""
        missing = [token for token in self._tokens() if token.agent and config.agent(token.agent) is None]
        if not missing:
            return report
        errors = tuple(
            Problem(
                str(config.source),
                0,
                "api.tokens",
                f"{quoted(token.agent)} is not an agent then, but the token {quoted(token.name)} in force names them",
                "take that token out and have tokens read again first",
            )
            for token in missing
        )
        return msgspec.structs.replace(report, config=None, errors=errors)

    def _check_owner(self, place: tuple[str, str]) -> None:
        if self._source.entry(*place) is not None:
            reason = "belongs to the configuration file; change it there, or remove it there to have it here"
            raise EntryOfFile(f"{place[0]}.{place[1]}: {reason}")

    async def _checked(self, document: Document) -> Config:
        report = await self.check(document)
        if report.config is None:
            raise ConfigError(tuple(map(str, report.errors)))
        return report.config

    async def _keep(self, config: Config, document: Document, wanted: Version) -> Version:
        """Keep a version that the engine has put into force; what cannot be kept is taken back."""
        version = msgspec.structs.replace(wanted, at_us=self._engine.now_us())

        def whole() -> bytes:
            return msgspec.json.encode(document, order="sorted")

        try:
            kept = await self._thread.run(self._store.put, version, whole)
        except AcdError:
            # After a restart it would be gone: better now, and said.
            _log.error("a version of the configuration cannot be kept; the one before is put into force again")
            await self._engine.reconfigure(self._config, actor=wanted.actor)
            raise
        self._config, self._known = config, document
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
        self._raw: dict[str, object] | None = None

    def entries(self, section: str) -> Mapping[str, Entry]:
        """What the file says in a section, by name."""
        if self._raw is None:
            self._raw = _tables(self._text)
        found = self._raw.get(section)
        return found if isinstance(found, dict) else {}

    def entry(self, section: str, name: str) -> Entry | None:
        """What the file says of an agent, queue, capacity or calendar; None when it does not name it."""
        return self.entries(section).get(name)

    def check(self, document: Document, named: frozenset[str]) -> Report:
        """The file's part and this one together; its tokens may name these agents, there or not. Blocks."""
        return check_text(self._text, str(self._path), self._path.parent, owned=document, named=named)


def tag_of(entry: Entry | None) -> str:
    """What an entry is recognised by: the beginning of its hash; empty for none."""
    return "" if entry is None else hashlib.sha256(msgspec.json.encode(entry, order="sorted")).hexdigest()[:16]


def check_in_force(path: Path) -> Report:
    """The file, and beside it what the API's last version says. Blocks. Raises `VersionsError`."""
    report = check(path)
    if report.versions is None:
        return report
    # What the file lacks may be there.
    owned = latest_document(report.versions)
    return check(path, owned=owned) if owned else report


def load_in_force(path: Path) -> Config:
    """The file; with what the API owns only where the file leans on that. Raises `ConfigError`, `VersionsError`."""
    return usable_in_force(path)[0]


def usable_in_force(path: Path) -> tuple[Config, Report]:
    """The same, with what was found about it."""
    report = check(path)
    report = check_in_force(path) if report.config is None else report
    if report.config is None:
        raise ConfigError(tuple(map(str, report.errors)))
    return report.config, report


def _tables(text: str) -> dict[str, object]:
    """A text that may be no TOML by now: then it names nothing."""
    try:
        return tomllib.loads(text)
    except ValueError:
        return {}
