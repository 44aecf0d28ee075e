"""Options of devices as a veto: what is read, and every problem with the key it is about."""

import pytest

from acd.errors import ConfigError
from acd_asterisk.options import Options, read_options

PLAIN: dict[str, object] = {"url": "http://127.0.0.1:8088/ari", "user": "acd", "password": "x"}
AMI = {"user": "acd", "password": "x"}


def read(**options: object) -> Options:
    return read_options("pbx1", {**PLAIN, **options})


def test_devices_veto_where_ami_tells_of_them_unless_somebody_says_otherwise() -> None:
    assert not read().devices.veto
    assert read(ami=AMI).devices.veto
    assert not read(ami=AMI, devices={"veto": False}).devices.veto
    assert read(ami=AMI).devices.look_every_us == 30_000_000
    assert read(devices={"veto": True}).devices.look_every_us == 2_000_000
    chosen = read(devices={"veto": True, "look_every": "5s", "lasts": "30m"}).devices
    assert (chosen.veto, chosen.look_every_us, chosen.lasts_us) == (True, 5_000_000, 1_800_000_000)


@pytest.mark.parametrize(
    ("devices", "says"),
    [
        (7, "channels.pbx1.devices: is not a table; write [channels.pbx1.devices]"),
        ({"veto": "yes"}, "channels.pbx1.devices.veto: 'yes' is not true or false"),
        ({"look_every": "0s"}, "channels.pbx1.devices.look_every: 0 seconds are out of bounds; use 1 to 3600"),
        ({"lasts": "25h"}, "channels.pbx1.devices.lasts: 90000 seconds are out of bounds; use 60 to 86400"),
        ({"lasts": "1m", "look_every": "40s"}, "channels.pbx1.devices.lasts: is shorter than two looks"),
        ({"look_evry": "5s"}, "channels.pbx1.devices.look_evry: is no option of devices; did you mean look_every?"),
    ],
)
def test_what_is_wrong_is_said(devices: object, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(devices=devices)
    assert says in str(caught.value)
