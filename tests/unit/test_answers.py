"""The bodies of the answers, whole: pure functions of a scan and a time, each beside the document it must make."""

from typing import Any

import pytest

from opportunities.domain import Filters, OutcomeStatus, RiskLevel, Scan, ScanState
from opportunities.errors import InvalidRequest
from opportunities.items import StoredResult
from opportunities.services import discover, history, results, status
from opportunities.strategies import Description
from tests.builders import NOW, SCAN_ID, USER, outcome, scan

FILTERS = Filters(symbols=("BTC",), filter_by_risk_level=RiskLevel.LOW)
SHOWN_FILTERS = {"symbols": ["BTC"], "filter_by_risk_level": "low"}
COMPLETE = outcome(opportunities=3, duration_ms=120)
FAILED = outcome(status=OutcomeStatus.FAILED, opportunities=0, best=None, duration_ms=7, reason="TypeError: no")
SKIPPED = outcome(status=OutcomeStatus.SKIPPED, opportunities=0, best=None, duration_ms=0, reason="no holdings")
BEST = {
    "symbol": "BTC/USDT",
    "opportunity_type": "spot_momentum",
    "profit_potential_usd": 41.25,
    "confidence_score": 0.87,
}


# ------------------------------------------------------------------------------------------------------- discover
@pytest.mark.parametrize(
    ("reused", "message"),
    [(False, "The scan has started."), (True, "The same request has made this scan before.")],
)
def test_discover_names_the_scan_and_where_it_is_read(reused: bool, message: str) -> None:
    assert discover.describe(scan(filters=FILTERS), NOW, reused=reused) == {
        "success": True,
        "scan_id": SCAN_ID,
        "status": "initiated",
        "message": message,
        "poll_url": f"/opportunities/status/{SCAN_ID}",
        "results_url": f"/opportunities/results/{SCAN_ID}",
        "polling_interval_seconds": 1,
        "estimated_completion_seconds": 2,
        "filters": SHOWN_FILTERS,
        "reused": reused,
    }


def test_a_scan_that_has_ended_takes_no_more_time() -> None:
    assert discover.describe(scan(state=ScanState.COMPLETE), NOW, reused=True)["estimated_completion_seconds"] == 0


# --------------------------------------------------------------------------------------------------------- status
def test_status_tells_a_running_scan_whole() -> None:
    running = scan(
        state=ScanState.SCANNING,
        updated_at=NOW + 3,
        outcomes={"risk_management": COMPLETE, "funding_arbitrage": FAILED},
    )
    assert status.describe(running, NOW + 4) == {
        "success": True,
        "scan_id": SCAN_ID,
        "status": "scanning",
        "message": "The strategies are looking at the market.",
        "progress": {
            "strategies_completed": 1,
            "strategies_failed": 1,
            "total_strategies": 3,
            "opportunities_found_so_far": 3,
            "percentage": 66.7,
        },
        "partial_results": [{"strategy_id": "risk_management", **BEST}],
        "strategies": {
            "funding_arbitrage": {
                "status": "failed",
                "opportunities": 0,
                "duration_ms": 7,
                "reason": "TypeError: no",
                "best": None,
            },
            "risk_management": {
                "status": "complete",
                "opportunities": 3,
                "duration_ms": 120,
                "reason": None,
                "best": BEST,
            },
            "spot_momentum_strategy": {
                "status": "running",
                "opportunities": 0,
                "duration_ms": 0,
                "reason": None,
                "best": None,
            },
        },
        "metadata": {
            "scan_state": "scanning",
            "message": "The strategies are looking at the market.",
            "strategies_completed": 1,
            "total_strategies": 3,
            "elapsed_seconds": 4.0,
        },
        "estimated_time_remaining_seconds": 2.0,  # two of three took four seconds
        "last_updated": "2026-11-21T20:00:03.250Z",
        "results_url": f"/opportunities/results/{SCAN_ID}",
    }


@pytest.mark.parametrize(
    ("one", "shown", "waiting", "message", "elapsed"),
    [
        (scan(), "scanning", "waiting", "The scan is accepted; the market is being captured.", 200.0),
        (
            scan(state=ScanState.SCANNING),
            "scanning",
            "running",
            "The strategies are looking at the market.",
            200.0,
        ),
        (
            scan(state=ScanState.COMPLETE, updated_at=NOW + 3.12345),
            "complete",
            "unfinished",
            "The scan is complete.",
            3.123,
        ),
        (
            scan(state=ScanState.FAILED, updated_at=NOW + 1, reason="the workflow failed"),
            "failed",
            "unfinished",
            "The scan failed: the workflow failed. Start a new one.",
            1.0,
        ),
        (scan(state=ScanState.CANCELLED, updated_at=NOW), "cancelled", "unfinished", "The scan was cancelled.", 0.0),
    ],
    ids=lambda value: value.state if isinstance(value, Scan) else "",
)
def test_each_state_is_said_in_its_words(one: Scan, shown: str, waiting: str, message: str, elapsed: float) -> None:
    told = status.describe(Scan(**{**vars(one), "deadline": int(NOW) + 1_000}), NOW + 200)
    assert (told["status"], told["message"], told["metadata"]["message"]) == (shown, message, message)
    assert told["metadata"]["scan_state"] == one.state
    assert told["metadata"]["elapsed_seconds"] == elapsed
    assert {strategy["status"] for strategy in told["strategies"].values()} == {waiting}
    assert told["progress"]["percentage"] == 0.0


def test_a_scan_past_its_deadline_took_until_then() -> None:
    told = status.describe(scan(state=ScanState.SCANNING), NOW + 500)
    assert (told["status"], told["metadata"]["scan_state"]) == ("failed", "failed")
    assert told["message"] == "The scan failed: deadline_exceeded. Start a new one."
    assert told["metadata"]["elapsed_seconds"] == 119.75
    assert told["estimated_time_remaining_seconds"] == 0.0


@pytest.mark.parametrize(
    ("elapsed", "ended", "remaining"),
    [
        (0.5, 0, 1.5),  # of the two seconds that a scan takes
        (1.5, 0, 1.0),  # and it is never called done before it is
        (119.25, 0, 0.5),  # but it never ends after its deadline
        (6.0, 1, 12.0),
        (6.06, 2, 3.0),
        (90.0, 1, 29.8),
        (6.0, 3, 0.0),
    ],
)
def test_what_is_left_goes_by_the_pace_so_far_and_ends_with_the_deadline(
    elapsed: float, ended: int, remaining: float
) -> None:
    outcomes = dict(zip(scan().strategies, [COMPLETE, FAILED, SKIPPED][:ended], strict=False))
    running = scan(state=ScanState.SCANNING, outcomes=outcomes)
    assert status.describe(running, NOW + elapsed)["estimated_time_remaining_seconds"] == remaining


# -------------------------------------------------------------------------------------------------------- history
def test_the_list_tells_each_scan_in_short() -> None:
    failed = scan(filters=FILTERS, updated_at=NOW + 3, outcomes={"risk_management": COMPLETE})
    assert history.summary(failed, NOW + 500) == {
        "scan_id": SCAN_ID,
        "status": "failed",
        "reason": "deadline_exceeded",
        "progress": {
            "strategies_completed": 1,
            "strategies_failed": 0,
            "total_strategies": 3,
            "opportunities_found_so_far": 3,
            "percentage": 33.3,
        },
        "filters": SHOWN_FILTERS,
        "created_at": "2026-11-21T20:00:00.250Z",
        "last_updated": "2026-11-21T20:00:03.250Z",
        "expires_at": "2026-11-28T20:00:00.000Z",
        "poll_url": f"/opportunities/status/{SCAN_ID}",
        "results_url": f"/opportunities/results/{SCAN_ID}",
    }
    assert history.summary(scan(), NOW)["status"] == "scanning"


# -------------------------------------------------------------------------------------------------------- results
def found(symbol: str, score: float, confidence: float = 0.5, side: str = "buy", **changes: Any) -> dict[str, Any]:
    return {
        "strategy_id": "spot_momentum_strategy",
        "symbol": symbol,
        "opportunity_type": "spot_momentum",
        "score": score,
        "confidence_score": confidence,
        "profit_potential_usd": 10.0,
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
        "user_id": USER,
        "opportunities": [{**long, "rank": 1, "repeats": None}, {**short, "rank": 2, "repeats": None}],
        "total_opportunities": 2,
        "total_profit_potential_usd": 15.0,
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


def test_what_a_failed_strategy_has_written_does_not_stand() -> None:
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


@pytest.mark.parametrize("position", ["before 1", "after", "after x", "after ٣", "after -1", "after 1 "])
def test_a_cursor_that_says_something_else_is_refused(position: str) -> None:
    with pytest.raises(InvalidRequest):
        told(scan(), cursor=results.cursors.encode(position))
