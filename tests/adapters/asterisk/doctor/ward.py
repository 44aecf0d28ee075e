"""A PBX with a configuration that fits, and `acd doctor` run on the two. Owns how a test spoils either."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import msgspec
from click.testing import CliRunner

from acd_asterisk.doctor.command import command
from acd_asterisk.lab import AgentBehaviour, LabAgent, Pbx, Provisioned, SippAgents
from tests.adapters.asterisk.rig import EXAMPLES, PATIENCE_SECONDS, POLL_SECONDS

CONFIG = """\
[channels.pbx1]
type = "asterisk"
url = "{url}"
user = "{user}"
password_file = "ari-password"
{more}
[channels.pbx1.ami]
port = {ami_port}
user = "{ami_user}"
password_file = "ami-password"
[queues.sales]
[agents.anna]
addresses.voice = "{anna}"
{after}
"""


@dataclass(frozen=True)
class Ward:
    """What is examined."""

    pbx: Pbx
    folder: Path

    def write(self, *, more: str = "", after: str = "", anna: str = "PJSIP/anna", password: str = "") -> Path:
        """The configuration; `more` belongs to the channel, `after` stands at the end."""
        for name, secret in (
            ("ari-password", password or self.pbx.ari_password),
            ("ami-password", self.pbx.ami_password),
        ):
            (self.folder / name).write_text(secret)
        file = self.folder / "acd.toml"
        values = {"url": self.pbx.ari_url, "user": self.pbx.ari_user, "ami_port": self.pbx.ami_port}
        text = CONFIG.format(**values, ami_user=self.pbx.ami_user, more=more, after=after, anna=anna)
        file.write_text(text)
        return file

    async def examine(self, file: Path, *arguments: str) -> dict[str, list[tuple[str, str]]]:
        """States and sentences by check; the exit status must fit them."""
        status, output = await run(file, "--json", *arguments)
        answer = msgspec.json.decode(output)
        found: dict[str, list[tuple[str, str]]] = {}
        for each in answer["findings"]:
            found.setdefault(each["check"], []).append((each["state"], each["text"]))
        assert status == (1 if answer["wrong"] else 0)
        return found


async def run(file: Path, *arguments: str) -> tuple[int, str]:
    """Exit status and what is printed of `acd doctor`, which has an event loop of its own."""
    result = await asyncio.to_thread(CliRunner().invoke, command, [str(file), *arguments])
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    return result.exit_code, result.output


@asynccontextmanager
async def ward(
    provisioned: Provisioned,
    folder: Path,
    *,
    behaviour: AgentBehaviour | None = None,
    extra: Mapping[str, str] | None = None,
    replace: Mapping[str, str] | None = None,
    agents: list[LabAgent] | None = None,
) -> AsyncIterator[Ward]:
    """Start a PBX with the example's dialplan, and anna's telephone if it is to do something."""
    config = {"extensions.conf": (EXAMPLES / "extensions.conf").read_text(), **(replace or {})}
    phones = SippAgents(provisioned, [(["anna"], behaviour)] if behaviour is not None else [])
    async with phones:
        present = phones.telephones or agents or [LabAgent("anna", "127.0.0.1", 9)]
        async with Pbx(provisioned, agents=present, extra_config=extra, replace_config=config) as pbx:
            yield Ward(pbx, folder)


def states(found: Mapping[str, list[tuple[str, str]]], check: str) -> list[str]:
    """The states of all findings of one check."""
    return [state for state, _ in found.get(check, [])]


def wrongs(found: Mapping[str, list[tuple[str, str]]]) -> dict[str, str]:
    """What is wrong, by check: one sentence each."""
    return {check: text for check, each in found.items() for state, text in each if state == "wrong"}


async def until_quiet(it: Ward) -> None:
    """Wait until there is no channel: they are asked to go, and do so by themselves."""
    async with asyncio.timeout(PATIENCE_SECONDS):
        while await it.pbx.channels():
            await asyncio.sleep(POLL_SECONDS)
