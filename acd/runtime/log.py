"""The runtime's loggers: structlog's, except that writing a line never raises.

Owns just that. A log often lies on the disk that has become full; without this, the writer would end over a
sentence about an outage that it can sit out. Must not configure anything: that is the program's.
"""

from contextlib import suppress

import structlog


class Logger:
    """The levels that the runtime uses, of one named structlog logger."""

    __slots__ = ("_log",)

    def __init__(self, name: str) -> None:
        self._log = structlog.get_logger(name)

    def info(self, event: str, **values: object) -> None:
        """All went well."""
        with suppress(Exception):
            self._log.info(event, **values)

    def warning(self, event: str, **values: object) -> None:
        """Something is not as it should be; it is being dealt with."""
        with suppress(Exception):
            self._log.warning(event, **values)

    def error(self, event: str, **values: object) -> None:
        """Somebody has to do something."""
        with suppress(Exception):
            self._log.error(event, **values)

    def exception(self, event: str, **values: object) -> None:
        """As `error`, with the exception that is being handled."""
        with suppress(Exception):
            self._log.exception(event, **values)
