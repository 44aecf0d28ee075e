"""Agents who ask each other for advice about a call between browsers: who hears whom meanwhile, and how it ends.

Owns consults as calls have them, `Line.advice`, and the pages of those who are asked, `Line.advisers`. Whoever asks and
whoever advises have a leg (`besides`); as long as there is a consult, the customer is on hold. Must not know sockets,
nor why somebody is asked: how a consult stands is the engine's, and taken over as it is.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from acd.core.messages import Command, Effect, EndInteraction, ReleaseInteraction
from acd.ports.channel import ChannelHost
from acd_webrtc.besides import Leg, Pairing, adviser_seat, agent_seat
from acd_webrtc.messages import CallTold, State
from acd_webrtc.translate import AGENT_LOST

if TYPE_CHECKING:
    from acd_webrtc.lines import Line, Lines
    from acd_webrtc.pages import AgentPage


def carry_out(lines: "Lines", host: ChannelHost, effect: Effect) -> "Line | None":
    """An effect about a consult; returns the call that it is about, if that is known here."""
    if isinstance(effect, ReleaseInteraction):
        return drop(lines, effect.interaction_id)
    return look(lines, host, effect.interaction_id)


def look(lines: "Lines", host: ChannelHost, consult_id: str) -> "Line | None":
    """Take over how a consult stands; returns the call that it is about, if that is known here."""
    wish = host.wish(consult_id)
    if wish is None or not wish.parent:
        return drop(lines, consult_id)
    line = lines.get(wish.parent)
    if line is not None:
        line.advice[consult_id] = wish
        lines.consults[consult_id] = line
    return line


def drop(lines: "Lines", consult_id: str) -> "Line | None":
    """There is no such consult any more; returns the call that it was about."""
    line = lines.consults.pop(consult_id, None)
    if line is not None:
        line.advice.pop(consult_id, None)
    return line


def is_asked(line: "Line") -> bool:
    """Whether the agent who talks asks for advice: then the customer hears nobody."""
    talk = line.talk
    return talk is not None and any(each.asking == talk.agent_id for each in line.advice.values())


def came(line: "Line", page: "AgentPage") -> "AgentPage | None":
    """The page of an agent who is asked; returns the one whose place it takes."""
    key = page.consult, page.agent_id
    before, line.advisers[key] = line.advisers.get(key), page
    page.line = line
    page.tell(CallTold(page.consult, "", state(line, page)))
    return before if before is not page else None


def left(line: "Line", page: "AgentPage") -> None:
    """Its socket is gone."""
    for key in [key for key, each in line.advisers.items() if each is page]:
        del line.advisers[key]


def state(line: "Line", page: "AgentPage") -> State:
    """How the consult stands for whoever is asked."""
    advice = line.advice.get(page.consult)
    if advice is None or page.agent_id not in advice.offers().values():
        return "over"
    return "talking" if advice.state == "connected" else "offered"


def tell(line: "Line") -> None:
    """Tell everybody who is asked how it stands; pages of what is over end."""
    for page in tuple(line.advisers.values()):
        found = state(line, page)
        page.tell(CallTold(page.consult, "", found, reason="left" if found == "over" else ""))
        if found == "over":
            page.over("left")


def pairings(line: "Line") -> list[Pairing]:
    """Whoever advises and whoever asks, who is on hold for the customer only."""
    talk = line.talk
    return [
        Pairing(adviser_seat(consult_id, advice.agent_id), agent_seat(advice.asking), True, True, holds=False)  # noqa: FBT003
        for consult_id, advice in line.advice.items()
        if advice.state == "connected" and talk is not None and advice.asking == talk.agent_id
    ]


def lost(line: "Line", new_id: Callable[[], str]) -> Iterator[Command]:
    """Of consults whose leg has come to nothing, the end; who asks is back with the customer by that."""
    for consult_id, advice in line.advice.items():
        leg = line.legs.get((adviser_seat(consult_id, advice.agent_id), agent_seat(advice.asking)))
        if leg is not None and leg.call.ended is not None and not is_others(leg):
            reason = "media-failed" if leg.call.ended == "failed" else AGENT_LOST
            yield EndInteraction(new_id(), consult_id, by="system", reason=reason)


def is_others(leg: Leg) -> bool:
    """Whether it ended by whoever is in the talk, too: what becomes of that decides."""
    return leg.call.ended == "ended" or (leg.call.ended_by == "customer" and leg.call.ended != "failed")
