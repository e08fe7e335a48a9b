import json
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opscan.client.scans import ScanSummary
from opscan.view.tables import scans_table
from tests.support.cli_fakes import (
    DONE,
    NOW,
    SCAN_ID,
    FakeApi,
    FakeTime,
    history,
    listed,
    outcome,
    problem,
    run,
    status,
)
from tests.unit.opscan.test_rendering import drawn, mutilated, printable

REMOTE = ("--api-url", "https://api.example.com", "--token", "secret-token")
GONE = httpx.Response(404, json={"success": False, "status": "not_found", "message": "No such scan."})
ENDED = problem(409, f"The scan has ended already: GET /opportunities/results/{SCAN_ID} reads it.")
RUNS = problem(409, f"The scan runs: POST /opportunities/cancel/{SCAN_ID} ends it, then it can be deleted.")


@given(mutilated(listed(1, filters={"symbols": ["BTC"]})), st.integers(20, 250))
def test_any_list_can_be_drawn_and_never_drives_the_terminal(body: Any, width: int) -> None:
    assert printable(drawn(scans_table([ScanSummary.of(body)], NOW), width=width))


def test_the_list_says_of_each_scan_when_it_was_made_how_it_went_and_what_it_was_asked_for() -> None:
    filters = {
        "symbols": ["BTC", "ETH"],
        "filter_by_risk_level": "low",
        "min_profit_potential": 12.5,
        "max_required_capital": 12_345_678.25,
        "include_strategy_recommendations": False,
    }
    failed = listed(2, status="failed", reason="deadline_exceeded", filters=filters)
    shown = run(FakeApi(scans=[history(listed(1), failed)]), "list", environment={"COLUMNS": "200"}).stdout
    lines = [" ".join(line.split()) for line in shown.splitlines()]
    assert f"scan_{1:032x} complete 14/14 37 everything" in lines
    assert any(line.startswith("2024-04-08 15:00:00 UTC, 5 minutes ago 1") for line in lines)
    said = " ".join(shown.split())
    asked = (
        "--symbol BTC,ETH --risk-level low --min-profit 12.5 --max-capital 12345678.25 --no-strategy-recommendations"
    )
    assert asked in said
    assert "1 deadline_exceeded" in said
    assert shown.index(f"scan_{1:032x}") < shown.index(f"scan_{2:032x}")


@pytest.mark.parametrize("columns", ["80", "100", "160"])
def test_an_id_stays_whole_to_be_copied_and_the_list_fits(columns: str) -> None:
    everything = {"symbols": ["BTC"] * 30, "strategy_ids": ["statistical_arbitrage"] * 3}
    api = FakeApi(scans=[history(listed(7, filters=everything))])
    shown = run(api, "list", environment={"COLUMNS": columns}).stdout
    assert f"scan_{7:032x}" in shown
    assert max(len(line.rstrip()) for line in shown.splitlines()) <= int(columns)


def test_list_reads_pages_until_the_limit_and_an_empty_page_is_not_the_end() -> None:
    pages = [
        history(*map(listed, range(100)), cursor="a"),
        history(cursor="b"),
        history(*map(listed, range(100, 120)), cursor="c"),
    ]
    api = FakeApi(scans=pages)
    ended = run(api, "list", "--limit", "120", "--json")
    assert [one["scan_id"] for one in json.loads(ended.stdout)["scans"]] == [f"scan_{n:032x}" for n in range(120)]
    asked = [(one.url.params["limit"], one.url.params.get("cursor")) for one in api.requests]
    assert asked == [("100", None), ("20", "a"), ("20", "b")]


def test_a_list_that_goes_on_says_so_and_one_that_has_ended_does_not() -> None:
    assert "--limit 2 shows more" in run(FakeApi(scans=[history(listed(), cursor="a")]), "list", "--limit", "1").stdout
    assert "shows more" not in run(FakeApi(scans=[history(listed())]), "list").stdout


def test_an_api_that_repeats_its_cursor_does_not_hold_the_command() -> None:
    assert run(FakeApi(scans=[history(cursor="a")]), "list").exit_code == 0


def test_state_and_dates_are_asked_of_the_api_in_its_own_words() -> None:
    api = FakeApi(scans=[history()])
    arguments = "list --status failed,cancelled --status scanning --created-after 2026-11-20Z"
    ended = run(api, *arguments.split(), "--created-before", "2026-11-21T21:00:00+01:00")
    assert ended.exit_code == 0
    assert parse_qs(urlsplit(str(api.requests[0].url)).query) == {
        "status": ["failed,cancelled,scanning"],
        "created_after": ["2026-11-20T00:00:00Z"],
        "created_before": ["2026-11-21T20:00:00Z"],
        "limit": ["20"],
    }
    assert "No scan of yours matches" in ended.stdout


def test_an_empty_list_says_how_to_make_a_scan() -> None:
    ended = run(FakeApi(scans=[history()]), "list")
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert "`opscan scan` makes one" in ended.stdout


def test_a_scan_is_cancelled_and_it_is_said_how_far_it_had_come() -> None:
    api = FakeApi(cancel=[status("cancelled", "The scan was cancelled.", funding_arbitrage=outcome("complete", 2))])
    ended = run(api, "cancel", SCAN_ID)
    assert ended.exit_code == 0
    assert (api.requests[0].method, api.requests[0].url.path) == ("POST", f"/api/opportunities/cancel/{SCAN_ID}")
    assert "The scan is cancelled; 1 of its 3 strategies had ended." in ended.stdout
    assert f"opscan delete {SCAN_ID}" in ended.stdout


def test_a_cancelled_scan_is_a_json_document_too() -> None:
    answer = status("cancelled", "The scan was cancelled.", **DONE)
    assert json.loads(run(FakeApi(cancel=[answer]), "cancel", SCAN_ID, "--json").stdout) == answer.json()


def test_a_scan_is_deleted() -> None:
    api = FakeApi(scans=[httpx.Response(204)])
    ended = run(api, "delete", SCAN_ID)
    assert (ended.exit_code, ended.stderr) == (0, "")
    assert (api.requests[0].method, api.requests[0].url.path) == ("DELETE", f"/api/opportunities/scans/{SCAN_ID}")
    assert "deleted" in ended.stdout


@pytest.mark.parametrize("deployment", [(), REMOTE])
def test_ended_scan_is_not_cancelled_and_the_ways_on_name_the_same_deployment(deployment: tuple[str, ...]) -> None:
    ended = run(FakeApi(cancel=[ENDED]), "cancel", SCAN_ID, *deployment)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert "The scan has ended already; nothing was changed." in ended.stderr
    assert "GET /" not in ended.stderr
    where = " --api-url https://api.example.com" if deployment else ""
    assert f"`opscan follow {SCAN_ID}{where}`" in ended.stderr
    assert f"`opscan delete {SCAN_ID}{where}`" in ended.stderr
    assert "secret-token" not in ended.output


def test_running_scan_is_not_deleted_and_the_way_on_is_a_command() -> None:
    ended = run(FakeApi(scans=[RUNS]), "delete", SCAN_ID)
    assert (ended.exit_code, ended.stdout) == (1, "")
    assert f"`opscan cancel {SCAN_ID}`" in ended.stderr
    assert "POST /" not in ended.stderr


@pytest.mark.parametrize("command", ["cancel", "delete"])
def test_an_unknown_scan_points_to_the_list(command: str) -> None:
    ended = run(FakeApi(cancel=[GONE], scans=[GONE]), command, SCAN_ID)
    assert ended.exit_code == 1
    assert "knows no such scan" in ended.stderr
    assert "`opscan list`" in ended.stderr


@pytest.mark.parametrize("command", [("list",), ("cancel", SCAN_ID), ("delete", SCAN_ID)])
@pytest.mark.parametrize("code", [429, 503])
def test_a_busy_api_is_said_to_be_busy_asked_again_and_given_up_in_the_end(command: tuple[str, ...], code: int) -> None:
    busy, time = problem(code, "Come back.", {"Retry-After": "7"}), FakeTime()
    ended = run(FakeApi(cancel=[busy], scans=[busy]), *command, time=time)
    assert (ended.exit_code, ended.stdout) == (3, "")
    assert f"The API is busy ({code}); trying again in 7 s." in ended.stderr
    assert f"too busy to answer ({code}: Come back)" in ended.stderr
    assert "Try again in a minute." in ended.stderr
    assert 0 < time.seconds <= 60


def test_a_refused_filter_of_the_list_is_named_as_its_option() -> None:
    refused = problem(422, "The request breaks a rule.", errors={"created_after": "too early"})
    ended = run(FakeApi(scans=[refused]), "list")
    assert ended.exit_code == 2
    assert "--created-after: too early" in ended.stderr
