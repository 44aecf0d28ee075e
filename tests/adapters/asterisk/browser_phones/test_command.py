"""`acd browser-phones`: whose telephones it writes, what it never writes over, and what it never shows."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from acd.errors import ConfigError
from acd_asterisk.browser_phones.command import command
from acd_asterisk.browser_phones.conf import FILE, MARK
from acd_asterisk.browser_phones.passwords import password_of
from acd_asterisk.options.browser_phones import BrowserPhoneOptions
from tests.served import write_secret

CONFIG = """\
[queues.sales]
[agents.anna]
addresses.voice = "PJSIP/web-anna"
[agents.ben]
addresses.voice = "PJSIP/ben"
[agents.carla]
addresses.voice = "PJSIP/web-carla"
[channels.pbx]
type = "asterisk"
url = "http://127.0.0.1:8088/ari"
user = "acd"
password = "canary-of-ari"
[channels.pbx.browser_phones]
url = "wss://pbx.example.com:8089/ws"
addresses = ["PJSIP/web-*"]
codecs = ["opus", "alaw"]
ice = ["stun:stun.example.com:3478"]
[channels.pbx.agents.carla]
phone_password_file = "carla.sip"
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    (tmp_path / "acd.toml").write_text(CONFIG)
    write_secret(tmp_path, "carla.sip", "canary-of-carla")
    (tmp_path / "asterisk").mkdir()
    return tmp_path / "acd.toml"


def run(file: Path, *arguments: str) -> str:
    result = CliRunner().invoke(command, [str(file), *arguments], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    assert "canary" not in result.output
    return result.output


def refused(file: Path, *arguments: str) -> str:
    with pytest.raises(ConfigError) as caught:
        run(file, *arguments)
    return "\n".join(caught.value.problems)


def test_without_a_folder_nothing_is_written(file: Path) -> None:
    before = sorted(file.parent.rglob("*"))
    said = run(file)
    assert sorted(file.parent.rglob("*")) == before
    assert said.splitlines()[:2] == ["anna  PJSIP/web-anna", "carla  PJSIP/web-carla"]
    for each in (
        f"#include {FILE}",
        "tlsbindaddr = 0.0.0.0:8089",
        "load = res_srtp",
        "stunaddr = stun.example.com:3478",
    ):
        assert each in said


def test_what_is_written(file: Path) -> None:
    folder = file.parent / "asterisk"
    run(file, "-o", str(folder))
    written = folder / FILE
    text = written.read_text()
    assert written.stat().st_mode & 0o777 == 0o640
    assert text.startswith(MARK)
    assert "canary" not in text
    key = BrowserPhoneOptions(url="", addresses=(), key_file=file.parent / "browser-phones.key")
    assert password_of(key, "web-anna") not in text
    for each in ("[web-anna](acd-browser)", "[web-carla](acd-browser)", "webrtc = yes", "allow = opus,alaw"):
        assert each in text
    assert "ben" not in text
    run(file, "-o", str(folder))
    assert written.read_text() == text  # The key is the same, so all passwords are.


def test_what_asterisk_s_group_may_read_it_may_read_afterwards(file: Path) -> None:
    folder = file.parent / "asterisk"
    run(file, "-o", str(folder))
    (folder / FILE).chmod(0o600)
    run(file, "-o", str(folder))
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600


def test_nobody_else_s_file_is_written_over(file: Path) -> None:
    folder = file.parent / "asterisk"
    (folder / FILE).write_text("[mine]\n")
    assert "is not made by this command" in refused(file, "-o", str(folder))
    assert (folder / FILE).read_text() == "[mine]\n"
    assert [path.name for path in folder.iterdir()] == [FILE]


def test_two_agents_with_one_telephone(file: Path) -> None:
    file.write_text(CONFIG.replace("PJSIP/web-carla", "PJSIP/web-anna"))
    assert "anna and carla have the same telephone" in refused(file)


def test_a_file_of_a_password_that_others_read(file: Path) -> None:
    (file.parent / "carla.sip").chmod(0o644)
    said = refused(file, "-o", str(file.parent / "asterisk"))
    assert "chmod 600" in said
    assert "canary" not in said


def test_without_the_table(file: Path) -> None:
    file.write_text(CONFIG[: CONFIG.index("[channels.pbx.browser_phones]")])
    assert "add [channels.NAME.browser_phones]" in refused(file)


def test_of_several_one_has_to_be_named(file: Path) -> None:
    other = CONFIG[CONFIG.index("[channels.pbx]") :].replace("channels.pbx", "channels.other").replace("8088", "8188")
    file.write_text(CONFIG + other)
    assert "--channel" in refused(file)
    assert "PJSIP/web-anna" in run(file, "--channel", "other")
