"""`acd serve`. Owns the process: logging, signals, the event loop, exit status.

Must not know what a router, a channel or the API does, only how they are started and stopped.
"""

import asyncio
import gc
import signal
from collections.abc import Coroutine
from contextlib import AsyncExitStack, closing
from pathlib import Path
from typing import Final

import click
import structlog

from acd.api import probe
from acd.api import serve as serve_api
from acd.cli.check import channel_problems, strategy_problems
from acd.cli.known_secrets import secrets_of
from acd.cli.logs import Form, Level, configure_logging
from acd.cli.notifying import Notifier, watch
from acd.cli.pulse import Pulse
from acd.cli.reloading import Reloading
from acd.errors import AcdError, ConfigError
from acd.runtime.config import ApiConfig, Config
from acd.runtime.configurations import Configurations, Source, check_in_force
from acd.runtime.follower import Follower
from acd.runtime.following import SnapshotPace
from acd.runtime.history import History
from acd.runtime.repeat_store import RepeatStore
from acd.runtime.repeats import Repeats
from acd.runtime.router import Router
from acd.runtime.versions import VersionStore

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

_log = structlog.get_logger(__name__)


@click.command(short_help="Run the engine, its channels and its API.")
@click.option(
    "--config",
    "file",
    type=click.Path(path_type=Path),
    default="acd.toml",
    show_default=True,
    help="The configuration.",
)
@click.option(
    "--log",
    "form",
    type=click.Choice(["console", "json"]),
    default="console",
    show_default=True,
    help="Form of the log.",
)
@click.option(
    "--log-level", "level", type=click.Choice(["debug", "info", "warning", "error"]), default="info", show_default=True
)
def command(file: Path, form: Form, level: Level) -> None:
    """Run the engine, its channels and its API until SIGTERM or Ctrl-C.

    The log goes to standard error; numbers and secrets are masked in it. One line on standard output says when commands
    are taken. Calls go on when acd stops, and are taken over again when it starts.

    SIGHUP makes it read certificates anew. Under systemd (Type=notify) it says when it is ready, and feeds the
    watchdog.

    Exit status: 0 after a stop that was asked for, 1 when it cannot start or another engine has taken over the journal.
    """
    config = _usable(file)
    configure_logging(form, level, secrets_of(config))
    for warning in config.warnings:
        _log.warning("configuration", problem=str(warning))
    raise SystemExit(_run(config))


def _run(config: Config) -> int:
    if config.api is not None:
        probe(config.api)
    with _runner() as runner:
        try:
            return runner.run(_serve(config))
        except AcdError:
            raise
        except Exception:  # noqa: BLE001 - the last line
            # Through the log, so that nothing personal in it is seen.
            _log.exception("acd has stopped because of a fault of its own; please report this")
            return 1


def _usable(file: Path) -> Config:
    """The configuration, or all that is wrong with it."""
    report = check_in_force(file)
    found = [*report.errors, *channel_problems(file, report.channels), *strategy_problems(file, report)]
    if found or report.config is None:
        raise ConfigError(tuple(map(str, found)))
    return report.config


async def _serve(config: Config) -> int:
    """Run until asked to stop, or until the router stops by itself; returns the exit status."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask_to_stop() -> None:
        stop.set()
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)  # the second time it means: at once

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, ask_to_stop)
    async with AsyncExitStack() as stack:
        notifier = stack.enter_context(closing(Notifier()))
        reloading = Reloading(notifier)
        loop.add_signal_handler(signal.SIGHUP, reloading.ask)
        router = await stack.enter_async_context(Router(config))
        if config.snapshots.enabled:
            await _follow(stack, config)
        where = "no [api] is configured"
        if config.api is not None:
            where = ", ".join(await _listen(stack, config, config.api, router))
        # What is there now stays: no collection needs to walk through agents and classes again.
        gc.collect()
        gc.freeze()
        click.echo(f"acd: ready: {where}")
        pulse = Pulse(lambda: (router,), notifier.watchdog_seconds)
        notifier.ready(pulse.status())
        _beside(stack, watch(notifier, pulse.stuck, pulse.status))
        _beside(stack, reloading.run(pulse.status))
        asked, ended = asyncio.create_task(stop.wait()), asyncio.create_task(router.wait_closed())
        await asyncio.wait((asked, ended), return_when=asyncio.FIRST_COMPLETED)
        asked.cancel()
        notifier.stopping()
        if not stop.is_set():
            _log.error(
                "stopping: the router takes no more commands", status=await ended, journal=str(config.journal.path)
            )
            return 1
        ended.cancel()
        _log.info("stopping")
    _log.info("stopped")
    return 0


def _beside(stack: AsyncExitStack, endless: Coroutine[object, object, None]) -> None:
    """Run it until the stack unwinds."""
    task = asyncio.create_task(endless)

    async def end() -> None:
        task.cancel()
        await asyncio.wait((task,))

    stack.push_async_callback(end)


async def _listen(stack: AsyncExitStack, config: Config, api: ApiConfig, router: Router) -> tuple[str, ...]:
    """Serve the API, with the past and the versions of the configuration; returns its addresses."""
    history = History(config.journal.path, config.snapshots.path)
    stack.callback(history.close)
    store = stack.enter_context(closing(VersionStore(api.versions)))
    configurations = Configurations(Source(config.source), store, config, router)
    stack.callback(configurations.close)
    repeats = Repeats(RepeatStore(api.answers, config.journal.path, api.idempotency_us), router.now_us)
    stack.push_async_callback(repeats.close)
    server = await stack.enter_async_context(await serve_api(router, api, history, configurations, repeats))
    return server.addresses


async def _follow(stack: AsyncExitStack, config: Config) -> None:
    """Snapshots, from a process of their own."""
    pace = SnapshotPace(config.snapshots.every, config.snapshots.interval_us / 1_000_000, config.snapshots.keep)
    follower = Follower(config.journal.path, config.snapshots.path, pace)
    stack.push_async_callback(follower.stop)
    await follower.start()


def _runner() -> asyncio.Runner:
    """An event loop of uvloop's if it is installed (pip install acd-engine[uvloop])."""
    try:
        import uvloop  # noqa: PLC0415 - it is optional
    except ImportError:
        return asyncio.Runner()
    return asyncio.Runner(loop_factory=uvloop.new_event_loop)
