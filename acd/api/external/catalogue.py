"""Every message of the protocol: who says it, what it means, its JSON Schema, and an example.

Owns the list, made of the classes of `orders` and `requests`, whose order it keeps. Must not know how it is shown:
CHANNELS.md (`acd.testing.channel_page`) and `GET /v1/channel-messages` do.
"""

from collections.abc import Mapping
from typing import Any, Final, Literal, get_args

import msgspec
from msgspec import Struct

from acd.api.external import orders, requests

_OFFER: Final = {"offer_id": "web-17.1", "agent_id": "anna"}
_RINGING: Final = {**_OFFER, "address": "desk-4"}
_EXAMPLES: Final[Mapping[str, object]] = {
    **_RINGING,
    "id": "c-42",
    "number": 7,
    "interaction_id": "web-17",
    "parent_id": "web-17",
    "consult_id": "web-18",
    "attempt": 1,
    "queue": "sales",
    "to_queue": "support",
    "channel": "web",
    "media": "chat",
    "heartbeat_seconds": 10.0,
    "max_message": 65_536,
    "max_commands": 256,
    "may_recall": False,
    "protocol": 1,
    "expires_at": "2026-01-31T08:15:20.250000Z",
    "interactions": [
        {"interaction_id": "web-17", "state": "offered", "offers": [_RINGING], "parent": "", "asking": ""},
        {"interaction_id": "web-19", "state": "waiting", "offers": [], "parent": "", "asking": ""},
    ],
    "known": True,
    "accepted": False,
    "customer": "ref-4711",
    "how": "conference",
}
"""Values of the examples, by name of the field; a field that may be left out and is not here is left out."""

_OWN: Final[Mapping[str, Mapping[str, object]]] = {
    "hello": {"software": "web-chat 1.4"},
    "reconcile": {"more": False},
    "consult": {"interaction_id": "web-18", "parent_id": "web-17"},
    "join": {"offer_id": "web-18.1", "agent_id": "boris"},
    "revoke": {"reason": "expired"},
    "release": {"reason": "completed"},
    "announce": {"name": "longer-than-usual"},
    "failed": {"reason": "desk-closed"},
    "fail-offer": {"reason": "unreachable"},
    "unreached": {"reason": "no-answer"},
    "end": {"by": "customer"},
    "merge-consult": {"interaction_id": "web-18"},
    "outcome": {"code": "offer-ended", "detail": "offer web-17.1 has ended", "again": False},
    "closing": {"code": "superseded", "detail": "Another process has connected as this channel."},
    "enqueue": {"attributes": {"topic": "invoice"}, "customer": {"number": "+49 30 1234567", "name": "Eve"}},
    "remember": {"number": "+49 30 1234567", "name": "Eve", "customer": None},
    "person": {"number": "+49 30 1234567", "name": "Eve", "extra": {}},
}
"""Values that one message has otherwise."""


class Described(Struct, frozen=True):
    """One message."""

    name: str
    said_by: Literal["process", "server"]
    meaning: str
    schema: dict[str, Any]
    example: dict[str, Any]


def _described(kind: type[Struct], said_by: Literal["process", "server"]) -> Described:
    tag = str(kind.__struct_config__.tag)
    meaning = " ".join((kind.__doc__ or "").split())
    return Described(tag, said_by, meaning, _schema(kind), _example(kind, tag, said_by))


def _schema(kind: type[Struct]) -> dict[str, Any]:
    """Self-contained: what it refers to is in its `$defs`."""
    (reference,), components = msgspec.json.schema_components([kind], ref_template="#/$defs/{name}")
    own: dict[str, Any] = components.pop(reference["$ref"].rpartition("/")[2])
    schema = {name: value for name, value in own.items() if name not in ("title", "description")}
    return {**schema, "$defs": components} if components else schema


def _example(kind: type[Struct], tag: str, said_by: Literal["process", "server"]) -> dict[str, Any]:
    found: dict[str, Any] = {"type": tag}
    values = {**_EXAMPLES, **_OWN.get(tag, {})}
    for each in msgspec.structs.fields(kind):
        own = each.name in _OWN.get(tag, {})
        if each.required or own or (said_by == "server" and each.name in values):
            found[each.encode_name] = values[each.encode_name]
    return found


MESSAGES: Final[tuple[Described, ...]] = (
    *(_described(kind, "process") for kind in get_args(requests.Message)),
    *(_described(kind, "server") for kind in get_args(orders.Told)),
)
"""What a process may say, then what it is told."""
