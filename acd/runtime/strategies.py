"""Strategies of one's own: found by their entry points `acd.strategies`, given a hash of their code, and tried out.

Owns the discovery and what is said about it. Must not know engines. An entry point is a function
`name(demand: Demand, profile: Profile) -> int`, pure and without a closure; queues name it as `score:name`.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from hashlib import sha256
from importlib.metadata import EntryPoint, entry_points
from typing import Final

import msgspec

from acd.core import limits
from acd.core.messages import AgentSettings, CoreSettings, Demand, Profile, QueueSettings, Score, ScoreFunction
from acd.core.messages.settings import SCORE_PREFIX
from acd.core.requirement import parse
from acd.errors import ConfigError, StrategyError
from acd.runtime.config.model import Config
from acd.runtime.config.problems import did_you_mean, quoted

GROUP: Final = "acd.strategies"

MAX_TRIALS: Final = 1_000
"""Skill profiles that a function is tried with, for each queue that names it."""


def make_score(function: ScoreFunction) -> Score:
    """A function with the hash of its code: what an engine is given as `strategies`, by name.

    Raises `StrategyError` for what is no plain function, has a closure, or whose source cannot be read: only of
    a function's own source can be told whether it is still the same.
    """
    if not inspect.isfunction(function):
        raise StrategyError(f"{function!r} is not a plain function; write it with def")
    if function.__closure__ is not None or function.__defaults__ or function.__kwdefaults__:
        raise StrategyError(
            f"{function.__qualname__} depends on more than its arguments; write it at a module's top level"
        )
    try:
        source = inspect.getsource(function)
    except (OSError, TypeError) as error:
        raise StrategyError(f"the source of {function.__qualname__} cannot be read; install it as source") from error
    return Score(function, sha256(source.encode()).hexdigest())


class Strategies:
    """What is installed, and what was given besides, by name. What was given goes before what is installed."""

    def __init__(self, given: Mapping[str, ScoreFunction] | None = None) -> None:
        """Loads every entry point. One that cannot be used is only a problem for a queue that names it."""
        self.scores: dict[str, Score] = {}
        self._faults: dict[str, str] = {}
        for point in entry_points(group=GROUP):
            self._install(point)
        for name, function in (given or {}).items():
            self._faults.pop(name, None)
            self.scores[name] = make_score(function)

    def settings(self, config: Config) -> CoreSettings:
        """What `ApplyConfig` carries, with the strategies that its queues name. Raises `ConfigError`."""
        settings = config.core_settings()
        said = [f"{config.source}: {text}" for _, text in self.problems(settings.queues, settings.agents)]
        if said:
            raise ConfigError(tuple(said))
        names = sorted({name for queue in settings.queues if (name := own_name(queue))})
        return msgspec.structs.replace(settings, scores=tuple((name, self.scores[name].code_hash) for name in names))

    def problems(self, queues: Sequence[QueueSettings], agents: Sequence[AgentSettings]) -> Iterator[tuple[str, str]]:
        """(queue's id, what is wrong with its strategy), after trying it with the agents that there are."""
        for queue in queues:
            name = own_name(queue)
            if name:
                place = f"queues.{queue.id}.strategy"
                for text in self._problems_of(name, queue, agents):
                    yield queue.id, f"{place}: {text}"

    def _problems_of(self, name: str, queue: QueueSettings, agents: Sequence[AgentSettings]) -> Iterator[str]:
        if name in self._faults:
            yield f"the strategy {quoted(name)} cannot be used: {self._faults[name]}"
        elif name not in self.scores:
            advice = did_you_mean(name, self.scores) if self.scores else f"install one (entry point {GROUP})"
            yield f"no strategy {quoted(name)} is installed; {advice}"
        else:
            demand = Demand("voice", tuple(sorted(parse(queue.requirement.strip() or "true").skills)))
            fault = _trial(self.scores[name].function, demand, agents)
            if fault:
                yield f"the strategy {quoted(name)} {fault}"

    def _install(self, point: EntryPoint) -> None:
        try:
            self.scores[point.name] = make_score(point.load())
        except (ImportError, AttributeError) as error:
            self._faults[point.name] = f"it cannot be loaded ({error}); install it again"
        except StrategyError as error:
            self._faults[point.name] = str(error)


def own_name(queue: QueueSettings) -> str:
    """NAME of a queue whose strategy is `score:NAME`, else empty."""
    strategy = queue.strategy
    return strategy.removeprefix(SCORE_PREFIX) if strategy.startswith(SCORE_PREFIX) else ""


def _trial(function: ScoreFunction, demand: Demand, agents: Sequence[AgentSettings]) -> str:
    """What is wrong with what the function says of these agents, or empty."""
    profiles = dict.fromkeys(
        Profile(tuple(sorted(each.skills)), tuple(sorted(each.labels)), tuple(sorted(each.queues))) for each in agents
    )
    for profile in list(profiles)[:MAX_TRIALS]:
        try:
            score, again = function(demand, profile), function(demand, profile)
        except Exception as error:  # noqa: BLE001 - whatever a user's function raises
            return f"raises {type(error).__name__} for {profile}; give a number for everybody"
        if type(score) is not int or abs(score) > limits.MAX_SCORE:
            return f"says {score!r} for {profile}; give an int within ± {limits.MAX_SCORE}"
        if score != again:
            return f"says {score} and then {again} for {profile}; let it depend on nothing but its arguments"
    return ""
