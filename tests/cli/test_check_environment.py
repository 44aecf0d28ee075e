"""`acd check` shows what comes from the environment, and never what it is."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from acd.cli import acd
from tests.served import CONFIG, write_centre

CHANNEL = (
    '[channels.pbx]\ntype = "asterisk"\nurl = "http://127.0.0.1:8088/ari"\nuser = "acd"\npassword_file = "token"\n'
)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return write_centre(tmp_path, CONFIG + CHANNEL) / "acd.toml"


def test_variables_are_shown_and_secrets_are_not(file: Path) -> None:
    variables = {"ACD_API_PORT": "9000", "ACD_API_TOKENS_TEST_TOKEN": "canary-secret-of-the-environment"}
    done = CliRunner(env=variables).invoke(acd, ["check", str(file)])
    assert done.exit_code == 0, done.output
    assert "environment: ACD_API_PORT sets api.port\n" in done.output
    assert "environment: ACD_API_TOKENS_TEST_TOKEN sets api.tokens[0].token\n" in done.output
    assert "canary" not in done.output
    done = CliRunner(env=variables).invoke(acd, ["check", "--json", str(file)])
    shown = json.loads(done.output)["environment"]
    assert shown == {"ACD_API_PORT": "api.port", "ACD_API_TOKENS_TEST_TOKEN": "api.tokens[0].token"}


def test_what_a_plugin_says_names_the_variable(file: Path) -> None:
    done = CliRunner(env={"ACD_CHANNELS_PBX_URL": "gopher://pbx"}).invoke(acd, ["check", str(file)])
    assert done.exit_code == 1
    assert "error: ACD_CHANNELS_PBX_URL: channels.pbx.url: " in done.output
