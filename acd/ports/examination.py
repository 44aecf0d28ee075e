"""How a channel's far end is looked at before anything is started: asked by `acd check --connect`.

Owns the protocol. Must not know any channel. A channel without this method has nothing that could be looked at.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Literal, Protocol, runtime_checkable

from msgspec import Struct


class Surroundings(Struct, frozen=True):
    """What a channel does not know of the configuration that it is part of."""

    addresses: tuple[tuple[str, str], ...]
    """Agents who have one for this channel's medium, each as (agent, address)."""
    journal: Path
    is_only: bool
    """There is no other channel of this type, so that every agent's address must be good for this one."""
    options: Mapping[str, object] = {}
    """The channel's own, as they were written."""


class Fault(Struct, frozen=True):
    """One sentence, `reason; fix`. `error`: it will not work; `warning`: it does, and had better be otherwise."""

    severity: Literal["error", "warning"]
    text: str
    key: tuple[str | int, ...] = ()
    """What has to be changed in the configuration, from its top: `("channels", "pbx", "url")`; empty: nothing there,
    or that is not known."""


@runtime_checkable
class Examinable(Protocol):
    """A channel that can look."""

    async def examine(self, around: Surroundings) -> list[Fault]:
        """Connect, look, and leave everything as it was, also beside a running engine. Never raises."""
        ...
