"""Agents' telephones in the browser: their passwords, what a page is told, and the configuration of their PBX."""

from acd_asterisk.browser_phones.told import Telling

__all__ = ["Telling"]
