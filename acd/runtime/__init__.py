"""The engine, live: journal, writer, timers, channels, projections, configuration.

Owns nothing itself: each module says what it owns. Begin with `acd.runtime.router`.
"""
