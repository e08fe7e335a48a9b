import json
import re
from dataclasses import replace

import httpx
import pytest

from opportunities.api.requests import DiscoverRequest, ProfileBody
from opscan.client.requests import ScanFields
from opscan.context import Clock
from opscan.view.request_options import OPTIONS
from tests.support.cli_fakes import (
    DONE,
    SCAN_ID,
    FakeApi,
    FakeRunning,
    FakeStack,
    FakeTime,
    accepted,
    outcome,
    problem,
    results,
    run,
    status,
)
from tests.support.template import ROOT


def a_whole_scan() -> FakeApi:
    return FakeApi(
        status=[
            status(),
            status(funding_arbitrage=outcome("running")),
            status(funding_arbitrage=outcome("complete", 2, best=True), spot_momentum_strategy=outcome("running")),
            status("complete", "The scan is complete.", **DONE),
        ]
    )


def test_a_scan_is_followed_to_its_end_and_its_best_opportunities_are_shown() -> None:
    ended = run(a_whole_scan(), "scan")
    assert ended.exit_code == 0
    assert (
        "funding_arbitrage: done, 2 opportunities in 0.41 s, best BTC/USDT momentum_long $312.50, confidence 0.71"
        in ended.stdout
    )
    assert "risk_management: skipped in 0.41 s: the investor holds nothing" in ended.stdout
    for behind in (
        "COIN0/USDT",
        "69,420.15",
        "74,000.00",
        "312.50",
        "41.27",
        "0.71",
        "2.31, n=512",
        "t of mean return",
    ):
        assert behind in ended.stdout
    assert ended.stderr == ""


def test_the_summary_says_which_market_it_was_and_what_is_missing() -> None:
    said = " ".join(run(a_whole_scan(), "scan").stdout.split())
    assert "Market simulated, captured 2024-04-08 15:00:00 UTC (5 minutes ago), 50 assets" in said
    assert "Assumed spread: 5 basis points" in said
    assert "Missing perpetuals: no marks were recorded" in said
    assert "Excluded listed less than 200 bars ago: 4 markets" in said
    assert "Found 3 by 1 of 3 strategies" in said
    assert "Failed funding_arbitrage: the Lambda timed out; its log: `opscan logs --strategy funding_arbitrage`" in said
    assert "Skipped risk_management: the investor holds nothing" in said
    assert "Cut off spot_momentum_strategy: 7 more were found and not kept" in said
    assert "Advice Risk management: Protects what you hold. Say what you hold:" in said
    assert "opscan profile set --holding BTC=0.4" in said
    assert said.count("the investor holds nothing") == 2  # once while it ran, once in the summary


def test_outside_a_terminal_there_are_no_control_characters() -> None:
    ended = run(a_whole_scan(), "scan")
    assert all(char.isprintable() or char == "\n" for char in ended.stdout)


def test_a_reader_of_a_pipe_sees_no_line_wider_than_100_columns_in_the_table() -> None:
    printed = run(a_whole_scan(), "scan").stdout
    table = printed[printed.index("SIMULATED") :]
    assert max(map(len, table.splitlines())) <= 100


def test_each_event_is_said_once_however_often_the_status_is_read() -> None:
    api = FakeApi(status=[status(funding_arbitrage=outcome("running"))] * 5 + [status("complete", **DONE)])
    assert run(api, "scan").stdout.count("funding_arbitrage: running") == 1


def test_every_request_field_is_one_of_the_client_of_the_command_and_of_the_page_about_the_api() -> None:
    asked = set(DiscoverRequest.model_fields)
    assert ScanFields.__annotations__.keys() == asked
    assert OPTIONS.keys() >= asked | set(ProfileBody.model_fields)
    page = (ROOT / "docs" / "api.md").read_text()
    assert asked <= set(re.findall(r"^\| `(\w+)` \|", page, re.MULTILINE))
    told = run(FakeApi(), "scan", "--help", environment={"COLUMNS": "200"}).stdout
    assert {OPTIONS[name] for name in asked} <= set(re.findall(r"--[a-z-]+", told))


def test_every_request_field_is_an_option() -> None:
    api = FakeApi()
    arguments = (
        "scan --force-refresh --no-strategy-recommendations --risk-level very_high --min-profit 5 --max-capital 1000"
        " --timeframe 1h,4h --timeframe 7d --type momentum_long --symbol btc,ETH/USDT --asset-tier micro"
        " --strategy funding_arbitrage --snapshot crash-2024"
    )
    assert run(api, *arguments.split()).exit_code == 0
    assert api.bodies("POST") == [
        {
            "force_refresh": True,
            "include_strategy_recommendations": False,
            "filter_by_risk_level": "very_high",
            "min_profit_potential": 5.0,
            "max_required_capital": 1000.0,
            "preferred_timeframes": ["1h", "4h", "7d"],
            "opportunity_type": ["momentum_long"],
            "symbols": ["btc", "ETH/USDT"],
            "asset_tiers": ["micro"],
            "strategy_ids": ["funding_arbitrage"],
            "snapshot": "crash-2024",
        }
    ]


def test_the_wait_between_two_polls_is_what_the_api_asks_for() -> None:
    fractional = [status(), status(), status("complete", **DONE)]
    for answer in fractional[:2]:
        answer.headers["Retry-After"] = "0.5"
    time = FakeTime()
    run(FakeApi(status=[*fractional]), "scan", time=time)
    assert time.slept == [0.5, 0.5]


def test_polling_interval_counts_without_retry_after() -> None:
    running = status()
    del running.headers["Retry-After"]
    time = FakeTime()
    run(FakeApi(status=[running, status("complete", **DONE)]), "scan", time=time)
    assert time.slept == [0.5]


@pytest.mark.parametrize("state", ["failed", "cancelled"])
def test_a_scan_that_does_not_complete_ends_with_1_and_the_reason(state: str) -> None:
    api = FakeApi(status=[status(state, "The scan failed: no market snapshot could be had. Start a new one.")])
    ended = run(api, "scan")
    assert ended.exit_code == 1
    assert "no market snapshot could be had" in ended.stderr
    assert ("opscan logs" in ended.stderr) == (state == "failed")


def test_a_scan_that_failed_without_findings_does_not_talk_of_conditions() -> None:
    ended = run(FakeApi(status=[status("failed", "The scan failed: no market.")], results=[results(0)]), "scan")
    assert "No opportunity met the conditions" not in ended.stdout


def test_json_is_one_document_of_all_pages_and_progress_goes_to_stderr() -> None:
    api = a_whole_scan()
    api.results = [
        results(100, total=203, cursor="b"),
        results(100, total=203, cursor="c", first=100),
        results(3, total=203, first=200),
    ]
    ended = run(api, "scan", "--json", "--top", "1")
    document = json.loads(ended.stdout)
    assert [one["symbol"] for one in document["opportunities"]] == [f"COIN{number}/USDT" for number in range(203)]
    assert document["next_cursor"] is None
    assert document["asset_discovery"]["source"] == "simulated"
    assert "funding_arbitrage: done" in ended.stderr


def test_json_of_a_failed_scan_is_still_a_document_and_still_ends_with_1() -> None:
    ended = run(FakeApi(status=[status("failed", "The scan failed: deadline_exceeded.")]), "scan", "--json")
    assert json.loads(ended.stdout)["scan_id"] == SCAN_ID
    assert ended.exit_code == 1


def test_top_asks_for_no_more_than_it_shows() -> None:
    api = FakeApi(results=[results(2, total=40, cursor="more")])
    ended = run(api, "scan", "--top", "2")
    assert api.requests[-1].url.params["limit"] == "2"
    assert "40 by 1 of 3 strategies in 2.3 s, 2 shown here" in " ".join(ended.stdout.split())
    assert "--top 40 shows them all" in ended.stdout


def test_no_opportunity_is_a_complete_scan() -> None:
    ended = run(FakeApi(results=[results(0)]), "scan")
    assert ended.exit_code == 0
    assert "No opportunity met the conditions." in ended.stdout


def test_joining_an_existing_scan_is_said() -> None:
    assert "joining it" in run(FakeApi(discover=[accepted(reused=True)]), "scan").stdout


def test_results_that_are_a_moment_late_are_waited_for() -> None:
    late = httpx.Response(202, json={"success": True, "status": "scanning"}, headers={"Retry-After": "1"})
    ended = run(FakeApi(results=[late, late, results()]), "scan")
    assert ended.exit_code == 0


def test_a_scan_that_outlasts_the_timeout_ends_with_3_and_tells_how_to_go_on() -> None:
    ended = run(FakeApi(status=[status()]), "scan", "--timeout", "5")
    assert ended.exit_code == 3
    assert f"opscan follow {SCAN_ID}" in ended.stderr


def test_ctrl_c_ends_with_130_and_tells_how_to_go_on() -> None:
    api = FakeApi(status=[status()])
    ended = run(api, "scan", time=FakeTime(interrupt_after=2))
    assert ended.exit_code == 130
    assert f"`opscan follow {SCAN_ID}` shows it; `opscan cancel {SCAN_ID}` ends it." in " ".join(ended.stderr.split())
    assert "cancel" not in api.paths()


def test_ctrl_c_at_another_deployment_names_that_deployment() -> None:
    remote = ("--api-url", "https://api.example.com/prod", "--token", "secret-token")
    ended = run(FakeApi(status=[status()]), "follow", SCAN_ID, *remote, time=FakeTime(interrupt_after=2))
    assert ended.exit_code == 130
    for command in ("follow", "cancel"):
        assert f"`opscan {command} {SCAN_ID} --api-url https://api.example.com/prod`" in ended.stderr
    assert "secret-token" not in ended.output


def test_ctrl_c_right_after_the_start_tells_how_to_go_on_too() -> None:
    class Impatient(FakeTime):
        def now(self) -> float:
            self.seconds += 1
            if self.seconds == 3:  # the view is made at 1, the API asked at 2, the start told at 3
                raise KeyboardInterrupt
            return self.seconds

        @property
        def clock(self) -> Clock:
            return replace(super().clock, now=self.now)

    receipt = httpx.Response(202, json={"scan_id": SCAN_ID})
    api = FakeApi(discover=[receipt])
    ended = run(api, "scan", "--api-url", "https://api.example.com", "--token", "t", time=Impatient())
    assert ended.exit_code == 130
    assert api.paths() == ["discover"]
    assert f"opscan follow {SCAN_ID}" in ended.stderr


def test_ctrl_c_before_there_is_a_scan_is_said() -> None:
    class Interrupted(FakeStack):
        def load(self) -> FakeRunning | None:
            raise KeyboardInterrupt

    ended = run(FakeApi(), "scan", stack=Interrupted())
    assert ended.exit_code == 130
    assert "Interrupted." in ended.stderr


def test_a_failure_gets_no_advice_to_run_again() -> None:
    answer = results().json()
    failed = {"strategy_id": "funding_arbitrage", "name": "Funding", "benefit": "b", "reason": "It failed: the Lambda"}
    answer["strategy_recommendations"] = [failed | {"type": "scan_again"}]
    said = run(FakeApi(results=[httpx.Response(200, json=answer)]), "scan").stdout
    assert "Advice" not in said


def test_another_deployment_has_no_logs_at_hand() -> None:
    said = run(FakeApi(), "scan", "--api-url", "https://api.example.com", "--token", "t").stdout
    assert "the Lambda timed out" in said
    assert "opscan logs" not in said


def test_the_table_has_a_legend_and_the_stops() -> None:
    said = run(a_whole_scan(), "scan").stdout
    assert said.count("66,000.00") == 3
    assert "Ranked by EV × confidence / capital / day" in " ".join(said.split())


def test_repeats_unknown_symbols_and_the_total_are_shown() -> None:
    answer = results().json()
    for rank, one in enumerate(answer["opportunities"], start=1):
        one |= {"rank": rank, "repeats": 1 if rank == 3 else None}
    answer["asset_discovery"]["unknown_symbols"] = ["DOGECOINX"]
    answer["total_profit_potential_usd"] = 623.5
    shown = run(FakeApi(results=[httpx.Response(200, json=answer)]), "scan").stdout
    said = " ".join(shown.split())
    assert shown.count("= #1") == 1
    assert "Unknown DOGECOINX: this market has no such symbol" in said
    assert "623.50 USD if every target is reached" in said


def test_a_stack_of_other_sources_is_told_on_stderr_and_still_scans() -> None:
    ended = run(a_whole_scan(), "scan", "--json", stack=FakeStack(FakeRunning(is_current=False)))
    assert ended.exit_code == 0
    assert "deployed from other sources: run `make up`" in ended.stderr
    json.loads(ended.stdout)


def test_follow_sees_an_earlier_scan_through_without_starting_one() -> None:
    api = a_whole_scan()
    assert run(api, "follow", SCAN_ID).exit_code == 0
    assert "discover" not in api.paths()


def test_the_local_stack_is_started_when_it_is_down() -> None:
    stack = FakeStack(running=None)
    ended = run(a_whole_scan(), "scan", stack=stack)
    assert ended.exit_code == 0
    assert "Deploying template.yaml" in ended.stdout
    assert stack.running


def test_another_deployment_is_called_with_its_own_token_and_stage() -> None:
    api = FakeApi()
    run(api, "scan", "--api-url", "https://api.example.com/prod/", "--token", " abc.def\n", stack=FakeStack(None))
    assert str(api.requests[0].url) == "https://api.example.com/prod/opportunities/discover"
    assert api.requests[0].headers["Authorization"] == "Bearer abc.def"


def test_the_environment_names_a_deployment_too() -> None:
    api = FakeApi()
    environment = {"OPSCAN_API_URL": "https://api.example.com", "OPSCAN_TOKEN": "t"}
    assert run(api, "scan", environment=environment).exit_code == 0
    assert api.requests[0].url.host == "api.example.com"


def test_an_unknown_scan_ends_with_1() -> None:
    body = {"success": False, "status": "not_found", "message": "No such scan."}
    ended = run(FakeApi(status=[httpx.Response(404, json=body)]), "follow", SCAN_ID)
    assert ended.exit_code == 1
    assert "knows no such scan" in ended.stderr


def test_a_problem_while_polling_that_goes_away_does_not_end_the_scan() -> None:
    gone = httpx.ReadTimeout("slow")
    api = FakeApi(status=[status(), gone, problem(503, "Not now.", {"Retry-After": "2"}), status("complete", **DONE)])
    ended = run(api, "scan")
    assert ended.exit_code == 0
    assert "trying again in 2 s" in ended.stdout
