"""`acd browser-phones`. Owns the command line, whose telephones are meant, and where the file goes.

Writes over nothing that it has not made itself, and prints no secret.
"""

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import click

from acd.errors import ConfigError
from acd.runtime.configurations import usable_in_force
from acd_asterisk.browser_phones.conf import FILE, MARK, by_hand, pjsip_conf
from acd_asterisk.browser_phones.passwords import NoPassword, digest_of, make_key, password_of
from acd_asterisk.doctor.patient import Patient, patients
from acd_asterisk.options.browser_phones import BrowserPhoneOptions

MODE: Final = 0o640
"""Of the file: Asterisk's user reads it by its group."""


@click.command("browser-phones", short_help="Configure an Asterisk for agents' telephones in the browser.")
@click.argument("file", type=click.Path(path_type=Path), default="acd.toml")
@click.option("--channel", metavar="NAME", help="Only this [channels.NAME]; needed where several have such telephones.")
@click.option(
    "-o",
    "--output",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    help=f"The folder for {FILE}; without it nothing is written.",
)
def command(file: Path, channel: str | None, output: Path | None) -> None:
    """Configure an Asterisk for the agents of FILE (acd.toml) whose telephones are pages in a browser.

    Makes the key file that [channels.NAME.browser_phones] names, if there is none, and writes what pjsip.conf has to
    include: whenever agents come or go, run it again, and reload pjsip. What else has to be done once is printed.
    """
    try:
        config, _ = usable_in_force(file)
        patient, options = _chosen(patients(config, channel))
        phones = tuple(_phones(patient, options))
        if output is None:
            click.echo(_listed(patient, phones))
        else:
            key_made = make_key(options)
            text = pjsip_conf(patient.name, options, _digests(patient, options, phones))
            path = _write(output / FILE, text)
            click.echo(f"{path}: {len(phones)} telephones; keep it to Asterisk's user (chgrp asterisk)")
            if key_made:
                click.echo(f"{options.key_file}: made; whoever has it has every password, so keep it to acd's user")
    except NoPassword as error:
        raise ConfigError((f"{file}: {error}",)) from None
    click.echo(f"\n{by_hand(options)}", nl=False)


def _chosen(found: list[Patient]) -> tuple[Patient, BrowserPhoneOptions]:
    having = [(each, each.options.browser_phones) for each in found if each.options.browser_phones is not None]
    if len(having) != 1:
        fix = "name one with --channel" if having else "add [channels.NAME.browser_phones]; PHONES.md shows it"
        count = f"{len(having)} channels have" if having else "no channel has"
        raise ConfigError((f"{count} telephones in the browser; {fix}",))
    patient, options = having[0]
    if options is None:
        raise ConfigError(("no channel has telephones in the browser",))
    return patient, options


def _phones(patient: Patient, options: BrowserPhoneOptions) -> Iterable[tuple[str, str]]:
    """Agent and endpoint. Raises `ConfigError` for two agents with one: they would take each other's calls."""
    owners: dict[str, str] = {}
    for agent, address in patient.telephones:
        endpoint = options.endpoint(address)
        if not endpoint:
            continue
        if endpoint in owners:
            reason = f"{owners[endpoint]} and {agent} have the same telephone in the browser, {address}"
            raise ConfigError((f"{reason}; give each their own",))
        owners[endpoint] = agent
        yield agent, endpoint


def _digests(
    patient: Patient, options: BrowserPhoneOptions, phones: Iterable[tuple[str, str]]
) -> Iterable[tuple[str, str]]:
    agents = patient.options.phones.agents
    for agent, endpoint in phones:
        own = agents[agent].phone_password_file if agent in agents else None
        yield endpoint, digest_of(options, endpoint, password_of(options, endpoint, own))


def _listed(patient: Patient, phones: tuple[tuple[str, str], ...]) -> str:
    if not phones:
        return f"No agent's addresses.voice is one of channels.{patient.name}.browser_phones.addresses."
    return "\n".join(f"{agent}  PJSIP/{endpoint}" for agent, endpoint in phones)


def _write(path: Path, text: str) -> Path:
    """Whole or not at all, and never over a file of somebody else's. Raises `ConfigError`."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        if path.exists() and not path.read_text(encoding="utf-8").startswith(MARK):
            raise ConfigError((f"{path}: is not made by this command; move it away, or choose another folder",))
        fd = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, MODE)
        try:
            os.write(fd, text.encode())
            os.fsync(fd)
        finally:
            os.close(fd)
        if path.exists():
            partial.chmod(path.stat().st_mode & 0o777)
            _keep_owner(path, partial)
        partial.replace(path)
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise ConfigError((f"{path}: cannot be written: {reason}",)) from error
    finally:
        partial.unlink(missing_ok=True)
    return path


def _keep_owner(path: Path, partial: Path) -> None:
    """Asterisk's group, which somebody gave the file that was there, stays."""
    status = path.stat()
    try:
        os.chown(partial, -1, status.st_gid)
    except PermissionError:
        partial.chmod(0o600)
