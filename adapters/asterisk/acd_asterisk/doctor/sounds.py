"""Which sound files a configuration names. Owns the search through options; must not know what any option is for."""

from collections.abc import Iterator

from acd_asterisk.media import sound_name
from acd_asterisk.menus.plan import Spoken
from acd_asterisk.options import Options


def sounds_of(options: Options) -> list[str]:
    """The names, each once, in the order of the configuration."""
    spoken = (media for each in _prompts(options) for _, those in each for media in those)
    played = (*spoken, *_media(options))
    return list(dict.fromkeys(name for media in played if (name := sound_name(media)) is not None))


def _media(options: Options) -> Iterator[str]:
    """What agents hear."""
    if options.codes.codes:
        yield from (options.codes.sound(result) for result, _ in options.codes.sounds)
    if options.confirm.addresses or any(agent.confirm for agent in options.phones.agents.values()):
        yield from options.confirm.prompt
    for queue in options.queues.values():
        yield from queue.briefing


def _prompts(options: Options) -> Iterator[Spoken]:
    for menu in options.menus:
        yield from (menu.prompt, menu.invalid, menu.timeout)
        if menu.collect is not None:
            yield menu.collect.confirm
