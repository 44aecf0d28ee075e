"""`[channels.NAME.ami]`: defaults, every problem at once, and what `acd check` warns of."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from acd.cli import acd
from acd.errors import ConfigError
from acd_asterisk.options import read_options
from acd_asterisk.options.ami import AmiOptions
from acd_asterisk.plugin import open_channel

PLAIN: dict[str, object] = {"url": "http://127.0.0.1:8088/ari", "user": "acd", "password": "canary-secret"}


def read(**ami: object) -> AmiOptions:
    found = read_options("pbx1", {**PLAIN, "ami": {"user": "acd", "password": "canary-secret", **ami}}).ami
    assert found is not None
    return found


def test_defaults() -> None:
    assert read_options("pbx1", PLAIN).ami is None
    options = read()
    assert (options.host, options.port, options.tls, options.tls_ca) == ("127.0.0.1", 5038, False, None)
    assert options.password.read() == "canary-secret"
    assert "canary" not in repr(options)
    assert read(tls=True).port == 5039


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"host": "a b"}, "channels.pbx1.ami.host: 'a b' cannot be used"),
        ({"port": 0}, "channels.pbx1.ami.port: 0 is not a number"),
        ({"user": ""}, "channels.pbx1.ami.user: '' cannot be used"),
        ({"password": ""}, "channels.pbx1.ami.password: is empty"),
        ({"tls_ca": "x.pem"}, "channels.pbx1.ami.tls_ca: has no effect without TLS"),
        ({"secret": "x"}, "channels.pbx1.ami.secret: is no option of AMI"),
    ],
)
def test_problems(changes: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read(**changes)
    assert any(problem.startswith(says) for problem in caught.value.problems), caught.value.problems
    assert "canary" not in str(caught.value)


def test_what_had_better_be_otherwise() -> None:
    assert read().cautions == ()
    assert read(host="10.0.0.1", tls=True).cautions == ()
    far = open_channel("pbx1", {**PLAIN, "ami": {"host": "10.0.0.1", "user": "acd", "password": "x"}})
    (caution,) = far.cautions
    assert caution.startswith("channels.pbx1.ami.host: ")
    assert "10.0.0.1; set tls = true" in caution


def test_check_warns(tmp_path: Path) -> None:
    file = tmp_path / "acd.toml"
    file.write_text(
        "[queues.sales]\n[channels.pbx1]\n"
        'type = "asterisk"\nurl = "http://10.0.0.1:8088/ari"\nuser = "acd"\npassword_env = "ARI_PASSWORD"\n'
        '[channels.pbx1.ami]\nhost = "10.0.0.1"\nuser = "acd"\npassword_env = "AMI_PASSWORD"\n'
    )
    result = CliRunner().invoke(acd, ["check", str(file)])
    assert result.exit_code == 0, result.output
    warnings = [line for line in result.output.splitlines() if line.startswith("warning: ")]
    assert any(f"{file}:4: channels.pbx1.url: the PBX's password travels in clear" in line for line in warnings)
    assert any(f"{file}:8: channels.pbx1.ami.host: " in line for line in warnings), result.output


def test_calls_over_ami_need_no_ari() -> None:
    ami = {"user": "acd", "password": "canary-secret"}
    options = read_options("pbx1", {"control": "ami", "ami": ami})
    assert (options.control, options.url, options.user) == ("ami", "", "acd")
    assert options.password.read() == "canary-secret"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"control": "ami"}, "channels.pbx1.ami: is missing"),
        ({"control": "ami", "url": "http://127.0.0.1:8088"}, "channels.pbx1.url: is for ARI"),
        ({"control": "sip"}, "channels.pbx1.control: 'sip' is no choice"),
    ],
)
def test_problems_of_control(given: dict[str, object], says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        read_options("pbx1", given)
    assert any(problem.startswith(says) for problem in caught.value.problems), caught.value.problems
