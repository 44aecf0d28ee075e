"""A real Asterisk for these tests, or a reason why there is none."""

import os

import pytest

from acd_asterisk.lab import LabUnavailable, Provisioned, provision


@pytest.fixture(scope="session")
def provisioned() -> Provisioned:
    """Asterisk and SIPp, fetched on first use. Without them a test skips; under CI it fails."""
    try:
        return provision()
    except LabUnavailable as reason:
        if os.environ.get("CI") == "true":
            pytest.fail(f"no Asterisk for the tests: {reason}")
        pytest.skip(f"no Asterisk for the tests: {reason}")
