"""`[channels.NAME.devices]`: whether agents' telephones keep calls from them. Owns the checks; does no IO."""

from typing import Final

from msgspec import Struct

from acd.core import limits
from acd_asterisk.options.reader import HOUR_US, SECOND_US, Reader

_LOOK_EVERY_US: Final = 30 * SECOND_US
_LOOK_ALONE_EVERY_US: Final = 2 * SECOND_US
"""Without AMI: a look costs Asterisk 1 ms for 500 endpoints, and 10 ms for 3,000."""

_LEAST_LASTS_US: Final = 60 * SECOND_US


class DeviceOptions(Struct, frozen=True, kw_only=True):
    """`veto`: a personal call makes an agent busy, and a telephone out of reach is offered nothing."""

    veto: bool = False
    look_every_us: int = _LOOK_EVERY_US
    """How often all devices are looked at, beside what AMI tells at once."""
    lasts_us: int = limits.USUAL_VETO_US
    """When a veto ends that nobody has renewed."""


def read_devices(reader: Reader, *, has_ami: bool) -> DeviceOptions:
    """The table. Vetoes are the default where AMI tells of devices at once."""
    table = reader.table("devices", "devices")
    usual_us = _LOOK_EVERY_US if has_ami else _LOOK_ALONE_EVERY_US
    options = DeviceOptions(
        veto=table.flag("veto", default=has_ami),
        look_every_us=table.duration("look_every", usual_us, SECOND_US, HOUR_US),
        lasts_us=table.duration("lasts", limits.USUAL_VETO_US, _LEAST_LASTS_US, limits.MAX_VETO_US),
    )
    if options.lasts_us < 2 * options.look_every_us:
        table.problem("lasts", "is shorter than two looks", "make it at least twice `look_every`")
    return options
