"""Which sound files a configuration names. Owns the search through options; must not know what any option is for."""

from collections.abc import Iterator

from acd_asterisk.menus.plan import DIGITS, Spoken
from acd_asterisk.options import Options


def sounds_of(options: Options) -> list[str]:
    """The names, each once, in the order of the configuration."""
    return list(
        dict.fromkeys(name for spoken in _prompts(options) for _, names in spoken for name in names if name != DIGITS)
    )


def _prompts(options: Options) -> Iterator[Spoken]:
    for menu in options.menus:
        yield from (menu.prompt, menu.invalid, menu.timeout)
        if menu.collect is not None:
            yield menu.collect.confirm
