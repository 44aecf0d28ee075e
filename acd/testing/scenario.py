"""Scenarios: routing told as a text that reads like documentation, and checked against the engine.

    queue sales  strategy longest-idle  offer-timeout 20s
    agent anna   skills english=5       capacity exclusive

    at 0s     sign-in anna ready
    at 12.5s  enqueue c1 voice sales priority 2
              expect offer c1 -> anna because longest-idle
    at 15s    accept c1 by anna
              expect accepted c1 by anna waited 2s500ms

One statement a line; `#` begins a comment; what contains blanks stands in quotes. `queue` and `agent` lines at the top
are the configuration; later, `at 30s configure queue sales wrap-up 0s` changes it, and `at 30s remove agent anna` takes
away. Time passes punctually: what falls due between two lines is handled when it is due (with `stalled` after the time:
only when told to by `tick`). `expect` lines speak about everything since the line before their `at`, in the order in
which it happened; `scenario_words` has the commands, `scenario_events` what can be expected.

Owns running a scenario. Must not know the words of a line. Needs no test framework.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import msgspec

from acd.core.engine import Engine
from acd.core.messages import (
    ApplyConfig,
    Command,
    ConfigureAgents,
    CoreSettings,
    Event,
    InteractionQueued,
    OfferAccepted,
    OfferDeclined,
    OfferExpired,
    OfferMade,
    OfferRescinded,
    OfferRevoked,
    Outcome,
    Tick,
)
from acd.core.messages.codec import decode_command, encode
from acd.testing.scenario_events import Happened, check, describe
from acd.testing.scenario_statement import Line, Problem, Statement, read_lines
from acd.testing.scenario_words import Configuration, command_of

MAX_TICKS: Final = 10_000
"""Ticks between two lines; more means that time does not get on."""


class ScenarioError(AssertionError):
    """A line of a scenario cannot be read, or the engine did something else. Names file and line."""

    def __init__(self, name: str, line: Line, problem: str) -> None:
        super().__init__(f"{name}:{line.number}: {problem}\n  {line.text.strip()}")
        self.line = line.number
        self.problem = problem


def run_scenario(path: Path, make_engine: Callable[[], Engine] = Engine) -> None:
    """Run one file. Raises `ScenarioError`."""
    run_text(path.read_text(encoding="utf-8"), str(path.name), make_engine)


def run_text(text: str, name: str = "scenario", make_engine: Callable[[], Engine] = Engine) -> None:
    """Run a scenario that is given as text; `name` is for error messages. Raises `ScenarioError`."""
    play = _Play(name, make_engine())
    for line in read_lines(text):
        try:
            play.do(line)
        except Problem as problem:
            raise ScenarioError(name, line, str(problem)) from None
        except msgspec.ValidationError as error:
            raise ScenarioError(name, line, f"not allowed: {error}") from None
    play.end()


class _Play:
    """A scenario under way."""

    def __init__(self, name: str, engine: Engine) -> None:
        self._name = name
        self._engine = engine
        self._configuration = Configuration()
        self._configured = False
        self._commands = 0
        self._last: Line | None = None
        self._happened = Happened()
        self._offers: dict[str, str] = {}

    def do(self, line: Line) -> None:
        """One line."""
        statement = Statement(line)
        first = statement.peek()
        if first == "expect":
            if self._last is None:
                raise Problem("nothing has happened yet: `expect` comes after an `at` line")
            check(statement, self._happened, self._engine)
            return
        if first != "at":
            if self._last is not None:
                raise Problem(f"after the first `at`, write: at TIME configure {line.text.strip()}")
            self._configuration.change(statement)
            return
        self.end()
        self._last = line
        self._at(statement)

    def end(self) -> None:
        """No refusal may go unmentioned."""
        refusal = self._happened.refusal
        if refusal is not None and not self._happened.refusal_expected and self._last is not None:
            raise ScenarioError(self._name, self._last, f"refused: {refusal.code}: {refusal.detail}")

    def _at(self, statement: Statement) -> None:
        statement.word("at")
        now_us = statement.duration("a time")
        if now_us < self._engine.now_us:
            raise Problem("time goes back")
        self._happened = Happened()
        if not self._configured:
            self._configured = True
            self._apply(ApplyConfig(self._id(), self._settings()), 0)
            self._happened = Happened()
        if not statement.skip("stalled"):
            self._pass(now_us)
        if statement.peek() is not None:
            self._apply(self._command(statement), now_us)

    def _command(self, statement: Statement) -> Command:
        if statement.skip("configure"):
            self._configuration.change(statement)
        elif statement.skip("remove"):
            self._configuration.remove(statement)
        elif statement.skip("edit"):
            return ConfigureAgents(self._id(), (self._configuration.edit(statement),))
        elif statement.skip("drop"):
            return ConfigureAgents(self._id(), (), (self._configuration.remove(statement),))
        else:
            return command_of(statement, self._id(), self._offers)
        return ApplyConfig(self._id(), self._settings())

    def _settings(self) -> CoreSettings:
        """As configured, with every strategy of one's own that the engine was given."""
        return msgspec.structs.replace(self._configuration.settings(), scores=self._engine.scores)

    def _pass(self, now_us: int) -> None:
        """Let time pass: a Tick whenever something is due."""
        for _ in range(MAX_TICKS):
            due = self._engine.next_deadline()
            if due is None or due > now_us:
                return
            self._apply(Tick(self._id()), max(due, self._engine.now_us))
        raise Problem(f"still something due after {MAX_TICKS} ticks")

    def _apply(self, command: Command, now_us: int) -> None:
        outcome: Outcome = self._engine.apply(decode_command(encode(command)), now_us)
        self._happened.add(outcome)
        for event in outcome.events:
            self._note(event)

    def _note(self, event: Event) -> None:
        """Remember which offer a line means that names an interaction only."""
        if isinstance(event, OfferMade):
            self._offers[event.interaction_id] = event.offer_id
            self._offers[f"{event.interaction_id} {event.agent_id}"] = event.offer_id
        elif isinstance(event, OfferAccepted | OfferDeclined | OfferExpired | OfferRevoked | OfferRescinded):
            self._offers.pop(f"{event.interaction_id} {event.agent_id}", None)
        elif isinstance(event, InteractionQueued):
            self._offers.pop(event.interaction_id, None)

    def _id(self) -> str:
        self._commands += 1
        return f"scenario-{self._commands}"


__all__ = ["ScenarioError", "describe", "run_scenario", "run_text"]
