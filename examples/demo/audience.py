"""The audience may join in: agents for people before a browser, their queue, and what customers' pages connect to.

Owns their names, their tokens (drawn anew for each performance), their part of `acd.toml`, and what they are told.
The cast answers nothing that comes into their queue. Must not know who serves the pages.
"""

from __future__ import annotations

import json
import secrets
from pathlib import Path
from typing import Final

from msgspec import Struct

CHAT: Final = "shop"
CALLS: Final = "talk"
QUEUE: Final = "web"

_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Those that nobody takes for another one: tokens may have to be typed."""

_GROUPS: Final = 4
_GROUP: Final = 4


class Seat(Struct, frozen=True):
    """An agent for whoever takes the seat. `roles` are those of their token."""

    id: str
    name: str
    roles: tuple[str, ...]


MIA: Final = Seat("mia", "Mia Novak", ("agent", "supervisor"))
"""Also a supervisor: one sign-in of a browser is good for the desk and for the wallboard."""

JUN: Final = Seat("jun", "周俊", ("agent",))

SEATS: Final = (MIA, JUN)


class Places(Struct, frozen=True):
    """Where the pages are: `acd` and `shop` are origins, like `http://127.0.0.1:8420`."""

    acd: str
    shop: str

    @property
    def desk(self) -> str:
        """Of agents."""
        return f"{self.acd}/desk"

    @property
    def wallboard(self) -> str:
        """Of supervisors."""
        return f"{self.acd}/wallboard"


def draw_tokens() -> dict[str, str]:
    """A token for each seat, by its id."""
    return {
        seat.id: "-".join(
            (seat.id, *("".join(secrets.choice(_LETTERS) for _ in range(_GROUP)) for _ in range(_GROUPS)))
        )
        for seat in SEATS
    }


def configuration(places: Places, folder: Path, tokens: dict[str, str]) -> str:
    """Their part of `acd.toml`, for an `[api]` of its own before it; writes the tokens into the folder."""
    parts = [_PAGES]
    for seat in SEATS:
        file = folder / f"{seat.id}.token"
        file.touch(mode=0o600)
        file.write_text(f"{tokens[seat.id]}\n", encoding="utf-8")
        parts.append(_SEAT.format(id=seat.id, name=json.dumps(seat.name), file=file.name, roles=json.dumps(seat.roles)))
    names = ", ".join(f"{seat.id} = {json.dumps(seat.name)}" for seat in SEATS)
    parts.append(_CHANNELS.format(origin=json.dumps(places.shop), names=names))
    return "\n".join(parts)


def invitation(places: Places, tokens: dict[str, str], until: str) -> list[str]:
    """What to open, what to do there, and how to sign in. No line is wider than a narrow terminal, or it is broken."""
    return [
        f"The pages are open {until}.",
        "Be an agent in one browser window, and a customer in another:",
        f"  agent       {places.desk}",
        f"              token (of {MIA.name}):  {tokens[MIA.id]}",
        '              type it in, press "Sign in", then "Ready";',
        '              when the customer writes or calls, press "Accept"',
        f"  customer    {places.shop}/",
        f"  in Chinese  {places.shop}/zh.html",
        "              press the round button at the bottom right, write, and press",
        "              Enter, or send a picture by the paper clip;",
        '              or "Call instead", and talk: allow the microphone in both',
        "              windows (headphones prevent howling)",
        f"  supervisor  {places.wallboard}    the same token",
        f"  {JUN.name}        a second agent, in a private window: to be asked, handed on to",
        f"              token:  {tokens[JUN.id]}",
    ]


def reminder(places: Places, tokens: dict[str, str]) -> list[str]:
    """The same in a few short lines, for a screen that has little room."""
    return [
        f"customer    {places.shop}/",
        f"agent       {places.desk}   token  {tokens[MIA.id]}",
        f"supervisor  {places.wallboard}   the same token",
    ]


_PAGES: Final = """\
[api.desk]
enabled = true

[api.desk.answers]
hello = "Good day! I am {agent}. How can I help you?"
"您好" = "您好，我是{agent}，请问有什么可以帮您？"

[api.wallboard]
enabled = true

[alarms]
longest_wait = "20s"

# The cast is no member of this queue, and the audience has none of the skills that the others take.
[queues.web]
title = "Web shop 网店"
requirement = '"web" in queues'
offer_timeout = "60s"
wrap_up = "20s"
wrap_up_policy = "extended"
wrap_up_most = "2m"
hold_for = "20s"
dispositions = ["solved", "order", "other"]
"""

_SEAT: Final = """\
[agents.{id}]
name = {name}
queues = ["web"]
capacity = "parallel"

[[api.tokens]]
name = "{id}"
token_file = "{file}"
roles = {roles}
agent = "{id}"
"""

_CHANNELS: Final = """\
[channels.shop]
type = "webchat"
origins = [{origin}]
queues = ["web"]
widget = true
messages = true
files = true
call = "talk"
names = {{ {names} }}

[channels.talk]
type = "webrtc"
origins = [{origin}]
queues = ["web"]
names = {{ {names} }}
"""
