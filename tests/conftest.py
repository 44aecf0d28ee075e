"""For all tests: a real Asterisk or why there is none, logging left as it was, dice, and processes that are ended."""

import logging
import os
import random
import secrets
from collections.abc import Iterator

import pytest
import structlog
from hypothesis import settings

from acd_asterisk.lab import LabUnavailable, Provisioned, provision
from tests.missing import missing_tool
from tests.served import Served

# How long an example takes depends on what else the machine does.
settings.register_profile("acd", parent=settings.default, deadline=None)
settings.load_profile("acd")


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


@pytest.fixture
def dice() -> random.Random:
    """By the seed in `ACD_SEED`; `random` draws a new one."""
    wanted = os.environ.get("ACD_SEED", "20260801")
    seed = secrets.randbits(32) if wanted == "random" else int(wanted)
    print(f"ACD_SEED={seed}")  # noqa: T201 - it repeats what is seen
    return random.Random(seed)  # noqa: S311 - chance, no secret


@pytest.fixture
def lives() -> Iterator[list[Served]]:
    """Those that have been started; killed whatever happens."""
    found: list[Served] = []
    yield found
    for served in found:
        served.kill()
