"""Who supervises calls between browsers: in what way, by which page, and until when.

Owns `Watch`es, their bounds and their ends. Must not know how sound gets to them: they are pairings of `besides`.

A supervisor's page is their telephone: what is asked for over the API `calling`s until the page is there, and ends with
the agent's part. It is known to nobody else, and kept in memory alone: whoever listens is let go when the engine is
started anew.
"""

from typing import TYPE_CHECKING, Final

from acd.core.messages import SupervisionMode
from acd.errors import ChannelError
from acd.ports.pages import Ending
from acd.ports.supervision import Supervisor
from acd_webrtc.besides import CUSTOMER, Pairing, agent_seat, supervisor_seat
from acd_webrtc.messages import CallTold, SupervisionTold
from acd_webrtc.signalling import NORMAL

if TYPE_CHECKING:
    from acd_webrtc.lines import Line
    from acd_webrtc.pages import SupervisorPage

MAX_SUPERVISORS: Final = 4
"""Of one call."""


class Watch:
    """One supervisor, of one talk of one call. `page`: theirs, while it is connected; `gone_us`: else since when."""

    def __init__(self, agent_id: str, offer_id: str, mode: SupervisionMode, now_us: int) -> None:
        """The page has yet to come."""
        self.agent_id = agent_id
        self.offer_id = offer_id
        self.mode: SupervisionMode = mode
        self.page: SupervisorPage | None = None
        self.was_there = False
        self.gone_us = now_us

    def tell(self) -> None:
        """Tell the page how it stands."""
        if self.page is not None:
            self.page.tell(SupervisionTold(self.mode))


def order(line: "Line", agent_id: str, mode: SupervisionMode, now_us: int) -> None:
    """Begin it, change it, end it; the caller settles the call. Raises `ChannelError` when it cannot be done."""
    watch = line.watches.get(agent_id)
    if mode == "off":
        if watch is not None:
            end(line, watch, "left")
        return
    if line.talk is None:
        raise ChannelError("nobody talks with the customer just now")
    if agent_id in line.talking.values() or agent_id in line.ringing.values():
        raise ChannelError("the supervisor has a part in this conversation already")
    if watch is None:
        if len(line.watches) >= MAX_SUPERVISORS:
            raise ChannelError(f"{MAX_SUPERVISORS} supervise this conversation already")
        watch = line.watches[agent_id] = Watch(agent_id, line.talk.offer_id, mode, now_us)
    watch.mode = mode
    watch.tell()


def came(line: "Line", page: "SupervisorPage") -> bool:
    """A supervisor's page; it takes the place of any other. False: nothing was asked for, or it is over."""
    watch = line.watches.get(page.supervisor_id)
    if watch is None:
        return False
    before, watch.page = watch.page, page
    page.line = line
    watch.was_there = True
    if before is not None and before is not page:
        before.replaced()
    page.tell(CallTold(line.id, "", "talking"))
    watch.tell()
    return True


def left(line: "Line", page: "SupervisorPage", now_us: int) -> None:
    """Its socket is gone."""
    for watch in line.watches.values():
        if watch.page is page:
            watch.page, watch.gone_us = None, now_us


def sweep(line: "Line", now_us: int, patience_us: int) -> bool:
    """Let go of those whose talk is over, who have a part by now, or whose page does not come; whether anybody was."""
    others = {*line.talking.values(), *line.ringing.values()}
    over = [
        watch
        for watch in line.watches.values()
        if line.talk is None
        or watch.offer_id != line.talk.offer_id
        or watch.agent_id in others
        or (watch.page is None and now_us - watch.gone_us >= patience_us)
    ]
    for watch in over:
        end(line, watch, "left")
    return bool(over)


def end(line: "Line", watch: Watch, reason: str) -> None:
    """It is over."""
    del line.watches[watch.agent_id]
    if watch.page is not None:
        watch.page.tell(CallTold(line.id, "", "over", reason=reason))
        watch.page.over(reason)


def pairings(line: "Line") -> list[Pairing]:
    """Who is to hear whom for them: all are heard by whoever supervises, who is heard as the mode has it."""
    if line.talk is None:
        return []
    found = []
    for watch in line.watches.values():
        if watch.was_there:
            seat, barges = supervisor_seat(watch.agent_id), watch.mode == "barge"
            # A whisper is to each of several agents: nobody can say which one is meant.
            agents = [agent_seat(each) for each in line.talking.values()]
            found += [Pairing(seat, agent, watch.mode != "listen", second_speaks=True) for agent in agents]
            found.append(Pairing(seat, CUSTOMER, barges, second_speaks=True))
    return found


def supervisors(line: "Line") -> tuple[Supervisor, ...]:
    """All of one call."""
    watches = line.watches.values()
    return tuple(Supervisor(each.agent_id, each.mode, "there" if each.was_there else "calling") for each in watches)


OVER: Final = Ending(NORMAL, "over", "left")
"""To a page that comes for what is over, or was never asked for."""
