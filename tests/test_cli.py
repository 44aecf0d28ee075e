"""The command line: what is printed, what it exits with, and that no mistake of a user shows a traceback."""

import json
import os
import re
import sqlite3
import stat
import subprocess
import sys
from contextlib import closing
from datetime import date
from importlib import metadata
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from acd.cli import COMMANDS, acd
from acd.cli.check import unknown_days
from acd.core.engine import Engine
from acd.core.messages import ApplyConfig, Command, CoreSettings, SignInAgent
from acd.core.messages.codec import encode
from acd.core.messages.settings import STRATEGIES
from acd.ports.journal import Committed, Entry
from acd.runtime.config import check_text, load
from acd.runtime.config.durations import FIX
from acd.runtime.journal import SqliteJournal
from acd.runtime.replay import outcome_digest

KNOWN = ", ".join(STRATEGIES)


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(acd, [str(argument) for argument in arguments])


def run_process(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    """The program itself, as from a shell."""
    command = [sys.executable, "-m", "acd.cli", *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, check=False)


# Help and version


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str) -> None:
    result = run(name, "--help")
    assert result.exit_code == 0
    assert result.output.startswith(f"Usage: acd {name} ")
    assert len(result.output.split()) > 15


def test_the_overview_names_every_command() -> None:
    result = run("--help")
    assert result.exit_code == 0
    for name in COMMANDS:
        assert re.search(rf"^  {name} +[A-Z].*\.$", result.output, re.MULTILINE), name


def test_an_unknown_command_is_no_traceback() -> None:
    result = run("serv")
    assert result.exit_code == 2
    assert "No such command 'serv'" in result.output


def test_version() -> None:
    result = run("version")
    assert result.output == f"acd-engine {metadata.version('acd-engine')}, Python {sys.version.split()[0]}\n"


# check


def test_check_shows_every_problem_and_exits_with_1(tmp_path: Path) -> None:
    file = tmp_path / "acd.toml"
    file.write_text(
        '[queues.sales]\nstrategy = "best"\n[agents."[red]张伟"]\nqueues = ["sals"]\n[channels.pbx]\ntype = "asterix"\n'
    )
    result = run("check", file)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f'error: {file}:2: queues.sales.strategy: "best" is not a strategy; use one of {KNOWN}',
        f'error: {file}:6: channels.pbx.type: no channel of type "asterix" is installed; did you mean "asterisk"?',
        f'warning: {file}:4: agents."[red]张伟".queues: "sals" is not a queue; did you mean "sales"? [unknown-queue]',
        f"{file}: checked 1 agent, 1 queue, 1 channel: 2 errors, 1 warning",
    ]


def test_check_asks_the_plugin_and_says_where(tmp_path: Path) -> None:
    file = tmp_path / "acd.toml"
    file.write_text('[channels.pbx]\ntype = "asterisk"\nurl = "nonsense"\n\nuser = "acd"\npassword = ""\nmusik = "x"\n')
    result = run("check", file)
    assert result.exit_code == 1
    lines = result.output.splitlines()
    assert [re.match(r"error: .*?:(\d+): channels\.pbx\.(\w+)", line) is not None for line in lines[:-1]] == [True] * 3
    places = {tuple(re.findall(r"toml:(\d+): channels\.pbx\.(\w+)", line)[0]) for line in lines[:-1]}
    assert places == {("3", "url"), ("6", "password"), ("7", "musik")}


def test_check_with_warnings_only_exits_with_0(tmp_path: Path) -> None:
    file = tmp_path / "acd.toml"
    file.write_text("[queues.q]\nrequirement = 'skills.x > 1'\n")
    result = run("check", file)
    assert result.exit_code == 0
    assert result.output.splitlines()[-1] == f"{file}: checked no agents, 1 queue, no channels: no errors, 1 warning"


def test_check_tells_programs_everything_as_json(tmp_path: Path) -> None:
    file = tmp_path / "acd.toml"
    file.write_text(
        "[agents.anna.skills]\ngerman = 3\n[queues.sales]\nrequirement = 'skills.english >= 3'\n"
        '[channels.pbx]\ntype = "asterix"\n'
    )
    result = run("check", file, "--json")
    assert result.exit_code == 1
    said = json.loads(result.output)
    assert (said["file"], said["usable"]) == (str(file), False)
    assert said["checked"] == {"agents": 1, "queues": 1, "channels": 1}
    assert [(each["severity"], each["line"], each["key"], each["code"]) for each in said["problems"]] == [
        ("error", 6, "channels.pbx.type", None),
        ("warning", 4, "queues.sales.requirement", "unheld-skill"),
        ("note", 2, "agents.anna.skills.german", "unasked-skill"),
    ]
    assert said["problems"][0]["fix"] == 'did you mean "asterisk"?'
    assert said["problems"][1]["reason"] == 'nobody has the skill "english"'
    shown = run("check", file).output.splitlines()
    assert shown[-1] == f"{file}: checked 1 agent, 1 queue, 1 channel: 1 error, 1 warning, 1 note"


def test_check_of_a_file_that_is_not_there_or_no_toml(tmp_path: Path) -> None:
    gone = tmp_path / "gone.toml"
    result = run("check", gone)
    assert result.exit_code == 1
    assert result.output.splitlines() == [
        f"error: {gone}: there is no such file; create one with: acd init",
        f"{gone}: nothing could be checked: 1 error",
    ]
    bad = tmp_path / "bad.toml"
    bad.write_text('[agents."a"]\nname = “Anna”\n')
    assert run("check", bad).output.splitlines()[:3] == [
        f'error: {bad}:2: invalid value; "“" is a full-width or typographic character: type " instead',
        "  name = “Anna”",
        "         ^",
    ]


# init and the examples


def test_init_writes_what_check_accepts(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "acd"
    result = run("init", folder)
    assert result.exit_code == 0, result.output
    assert f"acd check {folder / 'acd.toml'}" in result.output
    for secret in ("acd-admin.token", "acd-personal.key"):
        assert stat.S_IMODE((folder / secret).stat().st_mode) == 0o600
    checked = run("check", folder / "acd.toml")
    assert checked.output.splitlines() == [
        f"{folder / 'acd.toml'}: checked 2 agents, 2 queues, no channels: no errors, no warnings"
    ]
    config = load(folder / "acd.toml")
    assert config.api is not None
    assert config.api.tokens[0].secret.reveal() == (folder / "acd-admin.token").read_text().strip()
    assert config.api.tokens[0].secret.reveal() not in result.output


def test_init_names_the_domain(tmp_path: Path) -> None:
    for name in ("red", "blue"):
        assert run("init", tmp_path / name, "--domain", name).exit_code == 0
    found = run("check", *(tmp_path / name / "acd.toml" for name in ("red", "blue")))
    assert found.exit_code == 0, found.output
    result = run("init", tmp_path / "green", "--domain", 'green"\n')
    assert (result.exit_code, (tmp_path / "green").exists()) == (1, False)
    assert "letters, digits, - and _" in result.output


def test_init_makes_other_secrets_every_time(tmp_path: Path) -> None:
    run("init", tmp_path / "a")
    run("init", tmp_path / "b")
    for secret in ("acd-admin.token", "acd-personal.key"):
        assert (tmp_path / "a" / secret).read_bytes() != (tmp_path / "b" / secret).read_bytes()


@pytest.mark.parametrize("there", ["acd.toml", "acd-admin.token", "acd-personal.key"])
def test_init_overwrites_nothing(there: str, tmp_path: Path) -> None:
    (tmp_path / there).write_text("mine")
    result = run("init", tmp_path)
    assert result.exit_code == 1
    assert f"{tmp_path / there} is there already" in result.output
    assert [path.name for path in tmp_path.iterdir()] == [there]
    assert (tmp_path / there).read_text() == "mine"


def test_init_where_nothing_can_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    result = run("init", tmp_path / "file" / "sub")
    assert result.exit_code == 1
    assert "cannot write into" in result.output


def test_every_commented_default_of_the_template_is_a_default(tmp_path: Path) -> None:
    """Uncommenting a line that shows a default changes nothing; the template names every key that there is."""
    run("init", tmp_path)
    file = tmp_path / "acd.toml"
    text = file.read_text(encoding="utf-8")
    before = load(file)
    shown = (
        "durability|region|offer_timeout|retry_after|head_start|rona|late|max_waiting|service_level|capacity|enabled|every|"
        "interval|keep|inbox|batch|channel_deadline|fit_weight|ordering|band"
    )
    for section in ("outbox", "snapshots", "router"):
        text = text.replace(f"# [{section}]", f"[{section}]")
    text, number = re.subn(rf"^# ({shown}) = ", r"\1 = ", text, flags=re.MULTILINE)
    assert number == shown.count("|") + 1
    file.write_text(text, encoding="utf-8")
    after = load(file)
    assert after.core_settings() == before.core_settings()
    assert after.queues == before.queues
    assert (after.outbox.path, after.outbox.enabled, before.outbox.enabled) == (before.outbox.path, True, False)
    assert (after.router, after.snapshots, after.journal, after.personal) == (
        before.router,
        before.snapshots,
        before.journal,
        before.personal,
    )


# replay


def journal_at(path: Path, *commands: Command) -> None:
    journal = SqliteJournal(path, "default")
    engine = Engine("default")
    entries = [
        Entry(command.id, command.ORIGIN, number, encode(command), outcome_digest(engine.apply(command, number)))
        for number, command in enumerate(commands, 1_700_000_000_000_000)
    ]
    try:
        assert isinstance(journal.append(journal.open_epoch(), 0, entries), Committed)
    finally:
        journal.close()


def test_replay_of_a_whole_journal(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    journal_at(path, ApplyConfig("c", CoreSettings()), SignInAgent("s", "nobody"))
    result = run("replay", path)
    assert result.exit_code == 0, result.output
    assert re.search(r"^rows verified +2$", result.output, re.MULTILINE)
    assert re.search(r"^refused commands +1$", result.output, re.MULTILINE)
    assert re.search(r"^from +2023-11-14 22:13:20\.000\+00:00$", result.output, re.MULTILINE)
    assert result.output.endswith("The chain is whole, and every decision repeats.\n")


def test_replay_names_the_first_bad_row(tmp_path: Path) -> None:
    path = tmp_path / "j.db"
    journal_at(path, *(SignInAgent(f"s{number}", "nobody") for number in range(5)))
    with closing(sqlite3.connect(path)) as connection, connection:
        (table,) = connection.execute(
            "SELECT name FROM sqlite_master WHERE sql LIKE '%command_id%' AND type = 'table'"
        ).fetchone()
        connection.execute(f"UPDATE {table} SET command_id = 'other' WHERE seq = 3")  # noqa: S608 - the table's own name
    result = run("replay", path)
    assert result.exit_code == 1
    assert "row 3" in result.output
    assert re.search(r"^rows verified +2$", result.output, re.MULTILINE)


def test_replay_of_something_else(tmp_path: Path) -> None:
    assert run("replay", tmp_path / "gone.db").exit_code == 2
    other = tmp_path / "other.db"
    other.write_text("no journal" * 1_000)
    result = run_process("replay", other, cwd=tmp_path)
    assert result.returncode == 1
    assert "error: " in result.stderr
    assert "Traceback" not in result.stderr


# The program


def test_mistakes_show_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "acd.toml").write_text("[queues.q]\nrona = 1\nlate = true\n")
    result = run_process("serve", cwd=tmp_path)
    assert result.returncode == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        "error: acd.toml:2: queues.q.rona: 1 is not a text; write it in quotes",
        f"error: acd.toml:3: queues.q.late: true is not a duration; {FIX}",
    ]


def test_the_entry_point_is_this_program() -> None:
    (point,) = [point for point in metadata.entry_points(group="console_scripts") if point.name == "acd"]
    assert point.value == "acd.cli:main"
    assert isinstance(acd, click.Group)
    assert os.access(Path(sys.executable).with_name("acd"), os.X_OK)


def test_an_adapter_brings_a_command() -> None:
    assert re.search(r"^  import-queues +[A-Z].*\.$", run("--help").output, re.MULTILINE)
    assert run("import-queues", "--help").output.startswith("Usage: acd import-queues ")


@pytest.mark.parametrize(
    ("target", "reason"),
    [
        ("acd.no_such_module:command", "ModuleNotFoundError: No module named 'acd.no_such_module'"),
        ("acd.cli:COMMANDS", "acd.cli:COMMANDS is no click command"),
    ],
)
def test_a_command_that_cannot_be_had_says_so_and_the_others_work(
    target: str, reason: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    installed = tmp_path / "broken-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: broken\nVersion: 1.0\n")
    (installed / "entry_points.txt").write_text(f"[acd.commands]\nbroken = {target}\nversion = {target}\n")
    monkeypatch.syspath_prepend(tmp_path)
    assert re.search(r"^  broken +Cannot be loaded\.$", run("--help").output, re.MULTILINE)
    result = run("broken")
    assert result.exit_code == 1
    assert result.output == f"Error: broken cannot be loaded ({reason}); update or remove what brings it\n"
    assert run("version").exit_code == 0


def test_check_says_which_days_the_calendars_do_not_know(tmp_path: Path) -> None:
    text = '[queues.q]\ncalendar = "c"\n[calendars.c]\ncountry = "CN"\ntime_zone = "UTC"\nhours = { mon = "9:00-9:30" }'
    report = check_text(text, base=tmp_path)
    assert unknown_days(report, date(2024, 5, 1)) == []
    years = [year for year in range(2024, 2060) if unknown_days(report, date(year, 5, 1))]
    (problem,) = unknown_days(report, date(years[0], 5, 1))
    assert problem.startswith(f"calendar c: the make-up workdays of CN are not known for {years[0]}, so")
    assert unknown_days(check_text("[queues.q]\nstrategy = 3\n", base=tmp_path), date(years[0], 5, 1)) == []
