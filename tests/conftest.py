"""For all tests: a real Asterisk, or a reason why there is none; and logging left as it was."""

import logging
from collections.abc import Iterator

import pytest
import structlog

from acd_asterisk.lab import LabUnavailable, Provisioned, provision
from tests.missing import missing_tool


@pytest.fixture(autouse=True)
def _logging_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level, settings = root.handlers[:], root.level, structlog.get_config()
    yield
    if structlog.get_config() != settings:
        structlog.configure(**settings)
    root.handlers[:], root.level = handlers, level


@pytest.fixture(scope="session")
def provisioned() -> Provisioned:
    """Asterisk and SIPp, fetched on first use. Without them a test skips; under CI it fails."""
    try:
        return provision()
    except LabUnavailable as reason:
        missing_tool(f"an Asterisk for the tests: {reason}")
