"""`acd check` on what can be known of a PBX without asking it: missing passwords, addresses that are none."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from acd.cli import acd

CONFIG = """\
[channels.pbx1]
type = "asterisk"
url = "http://127.0.0.1:8088/ari"
user = "acd"
password_file = "ari-password"
[queues.sales]
[agents.anna]
addresses.voice = "PJSIP/anna"
[agents.ben]
addresses.voice = "ben"
[agents.cleo]
addresses.voice = "PJSIP/cleo&PJSIP/anna"
[agents.dora]
addresses.chat = "dora"
"""


CALLBACKS = """
[queues.night]
when_closed = "callback"
when_overdue = "callback"
max_wait = "3m"
"""


def checked(folder: Path, config: str = CONFIG) -> tuple[int, list[str]]:
    """Exit status and the warnings."""
    (folder / "acd.toml").write_text(config)
    result = CliRunner().invoke(acd, ["check", str(folder / "acd.toml")])
    text = " ".join(result.output.split())
    return result.exit_code, [each for each in text.split("warning") if "voice" in each or "password" in each]


def test_addresses_and_passwords(tmp_path: Path) -> None:
    """Each in one sentence, with its line and what to write instead; the configuration can be used all the same."""
    status, said = checked(tmp_path)
    assert status == 0
    about = " ".join(said)
    assert "agents.ben.addresses.voice" in about
    assert "'ben' cannot be dialled" in about
    assert "PJSIP/cleo&PJSIP/anna" in about
    assert "agents.anna" not in about
    assert "dora" not in about
    assert "channels.pbx1.password_file" in about
    assert "cannot be read" in about


def test_once_it_is_there(tmp_path: Path) -> None:
    """Nothing is said, and it is not shown."""
    (tmp_path / "ari-password").touch(mode=0o600)
    (tmp_path / "ari-password").write_text("canary-of-a-password")
    status, said = checked(tmp_path)
    assert status == 0
    assert "password_file" not in " ".join(said)
    assert "canary" not in " ".join(said)


def callbacks(folder: Path, config: str) -> list[str]:
    """The keys of the queues that promise callbacks which nobody dials."""
    (folder / "acd.toml").write_text(config)
    result = CliRunner().invoke(acd, ["check", "--json", str(folder / "acd.toml")])
    found = json.loads(result.output)["problems"]
    assert all(each["severity"] == "warning" and each["line"] for each in found if "no telephone" in each["reason"])
    return [each["key"] for each in found if "no telephone rings" in each["reason"]]


def test_callbacks_that_no_pbx_dials(tmp_path: Path) -> None:
    """Said of each way into one, with its line; not of a configuration without a PBX, whose desks have an API."""
    assert callbacks(tmp_path, CONFIG + CALLBACKS) == ["queues.night.when_closed", "queues.night.when_overdue"]
    assert callbacks(tmp_path, CONFIG) == []
    assert callbacks(tmp_path, CALLBACKS) == []
    assert callbacks(tmp_path, CONFIG + CALLBACKS + 'calendar = "nowhere"\n') == []


PBX = """
[channels.{name}]
type = "asterisk"
{access}
"""
ARI = 'url = "{url}"\nuser = "acd"\npassword_env = "PATH"'
AMI = 'control = "ami"\nami = {{ host = "{host}", user = "acd", password_env = "PATH" }}'


def shared(folder: Path, *access: str) -> list[tuple[str, str, int]]:
    """Key, reason and line of whatever is the same to its PBX as another channel."""
    pbxs = "".join(PBX.format(name=f"pbx{at}", access=each) for at, each in enumerate(access, start=1))
    (folder / "acd.toml").write_text(f"{pbxs}[queues.sales]\n")
    result = CliRunner().invoke(acd, ["check", "--json", str(folder / "acd.toml")])
    found = [each for each in json.loads(result.output)["problems"] if "application" in each["reason"]]
    assert all(each["severity"] == "error" and "app" in each["fix"] for each in found)
    assert result.exit_code == (1 if found else 0), result.output
    return [(each["key"], each["reason"], each["line"]) for each in found]


def test_two_channels_with_one_application_of_one_pbx(tmp_path: Path) -> None:
    """However its address is written; said once, in one sentence, and neither name nor port makes them another PBX."""
    one = ARI.format(url="http://127.0.0.1:8088/ari")
    same = f'{ARI.format(url="http://localhost:8088")}\napp = "acd"'
    reason = "the application acd at 127.0.0.1:8088/ari is that of channels.pbx1, too"
    assert shared(tmp_path, one, same) == [("channels.pbx2.app", reason, 13)]
    ami = [AMI.format(host=host) for host in ("10.0.0.1", "10.0.0.1", "10.0.0.2")]
    assert [key for key, _, _ in shared(tmp_path, *ami, one)] == ["channels.pbx2.app"]
    others = [ARI.format(url=f"http://{host}/ari") for host in ("127.0.0.1:8089", "127.0.0.2:8088", "pbx.example:8088")]
    assert shared(tmp_path, one, *others, f'{one}\napp = "other"') == []


def test_callbacks_that_a_pbx_is_to_dial(tmp_path: Path) -> None:
    """Not warned of any more; a channel that calls nobody is an error, with the line of the queue's key."""
    named = CONFIG + CALLBACKS + 'callback_channel = "pbx1"\n'
    assert callbacks(tmp_path, named) == []
    result = CliRunner().invoke(acd, ["check", "--json", str(tmp_path / "acd.toml")])
    found = {each["key"]: each for each in json.loads(result.output)["problems"] if each["severity"] == "error"}
    assert found["queues.night.callback_channel"]["reason"] == "the channel pbx1 calls nobody back"
    assert found["queues.night.callback_channel"]["line"]
    assert callbacks(tmp_path, named + '[channels.pbx1.callbacks]\ndial = "PJSIP/{number}@trunk"\n') == []
    result = CliRunner().invoke(acd, ["check", "--json", str(tmp_path / "acd.toml")])
    assert not [each for each in json.loads(result.output)["problems"] if each["severity"] == "error"]


KEYS = '[channels.pbx1.queues.sales]\nkeys = { 1 = "callback" }\n'
DIALS = '[channels.pbx1.callbacks]\ndial = "PJSIP/{number}@trunk"\nnumber = "national"\nonly = ["13"]\n'


def said(folder: Path, config: str) -> list[tuple[str, str, str, str]]:
    """Severity, key, reason and fix of everything about callbacks; each has its line."""
    (folder / "acd.toml").write_text(config)
    result = CliRunner().invoke(acd, ["check", "--json", str(folder / "acd.toml")])
    found = [each for each in json.loads(result.output)["problems"] if "callback" in each["key"] + each["fix"]]
    assert all(each["line"] for each in found)
    return [(each["severity"], each["key"], each["reason"], each["fix"]) for each in found]


def test_a_key_for_callbacks_of_a_queue_that_no_channel_calls(tmp_path: Path) -> None:
    """One half forgotten, or both: what to write is said, and where; nothing once it stands there."""
    key, reason = "channels.pbx1.queues.sales.keys", "promises a call, and no telephone rings"
    half = 'add callback_channel = "pbx1" to [queues.sales]'
    assert said(tmp_path, CONFIG + KEYS + DIALS) == [("warning", key, reason, half)]
    both = f"{half}, and dial to [channels.pbx1.callbacks]"
    assert said(tmp_path, CONFIG + KEYS) == [("warning", key, reason, both)]
    whole = CONFIG.replace("[queues.sales]", '[queues.sales]\ncallback_channel = "pbx1"')
    assert said(tmp_path, whole + KEYS + DIALS) == []


def test_a_channel_that_would_call_back_and_no_queue_that_has_it_do_so(tmp_path: Path) -> None:
    """A warning: callbacks may come in over the API for a queue that the API will configure."""
    reason = "no queue has its customers called back here"
    fix = 'add callback_channel = "pbx1" to a queue, else no telephone rings'
    assert said(tmp_path, CONFIG + DIALS) == [("warning", "channels.pbx1.callbacks", reason, fix)]
    fixes = {each[-1] for each in said(tmp_path, CONFIG + CALLBACKS + DIALS)}
    assert fixes == {'let a PBX call: callback_channel = "pbx1" here; or have a desk that shows it; or use "release"'}


FIRST = '[queues.sales]\ncallback_channel = "pbx1"\ncallback_first = "customer"'


@pytest.mark.parametrize(
    ("timeout", "how", "within"),
    [
        ("30s", "", "30s"),
        ("40s", 'key = "1"', "40s"),
        ("1m", 'ring = "50s"\nkey = "1"', "1m"),
        ("", 'ring = "2m"\nkey = "1"\nanswer_within = "15s"\ntries = 4', "3m"),
    ],
)
def test_a_timeout_that_is_over_while_it_may_ring(tmp_path: Path, timeout: str, how: str, within: str) -> None:
    """Customers who answer late would be hung up on. One second longer, nothing is said."""
    written = f'\ncallback_timeout = "{timeout}"' if timeout else ""
    rings = f"{DIALS}prompt = ['beep']\n{how}\n"
    key, until = "queues.sales.callback_timeout", timeout or "3m"
    reason = f"is over after {until}, while pbx1 rings, and asks for a key, for {within}"
    fix = "let callback_timeout be longer, with time for the prompt, or channels.pbx1.callbacks.ring shorter"
    config = CONFIG.replace("[queues.sales]", FIRST + written) + rings
    assert said(tmp_path, config) == [("warning", key, reason, fix)]
    assert said(tmp_path, config.replace("customer", "agent").replace(written, "")) == []
    longer = CONFIG.replace("[queues.sales]", f'{FIRST}\ncallback_timeout = "181s"')
    assert said(tmp_path, longer + rings) == []


def test_callbacks_given_to_a_pbx_over_ami(tmp_path: Path) -> None:
    """No table is asked for that would be refused."""
    pbx = PBX.format(name="pbx", access=AMI.format(host="127.0.0.1"))
    reason = "pbx is controlled over AMI, which calls nobody back"
    fix = "use ARI, or leave callback_channel out"
    error = ("error", "queues.sales.callback_channel", reason, fix)
    assert said(tmp_path, f'{pbx}[queues.sales]\ncallback_channel = "pbx"\n') == [error]
