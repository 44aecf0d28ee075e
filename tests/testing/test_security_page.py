"""SECURITY.md names tests that there are, and figures that are those of the code."""

import ast
import re
from pathlib import Path

from acd.api import bodies, protocol, sockets, tickets
from acd.api.external.session import MAX_MESSAGE
from acd.api.problems import MAX_BODY
from acd.api.server import MAX_HEADER
from acd.runtime.config.model import Rates

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")


def test_every_test_it_names_is_there() -> None:
    named = re.findall(r"`(tests/[\w/]+\.py)(?:::(\w+))?`", PAGE)
    assert len(named) > 30
    for file, name in named:
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        tests = {node.name for node in tree.body if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)}
        assert not name or name in tests, f"{file}::{name}"


def test_every_threat_has_a_test() -> None:
    rows = PAGE.partition("| threat |")[2].splitlines()[2:]
    assert rows
    assert [row for row in rows if row.startswith("|") and "::test_" not in row] == []


def test_its_figures_are_those_of_the_code() -> None:
    rates = Rates()
    assert f"{rates.agent.per_second:.0f}/s for an agent's ({rates.agent.burst} at once)" in PAGE
    assert f"{rates.token.per_second:,.0f}/s for any other ({rates.token.burst:,} at\nonce)" in PAGE
    assert f"({rates.failures.per_second:.0f}/s, {rates.failures.burst} at once; of IPv6 the /64)" in PAGE
    assert f"| {tickets.LIFE_US // 1_000_000} seconds" in PAGE.replace("one use, ", "| ")
    assert f"after {protocol.STALL_SECONDS:.0f} seconds without progress" in PAGE
    assert protocol.HEAD_SECONDS == bodies.BODY_SECONDS == 10.0
    assert (MAX_BODY, MAX_MESSAGE, MAX_HEADER // 1_000) == (64 * 1024, 64 * 1024, 8)
    assert f"{sockets.TOKEN_EXPIRED}" in PAGE
