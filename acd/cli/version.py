"""`acd version`. Owns one line."""

import platform
from importlib import metadata

import click


@click.command(short_help="Print the versions of acd-engine and Python.")
def command() -> None:
    """Print the versions of acd-engine and Python."""
    click.echo(f"acd-engine {metadata.version('acd-engine')}, Python {platform.python_version()}")
