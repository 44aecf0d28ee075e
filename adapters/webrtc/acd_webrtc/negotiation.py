"""Whose description is to be answered, and which ICE candidates belong to which: one call's negotiation.

Owns JSEP's offers and answers (RFC 8829) as a server between two pages sees them: glare by "perfect negotiation" (W3C
WebRTC, 10.7), candidates that come before their description, and when ICE was started anew. All offers pass here, one
after the other: whichever meets one of the other side's that has no answer is glare, and the roles say which counts.

Must not know sessions, sockets, time or what becomes of messages: it says which of them go on to the other side.
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Final, Literal

from acd_webrtc.descriptions import Outline, outline
from acd_webrtc.relaying import relayed
from acd_webrtc.signals import Answer, Candidate, Offer, SignalRefused

Side = Literal["customer", "agent"]

POLITE: Final[Side] = "customer"
"""Gives way when both offer: what an agent's page began is not undone."""
MAX_CANDIDATES: Final = 256
"""Of one side, from one start of ICE to the next."""
MAX_EARLY: Final = 64
"""Of these, such as wait for their description."""

Passed = tuple[Offer | Answer | Candidate, ...]


@dataclass(slots=True)
class _Part:
    """One side's descriptions and candidates."""

    agreed: Outline | None = None
    """Of the last description of its that took part in an offer and its answer."""
    offered: Outline | None = None
    """Of its offer that has no answer yet."""
    early: list[Candidate] = field(default_factory=list)
    candidates: int = 0


class Negotiation:
    """Of one pair of RTCPeerConnections; `begin_anew` when either is another one.

    `relay_only`: sides of whose addresses nothing goes on but the relay's.
    """

    def __init__(self, relay_only: Collection[Side] = ()) -> None:
        self.relay_only = frozenset(relay_only)
        self.offerer: Side | None = None
        """Whose offer waits for an answer."""
        self.answers = 0
        self.glares = 0
        self.restarts = 0
        """How often ICE was started anew on connections that stayed."""
        self._parts: dict[Side, _Part] = {"customer": _Part(), "agent": _Part()}

    def begin_anew(self) -> None:
        """Nothing of before counts any more; the figures stay."""
        self.offerer = None
        self._parts = {"customer": _Part(), "agent": _Part()}

    def offer(self, side: Side, offer: Offer) -> Passed:
        """What of this offer goes on.

        Nothing goes on of a polite side's offer in a glare: the other's is on its way to it, and makes it roll back.

        Raises:
            SignalRefused: bad-description, offer-pending.
        """
        described = outline(offer.sdp)
        if self.offerer == side:
            raise SignalRefused("offer-pending", "an offer of yours waits for its answer; offer again after that")
        if self.offerer is not None:
            self.glares += 1
            if side == POLITE:
                return ()
            self._parts[POLITE].offered = None
        self.offerer = side
        self._parts[side].offered = described
        return self._shown(side, offer, *self._belonging(side))

    def answer(self, side: Side, answer: Answer, *, aware: bool) -> Passed:
        """What of this answer goes on. `aware`: its sender had the other's last offer when it answered.

        Raises:
            SignalRefused: bad-description: the offer does not wait any more, it has to be rolled back; no-offer.
        """
        other: Side = "agent" if side == "customer" else "customer"
        offered = self._parts[other].offered
        if self.offerer != other or offered is None or not aware:
            raise SignalRefused("no-offer", "there is no offer of the other side's to answer; send an offer")
        self.offerer = self._parts[other].offered = None
        described = outline(answer.sdp)
        if described.media != offered.media:
            raise SignalRefused("bad-description", "sdp: its media sections are not those of the offer (RFC 8829, 5.3)")
        anew = [self._agree(other, offered), self._agree(side, described)]
        self.restarts += all(anew)
        self.answers += 1
        return self._shown(side, answer, *self._belonging(side))

    def candidate(self, side: Side, candidate: Candidate) -> Passed:
        """The candidate, unless its description has yet to come: then it goes on with that.

        Raises:
            SignalRefused: too-many-candidates.
        """
        part, shown = self._parts[side], self._shown(side, candidate)
        if not shown:
            return ()
        if part.candidates >= MAX_CANDIDATES or len(part.early) >= MAX_EARLY:
            raise SignalRefused(
                "too-many-candidates",
                f"{MAX_CANDIDATES} are taken until ICE starts anew, {MAX_EARLY} before their description",
            )
        part.candidates += 1
        if _belongs(candidate, part):
            return shown
        part.early.append(candidate)
        return ()

    def _shown(self, side: Side, *said: Offer | Answer | Candidate) -> Passed:
        """As the other side may see it."""
        if side not in self.relay_only:
            return said
        return tuple(found for each in said if (found := relayed(each)) is not None)

    def _agree(self, side: Side, described: Outline) -> bool:
        """Take it for the side's own; whether ICE starts anew by it."""
        part = self._parts[side]
        anew = part.agreed is not None and part.agreed.ufrags.isdisjoint(described.ufrags)
        if anew or part.agreed is None:
            part.candidates = len(part.early)
        part.agreed, part.offered = described, None
        return anew

    def _belonging(self, side: Side) -> tuple[Candidate, ...]:
        """Those that waited for the description that goes on now; the others were of one that never will."""
        part = self._parts[side]
        found = tuple(each for each in part.early if _belongs(each, part))
        part.early.clear()
        return found


def _belongs(candidate: Candidate, part: _Part) -> bool:
    """Whether the other side knows what it is of. One that does not say so is of the last description."""
    known = [each.ufrags for each in (part.agreed, part.offered) if each is not None]
    if candidate.username_fragment is None:
        return bool(known)
    return any(candidate.username_fragment in each for each in known)
