"""agents.conf: who the agents of app_agent_pool are, and how older versions and call-centre modules list them.

Owns that file. Must not know queues. Passwords in it are neither kept nor shown.
"""

from collections.abc import Sequence
from typing import Final

from acd_asterisk.importing.conf import Entry, Section
from acd_asterisk.importing.members import is_true, whole
from acd_asterisk.importing.report import Outcome, Report
from acd_asterisk.importing.settings import option_of

_LISTED: Final = "agents"
"""The section in which `agent => 1001,password,name` stood up to Asterisk 11, and stands for call-centre modules."""

_LEFT: Final = {
    "acceptdtmf": "agents accept over the API, or by answering their phone",
    "ackcall": "agents accept by answering their phone; no key is listened to",
    "autologoff": "an agent who does not answer is made not-ready, if rona of the queue says so",
    "autologoffunavail": "an agent whose phone cannot be reached is made not-ready",
    "custom_beep": "agents are rung; there is no beep",
    "maxlogintries": "agents sign in over the API",
    "endcall": "agents end calls by hanging up, or over the API",
    "enddtmf": "agents end calls by hanging up, or over the API",
    "goodbye": "agents sign in over the API",
    "musiconhold": "agents who wait hear nothing: they are rung",
    "recordagentcalls": "recording is the dialplan's: MixMonitor() before Stasis()",
    "recordformat": "recording is the dialplan's: MixMonitor() before Stasis()",
    "savecallsin": "recording is the dialplan's: MixMonitor() before Stasis()",
    "updatecdr": "Asterisk writes its CDRs as ever",
    "urlprefix": "recording is the dialplan's: MixMonitor() before Stasis()",
    "wrapuptime": "wrap-up is the queue's: wrap_up",
}
_SHOWN: Final = "…"


def pool_names(sections: Sequence[Section], report: Report) -> dict[str, str]:
    """Number → name ("" without one) of every agent, with every line accounted for."""
    found: dict[str, str] = {}
    for section in sections:
        if section.name not in {"general", _LISTED}:
            found.setdefault(section.name, "")
        for entry in section.entries:
            option = option_of(entry)
            if section.name == _LISTED and option == "agent":
                _listed(entry, found, report)
            elif option == "fullname" and section.name in found:
                found[section.name] = entry.value
                report.add("mapped", section.name, entry, "the agent's name")
            else:
                report.add(*_of_option(option, entry.value, section.name, entry))
    return found


def _listed(entry: Entry, found: dict[str, str], report: Report) -> None:
    number, *rest = (part.strip() for part in entry.value.split(","))
    shown = entry._replace(value=", ".join([number, _SHOWN, *rest[1:]]))
    if not number:
        report.add("left", _LISTED, shown, "names no agent")
        return
    found[number] = rest[1] if len(rest) > 1 else ""
    report.add("differs", _LISTED, shown, "agents sign in with a token of the API; the password is not taken over")


def _of_option(option: str, value: str, place: str, entry: Entry) -> tuple[Outcome, str, Entry, str]:
    if option not in _LEFT:
        return "left", place, entry, "app_agent_pool has no such option and passes over it"
    if not is_true(value) and not whole(value) and value.lower() in {"", "0", "no", "false", "off"}:
        return "anyway", place, entry, "asks for nothing"
    return "left", place, entry, _LEFT[option]
