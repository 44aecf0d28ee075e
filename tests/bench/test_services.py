"""The networked rivals decide like the engine: on servers of the machine's own, or fetched on first use, without root.

Without them a test skips; under CI it fails.
"""

import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing
from importlib.util import find_spec
from pathlib import Path

import pytest

from acd.core.messages.settings import Strategy
from acd_asterisk.lab import LabUnavailable
from bench.contest import Contestant
from bench.decision import STRATEGIES, Size, measure
from bench.provision import LEFT_OUT, Program
from bench.report import POSTGRESQL_ASYNC, REDIS, WHOLE
from bench.rivals import postgresql, redis_lua
from bench.servers import Address, postgresql_server, redis_server
from bench.workload import LOADS, Centre
from tests.missing import missing_tool

SMALL = Size(agents=60, classes=12, rounds=2, cycles=30, line=80, seed=5)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_redis_decides_alike(strategy: Strategy, redis_address: Address) -> None:
    for load in LOADS:
        with ExitStack() as stack:

            def opened(centre: Centre) -> Contestant:
                return stack.enter_context(closing(redis_lua.RedisRouter(centre, redis_address)))

            assert [timing.name for timing in measure(strategy, load, SMALL, [opened]).timings] == [WHOLE, REDIS]


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_postgresql_decides_alike(strategy: Strategy, postgresql_address: Address) -> None:
    for load in LOADS:
        with ExitStack() as stack:

            def opened(centre: Centre) -> Contestant:
                return stack.enter_context(
                    closing(postgresql.PostgresqlRouter(centre, postgresql_address, waits=False))
                )

            assert [timing.name for timing in measure(strategy, load, SMALL, [opened]).timings] == [
                WHOLE,
                POSTGRESQL_ASYNC,
            ]


@pytest.fixture(scope="module")
def redis_address() -> Iterator[Address]:
    with ExitStack() as stack:
        yield _started(stack, "redis", lambda: redis_server(redis_lua.answers))


@pytest.fixture(scope="module")
def postgresql_address() -> Iterator[Address]:
    with ExitStack() as stack:
        yield _started(stack, "psycopg", lambda: postgresql_server(postgresql.answers))


def _started(stack: ExitStack, client: str, server: Callable[[], AbstractContextManager[Address]]) -> Address:
    """The server, until the stack is left; a skip, under CI a failure, where it or its client cannot be had."""
    if find_spec(client) is None:
        missing_tool(f"the Python package {client} is not installed: pip install '.[bench]'")
    try:
        return stack.enter_context(server())
    except LabUnavailable as reason:
        missing_tool(str(reason))


def test_a_server_that_does_not_start_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    broken = tmp_path / "redis-server"
    broken.write_text("#!/bin/sh\necho no memory at all\nexit 1\n")
    broken.chmod(0o755)
    monkeypatch.setattr("bench.servers.redis_program", lambda: Program(tmp_path, None))
    with pytest.raises(LabUnavailable, match="no memory at all"), redis_server(lambda _address: False):
        pass


def test_the_machines_own_c_library_is_left_alone() -> None:
    assert "libc6_2.36-9_amd64.deb".startswith(LEFT_OUT)
    assert not "libcap2_2.66-4_amd64.deb".startswith(LEFT_OUT)


def test_an_unpacked_server_finds_its_libraries(tmp_path: Path) -> None:
    found = Program(tmp_path, tmp_path / "lib").environment()["LD_LIBRARY_PATH"].split(os.pathsep)
    assert found == [str(tmp_path / "lib"), str(tmp_path / "lib" / "pulseaudio")]
