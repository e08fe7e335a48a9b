"""The bodies of the answers, whole: pure functions of a scan and a time, each beside the document it must make."""

import pytest

from opportunities.domain import Filters, OutcomeStatus, RiskLevel, Scan, ScanState
from opportunities.services import discover, status
from opportunities.services.list import summary
from tests.support.builders import NOW, SCAN_ID, outcome, scan

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
def test_remaining_time_goes_by_the_pace_so_far_and_ends_with_the_deadline(
    elapsed: float, ended: int, remaining: float
) -> None:
    outcomes = dict(zip(scan().strategies, [COMPLETE, FAILED, SKIPPED][:ended], strict=False))
    running = scan(state=ScanState.SCANNING, outcomes=outcomes)
    assert status.describe(running, NOW + elapsed)["estimated_time_remaining_seconds"] == remaining


# ----------------------------------------------------------------------------------------------------------- list
def test_the_list_tells_each_scan_in_short() -> None:
    failed = scan(filters=FILTERS, updated_at=NOW + 3, outcomes={"risk_management": COMPLETE})
    assert summary(failed, NOW + 500) == {
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
    assert summary(scan(), NOW)["status"] == "scanning"


@pytest.mark.parametrize(
    ("fingerprint", "reused", "message"),
    [
        (None, False, "The scan is failed."),
        (None, True, "The same request has made this scan before. It is failed; sent again, it makes a new scan."),
        (
            "0123456789abcdef",
            True,
            "The same request has made this scan before. It is failed; a new Idempotency-Key makes a new scan.",
        ),
    ],
)
def test_reused_failed_scan_says_how_to_get_another(fingerprint: str | None, reused: bool, message: str) -> None:
    failed = scan(state=ScanState.FAILED, request=fingerprint)
    assert discover.describe(failed, NOW, reused=reused)["message"] == message
