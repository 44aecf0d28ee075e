"""`python -m bench` runs every benchmark and judges them by the targets, `python -m bench NAME …` one of them."""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic
from typing import Final

import click

from bench import calls, chat, decision, durable, entry_to_invite, events, garbage, growth, memory, services, web
from bench.compiled import can_compile, enter
from bench.report import console_for_reports
from bench.targets import Figure, show_verdicts, verdicts_json

RUNS: Final[dict[str, click.Command]] = {
    "decision": decision.main,
    "growth": growth.main,
    "services": services.main,
    "durable": durable.main,
    "events": events.main,
    "http": web.main,
    "memory": memory.main,
    "garbage": garbage.main,
    "entry-to-invite": entry_to_invite.main,
    "calls": calls.main,
    "chat": chat.main,
}
"""In this order."""


@click.group(invoke_without_command=True)
@click.option("--quick", is_flag=True, help="A minute or two instead of a quarter of an hour; some sizes are smaller.")
@click.option("--json", "json_path", type=click.Path(path_type=Path, dir_okay=False), help="Write all figures there.")
@click.option(
    "--compiled/--interpreted",
    default=None,
    help="The core as machine code, made in a minute; or as it is. [default: compiled, where that can be done]",
)
@click.pass_context
def main(context: click.Context, *, quick: bool, json_path: Path | None, compiled: bool | None) -> None:
    """Measure it, side by side with what people use or would write instead."""
    if can_compile() if compiled is None else compiled:
        enter()
    if context.invoked_subcommand is None:
        documents = run_all(quick=quick)
        figures = list(_figures(documents))
        show_verdicts(figures, console_for_reports())
        if json_path is not None:
            everything = {"targets": verdicts_json(figures), "benchmarks": documents}
            json_path.write_text(json.dumps(everything, indent=1), encoding="utf-8")


def run_all(*, quick: bool) -> list[dict[str, object]]:
    """Every benchmark, one after the other; one that cannot run here says why, and the others go on."""
    documents = []
    with tempfile.TemporaryDirectory(prefix="acd-bench-") as folder:
        for name, command in RUNS.items():
            path = Path(folder) / f"{name}.json"
            begun = monotonic()
            try:
                command.main([*(["--quick"] if quick else []), "--json", str(path)], standalone_mode=False)
            except click.ClickException as problem:
                print(f"{name} sits out: {problem.message}", file=sys.stderr)
                continue
            print(f"{name} took {monotonic() - begun:.0f} s", file=sys.stderr, flush=True)
            documents.append(json.loads(path.read_text(encoding="utf-8")))
    return documents


def _figures(documents: list[dict[str, object]]) -> Iterator[Figure]:
    """What each benchmark has said of the targets."""
    for document in documents:
        judged = document.get("targets", [])
        assert isinstance(judged, list)
        for each in judged:
            yield Figure(each["figure"], each["value"], each["at"], each["smaller"])


for _name, _command in RUNS.items():
    main.add_command(_command, _name)

if __name__ == "__main__":
    main()
