"""`[queue_log]`: where it is written, and what of the caller.

Owns its keys and defaults. Must not know the layout.
"""

from collections.abc import Iterable
from typing import Final, get_args

from acd.runtime.config.model import Caller, QueueLogConfig
from acd.runtime.config.problems import did_you_mean, quoted
from acd.runtime.config.service import file_to_be
from acd.runtime.config.table import Table

MAX_CHANNELS: Final = 64
"""Channels whose interactions are told of."""

_CALLERS: Final[tuple[Caller, ...]] = get_args(Caller)


def read_queue_log(root: Table, instances: Iterable[str]) -> QueueLogConfig | None:
    """To write the section is to want it; None without it. `instances`: the names of the channel instances."""
    if not root.has("queue_log"):
        return None
    table = root.table("queue_log")
    path = file_to_be(table, "path", "queue_log")
    state = file_to_be(table, "state", f"{path}.acd")
    channels = table.ids("channels", "channel", MAX_CHANNELS) if table.has("channels") else ("voice",)
    config = QueueLogConfig(
        path=path,
        state=state,
        caller=table.choice("caller", "reference", _CALLERS, "what is said of a caller"),
        channels=channels,
        ami=table.text("ami"),
    )
    if config.ami and config.ami not in (known := tuple(instances)):
        reason = f"{quoted(config.ami)} is no channel instance"
        table.problems.error(table.at("ami"), reason, did_you_mean(config.ami, known))
    if path == state:
        table.problems.error(table.at("state"), f"{quoted(str(state))} is the log itself", "name another file")
    if config.caller == "number":
        reason = "writes callers' numbers in clear into a file that outlives the personal store"
        table.problems.warn(table.at("caller"), reason, 'use "reference" if your reports do without')
    table.finish()
    return config
