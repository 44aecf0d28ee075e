"""What both sides of a call are told, if nothing is ever lost: without sessions, numbers or sockets.

Owns the rules of signalling in the plainest form that there is: whole histories, searched each time.
"""

from typing import Literal

from acd_webrtc.signals import Answer, Candidate, HangUp, Hold, Mute, Offer, Over, Reason, Renew, Said, Told

Side = Literal["customer", "agent"]
SIDES: tuple[Side, Side] = ("customer", "agent")
Entry = tuple[Side, Offer | Answer | Candidate]


def ufrag_of(said: Offer | Answer | Candidate) -> str | None:
    if isinstance(said, Candidate):
        return said.username_fragment
    return said.sdp.partition("a=ice-ufrag:")[2].partition("\r")[0]


class NaiveCall:
    """`told` is by side, for the page that it has now."""

    def __init__(self) -> None:
        self.told: dict[Side, list[Told]] = {"customer": [], "agent": []}
        self.ended: Reason | None = None
        self.muted: dict[Side, set[str]] = {"customer": set(), "agent": set()}
        self.held = False
        self._passed: list[Entry] = []
        self._early: list[Entry] = []

    def renew(self, side: Side) -> None:
        """Its page was loaded anew."""
        if self.ended is not None:
            self.told[side] = [Over(self.ended)]
            return
        other = other_of(side)
        self.told[side] = [Mute(kind, muted=True) for kind in sorted(self.muted[other])]  # type: ignore[arg-type]
        self.told[side] += [Hold(held=True)] * self.held
        self.told[other].append(Renew())
        self.muted[side] = set()
        self._passed, self._early = [], []

    def say(self, side: Side, said: Said, had: int) -> None:
        """`had`: how many messages it had been told."""
        other = other_of(side)
        renewals = [place for place, told in enumerate(self.told[side], 1) if isinstance(told, Renew)]
        if self.ended is not None:
            return
        if isinstance(said, Offer | Answer | Candidate):
            if not renewals or had >= renewals[-1]:
                self._negotiate(side, said)
        elif isinstance(said, Mute):
            changed = self.muted[side] ^ {said.kind}
            if (said.kind in self.muted[side]) != said.muted:
                self.muted[side] = changed
                self.told[other].append(said)
        elif isinstance(said, Hold):
            if said.held != self.held:
                self.held = said.held
                self.told[other].append(said)
        elif isinstance(said, HangUp):
            self.end(said.reason)

    def end(self, reason: Reason) -> None:
        self.ended = reason
        for side in SIDES:
            self.told[side].append(Over(reason))

    def pending(self) -> Entry | None:
        """The offer that waits for its answer: the last description that passed, unless it is an answer."""
        descriptions = [entry for entry in self._passed if not isinstance(entry[1], Candidate)]
        return descriptions[-1] if descriptions and isinstance(descriptions[-1][1], Offer) else None

    def _negotiate(self, side: Side, said: Offer | Answer | Candidate) -> None:
        if isinstance(said, Candidate):
            self._pass(side, said) if ufrag_of(said) in self._known(side) else self._early.append((side, said))
            return
        if isinstance(said, Offer) and self.pending() is not None and side == "customer":
            return
        self._pass(side, said)
        waited = [each for of, each in self._early if of == side]
        self._early = [entry for entry in self._early if entry[0] != side]
        for each in waited:
            if ufrag_of(each) in self._known(side):
                self._pass(side, each)

    def _known(self, side: Side) -> set[str | None]:
        """Of its description that was agreed last, and of its offer that waits."""
        agreed: dict[Side, str | None] = {}
        offer: Entry | None = None
        for by, said in self._passed:
            if isinstance(said, Offer):
                offer = (by, said)
            elif isinstance(said, Answer) and offer is not None:
                agreed[by], agreed[offer[0]] = ufrag_of(said), ufrag_of(offer[1])
                offer = None
        known = {agreed[side]} if side in agreed else set()
        return known | ({ufrag_of(offer[1])} if offer is not None and offer[0] == side else set())

    def _pass(self, side: Side, said: Offer | Answer | Candidate) -> None:
        self._passed.append((side, said))
        self.told[other_of(side)].append(said)


def other_of(side: Side) -> Side:
    return "agent" if side == "customer" else "customer"
