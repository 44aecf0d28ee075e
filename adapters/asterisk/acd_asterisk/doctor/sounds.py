"""Which sound files a configuration names. Owns the search through options.

Whatever somebody has chosen is found wherever it stands, in the form of media: a new option needs nothing here. Of what
nobody has chosen only that counts which is in use; a default that never plays may be missing.
"""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from acd_asterisk.media import sound_name
from acd_asterisk.options import Options
from acd_asterisk.options.password import Password
from acd_asterisk.options.queues import QueueOptions
from acd_asterisk.options.sounds import Sounds
from acd_asterisk.options.waiting import Waiting

MAX_DEPTH: Final = 16
"""Tables and lists within each other."""


def sounds_of(options: Options) -> dict[str, frozenset[str]]:
    """The names in the order of the options, each with the languages in which it is certain to be played."""
    bare = (Options(url="", user="", password=Password()), QueueOptions(), Sounds())
    usual = {media for each in bare for media in _media(each)}
    found: dict[str, frozenset[str]] = {}
    chosen = ((media, "") for media in _media(options) if media not in usual)
    for media, language in (*chosen, *_in_use(options)):
        if (name := sound_name(media)) is not None:
            found[name] = found.get(name, frozenset()) | ({language} - {""})
    return found


def _in_use(options: Options) -> Iterator[tuple[str, str]]:
    """What is played whether or not somebody has chosen it, and to queues' callers, with its language."""
    yield from ((media, "") for media in _in_any_language(options))
    for queue in options.queues.values():
        language = queue.waiting.language
        told = _told(queue.waiting, options.sounds_for(language))
        yield from ((media, language) for media in (*_media(queue.waiting), *told))
    for menu in options.menus:
        for spoken in (menu.prompt, menu.invalid, menu.timeout, () if menu.collect is None else menu.collect.confirm):
            yield from ((media, language) for language, several in spoken for media in several)


def _in_any_language(options: Options) -> Iterator[str]:
    if options.codes.codes:
        yield from (options.codes.sound(result) for result, _ in options.codes.sounds)
    if options.confirm.addresses or any(agent.confirm for agent in options.phones.agents.values()):
        yield from options.confirm.prompt
    if options.survey.questions:
        yield from options.survey.thanks
    for queue in options.queues.values():
        if queue.dispositions:
            yield from queue.disposition_prompt


def _told(waiting: Waiting, sounds: Sounds) -> Iterator[str]:
    """What callers who wait are told of their place."""
    if waiting.position != "off":
        yield from (*sounds.next, *sounds.position)
    if waiting.wait:
        yield from (*sounds.wait, *sounds.wait_minute, *sounds.wait_short)
    if waiting.position != "off" or waiting.wait:
        yield from sounds.thanks


def _media(value: object, depth: int = 0) -> Iterator[str]:
    """Every sound below a value; a key of a table is none."""
    if isinstance(value, str):
        if sound_name(value) is not None:
            yield value
    elif depth < MAX_DEPTH:
        for each in _within(value):
            yield from _media(each, depth + 1)


def _within(value: object) -> Iterator[object]:
    if isinstance(value, Struct):
        yield from (getattr(value, field.name) for field in msgspec.structs.fields(value))
    elif isinstance(value, Mapping):
        yield from value.values()
    elif isinstance(value, tuple | list | frozenset):
        yield from value
