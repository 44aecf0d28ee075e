"""What a test does that needs a program which is not here: it skips on a developer's machine, and fails under CI."""

import os
from typing import NoReturn

import pytest


def missing_tool(reason: str) -> NoReturn:
    """Skip, saying why; a build server has everything, or is broken."""
    if os.environ.get("CI") == "true":
        pytest.fail(f"not here, and CI needs it: {reason}")
    pytest.skip(f"not here: {reason}")
