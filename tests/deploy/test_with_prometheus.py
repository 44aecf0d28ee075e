"""A real Prometheus scrapes a real `acd serve`: what the dashboard and the alerts ask for is there."""

import json
import re
import signal
import subprocess
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest
from aiohttp.test_utils import unused_port

from tests.deploy.promtool import DASHBOARD, RULES, alerts, program, promtool
from tests.served import TOKEN, Served, ask, write_secret

POLL_SECONDS: Final = 0.1
PATIENCE_SECONDS: Final = 60.0
SCRAPES: Final = 4
"""Scrapes after the traffic, so that there is a rate of everything."""

CONFIG = """\
[snapshots]
enabled = false
[api]
port = 0
[metrics]
port = 0
[[api.tokens]]
name = "test"
token_file = "token"
roles = ["system"]
[channels.lab]
type = "simulated"
[channels.pbx]
type = "asterisk"
url = "http://127.0.0.1:9/ari"
user = "nobody"
password_file = "secret"
[webhooks.crm]
url = "http://127.0.0.1:9/nobody"
secret_file = "secret"
[agents.anna]
[agents.boris]
[queues.sales]
wrap_up = "0s"
rona = "stay-ready"
[queues.support]
requirement = '"nobody" in labels'
"""


class Request(NamedTuple):
    """Requests to the API under test."""

    address: str

    def __call__(self, method: str, path: str, body: object = None) -> None:
        status, answer = ask(f"{self.address}{path}", method, body=json.dumps(body or {}).encode())
        assert status < HTTPStatus.BAD_REQUEST, answer


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Request, str]]:
    """A running engine: its API, and host and port of its figures."""
    folder = tmp_path_factory.mktemp("acd")
    (folder / "acd.toml").write_text(CONFIG)
    for name, text in (("token", TOKEN), ("secret", f"whsec_{'QUFB' * 8}")):
        write_secret(folder, name, text)
    served = Served(folder)
    api, figures = served.ready().split(", ")
    yield Request(api), figures.removeprefix("http://").removesuffix("/metrics")
    assert served.end(signal.SIGTERM)[0] == 0


class Prometheus:
    """A running server, asked over its HTTP API."""

    def __init__(self, folder: Path, target: str) -> None:
        (folder / "prometheus.yml").write_text(
            json.dumps(
                {
                    "global": {"scrape_interval": "500ms", "evaluation_interval": "1s"},
                    "rule_files": [str(RULES)],
                    "scrape_configs": [{"job_name": "acd", "static_configs": [{"targets": [target]}]}],
                }
            )
        )
        checked = promtool("check", "config", str(folder / "prometheus.yml"))
        assert checked.returncode == 0, checked.stdout
        self.address = f"127.0.0.1:{unused_port()}"
        found = program()
        self.process = subprocess.Popen(
            [
                str(found.folder / "prometheus"),
                f"--config.file={folder / 'prometheus.yml'}",
                f"--storage.tsdb.path={folder / 'data'}",
                f"--web.listen-address={self.address}",
                "--log.level=error",
            ],
            cwd=folder,
            env=found.environment(),
        )

    def ask(self, path: str, **query: str) -> Any:  # noqa: ANN401 - JSON
        """The `data` of an answer; what is wrong with a query is raised."""
        url = f"http://{self.address}/api/v1/{path}?{urllib.parse.urlencode(query)}"
        try:
            with urllib.request.urlopen(url, timeout=10) as response:
                return json.load(response)["data"]
        except urllib.error.HTTPError as error:
            if error.code == HTTPStatus.SERVICE_UNAVAILABLE:
                raise
            with error:
                raise AssertionError(f"{query}: {error.read().decode()}") from error

    def series(self, query: str) -> list[dict[str, str]]:
        """The labels of what a query finds."""
        return [each["metric"] for each in self.ask("query", query=query)["result"]]

    def until(self, query: str) -> None:
        """Wait until it finds something."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                if self.series(query):
                    return
            except OSError as error:
                assert self.process.poll() is None
                if isinstance(error, urllib.error.HTTPError):
                    error.close()
            assert time.monotonic() < deadline, query
            # It tells nobody when it has scraped; it can only be asked.
            time.sleep(POLL_SECONDS)


@pytest.fixture(scope="module")
def prometheus(tmp_path_factory: pytest.TempPathFactory, address: tuple[Request, str]) -> Iterator[Prometheus]:
    """One that has seen traffic, and figures before and after it."""
    request, target = address
    running = Prometheus(tmp_path_factory.mktemp("prometheus"), target)
    try:
        running.until("count_over_time(acd_ready[1m]) > 1")
        traffic(request)
        running.until("acd_interactions_answered_total > 0")
        running.until(f"count_over_time(acd_outbox_messages[1m]) > {SCRAPES}")
        yield running
    finally:
        running.process.terminate()
        running.process.wait(PATIENCE_SECONDS)


def traffic(request: Request) -> None:
    """A little of everything: answered, abandoned, declined; one waits on."""
    request("POST", "/v1/agents/anna/sign-in", {"ready": True})
    for number in range(6):
        name = f"mail-{number}"
        request("POST", "/v1/interactions", {"id": name, "queue": "sales", "channel": "email"})
        request("POST", f"/v1/offers/{name}.1/accept", {"agent_id": "anna"})
        request("POST", f"/v1/interactions/{name}/end", {"by": "agent"})
    request("POST", "/v1/interactions", {"id": "chat-1", "queue": "sales", "channel": "chat"})
    request("POST", "/v1/offers/chat-1.1/decline", {"agent_id": "anna"})
    request("POST", "/v1/interactions/chat-1/end", {"by": "customer"})
    request("POST", "/v1/interactions", {"id": "chat-2", "queue": "support", "channel": "chat"})


def queries() -> list[tuple[str, str]]:
    """(panel, query) of the dashboard, its variables replaced by what they are for all."""
    dashboard = json.loads(DASHBOARD.read_text())
    return [
        (f"{panel['title']}: {target['legendFormat']}", re.sub(r"\$(domain|queue)\b", ".*", target["expr"]))
        for panel in dashboard["panels"]
        for target in panel.get("targets", ())
    ]


SELECTOR = re.compile(r"\b((?:acd|process)_\w+)(\{[^}]*\})?")
GROUPING = re.compile(r"\b(?:by|on) \(([^)]*)\)")


def expressions() -> list[str]:
    """Those of the alerts."""
    text = RULES.read_text()
    found = re.findall(r"^ +expr: (?:>-\n)?(.+?)\n +(?:for|labels):", text, re.MULTILINE | re.DOTALL)
    assert len(found) == len(alerts())
    return [" ".join(each.split()) for each in found]


@pytest.mark.parametrize(("panel", "query"), queries(), ids=[panel for panel, _ in queries()])
def test_every_query_of_the_dashboard_finds_something(prometheus: Prometheus, panel: str, query: str) -> None:
    found = prometheus.series(query)
    assert found, panel
    legend = re.findall(r"\{\{(\w+)\}\}", panel)
    assert [label for label in legend if not all(label in labels for labels in found)] == []


@pytest.mark.parametrize("expression", expressions(), ids=alerts())
def test_every_name_in_an_alert_is_there(prometheus: Prometheus, expression: str) -> None:
    prometheus.ask("query", query=expression)
    for name, matchers in SELECTOR.findall(expression):
        found = prometheus.series(f"{name}{matchers}")
        assert found, f"{name}{matchers}"
        grouped = {label.strip() for labels in GROUPING.findall(expression) for label in labels.split(",")}
        assert grouped <= found[0].keys()


def test_variables_of_the_dashboard_have_values(prometheus: Prometheus) -> None:
    dashboard = json.loads(DASHBOARD.read_text())
    asked = [each["query"]["query"] for each in dashboard["templating"]["list"] if each["type"] == "query"]
    parts = [re.fullmatch(r"label_values\((\w+)(?:\{.*\})?, (\w+)\)", query) for query in asked]
    assert [{labels[part[2]] for labels in prometheus.series(part[1])} for part in parts if part is not None] == [
        {"default"},
        {"sales", "support"},
    ]


def test_what_is_wrong_is_seen_by_the_rules(prometheus: Prometheus, address: tuple[Request, str]) -> None:
    """As a real server evaluates them, with its annotations written out."""
    address[0]("POST", "/v1/agents/anna/sign-out")
    prometheus.until('ALERTS{alertname="AcdNobodySignedIn",alertstate="pending"}')
    loaded = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert [rule["name"] for rule in loaded] == alerts()
    assert {rule["health"] for rule in loaded} <= {"ok", "unknown"}
    assert all(rule["annotations"]["summary"] and rule["annotations"]["description"] for rule in loaded)
    raised = {
        each["labels"]["alertname"]: each["annotations"]["summary"] for each in prometheus.ask("alerts")["alerts"]
    }
    address[0]("POST", "/v1/agents/anna/sign-in", {"ready": True})
    assert raised.pop("AcdNobodySignedIn") == "default: 1 wait, and no agent is signed in."
    # There is no PBX where one should be.
    assert set(raised) <= {"AcdChannelDisconnected", "AcdNotReady"}


def test_the_dashboard_is_whole() -> None:
    """Panels have ids of their own and do not overlap; every query uses the variables."""
    panels = json.loads(DASHBOARD.read_text())["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    cells = [
        (x, y)
        for panel in panels
        for at in (panel["gridPos"],)
        for x in range(at["x"], at["x"] + at["w"])
        for y in range(at["y"], at["y"] + at["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24
    for panel in panels:
        for target in panel.get("targets", ()):
            assert "$domain" in target["expr"] or "process_" in target["expr"]
