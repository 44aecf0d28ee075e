"""What an agent's telephone shows and hears when it rings, and how long: the caller's identity, SIP headers. Pure.

Owns what of a caller's data may be shown, and in which form; and whether the telephone's transfers are left to us.
Must not know ARI, calls or offers.
"""

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from msgspec import Struct

from acd_asterisk.options import Options
from acd_asterisk.translate import clean_name, clean_number
from acd_asterisk.wire import Party

LONGEST_RING_SECONDS: Final = 3600.0
"""Bound of a leg's own timeout, whatever the queue's is."""

UNKNOWN_RING_SECONDS: Final = 120.0
"""A leg's own timeout when the offer's end is not known: the engine takes the offer back long before."""

PJSIP: Final = "PJSIP/"
"""Addresses to whose INVITE headers can be added."""

OFFER: Final = "X-ACD-Offer"
"""The header by which a page in the browser knows for which offer it rings."""

SUPERVISES: Final = "X-ACD-Supervision"
"""Likewise, of a supervisor's page: which conversation is to be heard."""

MAX_NAME: Final = 80

_EDGES: Final = " :-/,"
"""What holds parts together, and is left out where there is no part."""


LEAST_VERSIONS: Final = {20: 13, 21: 8, 22: 3}
"""From which release of a branch Asterisk leaves transfers to us; older branches never do, newer ones always."""

_VERSION: Final = re.compile(r"([0-9]+)\.([0-9]+)")


class Presentation(Struct, frozen=True):
    """`caller_id` as ARI takes it, empty for what Asterisk makes of it; `variables` for the new channel."""

    caller_id: str = ""
    variables: Mapping[str, str] = {}


def presentation(options: Options, party: Party, *, queue: str, agent_id: str, endpoint: str) -> Presentation:
    """How a caller of this queue is shown to this agent."""
    headers = options.phones.headers(agent_id) if endpoint.upper().startswith(PJSIP) else ()
    variables = {f"PJSIP_HEADER(add,{name})": value for name, value in headers}
    return Presentation(_shown(options, party, queue), variables)


def leg_variables(options: Options, endpoint: str, version: str, offer_id: str) -> dict[str, str]:
    """Variables with which a leg is dialled: what a page in the browser is told, and to whom transfers are left."""
    told = page_variables(options, endpoint, OFFER, offer_id)
    return {**told, **transfer_variables(options, endpoint, version)}


def page_variables(options: Options, endpoint: str, header: str, some_id: str) -> dict[str, str]:
    """Variables by which a page in the browser is told what it rings for; none for telephones of other kinds."""
    phones = options.browser_phones
    # Percent-encoded, because an interaction's id may be anything that somebody else has chosen.
    return {f"PJSIP_HEADER(add,{header})": quote(some_id, safe="")} if phones and phones.endpoint(endpoint) else {}


def transfer_variables(options: Options, endpoint: str, version: str) -> dict[str, str]:
    """Variables with which a leg is dialled on this Asterisk, so that transfers by its telephone are left to us."""
    if options.transfers.by_phone != "engine" or not endpoint.upper().startswith(PJSIP) or not hands_on(version):
        return {}
    return {"PJSIP_TRANSFER_HANDLING()": "ari-only"}


def hands_on(version: str) -> bool:
    """Whether this Asterisk can leave transfers to us."""
    found = _VERSION.match(version)
    if found is None:
        return False
    branch, release = int(found[1]), int(found[2])
    return branch > max(LEAST_VERSIONS) or release >= LEAST_VERSIONS.get(branch, release + 1)


def _shown(options: Options, party: Party, queue: str) -> str:
    if options.caller_id != "caller":
        return options.caller_id
    own = options.queues.get(queue)
    form = options.phones.everyone.caller_name if own is None or own.caller_name is None else own.caller_name
    fields = {"queue": clean_name(queue), "name": clean_name(party.name), "number": clean_number(party.number)}
    name = " ".join(form.format_map(fields).split()).strip(_EDGES)[:MAX_NAME]
    number = fields["number"]
    if name and number:
        return f'"{name}" <{number}>'
    return number or (f'"{name}" <>' if name else "")


def ring_seconds(left: float | None, margin: float) -> float:
    """Until the offer's end and a margin, in seconds: the engine takes the offer back, this is for when it cannot."""
    return UNKNOWN_RING_SECONDS if left is None else min(max(left, 0.0) + margin, LONGEST_RING_SECONDS)
