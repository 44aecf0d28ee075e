"""`acd top` on a real terminal, beside a real `acd serve`: what is on the screen after real traffic."""

import asyncio
import json
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from aiohttp.test_utils import unused_port

from acd.client import Client
from tests.cli.terminal import Terminal
from tests.served import TOKEN, Served, write_secret
from tests.serving import ANNAS_TOKEN, TEXT, write_tokens

TEAMS_TOKEN = "canary-token-of-the-team-0123456789"
MORE = """
[snapshots]
enabled = false
[agents."陈伟"]
name = "客服专员陈伟"
skills = { "中文" = 9 }
[queues."客服"]
title = "中文客服"
requirement = 'skills["中文"] >= 5'
[channels.lines]
type = "simulated"
[[api.tokens]]
name = "team"
token_file = "token-of-the-team"
roles = ["supervisor"]
queues = ["客服"]
"""


class Centre:
    """`acd serve` in a folder, on one port however often it is started."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{unused_port()}"
        self.served: list[Served] = []
        write_tokens(folder)
        write_secret(folder, "token-of-the-team", TEAMS_TOKEN)
        text = TEXT.replace("port = 0", f"port = {self.url.rpartition(':')[2]}") + MORE
        (folder / "acd.toml").write_text(text, encoding="utf-8")

    def start(self) -> None:
        self.served.append(Served(self.folder))
        self.served[-1].ready()

    def kill(self) -> None:
        self.served[-1].kill()

    def ask(self, *asking: tuple[str, dict[str, object]]) -> None:
        """Call operations, one after the other."""

        async def ask() -> None:
            async with Client(self.url, TOKEN) as client:
                for operation, arguments in asking:
                    await client.call(operation, **arguments)

        asyncio.run(ask())


@pytest.fixture
def centre(tmp_path: Path) -> Iterator[Centre]:
    centre = Centre(tmp_path)
    centre.start()
    yield centre
    centre.kill()


Open = Callable[..., Terminal]


@pytest.fixture
def top(centre: Centre) -> Iterator[Open]:
    """Opens `acd top` on a terminal; closed in the end."""
    opened: list[Terminal] = []

    def open_(*arguments: str, columns: int = 120, lines: int = 30, **environment: str) -> Terminal:
        terminal = Terminal(centre.folder, "top", *arguments, columns=columns, lines=lines, **environment)
        opened.append(terminal)
        return terminal

    yield open_
    for terminal in opened:
        terminal.close()


def enqueued(number: int, queue: str = "sales") -> tuple[str, dict[str, object]]:
    return "enqueue", {"id": f"call-{number}", "queue": queue, "channel": "voice"}


SIGN_IN = ("sign_in", {"agent": "anna", "ready": True})


def test_the_screen_follows_what_happens(centre: Centre, top: Open) -> None:
    terminal = top()
    terminal.until(lambda: "ready" in terminal.screen.display[0] and "agents" not in terminal.shown)
    # A terminal may be given the first lines of a screen before the others: anna's is the last of them.
    terminal.until(lambda: "signed-out" in terminal.row("anna"))
    assert terminal.screen.display[1].startswith("channels: lines ready")
    assert terminal.row("sales").split() == ["sales", "0", "–", "–", "–", "0", "0", "0", "0", "0/0/0", "open"]
    assert terminal.row("anna").split()[:3] == ["anna", "Anna", "signed-out"]

    centre.ask(SIGN_IN, enqueued(1), enqueued(2))
    terminal.until(lambda: "call-1 first in line" in terminal.shown or "call-1 waited" in terminal.shown)
    terminal.until(lambda: terminal.row("sales").split()[1:2] == ["2"])
    assert terminal.row("anna").split()[2] == "ready"
    assert "100%" in terminal.row("anna")
    assert "offered call-1 (sales" in terminal.row("anna")

    centre.ask(("accept", {"offer": "call-1.1", "agent_id": "anna"}))
    terminal.until(lambda: "active call-1 (sales" in terminal.row("anna"))
    terminal.until(lambda: terminal.row("sales").split()[1:2] == ["1"])
    *_, level, offered, answered, abandoned, talking, crowd, state = terminal.row("sales").split()
    assert (level, offered, answered, abandoned, talking) == ("100%", "2", "1", "0", "1")
    assert (crowd, state) == ("0/1/0", "open")

    centre.ask(
        ("end", {"interaction": "call-2", "by": "customer"}), ("close_queue", {"queue": "sales", "reason": "fire"})
    )
    terminal.until(lambda: "closed: fire" in terminal.row("sales"))
    *_, answered, abandoned, talking, crowd, _, _ = terminal.row("sales").split()
    assert (answered, abandoned, talking, crowd) == ("1", "1", "1", "0/1/0")

    centre.ask(("note_device", {"agent": "anna", "channel": "voice", "state": "in-use"}))
    terminal.until(lambda: "voice in-use" in terminal.row("anna"))
    terminal.press("q")
    assert terminal.end() == (0, "")
    assert terminal.modes() == terminal.before


def test_wide_characters_are_aligned(centre: Centre, top: Open) -> None:
    centre.ask(enqueued(1, "客服"))
    terminal = top()
    terminal.until(lambda: terminal.row("客").strip() != "")
    rows = [number for number, line in enumerate(terminal.screen.display) if line.rstrip().endswith("open")]
    assert len(rows) == 2
    ends = {max(place for place, cell in terminal.screen.buffer[row].items() if cell.data == "n") for row in rows}
    assert len(ends) == 1, terminal.shown
    heading = next(number for number, line in enumerate(terminal.screen.display) if line.startswith("queue (2)"))
    columns = "".join(terminal.screen.buffer[heading][place].data or " " for place in range(120))
    waiting = columns.index("waiting") + len("waiting") - 1
    assert terminal.screen.buffer[rows[1]][waiting].data == "1"


def test_it_survives_an_engine_that_is_killed(centre: Centre, top: Open) -> None:
    centre.ask(SIGN_IN, enqueued(1))
    terminal = top()
    terminal.until(lambda: "offered call-1" in terminal.shown)
    centre.kill()
    terminal.until(lambda: "reconnecting… no connection for" in terminal.screen.display[0])
    assert "offered call-1" in terminal.shown
    centre.start()
    centre.ask(enqueued(2), ("accept", {"offer": "call-1.1", "agent_id": "anna"}))
    terminal.until(lambda: "reconnecting" not in terminal.shown and "active call-1" in terminal.shown)
    terminal.until(lambda: terminal.row("sales").split()[1:2] == ["1"])
    terminal.process.terminate()
    assert terminal.end() == (0, "")
    assert terminal.modes() == terminal.before


def test_keys(centre: Centre, top: Open) -> None:
    terminal = top(lines=12)
    terminal.until(lambda: "tab other table" in terminal.shown)
    assert "above, " in terminal.shown
    first = terminal.row("anna")
    assert first
    terminal.press("\t\x1b[B")
    terminal.until(lambda: not terminal.row("anna") and terminal.row("boris") != "")
    terminal.press("\x1b[A")
    terminal.until(lambda: terminal.row("anna") != "")
    terminal.press("s")
    terminal.until(lambda: "(waiting)" in terminal.shown)
    centre.ask(enqueued(1, "客服"))
    terminal.until(lambda: terminal.row("客") != "" and not terminal.row("sales"))
    terminal.process.send_signal(signal.SIGINT)
    assert terminal.end() == (0, "")


def test_a_narrow_terminal_without_colours(centre: Centre, top: Open) -> None:
    centre.ask(SIGN_IN, enqueued(1))
    terminal = top(columns=50, lines=20, NO_COLOR="1")
    terminal.until(lambda: terminal.row("anna") != "")
    assert all(len(line) <= 50 for line in terminal.screen.display)
    assert "abandoned" not in terminal.shown
    assert "…" in terminal.shown
    terminal.press("q")
    assert terminal.end() == (0, "")
    assert not any(b"\x1b[%dm" % colour in terminal.raw for colour in range(30, 38))


def test_a_token_of_an_agent_sees_its_own(centre: Centre, top: Open) -> None:
    centre.ask(SIGN_IN, enqueued(1))
    terminal = top("--token-file", "token-of-anna")
    terminal.until(lambda: "offered call-1 (sales" in terminal.row("anna"))
    assert "this token is shown its own agent only" in terminal.shown
    assert "boris" not in terminal.shown
    centre.ask(("accept", {"offer": "call-1.1", "agent_id": "anna"}))
    terminal.until(lambda: "active call-1 (sales" in terminal.row("anna"))
    terminal.press("q")
    assert terminal.end() == (0, "")


def test_a_token_of_a_team_sees_its_queues(centre: Centre, top: Open) -> None:
    terminal = top("--token-file", "token-of-the-team")
    terminal.until(lambda: terminal.row("客服") != "")
    centre.ask(SIGN_IN, enqueued(1), enqueued(2, "客服"))
    terminal.until(lambda: terminal.row("客服").split()[2:3] == ["1"])
    assert "sales" not in terminal.shown
    assert "call-1" not in terminal.shown
    assert "陈" in terminal.shown
    assert not terminal.row("anna")
    terminal.press("q")
    assert terminal.end() == (0, "")


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Without a terminal."""
    command = [sys.executable, "-m", "acd.cli", "top", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=60, check=False)


def test_without_a_terminal_there_is_one_picture(centre: Centre) -> None:
    centre.ask(SIGN_IN, enqueued(1))
    done = run(centre.folder)
    assert (done.returncode, done.stderr) == (0, "")
    assert "\x1b" not in done.stdout
    assert "offered call-1 (sales" in done.stdout
    seen = json.loads(run(centre.folder, "--json", "--queue", "客服", "--sort", "wait").stdout)
    assert [queue["id"] for queue in seen["queues"]] == ["客服"]
    assert [agent["id"] for agent in seen["agents"]] == ["陈伟"]
    assert seen["channels"][0] == {"name": "lines", "connected": True, "state": "ready", "error": ""}
    assert seen["decisions"] == []
    everybody = json.loads(run(centre.folder, "--json").stdout)
    assert [agent["id"] for agent in everybody["agents"]] == ["anna", "boris", "陈伟"]
    assert everybody["agents"][0]["work"][0]["state"] == "offered"


def test_mistakes_are_said_in_a_sentence(centre: Centre, tmp_path: Path) -> None:
    (tmp_path / "other").write_text(TOKEN + "-another")
    done = run(tmp_path, "--token-file", "other")
    assert done.returncode == 1
    assert f"{centre.url} does not know the token" in done.stderr
    assert "--token-file" in done.stderr
    done = run(tmp_path, "--queue", "sale")
    assert (done.returncode, "there is no sale; there is sales, 客服" in done.stderr) == (1, True)
    done = run(tmp_path, "--queue", "sales", "--token-file", "token-of-anna")
    assert (done.returncode, "may not see queues" in done.stderr) == (1, True)
    centre.kill()
    done = run(tmp_path, "--once")
    assert done.returncode == 1
    assert f"no engine answers at {centre.url}" in done.stderr
    assert "Traceback" not in done.stderr
    assert ANNAS_TOKEN not in done.stderr
