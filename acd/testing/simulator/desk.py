"""The desks: what agents do on their screens, from what they see there; and who hands in what supervisors order.

Owns the table of agents' actions. Must not know the exchange. They see the committed view, as an application would, and
hand in commands; when there is no answer they try again later under the same id, whether it was carried out or not.
Callbacks are on the screens alone: agents take them there, and dial. Whoever adds a command to the core adds a row to
`ACTIONS`, or to `acd.testing.simulator.orders`.
"""

from collections.abc import Callable
from random import Random
from typing import Final

from msgspec import Struct

from acd.core.messages import (
    AcceptOffer,
    Command,
    DeclineOffer,
    DeviceWord,
    EndInteraction,
    EndWrapUp,
    ExtendWrapUp,
    FailCallback,
    HoldWork,
    NoteDevice,
    Outcome,
    RequestWrapUp,
    ResumeWork,
    SetDisposition,
    SetPresence,
    SignInAgent,
    SignOutAgent,
    TransferInteraction,
)
from acd.errors import AcdError
from acd.runtime.records import AgentRecord, WorkRecord
from acd.runtime.view import View
from acd.testing.simulator import advice
from acd.testing.simulator.loop import SimulatedLoop
from acd.testing.simulator.orders import ORDERS, Moment
from acd.testing.simulator.policies import DIALLER
from acd.testing.simulator.teller import Teller

SECOND: Final = 1_000_000

GLANCE_US: Final = (SECOND, 8 * SECOND)
"""Least and most between two glances of a person at the screen."""

RETRIES: Final = 5
"""How often a command without an answer is tried again."""

Do = Callable[[str, AgentRecord, View, Random], Command | None]


class Action(Struct, frozen=True):
    """`do(command id, agent, view, dice)` makes the command, or None when it makes no sense now.

    `share`: of the glances at which it does; `willing`: of those once everybody is. Only done if `policy` is switched
    on, where there is one.
    """

    name: str
    share: float
    willing: float
    do: Do
    policy: str = ""


def _in_state(state: str) -> Callable[[AgentRecord, Random], str]:
    def find(agent: AgentRecord, dice: Random) -> str:
        found = sorted(item.interaction_id for item in agent.work.values() if item.state == state)
        return dice.choice(found) if found else ""

    return find


def _on_work(state: str, make: Callable[[str, str, str], Command]) -> Do:
    find = _in_state(state)

    def do(command_id: str, agent: AgentRecord, view: View, dice: Random) -> Command | None:
        del view
        interaction_id = find(agent, dice)
        return make(command_id, agent.id, interaction_id) if interaction_id else None

    return do


def _on_presence(*presences: str, make: Callable[[str, str], Command]) -> Do:
    def do(command_id: str, agent: AgentRecord, view: View, dice: Random) -> Command | None:
        del view, dice
        # Whoever is retired cannot come and go any more, and has work to end.
        return make(command_id, agent.id) if agent.presence in presences and not agent.retired else None

    return do


def _ask_for_wrap_up(command_id: str, agent: AgentRecord, view: View, dice: Random) -> Command | None:
    """Once, mostly where it is for the asking."""
    for item in agent.work.values():
        row = view.interactions.get(item.interaction_id)
        if item.state != "active" or item.wants_wrap_up or row is None:
            continue
        asked_for = view.queues[row.queue].settings.wrap_up_policy == "optional"
        if asked_for or dice.random() < 0.1:  # noqa: PLR2004 - somebody tries all the same
            return RequestWrapUp(command_id, agent.id, item.interaction_id)
    return None


def _note(command_id: str, agent: AgentRecord, view: View, dice: Random) -> Command | None:
    """A disposition, where the queue has some and none has been set."""
    for item in agent.work.values():
        row = view.interactions.get(item.interaction_id)
        if item.state == "offered" or item.disposition or row is None:
            continue
        codes = view.queues[row.queue].settings.dispositions
        if codes:
            return SetDisposition(command_id, agent.id, item.interaction_id, dice.choice(codes))
    return None


def _finish_endless(command_id: str, agent: AgentRecord, view: View, dice: Random) -> Command | None:
    """End what no deadline will."""
    del view, dice
    for item in agent.work.values():
        if item.state == "wrap-up" and not item.deadline_us:
            return EndWrapUp(command_id, agent.id, item.interaction_id)
    return None


def _make_own_call(command_id: str, agent: AgentRecord, view: View, dice: Random) -> Command | None:
    """Whatever watches the phone says so, for a while that is over soon."""
    del view
    if agent.presence == "signed-out" or agent.devices:
        return None
    state: DeviceWord = "in-use" if dice.random() < 0.7 else "unavailable"  # noqa: PLR2004 - a habit
    return NoteDevice(command_id, agent.id, "voice", state, dice.randrange(3 * SECOND, 40 * SECOND))


def _end_own_call(command_id: str, agent: AgentRecord, view: View, dice: Random) -> Command | None:
    del view, dice
    channel = next(iter(agent.devices), "")
    return NoteDevice(command_id, agent.id, channel, "clear") if channel else None


def _on_callback(state: str, make: Callable[[str, WorkRecord], Command]) -> Do:
    """For work that rings and is talked about on the screen alone."""

    def do(command_id: str, agent: AgentRecord, view: View, dice: Random) -> Command | None:
        del dice
        for item in agent.work.values():
            row = view.interactions.get(item.interaction_id)
            if item.state == state and row is not None and row.instance in ("", DIALLER):
                return make(command_id, item)
        return None

    return do


def _hand_on(command_id: str, agent: AgentRecord, view: View, dice: Random) -> Command | None:
    """To a queue, to a colleague, or to a colleague in another queue."""
    interaction_id = _in_state("active")(agent, dice)
    if not interaction_id:
        return None
    queue = dice.choice([each.id for each in view.settings.queues])
    colleague = dice.choice([each for each in view.agents if each != agent.id])
    to_queue, to_agent = dice.choice(((queue, ""), ("", colleague), (queue, colleague)))
    context = dice.choice((True, False))
    return TransferInteraction(command_id, interaction_id, agent.id, to_queue, to_agent, context, "wrong desk")


ACTIONS: Final = (
    Action(
        "sign in",
        0.5,
        1.0,
        _on_presence("signed-out", make=lambda command_id, agent_id: SignInAgent(command_id, agent_id, ready=True)),
    ),
    Action(
        "come back",
        0.5,
        1.0,
        _on_presence(
            "not-ready", "draining", make=lambda command_id, agent_id: SetPresence(command_id, agent_id, "ready")
        ),
    ),
    Action("ask for advice", 0.6, 0.0, advice.ask, "advice"),
    Action("bring the adviser in", 0.8, 0.0, advice.merge, "advice"),
    Action("ask no more", 0.05, 0.3, advice.give_up, "advice"),
    Action("leave a conference", 0.2, 0.0, advice.leave, "advice"),
    Action(
        "take a break",
        0.03,
        0.0,
        _on_presence("ready", "draining", make=lambda each, agent: SetPresence(each, agent, "not-ready", "lunch")),
    ),
    Action(
        "go on with another break",
        0.1,
        0.0,
        _on_presence("not-ready", make=lambda each, agent: SetPresence(each, agent, "not-ready", "meeting")),
    ),
    Action("go home", 0.05, 0.0, _on_presence("ready", "not-ready", "draining", make=SignOutAgent)),
    Action("ask for wrap-up", 0.3, 0.3, _ask_for_wrap_up),
    Action("note how it went", 0.3, 1.0, _note),
    Action("finish wrap-up", 0.2, 0.0, _on_work("wrap-up", EndWrapUp)),
    Action("finish endless wrap-up", 0.2, 1.0, _finish_endless),
    Action(
        "extend wrap-up",
        0.3,
        0.0,
        _on_work("wrap-up", lambda each, who, what: ExtendWrapUp(each, who, what, 4 * SECOND)),
    ),
    Action("hand on", 0.15, 0.0, _hand_on, "transfers"),
    Action(
        "take a callback",
        0.6,
        1.0,
        _on_callback("offered", lambda each, item: AcceptOffer(each, item.offer_id, item.agent_id)),
    ),
    Action(
        "decline a callback",
        0.3,
        0.0,
        _on_callback("offered", lambda each, item: DeclineOffer(each, item.offer_id, item.agent_id)),
    ),
    Action(
        "nobody answers",
        0.3,
        0.0,
        _on_callback("active", lambda each, item: FailCallback(each, item.interaction_id, "no answer")),
    ),
    Action(
        "called back",
        0.3,
        1.0,
        _on_callback("active", lambda each, item: EndInteraction(each, item.interaction_id, "agent")),
    ),
    Action("hold", 0.15, 0.0, _on_work("active", HoldWork)),
    Action("resume", 0.5, 1.0, _on_work("held", ResumeWork)),
    Action("hang up by oneself", 0.3, 1.0, _end_own_call, "devices"),
    Action("telephone by oneself", 0.2, 0.0, _make_own_call, "devices"),
)
"""What an agent may do at a glance; the first that is drawn and makes sense is done."""


class Desks:
    """Every agent's screen, and the supervisor's. `sit` gives them a running router."""

    def __init__(
        self,
        seed: int,
        loop: SimulatedLoop,
        now_us: Callable[[], int],
        agents: tuple[str, ...],
        policies: frozenset[str],
    ) -> None:
        """`now_us`: the engine's clock."""
        self.willing = False
        self.done = 0
        self._loop = loop
        self._now_us = now_us
        self._agents = agents
        self._actions = tuple(each for each in ACTIONS if not each.policy or each.policy in policies)
        self._orders = tuple(each for each in ORDERS if not each.policy or each.policy in policies)
        self._dice = Random(f"{seed}/desks")  # noqa: S311 - behaviour, not secrecy
        self._view: Callable[[], View] | None = None
        self._teller: Teller | None = None
        self._count = 0

    def begin(self) -> None:
        """From now on they look now and then."""
        for agent_id in self._agents:
            self._loop.after(self._dice.randrange(*GLANCE_US), self._glance, agent_id)
        self._loop.after(self._dice.randrange(*GLANCE_US), self._supervise)

    def sit(self, view: Callable[[], View], teller: Teller) -> None:
        """There is a router to talk to."""
        self._view, self._teller = view, teller

    def leave(self) -> None:
        """There is none."""
        self._view, self._teller = None, None

    def _glance(self, agent_id: str) -> None:
        self._loop.after(self._dice.randrange(*GLANCE_US), self._glance, agent_id)
        if self._view is None:
            return
        view = self._view()
        agent = view.agents.get(agent_id)
        if agent is None:
            return
        for action in self._actions:
            if self._dice.random() < (action.willing if self.willing else action.share):
                command = action.do(self._command_id(), agent, view, self._dice)
                if command is not None:
                    self._hand_in(command, RETRIES)
                    return

    def _supervise(self) -> None:
        self._loop.after(self._dice.randrange(*GLANCE_US), self._supervise)
        if self._view is None:
            return
        for order in self._orders:
            if self._dice.random() < (order.willing if self.willing else order.share):
                command = order.make(Moment(self._command_id(), self._view(), self._now_us(), self._dice))
                if command is not None:
                    self._hand_in(command, RETRIES)

    def _hand_in(self, command: Command, retries: int) -> None:
        if self._teller is None:
            # Nobody is there: once more, later.
            if retries:
                self._loop.after(SECOND, self._hand_in, command, retries - 1)
            return

        def told(command: Command, outcome: Outcome | AcdError) -> None:
            self.done += 1
            if isinstance(outcome, AcdError) and retries:
                self._loop.after(SECOND, self._hand_in, command, retries - 1)

        self._teller.tell(command, told)

    def _command_id(self) -> str:
        self._count += 1
        return f"desk-{self._count}"
