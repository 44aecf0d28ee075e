"""What this process knows of offers while their interactions live: until when each rings, and whether it has rung.

Owns that memory and its end. Must not know ARI, calls nor legs. An interaction's offers are forgotten when it is over;
of one that is told of afterwards (an effect that was on its way as its caller hung up) the end has been before, so that
now and then all are looked through: there is never more than twice what lives, and `SPARE`.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from acd_asterisk.names import interaction_of_offer

MAX_OFFERS: Final = 64
"""Offers of one interaction, the newest: four times as many as can ring at once."""

SPARE: Final = 64
"""Interactions that may be over before all are looked through."""


class Offered:
    """The offers of one channel instance."""

    def __init__(self, is_alive: Callable[[str], bool]) -> None:
        """`is_alive`: whether the engine still wants anything of an interaction."""
        self._is_alive = is_alive
        self._of: dict[str, dict[str, _Offer]] = {}
        """By interaction, then by offer, the oldest first."""
        self._most = SPARE

    def __len__(self) -> int:
        """Interactions of whose offers anything is known."""
        return len(self._of)

    def note(self, offer_id: str, expires_at_us: int) -> None:
        """This process is told of an offer, which ends at this moment of the engine's time (µs)."""
        self._offer(offer_id).expires_at_us = expires_at_us

    def note_rung(self, offer_id: str) -> None:
        """This process has dialled for it, or was about to."""
        self._offer(offer_id).has_rung = True

    def expires_at_us(self, offer_id: str) -> int | None:
        """None when an earlier process was told of it."""
        offer = self._find(offer_id)
        return None if offer is None else offer.expires_at_us

    def has_rung(self, offer_id: str) -> bool:
        """Whether `note_rung` was called; what an earlier process did is not known here."""
        offer = self._find(offer_id)
        return offer is not None and offer.has_rung

    def forget(self, interaction_id: str) -> None:
        """It is over, unless the engine says otherwise: it may want to know yet what has rung."""
        if interaction_id in self._of and not self._is_alive(interaction_id):
            del self._of[interaction_id]

    def _find(self, offer_id: str) -> "_Offer | None":
        return self._of.get(interaction_of_offer(offer_id), {}).get(offer_id)

    def _offer(self, offer_id: str) -> "_Offer":
        interaction_id = interaction_of_offer(offer_id)
        offers = self._of.get(interaction_id)
        if offers is None:
            self._look_through()
            offers = self._of[interaction_id] = {}
        offer = offers.get(offer_id)
        if offer is None:
            offer = offers[offer_id] = _Offer()
            if len(offers) > MAX_OFFERS:
                del offers[next(iter(offers))]
        return offer

    def _look_through(self) -> None:
        if len(self._of) < self._most:
            return
        for interaction_id in tuple(self._of):
            self.forget(interaction_id)
        self._most = 2 * len(self._of) + SPARE


class _Offer(Struct, gc=False):
    expires_at_us: int | None = None
    has_rung: bool = False
