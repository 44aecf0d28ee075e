"""The five-minute test: whatever a newcomer forgot, or left untidy, is named here.

It reads the repository's files and imports only to resolve names. Exceptions are listed with their reason; the
lists only shrink.
"""

import ast
import os
import re
import select
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import get_args

import pytest

from acd.core import messages
from acd.core.messages import Command, Effect, Event
from acd.core.messages.outcome import RefusalCode

ROOT = Path(__file__).parent.parent
PRODUCT = ("acd", "adapters", "bench", "examples")
MAX_MODULE_LINES = 400
MAX_FUNCTION_LINES = 50

LONG_MODULES: dict[str, str] = {}
"""Path → why it may have more than `MAX_MODULE_LINES` lines. Shrinks only."""

LONG_FUNCTIONS: dict[str, str] = {}
"""Path::name → why it may have more than `MAX_FUNCTION_LINES` lines. Shrinks only."""

BANNED_NAMES = re.compile(r"(^|_)(utils?|helpers?|managers?|misc|v\d)(_|$)")
BANNED_WORDS = re.compile(r"\b(TODO|FIXME|XXX|HACK|WIP|NotImplementedError|placeholder|lorem ipsum)\b", re.IGNORECASE)
HOMES = (
    "root",
    r"home/\w+",
    r"Users/\w+",
    "workspace",
    "mnt",
    *([re.escape(ROOT.parent.name)] if ROOT.parent.name else []),
)
MACHINE_PATHS = re.compile(rf"(?<![\w.}}])/(?:{'|'.join(HOMES)})/")
TEXT_FILES = {".py", ".toml", ".md", ".conf", ".sh", ".txt", ".html", ".js", ".css", ".json", ".yaml", ".yml", ""}


@cache
def tracked() -> tuple[Path, ...]:
    """Files of the repository: those that git knows or would add; without git everything that is not hidden."""
    listing = ["git", "-C", str(ROOT), "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    if shutil.which("git") and (ROOT / ".git").exists():
        done = subprocess.run(listing, capture_output=True, check=False)
        if done.returncode == 0:
            names = (ROOT / name for name in done.stdout.decode().split("\0") if name)
            return tuple(sorted({path for path in names if path.is_file()}))
    ignored = {".venv", ".cache", "__pycache__", "build", "dist", ".git", ".mypy_cache", ".ruff_cache", ".hypothesis"}
    found = (path for path in ROOT.rglob("*") if not ignored & set(path.relative_to(ROOT).parts))
    return tuple(sorted(path for path in found if path.is_file()))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


def is_vendored(path: Path) -> bool:
    """Somebody else's, kept as it is; its checksum is tested."""
    return path.is_relative_to(ROOT / "acd" / "pages" / "vendor")


def modules(*folders: str) -> list[Path]:
    return [path for path in tracked() if path.suffix == ".py" and path.relative_to(ROOT).parts[0] in folders]


@cache
def tree_of(path: Path) -> ast.Module:
    return ast.parse(path.read_text(encoding="utf-8"), name_of(path))


def public(path: Path) -> Iterator[tuple[str, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef]]:
    """Public classes and functions of a module, and public methods of its public classes."""
    for node in tree_of(path).body:
        if not isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef) or node.name.startswith("_"):
            continue
        yield node.name, node
        if isinstance(node, ast.ClassDef):
            for inner in node.body:
                if isinstance(inner, ast.FunctionDef | ast.AsyncFunctionDef) and not inner.name.startswith("_"):
                    yield f"{node.name}.{inner.name}", inner


def is_protocol_of_its_own(path: Path, name: str) -> bool:
    """Methods of a Protocol that only repeats another's signatures (`…: ...` on one line) are documented there."""
    owner = name.partition(".")[0]
    for node in tree_of(path).body:
        if isinstance(node, ast.ClassDef) and node.name == owner and "." in name:
            return any(isinstance(base, ast.Name) and base.id == "Protocol" for base in node.bases)
    return False


def makefile() -> str:
    return (ROOT / "Makefile").read_text(encoding="utf-8")


# Code


def test_every_module_has_a_docstring() -> None:
    missing = [name_of(path) for path in modules(*PRODUCT, "tests") if not ast.get_docstring(tree_of(path))]
    assert missing == []


def test_every_public_name_has_a_docstring() -> None:
    missing = [
        f"{name_of(path)}::{name}"
        for path in modules("acd", "adapters")
        for name, node in public(path)
        if not ast.get_docstring(node) and not is_protocol_of_its_own(path, name)
    ]
    assert missing == []


def test_modules_are_short() -> None:
    lengths = {name_of(path): len(path.read_text(encoding="utf-8").splitlines()) for path in modules("acd", "adapters")}
    long = {name for name, length in lengths.items() if length >= MAX_MODULE_LINES}
    assert long - LONG_MODULES.keys() == set()
    assert LONG_MODULES.keys() - long == set(), "remove these from LONG_MODULES: they are short now"


def test_functions_are_short() -> None:
    long = {
        f"{name_of(path)}::{node.name}"
        for path in modules(*PRODUCT)
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (node.end_lineno or node.lineno) - node.lineno + 1 >= MAX_FUNCTION_LINES
    }
    assert long - LONG_FUNCTIONS.keys() == set()
    assert LONG_FUNCTIONS.keys() - long == set(), "remove these from LONG_FUNCTIONS: they are short now"


def test_every_exception_has_a_reason() -> None:
    for reason in (*LONG_MODULES.values(), *LONG_FUNCTIONS.values()):
        assert len(reason.split()) >= 5


def test_no_module_is_named_for_nothing() -> None:
    names = [name_of(path) for path in modules(*PRODUCT, "tests") if BANNED_NAMES.search(path.stem)]
    assert names == []


def test_nothing_is_left_for_later() -> None:
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in tracked()
        if path.suffix in TEXT_FILES and path.relative_to(ROOT).parts[0] in PRODUCT and not is_vendored(path)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if BANNED_WORDS.search(line)
    ]
    assert found == []


def test_no_file_knows_the_machine_it_was_written_on() -> None:
    found = [
        f"{name_of(path)}:{number}: {line.strip()}"
        for path in tracked()
        if path.suffix in TEXT_FILES and path != Path(__file__)
        for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1)
        if MACHINE_PATHS.search(line)
    ]
    assert found == []


def test_tests_mirror_the_code() -> None:
    """A folder of tests has the name of a folder of code."""
    for folder in sorted({path.parent for path in modules("tests")}):
        inner = folder.relative_to(ROOT / "tests")
        mirrored = {ROOT / "acd" / inner, ROOT / inner}
        if inner.parts[:1] == ("adapters",) and len(inner.parts) > 1:
            name = inner.parts[1]
            mirrored = {ROOT.joinpath("adapters", name, f"acd_{name}", *inner.parts[2:])}
        assert any(path.exists() for path in mirrored), f"tests/{inner} mirrors nothing"


ACTS_IN_REAL_TIME = {
    "tests/adapters/asterisk/test_acceptance_engine_killed.py": "the engine is killed at drawn moments of real calls",
    "tests/adapters/asterisk/test_acceptance_pbx_killed.py": "Asterisk is killed at drawn moments of real calls",
    "tests/adapters/asterisk/raw_caller.py": "speech and keys by RTP are a packet every 20 ms",
    "tests/adapters/asterisk/soak.py": "everything goes wrong at drawn moments of an hour of real calls",
    "tests/api/chat/soak.py": "the engine is killed, and networks are cut, at drawn moments of real chats",
    "tests/api/chat/soak_customer.py": "customers think before they write, and pages wait before they connect again",
    "tests/api/chat/soak_desk.py": "agents think before they answer, and desks wait before they connect again",
    "tests/api/chat/soak_wires.py": "connections are silent for drawn times",
    "tests/adapters/asterisk/test_acceptance_load.py": "agents come and go at drawn moments of real calls",
}
"""Tests whose pauses are what they do to the far end, not waits for a result; each with the reason."""


def is_a_turn_of_the_loop_or_a_poll(call: ast.Call) -> bool:
    """`sleep(0)` lets others run; `sleep(POLL_SECONDS)`, in a loop with a deadline, watches another process."""
    match call.args:
        case [ast.Constant(value=0)] | [ast.Name(id="POLL_SECONDS")]:
            return True
    return False


def test_tests_do_not_sleep() -> None:
    found = [
        f"{name_of(path)}:{node.lineno}"
        for path in modules("tests")
        if name_of(path) not in ACTS_IN_REAL_TIME
        for node in ast.walk(tree_of(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == "sleep"
        and not is_a_turn_of_the_loop_or_a_poll(node)
    ]
    assert found == []


# Vocabulary


@pytest.mark.parametrize("union", [Command, Effect, Event], ids=["commands", "effects", "events"])
def test_every_message_is_exported(union: object) -> None:
    for message in get_args(union):
        assert message.__name__ in messages.__all__
        assert getattr(messages, message.__name__) is message


@pytest.mark.parametrize("module", ["commands", "effects", "events"])
def test_every_message_belongs_to_its_union(module: str) -> None:
    """A message that was written but not added to the union would be unknown to every decoder."""
    union = {"commands": Command, "effects": Effect, "events": Event}[module]
    members = {message.__name__ for message in get_args(union)}
    tagged = {
        node.name
        for path in (ROOT / "acd" / "core" / "messages").glob(f"*{module}.py")
        for node in tree_of(path).body
        if isinstance(node, ast.ClassDef) and any(keyword.arg == "tag" for keyword in node.keywords)
    }
    assert tagged == members


def test_every_refusal_is_explained() -> None:
    architecture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    assert [code for code in get_args(RefusalCode) if f"`{code}`" not in architecture] == []


def test_every_command_has_its_row() -> None:
    architecture = (ROOT / "ARCHITECTURE.md").read_text(encoding="utf-8")
    rows = "\n".join(line.split("|")[1] for line in architecture.splitlines() if line.startswith("|"))
    assert [command.__name__ for command in get_args(Command) if command.__name__ not in rows] == []


GLOSSARY_TERMS = """
interaction, agent, queue, offer, work item, presence, wrap-up, RONA, fit, class, ticket, bucket, load, head start,
exclusion, requirement, channel, channel instance, journal, epoch, chain, snapshot, follower, outbox, effect, event,
command, refusal, desired state, reconcile, dead-man's switch, service level, ASA, AHT, abandonment
"""


def test_the_glossary_has_every_term_in_order_and_once() -> None:
    sections = (ROOT / "GLOSSARY.md").read_text(encoding="utf-8").split("\n## ")[1:]
    found = [re.findall(r"^- \*\*(.+?)\*\*", section, re.MULTILINE) for section in sections]
    for terms in found:
        assert terms == sorted(terms, key=str.lower)
    every = [term.lower() for terms in found for term in terms]
    assert len(set(every)) == len(every)
    assert [term for term in re.split(r",\s+", GLOSSARY_TERMS.strip()) if term.lower() not in every] == []


# Packaging and tooling


@pytest.mark.parametrize("group", ["console_scripts", "acd.channels", "acd.commands"])
def test_entry_points_resolve(group: str) -> None:
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = declared["scripts"] if group == "console_scripts" else declared["entry-points"][group]
    installed = {
        point.name: point for point in metadata.distribution("acd-engine").entry_points if point.group == group
    }
    # What is installed beyond these may come from a newer tree that shares the environment.
    assert set(named) <= set(installed)
    for name, value in named.items():
        assert installed[name].value == value
        assert callable(installed[name].load())


def test_the_changelog_knows_the_version() -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert metadata.version("acd-engine") == version
    assert f"## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_the_readme_names_what_a_newcomer_needs() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    for command in ("make demo", "make test"):
        assert command in readme
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)", readme):
        assert (ROOT / target).exists(), f"README.md links to {target}"


def test_links_of_pages_lead_somewhere() -> None:
    """To a file, and to a heading of it."""
    pages = [path for path in tracked() if path.suffix == ".md"]
    links = [(page, link) for page in pages for link in links_of(page)]
    assert len(links) > 100
    assert [f"{name_of(page)}: {link}" for page, link in links if not leads_somewhere(page, link)] == []


def links_of(page: Path) -> list[str]:
    """Those within the project; what looks like one in code is none."""
    text = re.sub(r"```.*?```|`[^`\n]*`", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)
    return re.findall(r"\]\((?!https?:)([^)\s]+)\)", text)


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = link.partition("#")
    target = page.parent / path if path else page
    if not anchor:
        return target.exists()
    headings = re.findall(r"^#+ (.+)$", target.read_text(encoding="utf-8"), re.MULTILINE) if target.is_file() else []
    return anchor in {re.sub(r"[^\w\- ]", "", each.lower()).replace(" ", "-") for each in headings}


@pytest.mark.parametrize(
    "document",
    [
        "README.md",
        "ARCHITECTURE.md",
        "CONTRIBUTING.md",
        "GLOSSARY.md",
        "CHANGELOG.md",
        "POLICIES.md",
        "CHANNELS.md",
        "DOMAINS.md",
    ],
)
def test_paths_that_documents_name_are_there(document: str) -> None:
    text = (ROOT / document).read_text(encoding="utf-8")
    named = set(re.findall(r"`((?:acd|tests|bench|examples|adapters/asterisk|\.ci)/[\w./-]*)`", text))
    assert [path for path in sorted(named) if "NAME" not in path and not (ROOT / path).exists()] == []


def test_every_target_of_the_makefile_has_help_and_is_phony() -> None:
    targets = set(re.findall(r"^([a-z]+):", makefile(), re.MULTILINE))
    explained = set(re.findall(r"^([a-z]+):.*## \w", makefile(), re.MULTILINE))
    (phony,) = re.findall(r"^\.PHONY: (.+)$", makefile(), re.MULTILINE)
    assert targets == explained == set(phony.split())
    assert {"help", "demo", "test", "check", "bench"} <= targets


def test_make_lists_its_targets() -> None:
    done = subprocess.run(["make", "-C", str(ROOT)], capture_output=True, text=True, check=True)
    assert re.findall(r"^make (\w+) ", done.stdout, re.MULTILINE) == re.findall(r"^([a-z]+):", makefile(), re.MULTILINE)


@pytest.mark.parametrize("script", [".ci/run", ".ci/setup"])
def test_scripts_can_be_run(script: str) -> None:
    path = ROOT / script
    assert os.access(path, os.X_OK)
    shell = path.read_text(encoding="utf-8").splitlines()[0].removeprefix("#!").split()[-1].rpartition("/")[2]
    done = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.fixture
def machine(tmp_path: Path) -> Path:
    """A machine with a shell, the set-up script and nothing else: programs are what the test puts into `bin`."""
    (tmp_path / "bin").mkdir()
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "setup", tmp_path / ".ci")
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for program in ("cat", "cksum", "dirname", "rm"):
        (tmp_path / "bin" / program).symlink_to(shutil.which(program) or "")
    return tmp_path


def set_up(machine: Path) -> subprocess.CompletedProcess[str]:
    shell = shutil.which("sh") or "sh"
    environment = {"PATH": str(machine / "bin")}
    return subprocess.run(
        [shell, str(machine / ".ci" / "setup")], env=environment, capture_output=True, text=True, check=False
    )


def fake_python(machine: Path, name: str, script: str) -> None:
    path = machine / "bin" / name
    path.write_text(f"#!{shutil.which('sh')}\n{script}\n")
    path.chmod(0o755)


def test_set_up_without_python_says_what_to_do(machine: Path) -> None:
    done = set_up(machine)
    assert done.returncode == 1
    assert "no Python 3.11 or later was found" in done.stderr
    fake_python(machine, "python3", "exit 1")  # one that is too old
    assert set_up(machine).stderr == done.stderr


def test_set_up_without_ensurepip_says_what_to_do(machine: Path) -> None:
    fake_python(
        machine, "python3", 'case "$*" in *ensurepip*|*venv*|*pip*) exit 1;; --version) echo Python 3.12.0;; esac'
    )
    done = set_up(machine)
    assert done.returncode == 1
    assert "Python 3.12.0 cannot make virtual environments" in done.stderr
    assert "python3-venv" in done.stderr


def test_set_up_prefers_a_complete_python_and_happens_once(machine: Path) -> None:
    calls = machine / "calls"
    fake_python(machine, "python3.13", "exit 1")
    working = (
        f'echo "$*" >> {calls}\n'
        'case "$*" in "-m venv --clear .venv") '
        '/bin/mkdir -p .venv/bin; /bin/cp "$0" .venv/bin/python;; --version) echo Python 3.12.0;; esac'
    )
    fake_python(machine, "python3.12", working)
    done = set_up(machine)
    assert (done.returncode, done.stderr.splitlines()[-1]) == (0, "acd: ready")
    ran = calls.read_text().splitlines()
    assert "-m venv --clear .venv" in ran
    assert ran[-1].endswith("--editable .[dev,bench]")
    assert "--quiet" in ran[-1]
    assert set_up(machine).stderr == ""
    (machine / "pyproject.toml").write_text("# changed")
    assert set_up(machine).stderr.splitlines()[-1] == "acd: ready"


@pytest.mark.parametrize(
    ("fails", "code"),
    [
        ("nothing", 0),
        ("--ignore=", 1),
        ("ARGS=tests/examples", 1),
        ("--no-loadscope-reorder", 1),
        ("--dist=loadgroup", 1),
        ("check", 2),
    ],
)
def test_a_build_server_runs_every_test_once_in_four_lanes(tmp_path: Path, fails: str, code: int) -> None:
    calls = tmp_path / "calls"
    done = build_server(tmp_path, f'echo "$*" >> {calls}\necho "said: $*"\ncase "$*" in *{fails}*) exit 2;; esac')
    assert done.returncode == code, done.stderr
    first, *beside = calls.read_text().splitlines()
    assert first == "setup"
    assert "said: check" in done.stdout
    if fails == "check":
        return
    beside.remove("check")
    rest, timeless, pbx, processes = sorted(beside)
    assert all("--numprocesses" in lane for lane in (rest, timeless, pbx))
    paths = [
        each
        for lane in (pbx, processes, timeless)
        for each in lane.split()
        if each.startswith(("tests/", "ARGS=tests/"))
    ]
    lanes = [each.removeprefix("ARGS=") for each in paths]
    assert rest.partition(" --ignore=")[1:] == (" --ignore=", " --ignore=".join(lanes))
    assert all((ROOT / each).exists() for each in lanes)
    assert all(f"said: {lane}" in done.stdout for lane in beside)


def test_a_check_that_fails_ends_what_runs_beside_it(tmp_path: Path) -> None:
    """However deep: as long as any of it lives, somebody has the pipe open."""
    begun, alive = tmp_path / "begun", tmp_path / "alive"
    begun.touch()
    os.mkfifo(alive)
    reader = os.open(alive, os.O_RDONLY | os.O_NONBLOCK)
    check = f"while [ ! -s {begun} ]; do sleep 0.01; done; exit 2"
    beside = f"exec 9>{alive} >/dev/null 2>&1; echo >>{begun}; sleep 600 & wait"
    done = build_server(tmp_path, f'case "$*" in setup) ;; check) {check};; *) {beside};; esac')
    assert done.returncode == 2
    lanes = select.poll()
    lanes.register(reader, select.POLLIN)
    assert lanes.poll(10_000) == [(reader, select.POLLHUP)]
    os.close(reader)


def build_server(folder: Path, make: str) -> subprocess.CompletedProcess[str]:
    """What a build server runs, with this instead of make."""
    (folder / "bin").mkdir()
    (folder / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", folder / ".ci")
    for name in ("python3", "cc", "apt-get"):
        fake_python(folder, name, "exit 0")
    fake_python(folder, "make", make)
    environment = {"PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    return subprocess.run(
        [shutil.which("bash") or "bash", str(folder / ".ci" / "run")],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_pages_call_the_pbx_by_one_name() -> None:
    """What is pasted from one beneath what is pasted from another belongs to the same channel."""
    pages = [*ROOT.glob("*.md"), *(ROOT / "examples").rglob("*.md"), *(ROOT / "examples").rglob("*.toml")]
    assert [page.name for page in pages if "channels.pbx1" in page.read_text()] == []
