"""`acd serve`. Owns the process: logging, signals, the event loop, exit status.

Must not know what a router, a channel or the API does, only how they are started and stopped.
"""

import asyncio
import signal
from collections.abc import Coroutine, Iterable
from contextlib import AsyncExitStack, closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Final

import click
import structlog

from acd.api import probe, serve_domains, serve_metrics
from acd.api.monitoring import Served
from acd.api.rotation import SIGNAL
from acd.cli.allocating import hand_memory_back
from acd.cli.check import channel_problems, strategy_problems
from acd.cli.collecting import collecting_rarely
from acd.cli.event_loop import runner
from acd.cli.known_secrets import secrets_of
from acd.cli.living import LivingDomain
from acd.cli.logs import Form, Level, configure_logging
from acd.cli.notifying import Notifier, watch
from acd.cli.pulse import Pulse
from acd.cli.redaction import Redaction
from acd.cli.reloading import Reloading
from acd.cli.tokens_again import TokensAgain
from acd.errors import AcdError, ConfigError
from acd.runtime.config import ApiConfig, Config, MetricsConfig, Problem
from acd.runtime.config.together import address_of, check_together
from acd.runtime.configurations import check_in_force

STOP_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)

STOPPED: Final = "stopping: the router takes no more commands"

_log = structlog.get_logger(__name__)


@click.command(short_help="Run the engine, its channels and its API.")
@click.option(
    "--config",
    "files",
    type=click.Path(path_type=Path),
    multiple=True,
    default=("acd.toml",),
    show_default=True,
    help="The configuration. More than once: several domains in one process, each with a file of its own.",
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
def command(files: tuple[Path, ...], form: Form, level: Level) -> None:
    """Run the engine, its channels and its API until SIGTERM or Ctrl-C.

    The log goes to standard error; numbers and secrets are masked in it. One line on standard output says when commands
    are taken. Calls go on when acd stops, and are taken over again when it starts.

    SIGHUP makes it read certificates and tokens anew. Under systemd (Type=notify) it says when it is ready, and feeds
    the watchdog.

    Of several domains one that cannot start, or stops by itself, does not stop the others: its requests are answered by
    503, and it is tried again when acd is started again.

    Exit status: 0 after a stop that was asked for, 1 when it cannot start or another engine has taken over the journal;
    of several domains, when that is so for all of them.
    """
    hand_memory_back()  # First, for what is freed and which threads there are decides what glibc does.
    configs, warnings = _usable(files)
    redaction = configure_logging(form, level, chain.from_iterable(map(secrets_of, configs)))
    for warning in warnings:
        _log.warning("configuration", problem=str(warning))
    raise SystemExit(_run(configs, redaction))


def _run(configs: tuple[Config, ...], redaction: Redaction) -> int:
    for apis in _addresses(config.api for config in configs).values():
        probe(apis[0])
    for metrics in _metrics(configs):
        probe(metrics)
    with runner() as loop:
        try:
            return loop.run(_serve(configs, redaction))
        except AcdError:
            raise
        except Exception:  # noqa: BLE001 - the last line
            # Through the log, so that nothing personal in it is seen.
            _log.exception("acd has stopped because of a fault of its own; please report this")
            return 1


def _usable(files: tuple[Path, ...]) -> tuple[tuple[Config, ...], tuple[Problem, ...]]:
    """The configurations, and what may not be meant; or all that is wrong with them."""
    reports = [check_in_force(file) for file in files]
    found: list[Problem] = []
    for file, report in zip(files, reports, strict=True):
        found += [*report.errors, *channel_problems(file, report), *strategy_problems(file, report)]
    configs = tuple(report.config for report in reports if report.config is not None)
    together = check_together(configs)
    if problems := (*found, *together.errors):
        raise ConfigError(tuple(map(str, problems)))
    return configs, (*chain.from_iterable(config.warnings for config in configs), *together.warnings)


async def _serve(configs: tuple[Config, ...], redaction: Redaction) -> int:
    """Run until asked to stop, or until every router has stopped by itself; returns the exit status."""
    stop = _stop_signal()
    domains = tuple(LivingDomain(config, TokensAgain(config.source, redaction)) for config in configs)
    async with AsyncExitStack() as stack:
        notifier = stack.enter_context(closing(Notifier()))
        reloading = Reloading(notifier)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloading.ask)
        stack.push_async_callback(_stop, domains)
        running = await _start(domains)
        where = await _listen(stack, domains, reloading)
        # What is there now stays: no collection needs to walk through agents and classes again.
        stack.enter_context(collecting_rarely())
        click.echo(f"acd: ready: {', '.join(where) or 'no [api] is configured'}")
        pulse = Pulse(lambda: tuple(domain.router for domain in domains), notifier.watchdog_seconds)
        notifier.ready(pulse.status())
        _beside(stack, watch(notifier, pulse.stuck, pulse.status))
        _beside(stack, reloading.run(pulse.status))
        asked = await _asked(stop, running)
        notifier.stopping()
        if not asked:
            return 1
        _log.info("stopping")
    _log.info("stopped")
    return 0


def _stop_signal() -> asyncio.Event:
    """Is set when somebody wants the process to stop; the second time it means: at once."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()

    def ask_to_stop() -> None:
        stop.set()
        for number in STOP_SIGNALS:
            loop.remove_signal_handler(number)

    for number in STOP_SIGNALS:
        loop.add_signal_handler(number, ask_to_stop)
    return stop


def _beside(stack: AsyncExitStack, endless: Coroutine[object, object, None]) -> None:
    """Run it until the stack unwinds."""
    task = asyncio.create_task(endless)

    async def end() -> None:
        task.cancel()
        await asyncio.wait((task,))

    stack.push_async_callback(end)


async def _start(domains: tuple[LivingDomain, ...]) -> tuple[LivingDomain, ...]:
    """Those that run now. Raises what is in the way if it is in the way of all."""
    if len(domains) == 1:
        await domains[0].start()
        return domains
    results = await asyncio.gather(*map(_start_one, domains))
    failed = [error for error in results if error is not None]
    if len(failed) == len(domains):
        raise failed[0]
    return tuple(domain for domain, error in zip(domains, results, strict=True) if error is None)


async def _start_one(domain: LivingDomain) -> Exception | None:
    """One of several: whatever it logs from now on says which; what is in its way is not in that of the others."""
    structlog.contextvars.bind_contextvars(domain=domain.name)
    try:
        await domain.start()
    except AcdError as error:
        _log.error("a domain cannot be started; the others go on", reason=str(error))
        return error
    except Exception as error:  # noqa: BLE001 - as above
        _log.exception("a domain cannot be started because of a fault of acd's own; please report this")
        return error
    return None


async def _listen(stack: AsyncExitStack, domains: tuple[LivingDomain, ...], reloading: Reloading) -> list[str]:
    """Serve the API, at each address all domains that are configured for it, and figures; returns the addresses."""
    found: list[str] = []
    served: dict[str, Served] = {}
    for apis in _addresses(domain.config.api for domain in domains).values():
        together = [domain.served(api) for domain in domains for api in apis if domain.config.api is api]
        server = await stack.enter_async_context(await serve_domains(together))
        reloading.add("api.tokens", partial(server.reload_tokens, SIGNAL))
        if apis[0].certificate is not None:
            reloading.add("api.certificate", server.read_certificate_anew)
        served |= server.served
        found += server.addresses
    for metrics in _metrics(domain.config for domain in domains):
        routers = [domain.router for domain in domains if domain.config.metrics == metrics]
        server = await stack.enter_async_context(await serve_metrics(routers, metrics, served))
        found += [f"{address}/metrics" for address in server.addresses]
    return found


async def _asked(stop: asyncio.Event, running: tuple[LivingDomain, ...]) -> bool:
    """Wait until somebody asks to stop; False when no domain runs any more. A domain lets its files go at its end."""
    asked = asyncio.create_task(stop.wait())
    ends = {asyncio.create_task(domain.router.wait_closed()): domain for domain in running}
    try:
        while ends:
            await asyncio.wait((asked, *ends), return_when=asyncio.FIRST_COMPLETED)
            if stop.is_set():
                return True
            for end in [each for each in ends if each.done()]:
                domain = ends.pop(end)
                what = "a domain takes no more commands; the others go on" if ends else STOPPED
                journal = str(domain.config.journal.path)
                _log.error(what, status=end.result(), domain=domain.name, journal=journal)
                await _let_go(domain)
        return False
    finally:
        for task in (asked, *ends):
            task.cancel()


async def _let_go(domain: LivingDomain) -> None:
    """Its files may be wanted by whoever repairs it."""
    try:
        await domain.stop()
    except Exception:  # noqa: BLE001 - the others go on
        _log.exception("a domain did not stop well", domain=domain.name)


async def _stop(domains: tuple[LivingDomain, ...]) -> None:
    """All at once; one that does not stop well does not keep the others from it."""
    results = await asyncio.gather(*(domain.stop() for domain in domains), return_exceptions=True)
    for error in results:
        if error is not None:
            raise error


def _metrics(configs: Iterable[Config]) -> tuple[MetricsConfig, ...]:
    """Where figures are served apart from the API; domains that say the same are told of together."""
    return tuple(dict.fromkeys(config.metrics for config in configs if config.metrics is not None))


def _addresses(apis: Iterable[ApiConfig | None]) -> dict[tuple[str, int, str], list[ApiConfig]]:
    """What is served, by address."""
    found: dict[tuple[str, int, str], list[ApiConfig]] = {}
    for api in apis:
        if api is not None:
            found.setdefault(address_of(api), []).append(api)
    return found
