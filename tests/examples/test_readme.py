"""What the README tells people to type works: the API's requests in their order, and the configuration."""

import re
import shlex
from collections.abc import Mapping
from pathlib import Path

import aiohttp
from click.testing import CliRunner

from acd.cli import acd
from acd.runtime.config import loads
from tests.api.harness import living

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


def block(language: str, containing: str) -> str:
    """The fenced block of a language that contains a text."""
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    (found,) = (text for kind, text in fenced if kind == language and containing in text)
    return str(found)


def curls(script: str, variables: Mapping[str, str]) -> list[tuple[str, str, bytes | None]]:
    """Method, path and body of every curl in a script."""
    found = []
    for line in script.splitlines():
        if line.startswith("curl"):
            words = shlex.split(line)
            body = words[words.index("--json") + 1].encode() if "--json" in words else None
            method = words[words.index("-X") + 1] if "-X" in words else "POST" if body else "GET"
            path = words[-1]
            for name, value in variables.items():
                path = path.replace(name, value)
            found.append((method, path, body))
    return found


async def test_the_tour_of_the_api_works_as_printed(tmp_path: Path) -> None:
    done = CliRunner().invoke(acd, ["init", str(tmp_path / "centre")])
    assert done.exit_code == 0, done.output
    token = (tmp_path / "centre" / "acd-admin.token").read_text(encoding="utf-8").strip()
    text = (tmp_path / "centre" / "acd.toml").read_text(encoding="utf-8")
    assert 'API=http://127.0.0.1:8420/v1\nAUTH="Authorization: Bearer $(cat centre/acd-admin.token)"' in README
    assert "port = 8420" in text
    (tmp_path / "centre" / "acd.toml").write_text(text.replace("port = 8420", "port = 0"), encoding="utf-8")
    asked = curls(block("sh", "curl"), {"$API": "/v1"})
    assert len(asked) == 9
    answers = []
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}
    async with (
        living(tmp_path / "centre") as address,
        aiohttp.ClientSession(headers=headers) as session,
    ):
        for method, path, body in asked:
            async with session.request(method, f"{address}{path}", data=body) as answer:
                assert answer.status in {200, 201}, (method, path, await answer.text())
                answers.append(await answer.json())
    reason = answers[2]["decisions"][0]["reason"]
    printed = re.search(r"answers `(.*?)`", README)
    assert printed is not None
    assert _without_times(reason) == _without_times(printed[1])
    assert answers[4]["state"] == "completed"
    # `acd init` grants 30 s of wrap-up, so lunch comes after it.
    assert answers[5]["presence"] == "draining"
    assert [answer["entry"] for answer in answers[7:]] == [{"skills": {"english": 6}}, {"skills": {"english": 7}}]


def test_the_configuration_for_an_asterisk_is_good(tmp_path: Path) -> None:
    config = loads(block("toml", "channels.pbx"), base=tmp_path)
    assert [channel.type for channel in config.channels] == ["asterisk"]
    assert config.addresses() == {("anna", "voice"): "PJSIP/anna"}


def test_commands_that_it_names_are_there() -> None:
    for command in set(re.findall(r"\bacd (\w+) +[a-z-]", block("", "acd init centre"))):
        assert CliRunner().invoke(acd, [command, "--help"]).exit_code == 0, command


def _without_times(reason: str) -> str:
    return re.sub(r"\d+(\.\d+)? m?s", "T", reason)
