"""Secrets: a value that does not show itself, and what keys hold one. Must not know where secrets come from."""

import hmac
import re

SECRET_KEY = re.compile(r"token|secret|passw|pwd|authorization|cookie|credential|api_?key|master_?key", re.IGNORECASE)
"""Found in the name of a key or option, it says that the value is secret, or with `_file` or `_env` where it is."""


class Secret:
    """A token or password. `repr`, `str` and formatting hide it; only `reveal` gives it."""

    __slots__ = ("_value",)

    def __init__(self, value: str) -> None:
        """`value` is the secret in clear."""
        self._value = value

    def reveal(self) -> str:
        """The secret in clear: for a header or a key derivation, never for a log."""
        return self._value

    def matches(self, candidate: str) -> bool:
        """Compare in constant time."""
        return hmac.compare_digest(self._value.encode(), candidate.encode("utf-8", "surrogatepass"))

    def __repr__(self) -> str:
        """Hide the value."""
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        """Equal when the values are, compared in constant time."""
        return isinstance(other, Secret) and self.matches(other._value)

    def __hash__(self) -> int:
        """Hash of the value."""
        return hash(self._value)
