"""Every alert fires when it should, and is quiet when nothing is wrong: unit tests by Prometheus' own promtool."""

import json
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.deploy.promtool import RULES, alerts, promtool

AT = "40m"
D = 'domain="shanghai"'
Q = f'{D},queue="sales"'
JOB = 'instance="a:9420",job="acd"'
PBX = f'channel_instance="pbx",{D}'
PBX_CONNECTED = f"acd_channel_connected{{{PBX}}}"
PBX_DIFFERS = f'acd_pbx_differences_total{{{PBX},kind="not-held"}}'


class Case(NamedTuple):
    """Series (name and labels → values a minute, in promtool's notation) that raise the alert, and that do not."""

    fires: dict[str, str]
    quiet: dict[str, str]


def levels(met: str, decided: str = "0+1x45") -> dict[str, str]:
    return {f"acd_service_level_met_total{{{Q}}}": met, f"acd_service_level_decided_total{{{Q}}}": decided}


def left(count: str) -> dict[str, str]:
    return {**levels("0x45"), f'acd_interactions_total{{{Q},outcome="abandoned"}}': count}


def rang(expired: str, accepted: str) -> dict[str, str]:
    return {
        f'acd_offers_total{{{Q},outcome="expired"}}': expired,
        f'acd_offers_total{{{Q},outcome="accepted"}}': accepted,
    }


def commits(fast: str, slow: str) -> dict[str, str]:
    return {
        f'acd_commit_seconds_bucket{{{D},le="{le}"}}': count
        for le, count in (("0.05", fast), ("0.25", slow), ("+Inf", slow))
    }


def staffed(waiting: str, signed_in: str) -> dict[str, str]:
    return {
        f"acd_queue_waiting{{{Q}}}": waiting,
        f'acd_agents{{{D},presence="ready"}}': "0x45",
        f'acd_agents{{{D},presence="not-ready"}}': signed_in,
        f'acd_agents{{{D},presence="signed-out"}}': "7x45",
    }


def gauge(name: str, labels: str, fires: str, quiet: str) -> Case:
    series = f"{name}{{{labels}}}"
    return Case({series: fires}, {series: quiet})


def counter(name: str, labels: str = D) -> Case:
    return gauge(name, labels, "0x35 1x10", "5x45")


CASES = {
    "AcdGone": Case({}, {f"acd_ready{{{D}}}": "1x45"}),
    "AcdRestartsAgainAndAgain": gauge("process_start_time_seconds", JOB, "1x20 2x5 3x5 4x15", "1x20 2x25"),
    "AcdNotReady": gauge("acd_ready", D, "0x45", "1x45"),
    "AcdChannelDisconnected": gauge("acd_channel_connected", PBX, "1x30 0x15", "0x30 1x15"),
    "AcdPbxDiffersAgainAndAgain": Case(
        {PBX_DIFFERS: "0+0.5x45", PBX_CONNECTED: "1x45"}, {PBX_DIFFERS: "0+0.5x45", PBX_CONNECTED: "1x20 0x1 1x24"}
    ),
    "AcdPbxFallsSilent": gauge("acd_pbx_silences_total", PBX, "0+0.2x45", "0x30 2x15"),
    "AcdJournalOutage": gauge("acd_journal_outage", D, "1x45", "0x45"),
    "AcdJournalHangs": gauge("acd_journal_appending_seconds", D, "0x38 8x5", "0.2x45"),
    "AcdJournalSlow": Case(commits("0+10x45", "0+100x45"), commits("0+100x45", "0+100x45")),
    "AcdInboxFills": gauge("acd_inbox_commands", D, "2000x45", "900x45"),
    "AcdCommandsQuarantined": counter("acd_commands_quarantined_total"),
    "AcdDeadlineStuck": gauge("acd_deadline_stuck", D, "1x45", "0x45"),
    "AcdDeadLetters": gauge("acd_outbox_messages", f'{D},state="dead"', "1x45", "0x45"),
    "AcdOutboxGrows": gauge("acd_outbox_messages", f'{D},state="pending"', "2000x45", "2000x35 5x10"),
    "AcdEventSocketsEvicted": counter("acd_event_sockets_evicted_total"),
    "AcdUnknownTokens": gauge("acd_api_turned_away_total", f'{D},reason="unknown-token"', "0+120x45", "0+30x45"),
    "AcdTokensNotReadAgain": counter("acd_api_token_reloads_total", f'{D},outcome="failed"'),
    "AcdFilesRunOut": Case(
        {f"process_open_fds{{{JOB}}}": "900x45", f"process_max_fds{{{JOB}}}": "1024x45"},
        {f"process_open_fds{{{JOB}}}": "90x45", f"process_max_fds{{{JOB}}}": "1024x45"},
    ),
    "AcdNobodySignedIn": Case(staffed("3x45", "0x45"), staffed("3x45", "1x45")),
    "AcdWaitingTooLong": gauge("acd_longest_wait_seconds", Q, "0+60x45", "20x45"),
    "AcdServiceLevelLow": Case(levels("0+0.5x45"), levels("0+0.9x45")),
    "AcdAbandoned": Case(left("0+0.5x45"), left("0+0.05x45")),
    "AcdOffersNotAnswered": Case(rang("0+1x45", "0+1x45"), rang("0+0.1x45", "0+1x45")),
}


def test_the_rules_are_valid() -> None:
    done = promtool("check", "rules", str(RULES))
    assert done.returncode == 0, done.stdout
    assert f"{len(alerts())} rules found" in done.stdout


def test_every_alert_has_its_case() -> None:
    assert list(CASES) == alerts()


@pytest.mark.parametrize("alert", CASES)
def test_it_fires_and_it_is_quiet(tmp_path: Path, alert: str) -> None:
    firing = f'count by (alertname) (ALERTS{{alertname="{alert}",alertstate="firing"}})'
    expected = {"labels": f'{{alertname="{alert}"}}', "value": 1}
    tests = [
        {
            "interval": "1m",
            "input_series": [{"series": series, "values": values} for series, values in given.items()],
            "promql_expr_test": [{"expr": firing, "eval_time": AT, "exp_samples": samples}],
        }
        for given, samples in ((CASES[alert].fires, [expected]), (CASES[alert].quiet, []))
    ]
    file = tmp_path / "test.yml"
    # JSON is YAML.
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": tests}))
    done = promtool("test", "rules", str(file))
    assert done.returncode == 0, done.stdout


def test_few_cases_raise_no_alert(tmp_path: Path) -> None:
    """A share of three calls says nothing."""
    few = {
        **levels("0x45", "0x20 1x5 2x20"),
        f'acd_interactions_total{{{Q},outcome="abandoned"}}': "0x20 1x5 2x20",
        **rang("0x20 1x5 2x20", "0x45"),
    }
    few |= {PBX_CONNECTED: "1x45", PBX_DIFFERS: "0x20 4x5 8x20"}
    names = "AcdPbxDiffersAgainAndAgain|AcdServiceLevelLow|AcdAbandoned|AcdOffersNotAnswered"
    test = {
        "interval": "1m",
        "input_series": [{"series": series, "values": values} for series, values in few.items()],
        "promql_expr_test": [{"expr": f'ALERTS{{alertname=~"{names}"}}', "eval_time": AT, "exp_samples": []}],
    }
    file = tmp_path / "test.yml"
    file.write_text(json.dumps({"rule_files": [str(RULES)], "evaluation_interval": "1m", "tests": [test]}))
    done = promtool("test", "rules", str(file))
    assert done.returncode == 0, done.stdout
