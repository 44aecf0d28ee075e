"""`[channels.NAME.confirm]`: on which telephones an agent presses a key to accept, so that a voicemail never does.

Owns the names, bounds and defaults of these options. Must not know ARI, calls or agents.
"""

import re
from collections.abc import Mapping
from fnmatch import fnmatchcase
from typing import Final

from msgspec import Struct

from acd_asterisk.options.phones import AgentOptions
from acd_asterisk.options.reader import Reader
from acd_asterisk.options.sounds import read_media

MAX_PATTERNS: Final = 100

_PATTERN: Final = re.compile(r"[A-Za-z0-9*?]{1,32}/[A-Za-z0-9_.+@:/*?-]{1,95}")
_KEY: Final = re.compile(r"[0-9*#]")


class ConfirmOptions(Struct, frozen=True, kw_only=True):
    """Which addresses, what they hear, and the keys."""

    addresses: tuple[str, ...] = ()
    """Patterns of agents' addresses, with `*` and `?`: `PJSIP/*@trunk`."""
    prompt: tuple[str, ...] = ("sound:followme/options",)
    """Asterisk's own: "Press 1 to accept this call, or 2 to decline"."""
    accept: str = "1"
    decline: str = "2"

    def is_needed(self, agent: AgentOptions | None, address: str) -> bool:
        """Whether a key is needed where this address has been picked up; an agent's own option goes before."""
        if agent is not None and agent.confirm is not None:
            return agent.confirm
        return any(fnmatchcase(address, pattern) for pattern in self.addresses)


def read_confirm(reader: Reader, agents: Mapping[str, AgentOptions]) -> ConfirmOptions:
    """Read the table; problems are the reader's."""
    addresses = reader.texts("addresses", (), MAX_PATTERNS, '["PJSIP/*@trunk"]')
    for each in addresses:
        if not _PATTERN.fullmatch(each):
            reader.problem("addresses", f"{each!r} matches no address", 'write it like "PJSIP/*@trunk"')
    options = ConfirmOptions(
        addresses=addresses,
        prompt=read_media(reader, "prompt", ConfirmOptions().prompt),
        accept=reader.pattern("accept", "1", _KEY, "a key: 0 to 9, * or #"),
        decline=reader.pattern("decline", "2", _KEY, "a key: 0 to 9, * or #"),
    )
    if options.accept == options.decline:
        reader.problem("decline", f"{options.decline!r} accepts already", "choose another key")
    if not options.prompt and (addresses or any(agent.confirm for agent in agents.values())):
        reader.problem("prompt", "is empty: nobody would know that a key is needed", "leave it out")
    return options
