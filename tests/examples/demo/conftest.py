"""Browsers for whoever sits before the demo's pages: those of the tests of calls, with a microphone that is none."""

from tests.pages.call.conftest import chromium, program, somebody

__all__ = ["chromium", "program", "somebody"]
