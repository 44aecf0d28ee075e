"""What a channel's options allow and had better not: shown by `acd check` as warnings.

Owns the protocol. Must not know any channel. A channel without such an attribute has none.
"""

from typing import Protocol, runtime_checkable


@runtime_checkable
class Cautious(Protocol):
    """A channel that may have them."""

    @property
    def cautions(self) -> tuple[str, ...]:
        """Each as `channels.NAME.key: reason; fix`."""
        ...
