"""The desks: what agents and supervisors do on their screens, from what they see there.

Owns the table of actions. Must not know the exchange. They see the committed view, as an application would, and hand
in commands; when there is no answer they try again later under the same id, whether it was carried out or not.
Whoever adds a command to the core adds a row to `ACTIONS` or `SUPERVISION`.
"""

from collections.abc import Callable
from random import Random
from typing import Final

from msgspec import Struct

from acd.core.messages import (
    CancelInteraction,
    CloseQueue,
    Command,
    EndWrapUp,
    ExtendWrapUp,
    HoldWork,
    MoveInteraction,
    OpenQueue,
    Outcome,
    RecallInteraction,
    ReprioritizeInteraction,
    RequestWrapUp,
    ResumeWork,
    SetDisposition,
    SetPresence,
    SignInAgent,
    SignOutAgent,
)
from acd.errors import AcdError
from acd.runtime.records import AgentRecord
from acd.runtime.view import View
from acd.testing.simulator.loop import SimulatedLoop
from acd.testing.simulator.teller import Teller

SECOND: Final = 1_000_000

GLANCE_US: Final = (SECOND, 8 * SECOND)
"""Least and most between two glances of a person at the screen."""

RETRIES: Final = 5
"""How often a command without an answer is tried again."""

Do = Callable[[str, AgentRecord, View, Random], Command | None]


class Action(Struct, frozen=True):
    """`do(command id, agent, view, dice)` makes the command, or None when it makes no sense now.

    `share`: of the glances at which it does; `willing`: of those once everybody is.
    """

    name: str
    share: float
    willing: float
    do: Do


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
    Action(
        "take a break",
        0.03,
        0.0,
        _on_presence(
            "ready", "draining", "not-ready", make=lambda each, agent: SetPresence(each, agent, "not-ready", "lunch")
        ),
    ),
    Action("go home", 0.05, 0.0, _on_presence("ready", "not-ready", "draining", make=SignOutAgent)),
    Action("ask for wrap-up", 0.3, 0.3, _on_work("active", RequestWrapUp)),
    Action("note how it went", 0.3, 1.0, _note),
    Action("finish wrap-up", 0.2, 0.0, _on_work("wrap-up", EndWrapUp)),
    Action("finish endless wrap-up", 0.2, 1.0, _finish_endless),
    Action(
        "extend wrap-up",
        0.1,
        0.0,
        _on_work("wrap-up", lambda each, who, what: ExtendWrapUp(each, who, what, 4 * SECOND)),
    ),
    Action("hold", 0.15, 0.0, _on_work("active", HoldWork)),
    Action("resume", 0.5, 1.0, _on_work("held", ResumeWork)),
)
"""What an agent may do at a glance; the first that is drawn and makes sense is done."""


Order = Callable[[str, View, Random], Command | None]


def _on_interaction(*states: str, make: Callable[[str, str, View, Random], Command]) -> Order:
    def order(command_id: str, view: View, dice: Random) -> Command | None:
        found = [row.id for row in view.interactions.values() if row.state in states]
        return make(command_id, dice.choice(found), view, dice) if found else None

    return order


def _queue(view: View, dice: Random) -> str:
    return dice.choice([each.id for each in view.settings.queues])


SUPERVISION: Final[tuple[tuple[str, float, Order], ...]] = (
    (
        "cancel",
        0.03,
        _on_interaction("queued", "offered", make=lambda each, who, _view, _dice: CancelInteraction(each, who, "boss")),
    ),
    (
        "reprioritize",
        0.1,
        _on_interaction(
            "queued",
            "offered",
            make=lambda each, who, _view, dice: ReprioritizeInteraction(each, who, dice.choice((-1, 0, 3))),
        ),
    ),
    (
        "move",
        0.1,
        _on_interaction(
            "queued",
            "offered",
            make=lambda each, who, view, dice: MoveInteraction(
                each, who, _queue(view, dice), dice.choice((True, False))
            ),
        ),
    ),
    ("recall", 0.1, _on_interaction("offered", make=lambda each, who, _view, _dice: RecallInteraction(each, who))),
    ("close", 0.05, lambda each, view, dice: CloseQueue(each, _queue(view, dice), "fire drill")),
    ("open", 0.1, lambda each, view, dice: OpenQueue(each, _queue(view, dice))),
)
"""What a supervisor may do at a glance: name, share, command."""


class Desks:
    """Every agent's screen, and the supervisor's. `sit` gives them a running router."""

    def __init__(self, seed: int, loop: SimulatedLoop, agents: tuple[str, ...]) -> None:
        self.willing = False
        self.done = 0
        self._loop = loop
        self._agents = agents
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
        for action in ACTIONS:
            if self._dice.random() < (action.willing if self.willing else action.share):
                command = action.do(self._command_id(), agent, view, self._dice)
                if command is not None:
                    self._hand_in(command, RETRIES)
                    return

    def _supervise(self) -> None:
        self._loop.after(self._dice.randrange(*GLANCE_US), self._supervise)
        if self._view is None or self.willing:
            return
        for _, share, make in SUPERVISION:
            if self._dice.random() < share:
                command = make(self._command_id(), self._view(), self._dice)
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
