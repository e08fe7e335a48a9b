"""The body of GET /opportunities/results, whole, beside the document that it must be."""

from typing import Any

import pytest

from opportunities.aws.items import StoredResult
from opportunities.domain import Filters, Scan, ScanState
from opportunities.services import results
from opportunities.strategies import Description
from tests.support.builders import NOW, SCAN_ID, USER, scan
from tests.unit.services.test_answers import COMPLETE, FAILED, FILTERS, SHOWN_FILTERS, SKIPPED


def found(symbol: str, score: float, confidence: float = 0.5, side: str = "buy", **changes: Any) -> dict[str, Any]:
    return {
        "strategy_id": "spot_momentum_strategy",
        "symbol": symbol,
        "opportunity_type": "spot_momentum",
        "score": score,
        "confidence_score": confidence,
        "exchange": "simulated",
        "purpose": "profit",
        "profit_potential_usd": 10.0,
        "risk_reduction_usd": None,
        "metadata": {"legs": [{"side": side, "symbol": symbol}]},
        **changes,
    }


def described(strategy: str) -> Description:
    return Description(strategy, f"Name of {strategy}", f"Summary of {strategy}", (), ())


def told(one: Scan, *stored: StoredResult, now: float = NOW + 9, limit: int = 100, cursor: str | None = None) -> Any:
    return results.describe(one, stored, described, now, limit=limit, cursor=cursor)


def momentum(*opportunities: dict[str, Any]) -> StoredResult:
    return StoredResult("spot_momentum_strategy", opportunities, 2, 40, {"source": "simulated"}, {"version": 1})


def test_results_tell_a_scan_whole() -> None:
    ended = scan(
        state=ScanState.COMPLETE,
        updated_at=NOW + 2.5,
        filters=FILTERS,
        snapshot_key="windows/simulated-7/1",
        outcomes={"spot_momentum_strategy": COMPLETE, "risk_management": SKIPPED, "funding_arbitrage": FAILED},
    )
    long, short = found("ETH", 0.4, 0.8), found("ETH", 0.3, 0.6, side="sell", profit_potential_usd=5.0)
    assert told(ended, momentum(short, long)) == {
        "success": True,
        "scan_id": SCAN_ID,
        "status": "complete",
        "user_id": USER,
        "opportunities": [{**long, "rank": 1, "repeats": None}, {**short, "rank": 2, "repeats": None}],
        "total_opportunities": 2,
        "total_profit_potential_usd": 15.0,
        "total_risk_reduction_usd": 0.0,
        "next_cursor": None,
        "signal_analysis": {
            "total_signals_analyzed": 40,
            "signals_by_strength": {"very_strong": 0, "strong": 1, "moderate": 1, "weak": 0},
        },
        "user_profile": {"version": 1},
        "strategy_performance": {
            "spot_momentum_strategy": {
                "status": "complete",
                "reason": None,
                "count": 3,
                "truncated": 2,
                "examined": 40,
                "total_potential": 15.0,
                "avg_confidence": pytest.approx(0.7),
                "duration_ms": 120,
            },
            "risk_management": {
                "status": "skipped",
                "reason": "no holdings",
                "count": 0,
                "truncated": 0,
                "examined": 0,
                "total_potential": 0,
                "avg_confidence": None,
                "duration_ms": 0,
            },
            "funding_arbitrage": {
                "status": "failed",
                "reason": "TypeError: no",
                "count": 0,
                "truncated": 0,
                "examined": 0,
                "total_potential": 0,
                "avg_confidence": None,
                "duration_ms": 7,
            },
        },
        "asset_discovery": {"source": "simulated"},
        "strategy_recommendations": [
            {
                "strategy_id": "risk_management",
                "name": "Name of risk_management",
                "benefit": "Summary of risk_management",
                "reason": "It was skipped: no holdings",
                "type": "provide_what_it_needs",
            },
            {
                "strategy_id": "funding_arbitrage",
                "name": "Name of funding_arbitrage",
                "benefit": "Summary of funding_arbitrage",
                "reason": "It failed: TypeError: no",
                "type": "scan_again",
            },
        ],
        "execution_time_ms": 2500,
        "last_updated": "2026-11-21T20:00:02.750Z",
        "metadata": {
            "scan_state": "complete",
            "reason": None,
            "total_strategies": 3,
            "strategies_completed": 2,
            "strategies_failed": 1,
            "truncated": {"spot_momentum_strategy": 2},
            "filters": SHOWN_FILTERS,
            "snapshot": "windows/simulated-7/1",
            "expires_at": "2026-11-28T20:00:00.000Z",
        },
    }


def test_results_of_a_running_scan_are_those_whose_outcome_is_there() -> None:
    running = scan(state=ScanState.SCANNING, investor_version=4, outcomes={"risk_management": FAILED})
    content = told(running, momentum(found("ETH", 0.4)))
    assert (content["opportunities"], content["user_profile"], content["asset_discovery"]) == ([], {"version": 4}, None)
    assert content["execution_time_ms"] == 9000
    assert content["metadata"]["truncated"] == {}
    assert told(running, now=NOW + 500)["metadata"]["reason"] == "deadline_exceeded"


def test_results_of_a_failed_strategy_do_not_stand() -> None:
    failed = scan(state=ScanState.COMPLETE, outcomes={"spot_momentum_strategy": FAILED})
    assert told(failed, momentum(found("ETH", 0.4)))["total_opportunities"] == 0


def test_equal_scores_are_ranked_by_strategy_then_symbol_then_type() -> None:
    ranked = [
        found("A", 0.5, opportunity_type="a"),
        found("A", 0.4, strategy_id="a", opportunity_type="z"),
        found("A", 0.4, opportunity_type="y"),
        found("A", 0.4, opportunity_type="z"),
        found("B", 0.4, opportunity_type="a"),
    ]
    done = scan(state=ScanState.COMPLETE, outcomes={"spot_momentum_strategy": COMPLETE})
    content = told(done, momentum(*reversed(ranked)))
    without = [
        {name: value for name, value in one.items() if name not in ("rank", "repeats")}
        for one in content["opportunities"]
    ]
    assert without == ranked
    assert [one["repeats"] for one in content["opportunities"]] == [None, 1, 1, 1, None]
    assert content["total_profit_potential_usd"] == 20.0  # what repeats another cannot be had twice


def test_risk_reductions_come_after_all_profits_and_are_no_part_of_their_sum() -> None:
    saves = {"purpose": "risk_reduction", "profit_potential_usd": None, "risk_reduction_usd": 700.0}
    done = scan(state=ScanState.COMPLETE, outcomes={"spot_momentum_strategy": COMPLETE})
    stored = momentum(found("A", 9.0, **saves), found("A", 8.0, **saves), found("B", 0.1), found("C", -0.1))
    content = told(done, stored)
    assert [one["symbol"] for one in content["opportunities"]] == ["B", "C", "A", "A"]
    assert [one["rank"] for one in content["opportunities"]] == [1, 2, 3, 4]
    assert content["total_profit_potential_usd"] == 20.0
    assert content["total_risk_reduction_usd"] == 700.0
    assert content["strategy_performance"]["spot_momentum_strategy"]["total_potential"] == 20.0


@pytest.mark.parametrize(
    ("confidence", "strength"),
    [(0.9, "very_strong"), (0.89, "strong"), (0.75, "strong"), (0.74, "moderate"), (0.5, "moderate"), (0.0, "weak")],
)
def test_strength_is_confidence_in_four_words(confidence: float, strength: str) -> None:
    done = scan(state=ScanState.COMPLETE, outcomes={"spot_momentum_strategy": COMPLETE})
    counts = told(done, momentum(found("A", 0.1, confidence)))["signal_analysis"]["signals_by_strength"]
    assert [name for name, count in counts.items() if count] == [strength]


def test_no_recommendations_unless_they_are_wanted() -> None:
    unasked = scan(filters=Filters(include_strategy_recommendations=False), outcomes={"risk_management": SKIPPED})
    assert told(unasked)["strategy_recommendations"] == []


def test_a_cursor_goes_on_after_the_page_that_gave_it() -> None:
    done = scan(state=ScanState.COMPLETE, outcomes={"spot_momentum_strategy": COMPLETE})
    stored = momentum(found("A", 0.3), found("B", 0.2), found("C", 0.1))
    first = told(done, stored, limit=2)
    assert [one["symbol"] for one in first["opportunities"]] == ["A", "B"]
    second = told(done, stored, limit=2, cursor=first["next_cursor"])
    assert [(one["symbol"], one["rank"]) for one in second["opportunities"]] == [("C", 3)]
    assert second["next_cursor"] is None
    assert told(done, stored, limit=3)["next_cursor"] is None
