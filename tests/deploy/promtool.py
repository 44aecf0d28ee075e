"""Prometheus and promtool for tests, fetched on first use, and the names of the alerts."""

import re
import subprocess
from pathlib import Path

from acd_asterisk.lab import LabUnavailable
from bench.provision import Program, prometheus_program
from tests.missing import missing_tool

DEPLOY = Path(__file__).parents[2] / "deploy"
RULES = DEPLOY / "prometheus" / "acd.rules.yml"
DASHBOARD = DEPLOY / "grafana" / "acd.json"


def program() -> Program:
    """Without it a test skips; under CI it fails."""
    try:
        return prometheus_program()
    except LabUnavailable as reason:
        missing_tool(f"Prometheus: {reason}")


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    """Run it; standard output and error together."""
    found = program()
    return subprocess.run(
        [str(found.folder / "promtool"), *arguments],
        env=found.environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )


def alerts() -> list[str]:
    """The names of all alerts, in order."""
    return re.findall(r"^ +- alert: (\w+)$", RULES.read_text(), re.MULTILINE)
