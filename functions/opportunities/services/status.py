"""Answers with the status of a scan, from its item and the time alone."""

from typing import TYPE_CHECKING

from opportunities import scans
from opportunities.domain import Best, Outcome, Scan, ScanState
from opportunities.serialization import timestamp

if TYPE_CHECKING:
    from opportunities import responses

# A warm scan takes about one second (docs/benchmarks.md), one whose Lambdas start cold a little more; only the
# estimate before the first outcome rests on it.
TYPICAL_SECONDS = 2
POLLING_SECONDS = 1


def describe(scan: Scan, now: float) -> "responses.Status":
    """The body of GET /opportunities/status/{scan_id}."""
    state = scans.state_at(scan, now)
    progress = scans.progress(scan)
    ended = scan.updated_at if scan.state.terminal else min(now, scan.deadline)
    message = _message(scan, state, now)
    return {
        "success": True,
        "scan_id": scan.scan_id,
        "status": shown(state),
        "message": message,
        "progress": progress_of(scan),
        "partial_results": [
            {"strategy_id": name, **_best(outcome.best)} for name, outcome in scan.outcomes.items() if outcome.best
        ],
        "strategies": {name: _outcome(scan.outcomes.get(name), state) for name in scan.strategies},
        "metadata": {
            "scan_state": state,
            "message": message,
            "strategies_completed": progress.completed,
            "total_strategies": progress.total,
            "elapsed_seconds": round(ended - scan.created_at, 3),
        },
        "estimated_time_remaining_seconds": _remaining(scan, state, progress, now),
        "last_updated": timestamp(scan.updated_at),
        "results_url": f"/opportunities/results/{scan.scan_id}",
    }


def shown(state: ScanState) -> "responses.Shown":
    """The state as callers see it: for them a scan runs from the moment they hold its id."""
    return ScanState.SCANNING if state is ScanState.INITIATED else state


def progress_of(scan: Scan) -> "responses.Progress":
    progress = scans.progress(scan)
    return {
        "strategies_completed": progress.completed,
        "strategies_failed": progress.failed,
        "total_strategies": progress.total,
        "opportunities_found_so_far": progress.opportunities,
        "percentage": progress.percentage,
    }


def _message(scan: Scan, state: ScanState, now: float) -> str:
    match state:
        case ScanState.INITIATED:
            return "The scan is accepted; the market is being captured."
        case ScanState.SCANNING:
            return "The strategies are looking at the market."
        case ScanState.COMPLETE:
            return "The scan is complete."
        case ScanState.FAILED:
            return f"The scan failed: {scans.reason_at(scan, now)}. Start a new one."
        case ScanState.CANCELLED:
            return "The scan was cancelled."


def _outcome(outcome: Outcome | None, state: ScanState) -> "responses.StrategyOutcome":
    if outcome is None:
        return {"status": _waiting(state), "opportunities": 0, "duration_ms": 0, "reason": None, "best": None}
    return {
        "status": outcome.status,
        "opportunities": outcome.opportunities,
        "duration_ms": outcome.duration_ms,
        "reason": outcome.reason,
        "best": _best(outcome.best) if outcome.best else None,
    }


def _waiting(state: ScanState) -> "responses.Waiting":
    if state.terminal:
        return "unfinished"
    return "waiting" if state is ScanState.INITIATED else "running"


def _best(best: Best) -> "responses.Best":
    return {
        "symbol": best.symbol,
        "opportunity_type": best.opportunity_type,
        "profit_potential_usd": best.profit_potential_usd,
        "confidence_score": best.confidence_score,
    }


def _remaining(scan: Scan, state: ScanState, progress: scans.Progress, now: float) -> float:
    """At the pace of the strategies that have ended, and never past the deadline."""
    if state.terminal:
        return 0.0
    ended = progress.completed + progress.failed
    elapsed = now - scan.created_at
    estimate = elapsed * (progress.total - ended) / ended if ended else max(TYPICAL_SECONDS - elapsed, 1.0)
    return round(min(estimate, scan.deadline - now), 1)
