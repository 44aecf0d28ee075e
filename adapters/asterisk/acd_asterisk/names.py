"""The names that this adapter gives to channels, bridges and interactions, and how to read them back.

Owns the naming scheme. Must not know ARI, events or the state of any call. Everything is derived, nothing
is drawn: after a restart the same call gets the same interaction id, and the same offer the same channel id.

- agent leg:   `acd-APP:leg:OFFER~`     (a channel id that we choose, so that originating twice is one leg)
- customer:    `acd-APP:back:OFFER~`    (whom we call back for the agent who has accepted this offer; before any agent
               is asked: `acd-APP:back:INTERACTION.cATTEMPT~`)
- talk bridge: `acd-APP:talk:INTERACTION`
- tape:        `acd-APP:tape:OFFER:SIDE` (the channel beside another one that records it)
- supervisor:  `acd-APP:boss:AGENT:INTERACTION`, and, with AGENT as a digest, too: `…:watch:…` (the bridge in which
               they listen), `…:spy-MODE:…` (the channel beside the agent's leg)
- hold bridge: `acd-APP:hold`           (for those who wait), `acd-APP:hold:CLASS` for other music; and `…~2`, `…~3` …
               where they are too many for one
- say bridge:  `acd-APP:say:CHANNEL~1`   (where somebody hears a prompt, alone)
- playback:    `acd-APP:play:TARGET`    (one at a time to a channel or a bridge, so that any process can end it)
- side bridge: `acd-APP:aside`          (silent; one for all agents whose customers are on hold)
- interaction: `INSTANCE-CHANNEL`, and `INSTANCE-CHANNEL~2` when the same channel comes back a second time

A channel's id must not be the beginning of another's: Asterisk 22 refuses `x.1` as taken while there is an `x.10`. So
those that end in somebody else's id end in `~`.

A consult's id is its maker's: it is no caller's, whatever it looks like.
"""

import re
from collections import OrderedDict
from hashlib import sha256
from typing import Final

MAX_APP: Final = 20
"""Characters of an application's name: Asterisk's channel ids end at 149."""

MAX_VISITS: Final = 99
"""How often one caller's channel may come back into the application."""

MAX_RENEWED: Final = 1_000
"""Interactions whose talk bridge has another id than the usual one."""

_SAFE_INSTANCE: Final = re.compile(r"[A-Za-z0-9_-]{1,24}")
_SAFE_CHANNEL: Final = re.compile(r"[A-Za-z0-9._:@+-]{1,64}")
_SAFE_INTERACTION: Final = re.compile(r"[A-Za-z0-9._:@+~-]{1,100}")
_FAR_HALF: Final = ";2"
_END: Final = "~"
_RENEWED: Final = "!"
_HASH_CHARACTERS: Final = 40
_SHORT_HASH_CHARACTERS: Final = 12


class Names:
    """The names of one channel instance and one Stasis application."""

    def __init__(self, instance: str, app: str) -> None:
        """`instance` is the channel instance's name, `app` the Stasis application's."""
        own = f"acd-{app}:"
        self._leg = f"{own}leg:"
        self._back = f"{own}back:"
        self._talk = f"{own}talk:"
        self._play = f"{own}play:"
        self._say = f"{own}say:"
        self._own = own
        self._renewed: OrderedDict[str, int] = OrderedDict()
        self.hold = f"{own}hold"
        """The id of the bridge in which callers wait."""
        self.aside = f"{own}aside"
        """The id of the bridge in which agents are who have put their customers on hold."""
        self._instance = (
            instance if _SAFE_INSTANCE.fullmatch(instance) else f"i{_digest(instance, _SHORT_HASH_CHARACTERS)}"
        )

    def hold_for(self, music_class: str, room: int = 1) -> str:
        """The id of a bridge in which callers wait with this music; empty: that of all who have none of their own."""
        first = f"{self.hold}:{music_class}" if music_class else self.hold
        return first if room == 1 else f"{first}{_END}{room}"

    @staticmethod
    def first_room(bridge_id: str) -> str:
        """The first of the hold bridges with the same music as this one."""
        return bridge_id.partition(_END)[0]

    def room_of(self, bridge_id: str) -> tuple[str, int]:
        """The music of a hold bridge, empty for that of all who have none of their own, and which room of it it is."""
        first, _, room = bridge_id.partition(_END)
        return first.removeprefix(self.hold).removeprefix(":"), int(room or 1)

    def is_hold(self, bridge_id: str) -> bool:
        """Whether callers wait in a bridge."""
        return bridge_id == self.hold or bridge_id.startswith((f"{self.hold}:", f"{self.hold}{_END}"))

    def leg(self, offer_id: str) -> str:
        """The channel id of the agent's leg for an offer."""
        return f"{self._leg}{offer_id}{_END}"

    def offer_of(self, channel_id: str) -> str | None:
        """The offer that a channel was dialled for; None when it is no leg of ours.

        Nor is the far half of a Local channel, to which Asterisk gives our id with `;2` at its end.
        """
        if not channel_id.startswith(self._leg) or channel_id.endswith(_FAR_HALF):
            return None
        return channel_id[len(self._leg) :].removesuffix(_END)

    def back(self, offer_id: str) -> str:
        """The channel id of the customer who is called back for the agent of an offer."""
        return f"{self._back}{offer_id}{_END}"

    def back_of(self, channel_id: str) -> str | None:
        """The offer for which a customer was called back on a channel; None when it is no such channel."""
        if not channel_id.startswith(self._back) or channel_id.endswith(_FAR_HALF):
            return None
        return channel_id[len(self._back) :].removesuffix(_END)

    def tape(self, offer_id: str, side: str) -> str:
        """The channel id of what records one side."""
        return f"{self._own}tape:{offer_id}:{side}"

    def supervising(self, what: str, agent_id: str, interaction_id: str) -> str:
        """The id of what a supervisor needs: `boss` for the telephone, `watch`, `spy-listen`, `spy-whisper`."""
        return f"{self._own}{what}:{_digest(agent_id, _SHORT_HASH_CHARACTERS)}:{interaction_id}{_END}"

    def is_supervising(self, some_id: str) -> bool:
        """Whether a channel or bridge is there for a supervisor."""
        return some_id.startswith((f"{self._own}boss:", f"{self._own}watch:", f"{self._own}spy-"))

    def talk(self, interaction_id: str) -> str:
        """The id of the bridge in which customer and agent talk."""
        renewed = self._renewed.get(interaction_id)
        return f"{self._talk}{interaction_id}{_RENEWED}{renewed}" if renewed else self._talk + interaction_id

    def talk_of(self, bridge_id: str) -> str | None:
        """The interaction that a bridge was made for; None when it is no talk bridge of ours."""
        return bridge_id[len(self._talk) :].partition(_RENEWED)[0] if bridge_id.startswith(self._talk) else None

    def renew_talk(self, interaction_id: str) -> None:
        """From now on the talk bridge has another id: Asterisk has none of the present one, and will not make it.

        It keeps an id for good if somebody was about to enter the bridge while it was deleted. Another process of ours
        finds that out anew.
        """
        self._renewed[interaction_id] = self._renewed.get(interaction_id, 0) + 1
        if len(self._renewed) > MAX_RENEWED:
            self._renewed.popitem(last=False)

    def say(self, channel_id: str, turn: int = 1) -> str:
        """The id of a bridge in which somebody is spoken to by us, alone. `turn` tells one from those before it."""
        return f"{self._say}{channel_id}~{turn}"

    def listener_of(self, bridge_id: str) -> str | None:
        """The channel for which such a bridge was made; None when it is none."""
        return bridge_id[len(self._say) :].rpartition("~")[0] if bridge_id.startswith(self._say) else None

    def playback(self, target: str) -> str:
        """The id of what is played to a channel or a bridge: there is one at a time."""
        return self._play + target

    def target_of(self, playback_id: str) -> str | None:
        """The channel or bridge that hears a playback; None when it is none of ours."""
        return playback_id[len(self._play) :] if playback_id.startswith(self._play) else None

    def is_own(self, some_id: str) -> bool:
        """Whether a channel or bridge was named by this adapter, for this application."""
        return some_id.startswith(self._own)

    def interaction(self, channel_id: str, visit: int = 1) -> str:
        """The interaction of a caller's channel; `visit` counts how often it has entered the application."""
        safe = channel_id if _SAFE_CHANNEL.fullmatch(channel_id) else f"x{_digest(channel_id, _HASH_CHARACTERS)}"
        first = f"{self._instance}-{safe}"
        return first if visit == 1 else f"{first}~{visit}"

    def caller(self, interaction_id: str) -> str:
        """The caller's channel: what `interaction` was given, or the digest that stood for it."""
        return first_visit(interaction_id).removeprefix(f"{self._instance}-")


def first_visit(interaction_id: str) -> str:
    """The interaction id without the count of visits: what all visits of one channel have in common."""
    return interaction_id.partition("~")[0]


def visit_of(interaction_id: str) -> int:
    """Which visit of its channel an interaction is."""
    count = interaction_id.partition("~")[2]
    return int(count) if count.isdecimal() else 1


def is_nameable(interaction_id: str) -> bool:
    """Whether an id that is not ours can be part of a channel's and a bridge's name: a consult's, a callback's."""
    return _SAFE_INTERACTION.fullmatch(interaction_id) is not None


def interaction_of_offer(offer_id: str) -> str:
    """The interaction an offer belongs to: an offer's id is the interaction's, a full stop and a number."""
    return offer_id.rpartition(".")[0]


def attempt_of(interaction_id: str, attempt: int) -> str:
    """What stands in the place of an offer's id where a customer is called before any agent is asked."""
    return f"{interaction_id}.c{attempt}"


def _digest(text: str, characters: int) -> str:
    return sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:characters]
