"""The compiled core decides as the interpreted one does, and what its sources say is what is compiled."""

import subprocess
import sys
from pathlib import Path

import pytest

from acd.core.entities import Interaction, Work
from acd.core.lane import Ticket
from bench.compiled import compiled_copy, environment, has_compiler
from compile_core import BOUNDS, INTERPRETED, RECORDS, ROOT, SUBCLASSED, native_records, prepared
from tests.missing import missing_tool

CORE = ROOT / "acd" / "core"

PLAY = """
from acd.core import deadlines, engine, entities, invariants
from acd.core.engine import Engine
from tests.core.own_strategies import OWN
from tests.core.side_by_side import Pair, run, seeded

assert not any(each.__file__.endswith(".py") for each in (deadlines, engine, entities)), engine.__file__
assert invariants.__file__.endswith(".py")
for seed in range(6):
    scores = Engine(strategies=OWN).scores
    traffic = seeded(seed, agents=12 if seed % 2 else None, disorder=0.03, scores=scores)
    run(traffic, Pair(Engine(max_classes=6, strategies=OWN), traffic.trees, invariants.check), 700)
"""


@pytest.fixture(scope="module")
def compiled() -> Path:
    if not has_compiler():
        missing_tool("a C compiler")
    return compiled_copy()


def test_the_compiled_core_agrees_with_the_naive_model(compiled: Path) -> None:
    _python(compiled, "-c", PLAY)


@pytest.mark.parametrize("tests", ["test_golden.py", "test_scenarios.py", "test_explain.py", "pools", "test_pools.py"])
def test_the_compiled_core_passes_the_tests_of_the_interpreted_one(compiled: Path, tests: str) -> None:
    _python(compiled, "-m", "pytest", "-q", "-p", "no:cacheprovider", str(ROOT / "tests" / "core" / tests))


def test_records_become_classes_with_the_same_fields_and_no_line_moves() -> None:
    for name, structs in (("lane.py", (Ticket,)), ("entities.py", (Interaction, Work))):
        source = (CORE / name).read_text(encoding="utf-8")
        native = native_records(source)
        compile(native, name, "exec")
        assert len(native.splitlines()) == len(source.splitlines())
        assert "(Struct" not in native
        for struct in structs:
            kept = "; ".join(f"self.{field} = {field}" for field in struct.__struct_fields__)
            assert native.count(kept) == 1


def test_a_struct_with_no_room_for_a_constructor_is_reported() -> None:
    with pytest.raises(ValueError, match="line 3 is not empty"):
        native_records("class Tight(Struct):\n    one: int\n    def two(self): pass\n")


def test_an_order_rests_on_the_leading_integers() -> None:
    source = "class Place(Struct, Generic[T], order=True):\n    key: int\n    seq: int\n    owner: T\n\n\n"
    assert native_records(source).splitlines()[5] == (
        '    def __lt__(self, other: "Place[T]") -> bool: '
        "return self.key < other.key or (self.key == other.key and (self.seq < other.seq))"
    )


def test_bounds_are_looked_up_so_that_tests_may_change_them(compiled: Path) -> None:
    program = (
        "from acd.core import engine, limits\n"
        "limits.OUTCOME_WINDOW = 2\n"
        "from acd.core.messages import Tick\n"
        "it = engine.Engine()\n"
        "for name in 'abc':\n"
        "    it.apply(Tick(name), 0)\n"
        "assert [it.recorded(name) is None for name in 'abc'] == [True, False, False]\n"
    )
    _python(compiled, "-c", program)


def test_what_the_compiler_is_told_names_modules_that_there_are() -> None:
    for name in (*INTERPRETED, *RECORDS, *SUBCLASSED, BOUNDS):
        assert (CORE / name).exists(), name
    for name in SUBCLASSED:
        assert "allow_interpreted_subclasses" in prepared(name, (CORE / name).read_text(encoding="utf-8"))


def _python(compiled: Path, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment(compiled), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, f"{done.stdout[-2_000:]}\n{done.stderr[-2_000:]}"
