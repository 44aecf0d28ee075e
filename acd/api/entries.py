"""Routes about single entries of the configuration: /v1/configuration/agents/{agent} and the like.

Owns showing, replacing, patching and removing one agent, queue, capacity or calendar, each as a new version of what the
API owns. Must not know how versions are kept (`acd.runtime.configurations`). What is edited at the same time is done
one after the other, so that nothing is lost; `If-Match` is for whoever must not replace what somebody else has said.
"""

from collections.abc import Mapping
from typing import Any, Final

import msgspec
from aiohttp import web
from msgspec import Struct

from acd.api.answers import answer
from acd.api.bodies import NoQuery, Nothing
from acd.api.configuration import configurations_of, expected_tag, invalid, wanted_by
from acd.api.problems import Problem, not_found
from acd.api.routes import Call, Example, Handler, Method, Route
from acd.api.traces import trace_of_request
from acd.core.messages.types import Text
from acd.errors import ConfigError
from acd.runtime.config.owned import Entry, patched
from acd.runtime.configurations import Edit, tag_of
from acd.runtime.versions import Version

MAX_DEPTH: Final = 8
"""Levels of objects and lists in an entry; none has a use for more than four."""


class NewEntry(Struct, forbid_unknown_fields=True):
    """The whole entry, with the keys of the configuration file, and a note on why."""

    entry: dict[str, Any]
    note: Text = ""


class EntryPatch(Struct, forbid_unknown_fields=True):
    """What changes in the entry, as a merge patch (RFC 7396): what is left out stays, null takes away."""

    entry: dict[str, Any]
    note: Text = ""


class EntryShape(Struct):
    """An entry, null once it is gone. `owner`: `api`, or `file`, which no request changes.

    `etag`: what `If-Match` takes, of the API's. `version`: of what the API owns, as it is in force.
    """

    section: str
    name: str
    owner: str
    etag: str | None
    version: int
    entry: dict[str, Any] | None


class Section(Struct, frozen=True):
    """A section, `agents`, and what each entry is, an `agent`; an example; `removal`: what it means."""

    name: str
    kind: str
    example: str
    entry: Mapping[str, object]
    patch: Mapping[str, object]
    patched: Mapping[str, object]
    removal: str


def _showing(section: Section) -> Handler:
    async def show(call: Call[Nothing, NoQuery]) -> web.Response:
        configurations, name = configurations_of(call), call.path(section.kind)
        version = (await configurations.current()).number
        entry = await configurations.entry(section.name, name)
        owned = entry is not None
        entry = entry if owned else configurations.entry_of_file(section.name, name)
        if entry is None:
            raise not_found(section.kind)
        return _answer(section, name, version, entry, owner="api" if owned else "file")

    return show


def _replacing(section: Section) -> Handler:
    async def replace(call: Call[NewEntry, NoQuery]) -> web.Response:
        _check_depth(call.body.entry)
        found: list[Entry | None] = []

        def change(before: Entry | None) -> Entry:
            found.append(before)
            return call.body.entry

        kept = await _edited(call, section, change, call.body.note)
        place = (section.name, call.path(section.kind))
        if not found:
            # A repetition, which is answered as it was the first time.
            found.append(await configurations_of(call).entry_before(kept, place))
        status = 201 if found[-1] is None else 200
        return _answer(section, place[1], kept.number, _entry_in(kept, place), status=status)

    return replace


def _patching(section: Section) -> Handler:
    async def patch(call: Call[EntryPatch, NoQuery]) -> web.Response:
        _check_depth(call.body.entry)

        def change(before: Entry | None) -> Entry:
            if before is None:
                raise not_found(section.kind)
            found = patched(before, call.body.entry)
            assert isinstance(found, Mapping)  # noqa: S101 - what a patch of an object makes of an object is one
            return found

        return await _edit(call, section, change, call.body.note)

    return patch


def _removing(section: Section) -> Handler:
    async def remove(call: Call[Nothing, NoQuery]) -> web.Response:
        def change(before: Entry | None) -> None:
            if before is None:
                raise not_found(section.kind)

        return await _edit(call, section, change, "")

    return remove


async def _edit(call: Call[Any, NoQuery], section: Section, change: Edit, note: str) -> web.Response:
    name = call.path(section.kind)
    kept = await _edited(call, section, change, note)
    return _answer(section, name, kept.number, _entry_in(kept, (section.name, name)))


async def _edited(call: Call[Any, NoQuery], section: Section, change: Edit, note: str) -> Version:
    name = call.path(section.kind)
    place, wanted = (section.name, name), wanted_by(call, note)
    try:
        kept = await configurations_of(call).edit(
            place, change, expected_tag(call), wanted, trace_of_request(call.request)
        )
    except ConfigError as error:
        raise invalid(error) from None
    call.carried_out = True
    return kept


def _entry_in(version: Version, place: tuple[str, str]) -> Entry | None:
    """The entry that a version was made for: the version names it, be it kept whole or as a difference."""
    found: dict[str, dict[str, Any]] = msgspec.json.decode(version.document)
    entry: Entry | None = found.get(place[0], {}).get(place[1])
    return entry


def _answer(
    section: Section, name: str, version: int, entry: Entry | None, *, owner: str = "api", status: int = 200
) -> web.Response:
    tag = f'"{tag_of(entry)}"' if entry is not None and owner == "api" else None
    shape = EntryShape(section.name, name, owner, tag, version, None if entry is None else dict(entry))
    return answer(shape, status, {} if tag is None else {"ETag": tag})


def _check_depth(entry: object) -> None:
    """Raises a Problem with 422 for what is nested without end."""
    level: list[object] = [entry]
    for _ in range(MAX_DEPTH):
        inner: list[object] = []
        for each in level:
            inner += each.values() if isinstance(each, dict) else each if isinstance(each, list) else ()
        level = inner
    if level:
        raise Problem(422, "invalid-field", f"entry: has more than {MAX_DEPTH} levels of objects and lists.")


_CHANGING: Final = ("versions-unavailable", "version-changed", "entry-of-file", "configuration-invalid")


def _row(
    section: Section,
    name: str,
    method: Method,
    handler: Handler,
    summary: str,
    example: Example,
    **more: Any,  # noqa: ANN401
) -> Route:
    """What the four routes of a section have in common."""
    return Route(
        f"{name}_{section.kind}_entry",
        "configuration",
        method,
        f"/v1/configuration/{section.name}/{{{section.kind}}}",
        "supervisor",
        handler,
        summary.format(kind=section.kind),
        EntryShape,
        example=example,
        if_match=method != "GET",
        problems=_CHANGING if method != "GET" else ("versions-unavailable",),
        **more,
    )


def _routes(section: Section) -> tuple[Route, ...]:
    where, there = {section.kind: section.example}, (f"replace_{section.kind}_entry",)
    shown = Example(where, after=there, shows={"owner": "api", "entry": section.entry, "version": 1})
    new = Example(where, body={"entry": section.entry}, shows={"entry": section.entry, "version": 1})
    changed = {"entry": section.patched, "version": 2}
    patched = Example(where, body={"entry": section.patch}, after=there, shows=changed)
    gone = Example(where, after=there, shows={"entry": None, "version": 2})
    told = "One {kind} as the configuration has it, of the API or of the file."
    put = "Put one {kind} into force, a new one or in place of what there was."
    body: dict[str, Any] = {"status": 201, "also": {200: EntryShape}, "body": NewEntry}
    filed = "What belongs to the file answers 409."
    merge = f"A merge patch (RFC 7396), sent as `application/json`. {filed}"
    change, take = (
        "Change one {kind} in what is named, and in nothing else.",
        "Take one {kind} out of the configuration.",
    )
    return (
        _row(section, "show", "GET", _showing(section), told, shown),
        _row(section, "replace", "PUT", _replacing(section), put, new, notes=f"201 for a new one. {filed}", **body),
        _row(section, "patch", "PATCH", _patching(section), change, patched, body=EntryPatch, notes=merge),
        _row(section, "remove", "DELETE", _removing(section), take, gone, notes=f"{section.removal} {filed}"),
    )


_SECTIONS: Final = (
    Section(
        "agents",
        "agent",
        "carla",
        {"name": "Carla", "skills": {"english": 6, "billing": 2}},
        {"skills": {"billing": None, "german": 4}},
        {"name": "Carla", "skills": {"english": 6, "german": 4}},
        "Whoever has work in hand is offered nothing more, finishes it, and is signed out then.",
    ),
    Section(
        "queues",
        "queue",
        "claims",
        {"requirement": "skills.english >= 5", "offer_timeout": "15s"},
        {"offer_timeout": None, "retry_after": "1m"},
        {"requirement": "skills.english >= 5", "retry_after": "1m"},
        "Nobody gets in any more; whoever waits is still served, by its settings of before. A queue that others name"
        " (`when_full`, a step, …) answers 422.",
    ),
    Section(
        "capacities",
        "capacity",
        "desk",
        {"channels": {"voice": {"cost": 100}, "chat": {"cost": 50, "most": 2}}},
        {"channels": {"chat": {"most": 1}}},
        {"channels": {"voice": {"cost": 100}, "chat": {"cost": 50, "most": 1}}},
        "A capacity that an agent has answers 422.",
    ),
    Section(
        "calendars",
        "calendar",
        "office",
        {"time_zone": "Europe/Berlin", "hours": {"mon-fri": "09:00-17:00"}},
        {"hours": {"sat": "10:00-14:00"}},
        {"time_zone": "Europe/Berlin", "hours": {"mon-fri": "09:00-17:00", "sat": "10:00-14:00"}},
        "A calendar whose hours a queue keeps answers 422.",
    ),
)

ROUTES: Final = tuple(route for section in _SECTIONS for route in _routes(section))
