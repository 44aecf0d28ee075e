"""Which modules Asterisk has loaded, against what the adapter needs. Owns the two lists."""

from typing import Final

import msgspec
from msgspec import Struct

from acd_asterisk.ari import AriClient
from acd_asterisk.doctor.findings import Finding, good, named, unknown, warning, wrong
from acd_asterisk.doctor.patient import Patient

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
    return judged(loaded, {address.partition("/")[0] for _, address in patient.telephones})


def judged(loaded: set[str], technologies: set[str]) -> list[Finding]:
    """The same of a set of names without their ending. `technologies`: of agents' addresses, like PJSIP."""
    drivers = [_DRIVERS[each] for each in sorted(technologies) if each in _DRIVERS]
    absent = [name for name in (*NEEDED, *drivers) if name not in loaded]
    found = [
        wrong(
            "modules",
            f"not loaded: {named(absent)}; load them in modules.conf (asterisk -rx 'module load {absent[0]}' "
            "tells why not)",
        )
        if absent
        else good("modules", f"all {len(NEEDED) + len(drivers)} modules that are needed are loaded")
    ]
    found += [
        warning("modules", f"{name} is not loaded: {lacking}; load it in modules.conf")
        for name, lacking in USEFUL
        if name not in loaded
    ]
    return found
