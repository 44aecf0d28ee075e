"""`[api.rates]`, and `rate` and `burst` of a token: how often somebody may ask.

Owns the notation and the defaults. Must not know who counts.
"""

import re
from math import ceil
from typing import Final

from acd.runtime.config.model import UNLIMITED, Rate, Rates
from acd.runtime.config.problems import quoted
from acd.runtime.config.table import Table

MAX_BURST: Final = 1_000_000
MAX_PER_SECOND: Final = 1_000_000.0

LEAST_BURST: Final = 10
"""Requests at once, unless a burst says otherwise: a page asks for several things when it opens."""

WITHOUT_LIMIT: Final = "unlimited"

_RATE = re.compile(r"([0-9]{1,7}(?:\.[0-9]{1,3})?)/(s|m|h)")
_SECONDS: Final = {"s": 1, "m": 60, "h": 3_600}
_FIX: Final = f'write it like "50/s", "300/m" or "{WITHOUT_LIMIT}"'


def read_rates(api: Table) -> Rates:
    """`[api.rates]`."""
    table, plain = api.table("rates"), Rates()
    rates = Rates(
        token=read_rate(table, "token", "token_burst", plain.token),
        agent=read_rate(table, "agent", "agent_burst", plain.agent),
        failures=read_rate(table, "failures", "failures_burst", plain.failures),
    )
    table.finish()
    return rates


def read_rate(table: Table, name: str, burst_name: str, default: Rate) -> Rate:
    """One rate with its burst, which is two seconds' worth unless it is given."""
    text = table.text(name)
    found = _parsed(text) if text else default
    if found is None:
        table.problems.error(table.at(name), f"{quoted(text)} is not a rate", _FIX)
        found = default
    if not table.has(burst_name):
        return found
    burst = table.integer(burst_name, max(1, found.burst), 1, MAX_BURST)
    if found == UNLIMITED:
        table.problems.error(table.at(burst_name), "has no effect without a limit", f"leave it out, or set {name}")
        return found
    return Rate(found.per_second, burst)


def _parsed(text: str) -> Rate | None:
    if text == WITHOUT_LIMIT:
        return UNLIMITED
    match = _RATE.fullmatch(text)
    per_second = float(match[1]) / _SECONDS[match[2]] if match else 0.0
    if not 0 < per_second <= MAX_PER_SECOND:
        return None
    return Rate(per_second, max(LEAST_BURST, ceil(2 * per_second)))
