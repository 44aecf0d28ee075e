"""`[api.sessions]`, `[api.desk]` and `[api.wallboard]`: people who sign in with a browser, and the pages for them.

Owns their keys, bounds and defaults. Must not know what a session is made of, nor what the pages show.
"""

import re
from typing import Final

from acd.runtime.chat.conversation import problem_of
from acd.runtime.config.alarms import LEAST_WINDOW_US, MOST_WINDOW_US
from acd.runtime.config.model import ApiConfig, DeskConfig, SessionsConfig, WallboardConfig
from acd.runtime.config.problems import quoted
from acd.runtime.config.table import Table

LEAST_LIFETIME_US: Final = 60 * 1_000_000
MAX_LIFETIME_US: Final = 24 * 3600 * 1_000_000
MAX_LONGEST_US: Final = 7 * MAX_LIFETIME_US

MAX_KEEP_US: Final = 3_650 * MAX_LIFETIME_US
"""How long notes and earlier conversations are kept at most."""

MAX_REASONS: Final = 50
"""Reasons for not being ready that the desk lists."""

MAX_ANSWERS: Final = 200
"""Canned answers."""

PLACES: Final = ("agent", "customer")
"""What may be in braces in a canned answer."""

_PLACE = re.compile(r"\{(\w*)\}")


def read_sessions(api: Table, *, tls: bool) -> SessionsConfig | None:
    """`[api.sessions]`; to write the section is to want them. `tls`: whether the API itself is served over TLS."""
    if not api.has("sessions"):
        return None
    table, plain = api.table("sessions"), SessionsConfig()
    config = SessionsConfig(
        lifetime_us=table.duration("lifetime", plain.lifetime_us, LEAST_LIFETIME_US, MAX_LIFETIME_US),
        longest_us=table.duration("longest", plain.longest_us, LEAST_LIFETIME_US, MAX_LONGEST_US),
        secure=table.flag("secure", default=tls),
    )
    if config.longest_us < config.lifetime_us:
        fix = "make it longer; after it everybody signs in anew"
        table.problems.error(table.at("longest"), "is shorter than one lifetime", fix)
    if tls and not config.secure:
        reason = "would let browsers send the cookie in clear, though the API is served over TLS"
        table.problems.error(table.at("secure"), reason, "leave it out")
    table.finish()
    return config


def read_desk(api: Table) -> DeskConfig | None:
    """`[api.desk]`; None unless it is enabled."""
    if not api.has("desk"):
        return None
    table = api.table("desk")
    enabled = table.flag("enabled", default=False)
    reasons = _reasons(table) if table.has("reasons") else DeskConfig().reasons
    config = DeskConfig(
        reasons,
        _answers(table.table("answers")),
        notes=table.flag("notes", default=True),
        keep_us=table.duration("keep", DeskConfig().keep_us, 0, MAX_KEEP_US),
        path=table.path("path", "acd-desk.db"),
        key=table.path("key", "acd-desk.key"),
    )
    if config.notes and table.has("notes") and not config.keep_us:
        table.problems.error(table.at("notes"), "are kept nowhere, because keep is 0", "say how long, or notes = false")
    table.finish()
    return config if enabled else None


def read_wallboard(api: Table) -> WallboardConfig | None:
    """`[api.wallboard]`; None unless it is enabled."""
    if not api.has("wallboard"):
        return None
    table = api.table("wallboard")
    enabled = table.flag("enabled", default=False)
    window_us = table.duration("window", WallboardConfig().window_us, LEAST_WINDOW_US, MOST_WINDOW_US)
    table.finish()
    return WallboardConfig(window_us) if enabled else None


def check_pages(api: Table, config: ApiConfig) -> None:
    """Who has no token cannot be told from others, and a page for agents would be nobody's."""
    if config.desk is not None and config.open and not config.tokens:
        fix = 'add [[api.tokens]] with roles = ["agent"] for each agent'
        api.problems.warn(api.at("desk"), "is for agents, and an open API does not know who is one", fix)
    if config.wallboard is not None and config.open and not config.tokens:
        fix = 'add [[api.tokens]] with roles = ["supervisor"] for each supervisor'
        api.problems.warn(api.at("wallboard"), "is for people who sign in, and an open API has no tokens for it", fix)


def _reasons(table: Table) -> tuple[str, ...]:
    """Each once, in the order in which the desk lists them; at least one, because not-ready has a reason."""
    found: dict[str, None] = {}
    for index, reason in enumerate(table.texts("reasons", MAX_REASONS)):
        key = table.at("reasons", index)
        if not table.check_id(key, reason):
            continue
        if reason in found:
            table.problems.error(key, "is there twice", "leave one out")
        found[reason] = None
    if table.raw["reasons"] == []:
        table.problems.error(table.at("reasons"), "names no reason", 'name one at least, like "break"')
    return tuple(found)


def _answers(table: Table) -> tuple[tuple[str, str], ...]:
    """Each by its name, as they are written down; of those that are no text of a message, what is wrong with them."""
    if len(table.raw) > MAX_ANSWERS:
        table.problems.error(table.key, f"has {len(table.raw)} entries", f"{MAX_ANSWERS} at most")
    found: list[tuple[str, str]] = []
    for name, text in table.raw.items():
        key = table.at(name)
        if not table.check_id(key, name):
            continue
        if not isinstance(text, str):
            table.problems.error(key, f"{quoted(text)} is not a text", "write it in quotes")
            continue
        problem = problem_of(text)
        if problem:
            reason, _, fix = problem.removesuffix(".").partition("; ")
            table.problems.error(key, reason, fix)
        for place in _PLACE.findall(text):
            if place not in PLACES:
                reason = f"has {{{place}}} in it, which stands for nothing"
                table.problems.error(key, reason, f"use {' or '.join(f'{{{each}}}' for each in PLACES)}")
        found.append((name, text))
    return tuple(found)
