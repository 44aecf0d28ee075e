"""Reading the tokens of a running domain again. Owns where from; must not know what becomes of them."""

from pathlib import Path

from acd.cli.known_secrets import secrets_of
from acd.cli.redaction import Redaction
from acd.errors import ConfigError
from acd.runtime.config.model import TokenConfig
from acd.runtime.configurations import check_in_force


class TokensAgain:
    """Of one configuration file. Nothing else in it takes effect."""

    def __init__(self, file: Path, redaction: Redaction) -> None:
        """`redaction` has to know new secrets before anybody can use them."""
        self._file = file
        self._redaction = redaction

    def __call__(self) -> tuple[TokenConfig, ...]:
        """The tokens as they are written now. Blocks. Raises ConfigError with all that is wrong in the file."""
        report = check_in_force(self._file)
        if report.config is None:
            raise ConfigError(tuple(map(str, report.errors)))
        if report.config.api is None:
            raise ConfigError((f"{self._file}: [api] is gone; restart acd, if that is meant",))
        self._redaction.learn(secrets_of(report.config))
        return report.config.api.tokens
