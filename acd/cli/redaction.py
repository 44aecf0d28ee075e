"""A structlog processor that takes personal data and secrets out of log events, wherever in them they stand.

Owns what counts as such: values known to be secret, values under a key that says so, bearer tokens, passwords in
URLs, and numbers that look like those of telephones, identity or bank cards, also in full-width digits or with
spaces. A second line of defence: nobody should log these things. It may hide a harmless number; it must not
show a harmful one. Must not know who logs.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Final

from structlog.typing import EventDict, WrappedLogger

from acd.runtime.config.secrets import SECRET_KEY

HIDDEN: Final = "[hidden]"
NUMBER: Final = "[number]"

MAX_DEPTH: Final = 8
"""Containers within each other; what is deeper is hidden as a whole."""

MIN_SECRET: Final = 6
"""Known secrets shorter than this are not searched for: they would hide parts of ordinary words."""

MAX_SECRETS: Final = 50_000
"""Secrets that are looked for."""

_BEARER = re.compile(r"\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]{4,}", re.IGNORECASE)
_IN_URL = re.compile(r"(://[^\s/@:]*:)[^\s/@]+@|([?&](?:api_key|token|secret|password)=)[^\s&#]+", re.IGNORECASE)
_NUMBER = re.compile(
    r"(?<![A-Za-z0-9_])(?<!\d\.)(?<!row )"  # not within a word, a fraction or an address; rows are no people
    r"\+?\(?\d(?:[ ()/-]{0,2}\d){6,18}[Xx]?"
    r"(?![A-Za-z0-9_]|\.\d)"
)
_PLAIN = {0xFF00 + offset: 0x20 + offset for offset in range(1, 0x5F)} | {0x3000: 0x20}
"""Full-width forms to ASCII, one character each."""
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?: \d\d)?")
_COUNT_KEY = re.compile(r"(?:_us|_ms|_seconds|_bytes)$|^(?:seq|rows?|epoch|pid|size|count|bytes|offset)$")
_LONG: Final = 1_000_000
"""Integers from here on have the length of a telephone number."""


class Redaction:
    """The processor. `secrets` are values that must never be seen, whatever key they come under."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        """With what is known at the start."""
        self._secrets: frozenset[str] = frozenset()
        self._known: re.Pattern[str] | None = None
        self.learn(secrets)

    def learn(self, secrets: Iterable[str]) -> None:
        """Hide these from now on, too. The longest are replaced first, so that none is left half visible.

        What was a secret stays one, up to `MAX_SECRETS`: then only the new ones are known.
        """
        new = frozenset(secret for secret in secrets if len(secret) >= MIN_SECRET)
        both = self._secrets | new
        self._secrets = both if len(both) <= MAX_SECRETS else new
        known = sorted(self._secrets, key=lambda secret: (-len(secret), secret))
        self._known = re.compile("|".join(map(re.escape, known))) if known else None

    def __call__(self, logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
        """The event without what nobody may see."""
        del logger, name
        return {self.text(key): self._clean(key, value, 0) for key, value in event.items()}

    def text(self, text: str) -> str:
        """A text without what nobody may see."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        text = _IN_URL.sub(lambda match: f"{match[1]}{HIDDEN}@" if match[1] else f"{match[2]}{HIDDEN}", text)
        text = _BEARER.sub(rf"\1 {HIDDEN}", text)
        pieces, end = [], 0
        for match in _NUMBER.finditer(text.translate(_PLAIN)):
            if not _DATE.fullmatch(match[0]):
                pieces += [text[end : match.start()], NUMBER]
                end = match.end()
        return "".join([*pieces, text[end:]])

    def _clean(self, key: object, value: object, depth: int) -> object:
        if isinstance(key, str) and SECRET_KEY.search(key) and not isinstance(value, bool | None):
            return HIDDEN
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, bytes):
            return self.text(value.decode("utf-8", "backslashreplace"))
        if isinstance(value, int) and abs(value) >= _LONG and not (isinstance(key, str) and _COUNT_KEY.search(key)):
            return NUMBER
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            return self._clean_container(key, value, depth)
        if value is None or isinstance(value, int | float):
            return value
        return self.text(str(value))

    def _clean_container(self, key: object, value: Mapping[object, object] | Iterable[object], depth: int) -> object:
        if depth >= MAX_DEPTH:
            return HIDDEN
        if isinstance(value, Mapping):
            return {
                self.text(inner) if isinstance(inner, str) else inner: self._clean(inner, held, depth + 1)
                for inner, held in value.items()
            }
        return [self._clean(key, item, depth + 1) for item in value]
