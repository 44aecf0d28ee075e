"""Logging of the programs: one stream, one form, nothing personal in it.

Owns the set-up for structlog and the standard library alike; the library itself sets up nothing. Must not
know who logs what.
"""

import logging
import sys
from collections.abc import Iterable
from typing import Literal, TextIO

import structlog

from acd.cli.redaction import Redaction

Form = Literal["console", "json"]
Level = Literal["debug", "info", "warning", "error"]


def configure_logging(form: Form, level: Level, secrets: Iterable[str], stream: TextIO | None = None) -> Redaction:
    """Send every log event, ours and other libraries', to `stream` (standard error) as lines of text or JSON.

    `secrets` are hidden wherever they occur; what is returned can be told of more. Call it once, before anything logs.
    """
    redaction = Redaction(secrets)
    stream = sys.stderr if stream is None else stream
    shared: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.PositionalArgumentsFormatter(),
        structlog.processors.format_exc_info,
        redaction,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
        if form == "json"
        else structlog.dev.ConsoleRenderer(colors=stream.isatty())
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=[structlog.stdlib.ExtraAdder(), *shared],
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, renderer],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    structlog.configure(
        processors=[structlog.stdlib.filter_by_level, *shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=False,
    )
    return redaction
