"""The router as a small C extension, compiled when it is first needed: `native.c`, called once per command.

Owns compiling, loading and entering it. Two contestants: `ScanInC` tests every agent and looks at everyone waiting,
which is what one writes; `IndexInC` prepares lists beforehand, which is as fast as it gets. Both can also answer a
whole script in one call (`run`), which shows what calling from Python costs them.
"""

from __future__ import annotations

import shutil
import subprocess
import sysconfig
import tempfile
from array import array
from collections.abc import Sequence
from functools import cache
from importlib.machinery import ExtensionFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from typing import Any, Final

from bench.contest import Call, PlainRouter
from bench.workload import KINDS, NOBODY, Centre, Situation, Step

SOURCE: Final = Path(__file__).with_name("native.c")
STRATEGIES: Final = {"longest-idle": 0, "best-fit": 1, "weighted": 2}
"""Those that it knows → their number in the source."""

_FLAGS: Final = ("-O3", "-march=native", "-fPIC", "-shared", "-Wall", "-Wextra", "-Werror")


class NoCompiler(Exception):
    """There is no C compiler, or Python's headers are missing; the rival sits out."""


@cache
def compiled() -> Any:  # noqa: ANN401 - an extension module without stubs
    """The extension module, compiled anew for this process. Raises `NoCompiler`."""
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    headers = Path(sysconfig.get_path("include"))
    if compiler is None or not (headers / "Python.h").exists():
        raise NoCompiler("a C compiler and Python's headers are needed (Debian: gcc, python3-dev)")
    with tempfile.TemporaryDirectory(prefix="acd-bench-") as folder:
        target = Path(folder) / "bench_native.so"
        command = [compiler, *_FLAGS, f"-I{headers}", str(SOURCE), "-o", str(target)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own source
        if done.returncode:
            raise NoCompiler(f"the compiler failed:\n{done.stderr}")
        loader = ExtensionFileLoader("bench_native", str(target))
        spec = spec_from_loader("bench_native", loader)
        assert spec is not None
        module = module_from_spec(spec)
        loader.exec_module(module)
    return module


class NativeRouter(PlainRouter):
    """Either way; use a subclass."""

    indexed: bool

    def __init__(self, centre: Centre) -> None:
        matrix = bytearray(len(centre.agents) * centre.skills)
        for number, own in enumerate(centre.agents):
            for skill, held in own.items():
                matrix[number * centre.skills + skill] = held
        self._router = compiled().Router(
            bytes(matrix),
            len(centre.agents),
            centre.skills,
            list(centre.requirements),
            STRATEGIES[centre.strategy],
            centre.fit_weight_us,
            self.indexed,
        )

    def enqueue(self, interaction: int, requirement: int, priority: int, now_us: int) -> int:
        """The agent for a new interaction."""
        return int(self._router.enqueue(interaction, requirement, priority, now_us))

    def accept(self, interaction: int, agent: int) -> int:
        """The agent answers."""
        return int(self._router.accept(interaction, agent))

    def end(self, interaction: int) -> int:
        """The conversation is over."""
        return int(self._router.end(interaction))

    def end_wrap_up(self, agent: int, now_us: int) -> int:
        """The interaction for an agent who is free again."""
        return int(self._router.end_wrap_up(agent, now_us))

    def calls(self, steps: Sequence[Step]) -> list[Call]:
        """As `Contestant.calls`: the extension's own methods, with nothing of ours in between."""
        return [(getattr(self._router, call.__name__), arguments) for call, arguments in map(self._call, steps)]

    def restore(self, start: Situation) -> None:
        """Begin from here."""
        idle = [(place.agent, place.since_us, place.seq) for place in start.idle]
        waiting = [(row.interaction, row.requirement, row.key_us, row.seq, row.priority) for row in start.waiting]
        self._router.restore(idle, waiting, list(start.busy.items()), start.seq)

    def run(self, steps: Sequence[Step]) -> tuple[int, list[int]]:
        """All steps in one call: nanoseconds, and every decision."""
        rows = array("q")
        for step in steps:
            agent = step.agent if step.agent != NOBODY else 0
            kind = KINDS.index(step.kind)
            rows.extend((kind, step.at_us, step.interaction, step.requirement, step.priority, agent))
        ns, answers = self._router.run(rows)
        return ns, list(memoryview(answers).cast("q"))


class ScanInC(NativeRouter):
    """Tests every agent, and everyone who waits."""

    name = "C, scan"
    indexed = False


class IndexInC(NativeRouter):
    """Knows beforehand who meets what."""

    name = "C, index"
    indexed = True
