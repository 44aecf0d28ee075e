"""Everything that is read instead of the engine, kept in step: the view, and what follows the view.

Owns when projections begin, begin anew and take in what was committed. Must not know the journal nor asyncio.
To add one: begin it in `begin`, fold it in `fold`, after the view.
"""

from collections.abc import Callable, Sequence

from acd.core.messages import Outcome
from acd.core.state import EngineState
from acd.runtime.config import Config
from acd.runtime.estimate import WaitEstimator
from acd.runtime.live_figures import LiveFigures
from acd.runtime.log import Logger
from acd.runtime.view import View

_log = Logger(__name__)


class Projections:
    """`view` is the picture after the last outcome, `waits` estimates waits from it, `figures` counts by interval."""

    def __init__(self, config: Config) -> None:
        """The picture of an engine that has never seen a command."""
        self._config = config
        self.view = View()
        self.waits = WaitEstimator(self.view)
        self.figures = LiveFigures(self.view)
        self.configure(config)

    def begin(self, state: EngineState | None) -> None:
        """Begin anew, from a state. What was learnt about waits stays, and so does what was counted."""
        self.view = View() if state is None else View.from_state(state, state.now_us)
        self.waits = WaitEstimator(self.view, self.waits)
        self.figures = LiveFigures(self.view, self.figures)
        self.configure(self._config)

    def configure(self, config: Config) -> None:
        """Take over titles, names and thresholds; the engine's settings come with its events."""
        self._config = config
        view = self.view
        view.titles = {queue.settings.id: queue.title for queue in config.queues if queue.title}
        view.names = {agent.settings.id: agent.name for agent in config.agents if agent.name}
        view.service_level_us = {queue.settings.id: queue.service_level_us for queue in config.queues}
        self.figures.short_abandon_us = {queue.settings.id: queue.short_abandon_us for queue in config.queues}

    def fold(self, at_us: int, outcomes: Sequence[Outcome], state: Callable[[], EngineState]) -> None:
        """Take in what was committed at `at_us`. `state` is asked for the engine's if a projection cannot follow.

        The engine is the truth: whoever cannot follow it begins anew rather than hold anybody up.
        """
        try:
            for outcome in outcomes:
                self.view.fold(at_us, outcome)
                self.waits.fold(outcome)
                self.figures.fold(outcome)
        except Exception:  # noqa: BLE001 - a projection's fault must not stop the engine
            _log.exception("the view could not follow; it begins anew")
            self.begin(state())
