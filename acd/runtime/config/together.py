"""Several configurations in one process: what one of them takes from another.

Owns that domains share no name, no file, no token and no far end, and an address only if they agree how it is served.
Must not know how several domains are served. No message quotes a secret.
"""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Final

from msgspec import Struct

from acd.runtime.config.addresses import overlap
from acd.runtime.config.lines import Lines
from acd.runtime.config.model import ApiConfig, Config
from acd.runtime.config.problems import Key, Located, Problem, dotted, quoted

MAX_DOMAINS: Final = 64
"""Domains of one process."""

_FAR_END: Final = ("url", "app")
"""Options by which plugins say where their far end is, and which of its users they are."""


class Clash(Struct, frozen=True):
    """What one configuration (its place, from 0) has in common with an earlier one, and must not, or should not."""

    at: int
    key: Key
    reason: str
    fix: str
    usable: bool = False


def check_together(configs: Sequence[Config]) -> Located:
    """What speaks against serving these in one process, each with file, line, key, reason and fix. Reads the files."""
    if len(configs) > MAX_DOMAINS:
        reason = f"is one of {len(configs)} domains, and one process takes {MAX_DOMAINS}"
        return Located((Problem(str(configs[-1].source), 0, "", reason, "start another process for some of them"),))
    apis = [(str(each.source), each.api) for each in configs]
    found = [
        *_names(configs),
        *_files(configs),
        *clashes_of_apis(apis),
        *_open_figures(apis),
        *_figures(configs),
        *_far_ends(configs),
    ]
    lines: dict[int, Lines] = {}
    errors: list[Problem] = []
    warnings: list[Problem] = []
    for clash in sorted(found, key=lambda each: each.at):
        (warnings if clash.usable else errors).append(_problem(configs[clash.at].source, clash, lines))
    return Located(tuple(errors), tuple(warnings))


def clashes_of_apis(apis: Sequence[tuple[str, ApiConfig | None]]) -> Iterator[Clash]:
    """What speaks against serving these at the same time; each with the name by which it is called."""
    yield from _secrets(apis)
    for at, (_, api) in enumerate(apis):
        for name, other in apis[:at]:
            if api is not None and other is not None:
                yield from _addresses(at, api, name, other)


def address_of(api: ApiConfig) -> tuple[str, int, str]:
    """Domains that say the same of this are served there together."""
    return api.host, api.port if api.host else 0, "" if api.socket is None else str(api.socket.path)


def _names(configs: Sequence[Config]) -> Iterator[Clash]:
    first: dict[str, int] = {}
    for at, config in enumerate(configs):
        where = first.setdefault(config.domain, at)
        if where != at:
            reason = f"{quoted(config.domain)} is the domain of {configs[where].source}, too"
            yield Clash(at, ("domain", "name"), reason, "give each its own name")


def _files(configs: Sequence[Config]) -> Iterator[Clash]:
    taken: dict[Path, tuple[int, str]] = {}
    for at, config in enumerate(configs):
        for key, path in _files_of(config):
            where, other = taken.setdefault(path.resolve(), (at, dotted(key)))
            if where != at:
                reason = f"{path} is also {other} of {configs[where].source}"
                yield Clash(at, key, reason, "give each domain files of its own, best a folder of its own")


def _files_of(config: Config) -> Iterator[tuple[Key, Path]]:
    """What the domain keeps on disk. Snapshots count when it takes none, too: it would start from those of another."""
    yield ("journal", "path"), config.journal.path
    yield ("personal", "path"), config.personal.path
    yield ("personal", "key_file"), config.personal.key_file
    yield ("snapshots", "path"), config.snapshots.path
    if config.outbox.enabled or config.webhooks:
        yield ("outbox", "path"), config.outbox.path
    if config.queue_log is not None:
        yield ("queue_log", "path"), config.queue_log.path
        yield ("queue_log", "state"), config.queue_log.state
    if config.api is not None:
        yield ("api", "versions"), config.api.versions
        yield ("api", "answers"), config.api.answers
        if config.api.desk is not None and config.api.desk.keep_us:
            yield ("api", "desk", "path"), config.api.desk.path
            yield ("api", "desk", "key"), config.api.desk.key


def _far_ends(configs: Sequence[Config]) -> Iterator[Clash]:
    """Two that are the same to a far end would take each other's calls."""
    first: dict[tuple[str, ...], tuple[int, str]] = {}
    for at, config in enumerate(configs):
        for channel in config.channels:
            url, app = (str(channel.options.get(option, "")).rstrip("/") for option in _FAR_END)
            if not url:
                continue
            where, name = first.setdefault((channel.type, url, app), (at, channel.name))
            if where != at:
                other = f"channels.{name} of {configs[where].source}"
                reason = f"is the same at {url} as {other}, so that each would take the other's calls"
                yield Clash(at, ("channels", channel.name), reason, "give each its own app")


def _secrets(apis: Sequence[tuple[str, ApiConfig | None]]) -> Iterator[Clash]:
    first: dict[str, tuple[int, str]] = {}
    for at, (_, api) in enumerate(apis):
        for number, token in enumerate(api.tokens if api is not None else ()):
            for secret in token.secrets:
                where, owner = first.setdefault(secret.reveal(), (at, token.name))
                if where != at:
                    reason = f"{quoted(token.name)} is the same token as {quoted(owner)} of {apis[where][0]}"
                    yield Clash(at, ("api", "tokens", number), reason, "give each its own: the token says which domain")


def _addresses(at: int, api: ApiConfig, name: str, other: ApiConfig) -> Iterator[Clash]:
    if address_of(api) != address_of(other):
        if api.host and other.host and _meet((api.host, api.port), (other.host, other.port)):
            reason = f"{api.host}:{api.port} and {other.host}:{other.port} of {name} cannot be listened on both"
            yield Clash(at, ("api", "host"), reason, "write the same host in both to share it, or take another port")
        if api.socket is not None and other.socket is not None and api.socket.path == other.socket.path:
            reason = f"is that of {name}, which has another address beside it"
            yield Clash(at, ("api", "socket"), reason, "write the same host and port in both, or take another file")
        return
    differing: tuple[tuple[str, Callable[[ApiConfig], object]], ...] = (
        ("certificate", lambda each: each.certificate),
        ("private_key", lambda each: each.private_key),
        ("socket_mode", lambda each: each.socket and each.socket.mode),
        ("socket_group", lambda each: each.socket and each.socket.group),
        ("sessions", lambda each: each.sessions and each.sessions.secure),
        ("desk", lambda each: each.desk is not None),
        ("wallboard", lambda each: each.wallboard is not None),
    )
    where = api.where
    for key, of in differing:
        if of(api) != of(other):
            reason = f"is not that of {name}, and both are served at {where}"
            yield Clash(at, ("api", key), reason, "write the same in both, or take another port")
    if api.metrics != other.metrics:
        reason = f"is there for one of this and {name} only, and both are served at {where}"
        yield Clash(at, ("metrics",), reason, "write [metrics] into both files, or into neither")
    if not (api.tokens and other.tokens):
        reason = f"{where} is shared with {name}, and without tokens nobody could say which of them is meant"
        yield Clash(at, ("api", "port"), reason, "add [[api.tokens]] to both, or take another port")


def _open_figures(apis: Sequence[tuple[str, ApiConfig | None]]) -> Iterator[Clash]:
    """What is shown to whoever has no token would be shown to each domain's people of the others, too."""
    first: dict[tuple[str, int, str], str] = {}
    for at, (name, api) in enumerate(apis):
        other = name if api is None else first.setdefault(address_of(api), name)
        if api is not None and other != name and api.metrics:
            reason = (
                f"is missing, so that /metrics at {api.where} shows this domain's queues and those of {other} to all"
            )
            yield Clash(
                at, ("metrics",), reason, "write [metrics] into both files, for an address of its own", usable=True
            )


def _figures(configs: Sequence[Config]) -> Iterator[Clash]:
    """Where figures are served, nothing else can be; domains that name the same place for them share it."""
    for at, config in enumerate(configs):
        for other in configs[:at]:
            ours, theirs = _places(config), _places(other)
            if any(_meet(*pair) for pair in ((ours[0], theirs[1]), (ours[1], theirs[0]))) or (
                config.metrics != other.metrics and _meet(ours[1], theirs[1])
            ):
                reason = f"figures would be served where {other.source} has something else"
                yield Clash(at, ("metrics", "port"), reason, "choose another port, or the same host and port for both")


def _places(config: Config) -> tuple[tuple[str, int], tuple[str, int]]:
    """Host and port of the API and of figures; no port where there is none."""
    api, metrics = config.api, config.metrics
    return (
        ("", 0) if api is None or not api.host else (api.host, api.port),
        ("", 0) if metrics is None else (metrics.host, metrics.port),
    )


def _meet(one: tuple[str, int], other: tuple[str, int]) -> bool:
    return one[1] == other[1] != 0 and overlap(one[0], other[0])


def _problem(source: Path, clash: Clash, lines: dict[int, Lines]) -> Problem:
    if clash.at not in lines:
        lines[clash.at] = Lines(source.read_text(encoding="utf-8-sig"))
    return Problem(str(source), lines[clash.at].line(clash.key), dotted(clash.key), clash.reason, clash.fix)
