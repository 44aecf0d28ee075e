"""`[channels.NAME.menus.MENU]`: reads what menus say and do.

Owns the names, bounds and defaults of the options of one menu. Must not know how menus hang together
(`menu_links`), nor what happens in one (`acd_asterisk.menus`).
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from acd.core import limits
from acd.core.requirement import parse
from acd.errors import RequirementError
from acd_asterisk.media import LANGUAGE, MEANING, media_of
from acd_asterisk.menus.plan import (
    DIGITS,
    MAX_DIGITS,
    MAX_KEY,
    MAX_KEYS,
    MAX_MENUS,
    MAX_PATTERNS,
    MAX_RETRIES,
    MAX_SOUNDS,
    Action,
    Collect,
    Ending,
    Menu,
    Spoken,
    is_pattern,
)
from acd_asterisk.options.menu_links import check_links
from acd_asterisk.options.reader import SECOND_US, Reader
from acd_asterisk.translate import is_queue_name

MAX_SET: Final = 16
"""Attributes that one key sets."""

LONG_NUMBER: Final = 15
"""Digits from which a number is probably a card's, or a person's."""

MAX_LANGUAGES: Final = 16
"""Languages of one prompt."""

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9_-]{0,31}")
_KEY: Final = re.compile(rf"[0-9*#]{{1,{MAX_KEY}}}")
_TERMINATOR: Final = re.compile(r"[*#]?")
_ATTRIBUTE: Final = re.compile(r"[a-z][a-z0-9_]{0,63}")
_EXTENSION: Final = re.compile(r"[A-Za-z0-9_+*#.-]{1,40}(?:@[A-Za-z0-9_.-]{1,79})?")
_AGENT: Final = re.compile(r"\S{1,128}")
_ENDINGS: Final[tuple[Ending, ...]] = ("repeat", "back", "hangup")
_TARGETS: Final = ("queue", "menu", "dialplan", *_ENDINGS)
_ANY: Final = re.compile(r".*", re.DOTALL)

_SOUND_MEANS: Final = f'"acd/welcome": {MEANING}'


def read_menus(reader: Reader, entry: str) -> tuple[Menu, ...]:
    """All menus of one PBX, checked each and together. `entry`: the option `menu`, which is checked, too."""
    tables = reader.tables("menus", "a menu")
    if len(tables) > MAX_MENUS:
        reader.problem("menus", f"are {len(tables)}", f"{MAX_MENUS} at most")
        return ()
    menus = tuple(_menu(reader, name, table) for name, table in tables.items())
    check_links(menus, entry, reader.problem, {name: table.problem for name, table in tables.items()})
    return menus


def menu_cautions(menus: Iterable[Menu]) -> Iterator[tuple[str, str, str]]:
    """What works and had better be otherwise: key, reason, fix."""
    for menu in menus:
        if menu.collect is not None and menu.collect.most >= LONG_NUMBER and not menu.collect.secret:
            reason = "a number as long as those of cards and of people would stand in the journal"
            yield f"menus.{menu.name}.collect", reason, f"set secret = true, or max_digits below {LONG_NUMBER}"


def _menu(reader: Reader, name: str, table: Reader) -> Menu:
    if not _NAME.fullmatch(name):
        reader.problem(f"menus.{name}", "cannot be called so", "use a to z, 0 to 9, - and _, at most 32")
    collect = _collect(table)
    keys = _keys(table)
    if collect is None and not keys:
        table.problem("", "has neither keys nor collect", 'give it keys, such as keys.1 = { queue = "sales" }')
    elif collect is not None and keys:
        table.problem("keys", "stand beside collect", "ask for a key in one menu and for a number in another")
    if not table.has("prompt"):
        table.problem("prompt", "is missing", f"give it {_SOUND_MEANS}")
    default = _action(table, "default")
    if default.ending in {"repeat", "back"}:
        table.problem("default", f"is {default.ending}, which could go on for ever", "name a queue, or hangup = true")
    return Menu(
        name=name,
        prompt=_spoken(table, "prompt"),
        invalid=_spoken(table, "invalid"),
        timeout=_spoken(table, "timeout"),
        keys=keys,
        collect=collect,
        first_us=table.duration("first_digit", 5 * SECOND_US, SECOND_US // 10, 60 * SECOND_US),
        between_us=table.duration("between_digits", 3 * SECOND_US, SECOND_US // 10, 30 * SECOND_US),
        retries=table.integer("retries", 2, 0, MAX_RETRIES),
        default=default,
        barge_in=table.flag("barge_in", default=True),
        entry=table.flag("entry", default=False),
    )


def _keys(table: Reader) -> tuple[tuple[str, Action], ...]:
    within = table.entries("keys", "a menu's keys", MAX_KEYS)
    for key in within.names():
        if not _KEY.fullmatch(key):
            within.problem(key, "is no key of a telephone", f"use 0 to 9, * and #, at most {MAX_KEY} in a row")
    return tuple((key, _action(within, key)) for key in within.names())


def _collect(table: Reader) -> Collect | None:
    """The number to ask for; its options stand beside the menu's others."""
    if not table.has("collect"):
        stray = [
            key
            for key in ("min_digits", "max_digits", "terminator", "pattern", "confirm", "secret", "then")
            if table.has(key)
        ]
        if stray:
            table.problem(stray[0], "is for a number that is asked for", 'say by collect = "NAME" what it is called')
        return None
    least = table.integer("min_digits", 1, 1, MAX_DIGITS)
    most = table.integer("max_digits", 20, 1, MAX_DIGITS)
    if least > most:
        table.problem("min_digits", f"{least} is more than max_digits, {most}", "let it be at most that")
    terminator = table.text("terminator", "#")
    if terminator is not None and not _TERMINATOR.fullmatch(terminator):
        table.problem("terminator", f"{terminator!r} cannot end a number", 'use "#", "*", or "" for none')
    secret = table.flag("secret", default=False)
    confirm = _spoken(table, "confirm", digits=True)
    if secret and any(DIGITS in each for _, each in confirm):
        table.problem("confirm", "says a secret aloud, and Asterisk logs what it says", f"leave out {DIGITS}")
    return Collect(
        attribute=_attribute(table),
        least=least,
        most=most,
        terminator=terminator or "",
        patterns=_patterns(table, least, most),
        confirm=confirm,
        secret=secret,
        then=_action(table, "then"),
    )


def _attribute(table: Reader) -> str:
    return table.pattern("collect", "", _ATTRIBUTE, "the attribute's name: a to z, 0 to 9 and _, at most 64")


def _patterns(table: Reader, least: int, most: int) -> tuple[str, ...]:
    given = table.given("pattern")
    if given is None:
        return ()
    patterns = (given,) if isinstance(given, str) else given
    if not isinstance(patterns, list | tuple) or not all(isinstance(each, str) for each in patterns):
        table.problem("pattern", "is not a text, nor a list of texts", 'write it like "1[38]XXXXXXXXX"')
        return ()
    if len(patterns) > MAX_PATTERNS:
        table.problem("pattern", f"has {len(patterns)} entries", f"{MAX_PATTERNS} at most")
        return ()
    for each in patterns:
        if not is_pattern(each):
            fix = "use digits, X (0 to 9), Z (1 to 9), N (2 to 9), [135] for one of these, and a full stop at its end"
            table.problem("pattern", f"{each!r} is no form of a number", fix)
        elif not each.endswith(".") and not least <= len(re.sub(r"\[[0-9]+\]", "X", each)) <= most:
            table.problem("pattern", f"{each!r} is never met between min_digits and max_digits", "change one of them")
    return tuple(patterns)


# ---- what a key leads to


def _action(reader: Reader, key: str) -> Action:
    """A table with exactly one target."""
    if not reader.has(key):
        reader.problem(key, "is missing", f'write it like {key} = {{ queue = "sales" }}')
        return Action()
    table = reader.table(key, "what a key leads to")
    targets = [each for each in _TARGETS if table.has(each)]
    if len(targets) != 1 and isinstance(reader.given(key), Mapping):
        reason = f"leads to {' and '.join(targets)}" if targets else "leads nowhere"
        table.problem("", reason, f"give it exactly one of {', '.join(_TARGETS)}")
    return Action(
        queue=_queue(table),
        menu=_optional(table, "menu", _NAME, "a menu's name"),
        dialplan=_optional(table, "dialplan", _EXTENSION, "an extension, or EXTENSION@CONTEXT"),
        ending=_ending(table),
        attributes=_attributes(table),
        requirement=_requirement(table),
        priority=_priority(table),
        agent=_optional(table, "agent", _AGENT, "an agent's id"),
        language=_optional(table, "language", LANGUAGE, 'a language as Asterisk has it, such as "zh" or "en_GB"'),
    )


def _ending(table: Reader) -> Ending:
    found: Ending = ""
    for each in _ENDINGS:
        if table.has(each):
            if table.flag(each, default=True):
                found = each
            else:
                table.problem(each, "is false, which leads nowhere", "leave it out")
    return found


def _queue(table: Reader) -> str:
    queue = _optional(table, "queue", _ANY, "a queue's name")
    if queue and not is_queue_name(queue):
        table.problem("queue", f"{queue!r} is no queue's name", f"at most {limits.MAX_ID} characters, no blanks")
    return queue


def _optional(table: Reader, key: str, form: re.Pattern[str], meaning: str) -> str:
    return table.pattern(key, "", form, meaning) if table.has(key) else ""


def _requirement(table: Reader) -> str:
    text = table.text("requirement", "") or ""
    if text:
        try:
            parse(text)
        except RequirementError as error:
            table.problem("requirement", error.problem, "see the rules of requirements")
    return text


def _priority(table: Reader) -> int | None:
    if not table.has("priority"):
        return None
    return table.integer("priority", 0, -limits.MAX_PRIORITY, limits.MAX_PRIORITY)


def _attributes(table: Reader) -> tuple[tuple[str, str], ...]:
    within = table.entries("attributes", "attributes", MAX_SET)
    found = []
    for name in within.names():
        value = within.text(name, "") or ""
        if not _ATTRIBUTE.fullmatch(name):
            within.problem(
                name, "is no attribute's name", "use a to z, 0 to 9 and _, at most 64, beginning with a letter"
            )
        if len(value) > limits.MAX_TEXT or not value.isprintable():
            within.problem(name, "is too long or has control characters", f"at most {limits.MAX_TEXT} printable ones")
        found.append((name, value))
    return tuple(found)


# ---- what is said


def _spoken(table: Reader, key: str, *, digits: bool = False) -> Spoken:
    """A sound, a list of sounds, or either by language."""
    given = table.given(key)
    if given is None:
        return ()
    if not isinstance(given, Mapping):
        return (("", _sounds(table, key, given, digits=digits)),)
    within = table.table(key, "a prompt by language")
    if len(given) > MAX_LANGUAGES:
        table.problem(key, f"has {len(given)} languages", f"{MAX_LANGUAGES} at most")
        return ()
    for language in given:
        within.has(str(language))
        if language != "default" and not LANGUAGE.fullmatch(str(language)):
            within.problem(str(language), "is no language", 'name one as Asterisk does, such as "zh", or default')
    if "default" not in given:
        table.problem(key, "has no default", f"say what callers of other languages hear: {key}.default")
    return tuple(
        ("" if language == "default" else str(language), _sounds(within, str(language), each, digits=digits))
        for language, each in given.items()
    )


def _sounds(table: Reader, key: str, given: object, *, digits: bool) -> tuple[str, ...]:
    names = (given,) if isinstance(given, str) else given
    if not isinstance(names, list | tuple) or not all(isinstance(each, str) for each in names):
        table.problem(key, "is neither a sound nor a list of sounds", f"give it {_SOUND_MEANS}")
        return ()
    if len(names) > MAX_SOUNDS:
        table.problem(key, f"has {len(names)} sounds", f"{MAX_SOUNDS} at most")
        return ()
    media = []
    for each in names:
        found = each if digits and each == DIGITS else media_of(each)
        if found is None or ".." in each:
            table.problem(key, f"{each!r} cannot be played", f"give it {_SOUND_MEANS}")
        else:
            media.append(found)
    return tuple(media)
