"""What queues say about after-call work and dispositions.

Owns these keys, and whether they make sense together. Must not know the other keys of a queue (`people`).
"""

from typing import Final, NamedTuple, get_args

from acd.core import limits
from acd.core.messages import QueueSettings
from acd.core.messages.settings import WrapUpPolicy
from acd.runtime.config.problems import quoted
from acd.runtime.config.table import Table

_POLICIES: Final[tuple[WrapUpPolicy, ...]] = get_args(WrapUpPolicy)
_PLAIN: Final = QueueSettings("plain")


class WrapUp(NamedTuple):
    """As in `QueueSettings`."""

    wrap_up_us: int
    wrap_up_policy: WrapUpPolicy
    wrap_up_most_us: int
    dispositions: tuple[str, ...]
    disposition_required: bool


def read_wrap_up(table: Table) -> WrapUp:
    """`wrap_up`, `wrap_up_policy`, `wrap_up_most`, `dispositions` and `disposition_required` of one queue."""
    found = WrapUp(
        table.duration("wrap_up", _PLAIN.wrap_up_us),
        table.choice("wrap_up_policy", _PLAIN.wrap_up_policy, _POLICIES, "a wrap-up policy"),
        table.duration("wrap_up_most", _PLAIN.wrap_up_most_us),
        table.ids("dispositions", "disposition", limits.MAX_DISPOSITIONS),
        table.flag("disposition_required", default=_PLAIN.disposition_required),
    )
    _check_time(table, found)
    if found.disposition_required:
        _check_required(table, found)
    return found


def _check_time(table: Table, found: WrapUp) -> None:
    policy = found.wrap_up_policy
    if policy in ("none", "forced") and "wrap_up" in table.raw:
        reason = f"has no effect with the wrap-up policy {policy}"
        table.problems.error(table.at("wrap_up"), reason, 'leave it out, or use wrap_up_policy = "timed"')
    if policy != "extended":
        if "wrap_up_most" in table.raw:
            reason = f"has no effect with the wrap-up policy {policy}"
            table.problems.error(table.at("wrap_up_most"), reason, 'leave it out, or use wrap_up_policy = "extended"')
    elif not found.wrap_up_us:
        reason = "extends a wrap-up, and there is none"
        table.problems.error(table.at("wrap_up_policy"), reason, 'say how long it is at first, like wrap_up = "30s"')
    elif found.wrap_up_most_us <= found.wrap_up_us:
        reason = "can extend nothing, because wrap_up_most is not longer than wrap_up"
        fix = 'say how long it may get, like wrap_up_most = "2m"'
        table.problems.error(table.at("wrap_up_policy"), reason, fix)


def _check_required(table: Table, found: WrapUp) -> None:
    key = table.at("disposition_required")
    policy = found.wrap_up_policy
    if not found.dispositions:
        reason = "requires a disposition, and there is none to choose from"
        table.problems.error(key, reason, 'name some, like dispositions = ["solved", "other"]')
    elif policy == "none" or (policy == "timed" and not found.wrap_up_us):
        reason = "never asks, because there is no wrap-up to be ended"
        table.problems.error(key, reason, 'add one, like wrap_up = "30s" or wrap_up_policy = "forced"')
    elif policy == "optional":
        reason = f"asks only agents who want a wrap-up, with the wrap-up policy {quoted(policy)}"
        table.problems.warn(key, reason, 'use wrap_up_policy = "forced" to ask everybody', code="disposition-optional")
