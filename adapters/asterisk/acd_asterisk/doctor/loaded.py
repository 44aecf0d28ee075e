"""Which modules Asterisk has loaded, against what the adapter needs. Owns the two lists."""

from collections.abc import Iterator, Mapping
from typing import Final

import msgspec
from msgspec import Struct

from acd.runtime.config.problems import Key
from acd_asterisk.ari import AriClient
from acd_asterisk.doctor.findings import Finding, good, it_or_them, named, unknown, warning, wrong
from acd_asterisk.doctor.patient import Patient, key_of

NEEDED: Final = (
    *("res_stasis", "app_stasis", "res_ari", "res_ari_applications", "res_ari_asterisk", "res_ari_bridges"),
    *("res_ari_channels", "res_ari_endpoints", "res_ari_events", "res_http_websocket"),
    *("bridge_holding", "bridge_simple", "bridge_softmix", "res_musiconhold"),
)
"""Without one of them calls are not handled."""

USEFUL: Final = (
    ("res_stasis_answer", "callers are answered late"),
    ("res_stasis_playback", "nothing can be played to callers"),
    ("res_ari_playbacks", "nothing can be played to callers"),
    ("res_ari_sounds", "whether a sound exists cannot be looked up"),
    ("res_stasis_recording", "nothing can be recorded"),
    ("res_ari_recordings", "nothing can be recorded"),
    ("res_stasis_snoop", "supervisors cannot listen"),
    ("res_stasis_device_state", "lamps on agents' telephones cannot be lit"),
    ("res_ari_device_states", "lamps on agents' telephones cannot be lit"),
    ("res_pjsip_header_funcs", "telephones ring without the headers of the configuration"),
    ("func_timeout", "the dialplan's TIMEOUT(absolute), the dead-man's switch, does not work"),
)
"""Without one of them something else does not work."""

_DRIVERS: Final = {"PJSIP": "chan_pjsip", "SIP": "chan_sip", "IAX2": "chan_iax2", "DAHDI": "chan_dahdi"}
_INSTEAD: Final = {"SIP": ", or use PJSIP/…: Asterisk 21 and later has no chan_sip"}


class _Module(Struct, frozen=True):
    name: str
    status: str = ""


async def loaded_modules(client: AriClient) -> set[str] | None:
    """Their names without ending; None when the PBX does not say."""
    answer = await client.request("GET", "asterisk/modules")
    try:
        return {each.name.removesuffix(".so") for each in msgspec.json.decode(answer.body, type=list[_Module])}
    except msgspec.DecodeError:
        return None


async def modules(patient: Patient, client: AriClient) -> list[Finding]:
    """What is missing."""
    loaded = await loaded_modules(client)
    if loaded is None:
        return [unknown("modules", "the PBX does not say which modules it has")]
    addresses = {address: key_of(agent) for agent, address in patient.telephones}
    if patient.options.callbacks.dial:
        addresses[patient.options.callbacks.dial] = patient.key("callbacks", "dial")
    return judged(loaded, addresses)


def judged(loaded: set[str], addresses: Mapping[str, Key]) -> list[Finding]:
    """The same of a set of names without their ending. `addresses`: what is dialled, and where that is written."""
    absent = [name for name in NEEDED if name not in loaded]
    found = [
        wrong(
            "modules",
            f"not loaded: {named(absent)}, without which no call is handled; load {it_or_them(absent)} in modules.conf "
            f"(asterisk -rx 'module load {absent[0]}' tells why not)",
        )
        if absent
        else good("modules", f"all {len(NEEDED)} modules that are always needed are loaded")
    ]
    found += _drivers(loaded, addresses)
    found += [
        warning("modules", f"{name} is not loaded: {lacking}; load it in modules.conf")
        for name, lacking in USEFUL
        if name not in loaded
    ]
    return found


def _drivers(loaded: set[str], addresses: Mapping[str, Key]) -> Iterator[Finding]:
    """Kinds of addresses that nothing here can dial."""
    for kind, driver in _DRIVERS.items():
        own = [each for each in addresses if each.partition("/")[0].upper() == kind]
        if own and driver not in loaded:
            text = f"{named(own)} need {driver}, which is not loaded; load it in modules.conf{_INSTEAD.get(kind, '')}"
            yield wrong("modules", text, addresses[own[0]])
