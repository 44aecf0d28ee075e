"""The diagrams in ARCHITECTURE.md are those of the tables that the engine runs on."""

from pathlib import Path

import pytest

from acd.core.states import TABLES
from acd.testing import diagrams

DOCUMENT = Path(__file__).parents[2] / diagrams.DOCUMENT


def test_the_document_is_up_to_date() -> None:
    document = DOCUMENT.read_text(encoding="utf-8")
    assert diagrams.BEGIN in document
    assert document == diagrams.updated(document), "stale diagrams; run: python -m acd.testing.diagrams"


def test_every_transition_of_every_table_is_drawn() -> None:
    for initial, table in TABLES.values():
        lines = [line.strip() for line in diagrams.draw(initial, table).splitlines()]
        assert f"[*] --> {initial.replace('-', '_')}" in lines
        for state, row in table.items():
            for trigger, following in row.items():
                assert f"{state.replace('-', '_')} --> {following.replace('-', '_')}: {trigger}" in lines
            assert (f"{state} --> [*]" in lines) == (not row)
        arrows = [line for line in lines if "-->" in line]
        assert len(arrows) == 1 + sum(len(row) or 1 for row in table.values())


def test_writing_and_checking(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = tmp_path / "DOCUMENT.md"
    path.write_text("# Title\n\nText.\n", encoding="utf-8")
    assert diagrams.main(["--check", str(path)]) == 1
    assert "stale" in capsys.readouterr().err
    assert path.read_text(encoding="utf-8") == "# Title\n\nText.\n"
    assert diagrams.main([str(path)]) == 0
    assert diagrams.main(["--check", str(path)]) == 0
    written = path.read_text(encoding="utf-8")
    assert written.startswith("# Title\n\nText.\n\n<!--")
    path.write_text(written.replace("draining", "drowning") + "\nMore.\n", encoding="utf-8")
    assert diagrams.main(["--check", str(path)]) == 1
    assert diagrams.main([str(path)]) == 0
    assert path.read_text(encoding="utf-8") == written + "\nMore.\n"


@pytest.mark.parametrize(("marker", "missing"), [(diagrams.BEGIN, diagrams.END), (diagrams.END, diagrams.BEGIN)])
def test_a_lone_marker_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], marker: str, missing: str
) -> None:
    path = tmp_path / "DOCUMENT.md"
    path.write_text(f"# Title\n{marker}\n", encoding="utf-8")
    assert diagrams.main([str(path)]) == 1
    assert f"the marker {missing} is missing" in capsys.readouterr().err


def test_a_document_that_is_not_there_is_an_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert diagrams.main(["--check", str(tmp_path / "none.md")]) == 1
    assert "none.md" in capsys.readouterr().err
