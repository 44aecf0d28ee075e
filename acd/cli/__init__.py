"""The command line: `acd check | explain | healthy | init | replay | serve | simulate | top | version | webhooks`.

Owns the group, and that no mistake of a user shows a traceback. Each command is a module of its own, imported
only when it is called, so that `acd --help` answers at once. Adapters bring further ones (`acd import-queues`): click
commands, named under the entry points `acd.commands`.
"""

import sys
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Final

import click

from acd.errors import AcdError, ConfigError

COMMANDS: Final = ("check", "explain", "healthy", "init", "replay", "serve", "simulate", "top", "version", "webhooks")
"""Each is a module in this package with a click command called `command`."""

GROUP: Final = "acd.commands"
"""The entry points of commands that others bring. None takes the place of one of ours."""


class _Commands(click.Group):
    """Imports a command when it is asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return sorted({*COMMANDS, *(point.name for point in entry_points(group=GROUP))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name in COMMANDS:
            command: click.Command = import_module(f"acd.cli.{cmd_name}").command
            return command
        return next((_brought(point) for point in entry_points(group=GROUP, name=cmd_name)), None)


def _brought(point: EntryPoint) -> click.Command:
    """The command of an entry point; if it cannot be had, one that says why: all the others go on working."""
    try:
        command = point.load()
    except Exception as error:  # noqa: BLE001 - a plugin's module may fail in any way
        reason = f"{type(error).__name__}: {error}"
    else:
        if isinstance(command, click.Command):
            return command
        reason = f"{point.value} is no click command"

    def refuse() -> None:
        raise click.ClickException(f"{point.name} cannot be loaded ({reason}); update or remove what brings it")

    return click.Command(
        point.name, callback=refuse, short_help="Cannot be loaded.", help=f"Cannot be loaded: {reason}"
    )


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
def acd() -> None:
    """Real-time automatic call distribution.

    \b
    acd init              write a configuration to begin with
    acd check acd.toml    find everything that is wrong with it
    acd serve             run it
    """  # noqa: D301 - the backslash is click's: keep these lines as they are


def main() -> None:
    """Entry point of `acd`. Exit status: 0 done, 1 something is wrong, 2 the command line cannot be understood."""
    try:
        acd(prog_name="acd")
    except ConfigError as error:
        for problem in error.problems:
            click.echo(f"error: {problem}", err=True)
        sys.exit(1)
    except AcdError as error:
        click.echo(f"error: {error}", err=True)
        sys.exit(1)
