"""What is shown of a scan that no strategy could judge, and of a market that nobody observed."""

from typing import Any

import httpx
import pytest

from tests.support.cli_fakes import STRATEGIES, FakeApi, results, run

WINDOW = "windows/planted-7/1712588400"  # 2024-04-08 15:00:00 UTC


def skipped(reason: str = "no perpetuals: the snapshot has none", **metadata: object) -> FakeApi:
    """An API whose scan was skipped by every strategy, as the service answers then."""
    body = results(0).json()
    body |= {
        "asset_discovery": None,
        "strategy_performance": {name: {"status": "skipped", "count": 0, "reason": reason} for name in STRATEGIES},
        "strategy_recommendations": [
            {"strategy_id": name, "name": name, "benefit": "Finds more.", "reason": f"It was skipped: {reason}"}
            for name in STRATEGIES
        ],
        "metadata": {"scan_state": "complete", "truncated": {}, "filters": {}, "snapshot": WINDOW} | metadata,
    }
    return FakeApi(results=[httpx.Response(200, json=body)])


def said(api: FakeApi) -> str:
    return " ".join(run(api, "scan").stdout.split())


@pytest.mark.parametrize(
    ("key", "market"),
    [
        (WINDOW, "planted-7, window of 2024-04-08 15:00:00 UTC (5 minutes ago)"),
        ("windows/live-binance-okx/1712588400", "live-binance-okx, window of 2024-04-08 15:00:00 UTC (5 minutes ago)"),
        ("pinned/april-0123", "pinned snapshot april-0123"),
        ("of another form", "snapshot of another form"),
    ],
)
def test_the_market_that_no_strategy_could_judge_is_named_by_its_snapshot(key: str, market: str) -> None:
    shown = said(skipped(snapshot=key))
    assert f"Market {market}; no strategy could judge it" in shown
    assert "not said" not in shown


def test_a_reason_that_all_strategies_share_is_said_once() -> None:
    shown = said(skipped("the profile allows none of this market's exchanges: binance"))
    assert "Skipped all 3 strategies: the profile allows none of this market's exchanges: binance" in shown


def test_strategies_that_share_a_reason_are_named_together() -> None:
    api = skipped()
    answer = api.results[0]
    assert isinstance(answer, httpx.Response)
    body = answer.json()
    body["strategy_performance"][STRATEGIES[2]] = {"status": "complete", "count": 0}
    shown = said(FakeApi(results=[httpx.Response(200, json=body)]))
    assert f"Skipped {STRATEGIES[0]}, {STRATEGIES[1]}: no perpetuals: the snapshot has none" in shown


def test_missing_key_is_not_made_up() -> None:
    assert "Market source not said, when is not said" in said(skipped(snapshot=None))


def test_scan_that_no_strategy_could_run_is_not_blamed_on_conditions() -> None:
    shown = said(skipped())
    assert "No strategy could judge this market." in shown
    assert "met the conditions" not in shown


def test_filters_are_said_beside_their_results() -> None:
    filters = {"symbols": ["BTC"], "min_profit_potential": 1_000_000.0}
    assert "Asked for --symbol BTC --min-profit 1000000" in said(skipped(filters=filters))


@pytest.mark.parametrize(
    ("reason", "filters", "step"),
    [
        ("no holdings are stored: put them into the profile", {}, "`opscan profile set --holding BTC=0.4`"),
        ("all holdings are cash: there is no market risk to judge", {}, "`opscan profile set --holding BTC=0.4`"),
        (
            "the profile allows none of this market's exchanges: binance",
            {},
            "`opscan profile set --allow-exchange any`",
        ),
        (
            "no perpetuals: none on the exchanges that the investor allows (kraken)",
            {},
            "`opscan profile set --allow-exchange any`",
        ),
        ("no options: the snapshot has none", {"snapshot": "april"}, "Leave out --snapshot to scan today's market"),
        ("no options: the snapshot has none", {"strategy_ids": ["options_trade"]}, "Leave out --strategy to run all"),
        ("no options: deribit did not answer", {}, "Scan again in some minutes"),
    ],
)
def test_next_step_is_named_when_every_strategy_was_skipped(reason: str, filters: dict[str, Any], step: str) -> None:
    shown = said(skipped(reason, filters=filters))
    assert shown.count("Advice ") == 1
    assert shown.count(step) == 1
    assert "Finds more." not in shown


def test_the_next_step_is_named_also_to_who_wants_no_recommendations() -> None:
    api = skipped()
    answer = api.results[0]
    assert isinstance(answer, httpx.Response)
    body = answer.json() | {"strategy_recommendations": []}
    assert "Advice " in said(FakeApi(results=[httpx.Response(200, json=body)]))


def of_market(source: str, assumptions: dict[str, str]) -> FakeApi:
    body = results().json()
    body["asset_discovery"] |= {"source": source, "assumptions": assumptions}
    return FakeApi(results=[httpx.Response(200, json=body)])


@pytest.mark.parametrize("columns", ["80", "100", "160"])
def test_a_simulated_market_is_said_to_be_one_above_the_table(columns: str) -> None:
    planted = of_market("simulated", {"market": "simulated", "planted": "one opportunity of each kind was planted"})
    shown = run(planted, "scan", environment={"COLUMNS": columns}).stdout
    above = shown[: shown.index("what to do")]
    warning = "SIMULATED market, opportunities planted into it: nothing below was observed anywhere."
    assert warning in " ".join(above.split())
    plain = run(of_market("simulated", {"market": "simulated"}), "scan").stdout
    assert "SIMULATED market: nothing below was observed anywhere." in plain[: plain.index("what to do")]


@pytest.mark.parametrize("source", ["live (binance, okx)", "files"])
def test_an_observed_market_is_not_said_to_be_simulated(source: str) -> None:
    assert "SIMULATED" not in run(of_market(source, {"spread": "5 basis points"}), "scan").stdout


@pytest.mark.parametrize(("source", "simulated"), [("simulated-7", True), ("planted-7", True), ("live-okx", False)])
def test_a_market_known_by_its_snapshot_only_is_said_to_be_simulated_too(source: str, *, simulated: bool) -> None:
    assert ("SIMULATED" in said(skipped(snapshot=f"windows/{source}/1712588400"))) == simulated
