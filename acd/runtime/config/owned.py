"""The part of a configuration that the API owns: agents, queues, capacities and calendars that the file does not name.

Owns what such a document may hold, and how it is put beside the file's. Must not know versions of it, nor HTTP. Each
agent, queue, capacity and calendar belongs to the file or to the API, never to both.
"""

from collections.abc import Iterator, Mapping
from typing import Final

from msgspec import Struct

from acd.runtime.config.problems import Problems

SECTIONS: Final = ("agents", "queues", "capacities", "calendars")
"""What the API may own: nothing that is a secret, a path or a port."""

Entry = Mapping[str, object]
Document = Mapping[str, Mapping[str, Entry]]
"""Section → name → what `[section.name]` says, with the keys of the file."""


def put_beside(raw: dict[str, object], owned: Document, problems: Problems) -> dict[str, object]:
    """The file's tables with the API's beside them; whatever both name, or the API may not, is noted."""
    merged = dict(raw)
    for section in owned:
        if section not in SECTIONS:
            problems.error((section,), "does not belong to the API", f"keep it in the file; the API has {_sections()}")
    for section in SECTIONS:
        theirs, ours = owned.get(section, {}), raw.get(section, {})
        if not theirs or not isinstance(ours, dict):
            continue  # a section of the file that is no table is noted by whoever reads it
        for name in theirs.keys() & ours.keys():
            problems.error((section, name), "is named by the file and by the API", "remove it from one of them")
        if section == "calendars":
            _check_calendars(theirs, problems)
        merged[section] = {**theirs, **ours}
    return merged


def _check_calendars(calendars: Mapping[str, Entry], problems: Problems) -> None:
    for name, entry in calendars.items():
        if isinstance(entry, Mapping) and "dates_file" in entry:
            reason = "names a file, which the API must not"
            problems.error(("calendars", name, "dates_file"), reason, "write its dates into dates")


def _sections() -> str:
    return f"{', '.join(SECTIONS[:-1])} and {SECTIONS[-1]}"


def with_entry(document: Document, section: str, name: str, entry: Entry | None) -> Document:
    """The document with this entry instead of what it has of that name, or with None without it."""
    entries = {**document.get(section, {})}
    entries.pop(name, None)
    if entry is not None:
        entries[name] = entry
    others = {each: document[each] for each in document if each != section}
    return {**others, section: entries} if entries else others


def patched(entry: object, patch: object) -> object:
    """What a merge patch (RFC 7396) makes of an entry: null takes a key away."""
    if not isinstance(patch, Mapping):
        return patch
    kept = dict(entry) if isinstance(entry, Mapping) else {}
    for key, value in patch.items():
        if value is None:
            kept.pop(key, None)
        else:
            kept[key] = patched(kept.get(key), value)
    return kept


class Change(Struct, frozen=True):
    """What becomes of one entry: `added`, `removed` or `changed`, and then which keys: (name, before, after)."""

    section: str
    name: str
    what: str
    keys: tuple[tuple[str, object, object], ...] = ()


def changes(before: Document, after: Document) -> tuple[Change, ...]:
    """From one document to another, section by section and by name."""
    return tuple(change for section in SECTIONS for change in _changes(section, before, after))


def _changes(section: str, before: Document, after: Document) -> Iterator[Change]:
    old, new = before.get(section, {}), after.get(section, {})
    for name in sorted(old.keys() | new.keys()):
        if name not in old:
            yield Change(section, name, "added")
        elif name not in new:
            yield Change(section, name, "removed")
        elif old[name] != new[name]:
            was, becomes = old[name], new[name]
            keys = sorted(key for key in was.keys() | becomes.keys() if was.get(key) != becomes.get(key))
            yield Change(section, name, "changed", tuple((key, was.get(key), becomes.get(key)) for key in keys))
