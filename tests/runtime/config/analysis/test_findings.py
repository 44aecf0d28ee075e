"""Every finding about policies, word for word, as `findings.txt` has them; and how each is allowed."""

import re
import tomllib
from pathlib import Path

import pytest

from acd.runtime.config import Report, check_text
from acd.runtime.config.analysis import starving
from acd.runtime.config.analysis.requirements import MAX_GUESSED
from acd.runtime.config.codes import CODES

HERE = Path(__file__).parent
POLICIES = Path(__file__).parents[4] / "POLICIES.md"


def cases() -> list[tuple[str, str, str, str]]:
    """(code, configuration, what is found, configuration without it)."""
    text = (HERE / "findings.txt").read_text(encoding="utf-8")
    found = []
    for block in re.split(r"^=== ", text, flags=re.MULTILINE)[1:]:
        code, rest = block.split("\n", 1)
        with_it, rest = rest.split("---\n", 1)
        said, without = rest.split("--- without\n", 1)
        found.append((code, with_it, said.strip("\n"), without))
    return found


def report(text: str, base: Path) -> Report:
    return check_text(text, "acd.toml", base, {})


def findings(text: str, base: Path) -> list[str]:
    found = report(text, base)
    kinds = (("error", found.errors), ("warning", found.warnings), ("note", found.notes))
    return [f"{kind}: {problem}" for kind, problems in kinds for problem in problems]


@pytest.mark.parametrize(("code", "with_it", "said", "without"), cases())
def test_exactly_this_is_found_and_nothing_without_it(
    code: str, with_it: str, said: str, without: str, tmp_path: Path
) -> None:
    assert findings(with_it, tmp_path) == [said]
    assert said.endswith(f" [{code}]")
    assert findings(without, tmp_path) == []


@pytest.mark.parametrize(("code", "with_it", "said", "without"), cases())
def test_whatever_is_found_can_be_allowed_in_the_whole_file(
    code: str, with_it: str, said: str, without: str, tmp_path: Path
) -> None:
    del said, without
    allowed = sorted({code, *tomllib.loads(with_it).get("domain", {}).get("allow", ())})
    plain = re.sub(r"^\[domain\]\n(?:(?!\[).*\n)*", "", with_it, flags=re.MULTILINE)
    text = f"[domain]\nallow = {allowed!r}\n{plain}"
    assert findings(text, tmp_path) == []


@pytest.mark.parametrize(
    ("code", "with_it", "said", "without"), [case for case in cases() if re.search(r":\d+: queues\.", case[2])]
)
def test_what_is_found_in_a_queue_can_be_allowed_there(
    code: str, with_it: str, said: str, without: str, tmp_path: Path
) -> None:
    del without
    (queue,) = re.findall(r":\d+: queues\.(\w+)", said)
    before = tomllib.loads(with_it)["queues"][queue].get("allow", [])
    plain = re.sub(r"^allow = .*\n", "", with_it, flags=re.MULTILINE) if before else with_it
    header = f"[queues.{queue}]\n"
    assert findings(plain.replace(header, f"{header}allow = {sorted({code, *before})!r}\n"), tmp_path) == []
    if not before and code != "reserve-unused":  # another queue is just what that one lacks
        other = f"{with_it}[queues.other]\nband = 10\nallow = [{code!r}]\n"
        place = said.split(": ")[1:3]
        others = [each for each in findings(other, tmp_path) if each.split(": ")[1:3] == place]
        assert [each for each in others if each.endswith(f"[{code}]")], "allowed in another queue"


def test_every_code_has_a_case_and_a_row_in_the_documentation() -> None:
    assert {case[0] for case in cases()} == set(CODES)
    section = POLICIES.read_text(encoding="utf-8").split("\n## Checking policies\n")[1].split("\n## ")[0]
    rows = re.findall(r"^\| `([a-z-]+)` \| (error|warning|note)", section, flags=re.MULTILINE)
    assert sorted(code for code, _ in rows) == sorted(CODES)
    said = {code: case.split(":")[0] for code, _, case, _ in cases()}
    assert {code: severity for code, severity in rows if code != "never-true"} == {
        code: severity for code, severity in said.items() if code != "never-true"
    }


def test_a_code_that_there_is_not_is_an_error(tmp_path: Path) -> None:
    text = '[agents.anna]\n[queues.sales]\nallow = ["strict-odering"]\n[domain]\nallow = [3]\n'
    allow = "is not the code of a finding"
    assert findings(text, tmp_path) == [
        f'error: acd.toml:3: queues.sales.allow: "strict-odering" {allow}; did you mean "strict-ordering"?',
        "error: acd.toml:5: domain.allow[0]: 3 is not a text; write it in quotes",
    ]


def test_policies_are_not_judged_as_long_as_agents_or_queues_cannot_be_read(tmp_path: Path) -> None:
    text = '[queues.sales]\nrequirement = "skills.english >= 5"\n[agents.anna.skills]\nenglish = "much"\n'
    assert [each.split(": ")[2] for each in findings(text, tmp_path)] == ["agents.anna.skills.english"]


def test_the_reason_of_what_waits_for_ever_is_told_once(tmp_path: Path) -> None:
    text = "[agents.anna]\n[queues.sales]\nrequirement = 'skills.english >= 5 && \"vip\" in labels'\n"
    codes = [problem.code for problem in report(text, tmp_path).warnings]
    assert codes == ["unheld-skill", "unheld-label"]
    allowed = text + 'allow = ["unheld-skill", "unheld-label"]\n'
    assert findings(allowed, tmp_path) == []
    either = (
        "[agents.anna.skills]\ngerman = 2\n[queues.sales]\nrequirement = 'skills.english > 3 || skills.german > 3'\n"
    )
    assert [problem.code for problem in report(either, tmp_path).warnings] == ["unheld-skill", "waits-for-ever"]


def test_similar_names_are_sought_for_so_many_only(tmp_path: Path) -> None:
    queues = "".join(f"[queues.q{n:02}]\nrequirement = 'has(skills.x) || has(skills.nam{n}x)'\n" for n in range(60))
    text = f"[agents.anna.skills]\nname = 3\nx = 1\n{queues}"
    fixes = [problem.fix for problem in report(text, tmp_path).warnings]
    assert fixes == ['did you mean "name"?'] * MAX_GUESSED + ["give it to an agent"] * 10


def test_too_many_queues_are_not_compared(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = "[agents.anna]\n[queues.emergency]\nband = 1\n[queues.sales]\n"
    assert [problem.code for problem in report(text, tmp_path).warnings] == ["always-first"]
    monkeypatch.setattr(starving, "MAX_COMPARED", 2 * 2 * starving.FEW - 1)
    assert findings(text, tmp_path) == []
