"""Routes about the configuration that the API owns: /v1/configuration…. For the roles system and supervisor.

Owns validating, comparing, applying and rolling back over HTTP, with tags (ETag, If-Match) so that nobody undoes what
somebody else has just done. Must not know how versions are kept (`acd.runtime.configurations`).
"""

from typing import Annotated, Any, Final

import msgspec
from aiohttp import web
from msgspec import Meta, Struct

from acd.api.answers import answer
from acd.api.bodies import NoQuery, Nothing
from acd.api.pages import PageQuery, cursor_of_order, order_of
from acd.api.problems import Problem, not_found
from acd.api.routes import Call, Example, Route
from acd.api.shapes import Moment
from acd.api.traces import trace_of_request
from acd.core.messages.types import Text
from acd.errors import ConfigError
from acd.runtime.clock import moment
from acd.runtime.config import Report
from acd.runtime.config.owned import SECTIONS, Document
from acd.runtime.configurations import Configurations
from acd.runtime.versions import EMPTY, NEWEST, Version

MAX_DOCUMENT: Final = 8 * 1024 * 1024
"""Bytes of a body with a configuration in it."""

PROBLEMS_SAID: Final = 5
"""Problems that a refusal names; the route that only checks names them all."""

Entries = dict[str, dict[str, Any]]


class DocumentBody(Struct, forbid_unknown_fields=True):
    """Agents, queues, capacities and calendars by name, each with the keys of the configuration file.

    What the file names belongs to the file, and what is in here to the API; together they are in force.
    """

    agents: Entries = {}
    queues: Entries = {}
    capacities: Entries = {}
    calendars: Entries = {}


class NewVersion(Struct, forbid_unknown_fields=True):
    """What is to be in force, and a note on why."""

    document: DocumentBody
    note: Text = ""


class RollBack(Struct, forbid_unknown_fields=True):
    """Which version is to be in force again, as a new one; 0: what there was before the first."""

    version: Annotated[int, Meta(ge=0, le=2**53)]
    note: Text = ""


class VersionShape(Struct):
    """A version: who put it into force when, and why. `etag` is what `If-Match` takes. Version 0 has no time."""

    version: int
    etag: str
    at: Moment | None
    actor: str
    note: str


class ConfigurationShape(VersionShape):
    """A version with its document."""

    document: DocumentBody


class VersionPage(Struct):
    """Versions, newest first, and the cursor of the next page, if there is one."""

    versions: list[VersionShape]
    next_cursor: str | None


class ConfigProblemShape(Struct):
    """One thing that is wrong. `severity`: `error`, `warning` or `note`. `line`: in the file, null if not there."""

    severity: str
    key: str
    reason: str
    fix: str
    code: str | None
    line: int | None


class CheckedShape(Struct):
    """Whether it could be put into force, and all that was found."""

    usable: bool
    problems: list[ConfigProblemShape]


class ChangedKeyShape(Struct):
    """One key of an entry, null where it was not or will not be."""

    key: str
    before: Any
    after: Any


class ChangeShape(Struct):
    """What becomes of one entry: `added`, `removed` or `changed`."""

    section: str
    name: str
    what: str
    keys: list[ChangedKeyShape]


class DifferenceShape(Struct):
    """From what is in force to what was sent. `etag`: of what is in force."""

    etag: str
    changes: list[ChangeShape]


async def show(call: Call[Nothing, NoQuery]) -> web.Response:
    """What is in force."""
    return await _tagged(call, await configurations_of(call).current())


async def check(call: Call[DocumentBody, NoQuery]) -> CheckedShape:
    """What is wrong with a document; nothing is changed."""
    return _checked(await configurations_of(call).check(_document(call.body)))


async def difference(call: Call[DocumentBody, NoQuery]) -> DifferenceShape:
    """What a document would change; nothing is changed."""
    configurations = configurations_of(call)
    found = await configurations.difference(_document(call.body))
    shapes = [
        ChangeShape(each.section, each.name, each.what, [ChangedKeyShape(*key) for key in each.keys]) for each in found
    ]
    return DifferenceShape(_etag(await configurations.current()), shapes)


async def apply(call: Call[NewVersion, NoQuery]) -> web.Response:
    """Put a document into force, as a new version."""
    return await _apply(call, _document(call.body.document), call.body.note)


async def roll_back(call: Call[RollBack, NoQuery]) -> web.Response:
    """Put an earlier version into force again, as a new one."""
    earlier = await configurations_of(call).version(call.body.version)
    if earlier is None:
        raise not_found("version")
    document = await configurations_of(call).document_of(earlier)
    return await _apply(call, document, call.body.note or f"back to version {earlier.number}")


async def list_versions(call: Call[Nothing, PageQuery]) -> VersionPage:
    """Every version that was kept, newest first."""
    lives = call.context.router.events.lives
    before = await order_of(call.query.cursor, lives)
    found = await configurations_of(call).versions(NEWEST if before is None else before, call.query.limit + 1)
    page = found[: call.query.limit]
    more = len(found) > len(page)
    return VersionPage(
        [VersionShape(*_about(each)) for each in page], cursor_of_order(page[-1].number, lives) if more else None
    )


async def show_version(call: Call[Nothing, NoQuery]) -> web.Response:
    """One version."""
    number = call.path("version")
    known = number.isascii() and number.isdecimal() and len(number) < 16  # noqa: PLR2004 - no version is so long
    found = await configurations_of(call).version(int(number)) if known else None
    if found is None:
        raise not_found("version")
    return await _tagged(call, found)


async def _apply(call: Call[Any, NoQuery], document: Document, note: str) -> web.Response:
    expected = expected_tag(call)
    if not expected:
        raise Problem(428, "if-match-required", "If-Match: send the etag of the version that this is to replace, or *.")
    try:
        kept = await configurations_of(call).apply(
            document, expected, wanted_by(call, note), trace_of_request(call.request)
        )
    except ConfigError as error:
        raise invalid(error) from None
    call.carried_out = True
    return await _tagged(call, kept)


def expected_tag(call: Call[Any, Any]) -> str:
    """What `If-Match` says, without its quotes; empty when there is none."""
    return call.request.headers.get("If-Match", "").strip().removeprefix("W/").strip('"')


def wanted_by(call: Call[Any, Any], note: str) -> Version:
    """The version that a request asks for, as far as the request says."""
    return Version(0, 0, call.who.name, call.command_id(), note, EMPTY)


def invalid(error: ConfigError) -> Problem:
    """422 with the first problems of a configuration."""
    said = "\n".join(error.problems[:PROBLEMS_SAID])
    more = len(error.problems) - PROBLEMS_SAID
    tail = f"\n… and {more} more; POST /v1/configuration/check names them all" if more > 0 else ""
    return Problem(422, "configuration-invalid", said + tail)


def configurations_of(call: Call[Any, Any]) -> Configurations:
    """Whoever keeps the versions. Raises a Problem with 404 where nobody does."""
    configurations = call.context.configurations
    if configurations is None:
        raise Problem(404, "not-found", "The configuration is not served here: acd.api.serve was given none.")
    return configurations


def _document(body: DocumentBody) -> Document:
    """The document without its empty sections."""
    return {section: entries for section in SECTIONS if (entries := getattr(body, section))}


async def _tagged(call: Call[Any, Any], version: Version) -> web.Response:
    document = await configurations_of(call).document_of(version)
    shape = ConfigurationShape(*_about(version), msgspec.convert(document, DocumentBody))
    return answer(shape, headers={"ETag": shape.etag})


def _about(version: Version) -> tuple[int, str, str | None, str, str]:
    at = moment(version.at_us) if version.number else None
    return version.number, _etag(version), at, version.actor, version.note


def _etag(version: Version) -> str:
    return f'"{version.tag}"'


def _checked(report: Report) -> CheckedShape:
    found = (("error", report.errors), ("warning", report.warnings), ("note", report.notes))
    return CheckedShape(
        report.config is not None,
        [
            ConfigProblemShape(severity, each.key, each.reason, each.fix, each.code, each.line or None)
            for severity, problems in found
            for each in problems
        ],
    )


_KNOWN: Final = ("versions-unavailable", "not-found")
_APPLYING: Final = (*_KNOWN, "if-match-required", "version-changed", "configuration-invalid")
_CARLA: Final = {"agents": {"carla": {"skills": {"english": 6}}}}

ROUTES: Final = (
    Route(
        "show_configuration",
        "configuration",
        "GET",
        "/v1/configuration",
        "supervisor",
        show,
        "The part of the configuration that the API owns, as it is in force.",
        ConfigurationShape,
        problems=_KNOWN,
        example=Example(
            shows={"version": 0, "document": {"agents": {}, "queues": {}, "capacities": {}, "calendars": {}}}
        ),
        notes="Beside it stands the file's part. Each entry belongs to one of the two.",
    ),
    Route(
        "apply_configuration",
        "configuration",
        "PUT",
        "/v1/configuration",
        "supervisor",
        apply,
        "Put agents, queues, capacities and calendars into force; the version before is kept.",
        ConfigurationShape,
        body=NewVersion,
        problems=_APPLYING,
        example=Example(
            body={"document": _CARLA, "note": "a new colleague"}, headers={"If-Match": "*"}, shows={"version": 1}
        ),
        if_match=True,
        most_body=MAX_DOCUMENT,
        notes="It holds again after a restart. Whatever is not in it and was in the version before is taken away.",
    ),
    Route(
        "check_configuration",
        "configuration",
        "POST",
        "/v1/configuration/check",
        "supervisor",
        check,
        "What is wrong with a document, together with the file's part; nothing is changed.",
        CheckedShape,
        body=DocumentBody,
        changes=False,
        problems=_KNOWN,
        example=Example(body={"agents": {"anna": {}}}, shows={"usable": False}),
        most_body=MAX_DOCUMENT,
    ),
    Route(
        "compare_configuration",
        "configuration",
        "POST",
        "/v1/configuration/difference",
        "supervisor",
        difference,
        "What a document would change; nothing is changed.",
        DifferenceShape,
        body=DocumentBody,
        changes=False,
        problems=_KNOWN,
        example=Example(
            body=_CARLA,
            shows={"changes": [{"section": "agents", "name": "carla", "what": "added", "keys": []}]},
        ),
        most_body=MAX_DOCUMENT,
    ),
    Route(
        "roll_back_configuration",
        "configuration",
        "POST",
        "/v1/configuration/rollback",
        "supervisor",
        roll_back,
        "Put an earlier version into force again, as a new one.",
        ConfigurationShape,
        body=RollBack,
        problems=_APPLYING,
        example=Example(
            body={"version": 0}, headers={"If-Match": "*"}, after=("apply_configuration",), shows={"version": 2}
        ),
        if_match=True,
    ),
    Route(
        "list_configuration_versions",
        "configuration",
        "GET",
        "/v1/configuration/versions",
        "supervisor",
        list_versions,
        "Every version that is kept, newest first: who put it into force when, and why.",
        VersionPage,
        query=PageQuery,
        problems=_KNOWN,
        example=Example(query={"limit": "10"}, after=("apply_configuration",)),
    ),
    Route(
        "show_configuration_version",
        "configuration",
        "GET",
        "/v1/configuration/versions/{version}",
        "supervisor",
        show_version,
        "One version with its document.",
        ConfigurationShape,
        problems=_KNOWN,
        example=Example(
            {"version": "1"}, after=("apply_configuration",), shows={"version": 1, "note": "a new colleague"}
        ),
    ),
)
