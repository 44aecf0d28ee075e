"""Five mistakes that people make, on the real Asterisk: `acd doctor` and `acd check --connect` say them in a sentence.

What plain `acd check` can know of them, which contacts nobody, is in `tests/cli/test_check_telephones.py`.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import aiohttp
import msgspec
import pytest
from click.testing import CliRunner

from acd.cli import acd
from acd_asterisk.lab import Provisioned
from tests.adapters.asterisk.doctor.ward import Ward, ward, wrongs
from tests.adapters.asterisk.rig import APP

ONE_SENTENCE = 400
"""Characters."""

CASES = {
    "credentials": "the PBX refuses the user acd or its password; compare channels.pbx1.user and its password",
    "modules": "not loaded: bridge_holding, without which no call is handled; load it in modules.conf",
    "application": f"another controller has the application {APP}; end it, or choose another name",
    "endpoint": "agent ben: PJSIP/nobody is no endpoint of this PBX; make it there, or mend agents.ben.addresses.voice",
    "sounds": "there is no sound acd/welcome, which channels.pbx1.menus.main.prompt names: nobody hears anything there",
}
"""What is looked at, and how the sentence begins."""

KEYS = {
    "credentials": ("channels.pbx1.password_file", 5),
    "modules": ("channels.pbx1", 1),
    "application": ("channels.pbx1.app", 1),
    "endpoint": ("agents.ben.addresses.voice", 15),
    "sounds": ("channels.pbx1.menus.main.prompt", 8),
}
"""What is to be changed in the file, and on which line that, or what is around it, stands."""

MENU = (
    'menu = "main"\n[channels.pbx1.menus.main]\nprompt = "acd/welcome"\nkeys.1.hangup = true\ndefault.hangup = true\n'
)


@asynccontextmanager
async def spoilt(it: Ward, check: str) -> AsyncIterator[Path]:
    """The configuration, or the PBX, with one mistake."""
    if check == "modules":
        config = it.pbx.folder / "config" / "modules.conf"
        config.write_text(config.read_text().replace("load = bridge_holding\n", ""))
        await it.pbx.restart()
    after = '[agents.ben]\naddresses.voice = "PJSIP/nobody"\n' if check == "endpoint" else ""
    file = it.write(
        password="another" if check == "credentials" else "", more=MENU if check == "sounds" else "", after=after
    )
    if check != "application":
        yield file
        return
    auth = aiohttp.encode_basic_auth(it.pbx.ari_user, it.pbx.ari_password)
    async with (
        aiohttp.ClientSession(headers={"Authorization": auth}) as session,
        session.ws_connect(f"{it.pbx.ari_url}/events?app={APP}&subscribeAll=false"),
    ):
        yield file


@pytest.mark.parametrize("check", CASES)
async def test_said_in_one_sentence(provisioned: Provisioned, tmp_path: Path, check: str) -> None:
    async with ward(provisioned, tmp_path) as it, spoilt(it, check) as file:
        found = await it.examine(file)
        assert wrongs(found).keys() == {check}
        (said,) = [text for state, text in found[check] if state == "wrong"]
        assert said.startswith(CASES[check])
        assert len(said) < ONE_SENTENCE
        assert "\n" not in said
        status, errors = await checked(file, "--connect")
        assert (status, [f"{each['reason']}; {each['fix']}" for each in errors]) == (1, [said])
        assert [(each["key"], each["line"]) for each in errors] == [KEYS[check]]
        assert await checked(file) == (0, [])


async def test_nothing_is_said_of_what_is_right(provisioned: Provisioned, tmp_path: Path) -> None:
    async with ward(provisioned, tmp_path) as it:
        assert await checked(it.write(), "--connect") == (0, [])


async def test_nobody_is_asked_about_what_cannot_be_used(tmp_path: Path) -> None:
    """Of a channel whose options are wrong it is said why, and not that nobody answers there."""
    file = tmp_path / "acd.toml"
    file.write_text('[channels.pbx1]\ntype = "asterisk"\nurl = "http://127.0.0.1:9/ari"\nusr = "acd"\n[queues.sales]\n')
    status, errors = await checked(file, "--connect")
    assert status == 1
    assert errors
    assert "nobody answers" not in str(errors)


async def checked(file: Path, *options: str) -> tuple[int, list[dict[str, object]]]:
    """Exit status and the errors of `acd check`, which has an event loop of its own."""
    result = await asyncio.to_thread(CliRunner().invoke, acd, ["check", "--json", *options, str(file)])
    answer = msgspec.json.decode(result.output)
    return result.exit_code, [each for each in answer["problems"] if each["severity"] == "error"]
