"""The deterministic engine: no clock, no IO, no randomness, no logging, no asyncio.

Owns nothing itself: begin with `acd.core.engine`.
"""
