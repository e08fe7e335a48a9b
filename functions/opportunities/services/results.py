"""Answers with the results of a scan: one ranking of all findings, by page, and what failed or was cut."""

import json
from collections.abc import Callable, Sequence
from statistics import fmean
from typing import TYPE_CHECKING, Literal

from opportunities import ranking, scans, serialization
from opportunities.aws.items import StoredResult
from opportunities.domain import Outcome, OutcomeStatus, Scan
from opportunities.serialization import timestamp
from opportunities.services import pagination
from opportunities.services.status import shown
from opportunities.strategies import Description

if TYPE_CHECKING:
    from opportunities import responses

# Of an answer's opportunities, as JSON; the rest of it takes some 20 KB.
_MOST_PAGE_BYTES = 5_000_000
# Lower bounds of `confidence_score`, strongest first.
_STRENGTHS: tuple[tuple[Literal["very_strong", "strong", "moderate", "weak"], float], ...] = (
    ("very_strong", 0.9),
    ("strong", 0.75),
    ("moderate", 0.5),
    ("weak", 0.0),
)


def describe(
    scan: Scan,
    results: Sequence[StoredResult],
    description: Callable[[str], Description],
    now: float,
    *,
    limit: int,
    cursor: str | None,
) -> "responses.Results":
    """The body of GET /opportunities/results/{scan_id}: `limit` opportunities from `cursor` on, best first."""
    # What a strategy has written without its outcome is not part of the scan: it came too late, or will be.
    results = [one for one in results if _stands(scan.outcomes.get(one.strategy))]
    # The scores were made by `ranking.score` when the opportunities were found.
    ranked = _numbered(
        sorted(
            (one for result in results for one in result.opportunities),
            key=lambda one: ranking.place(
                one["purpose"],
                one["score"],
                one["strategy_id"],
                one["symbol"],
                one["opportunity_type"],
                one["exchange"],
            ),
        )
    )
    start = pagination.rank(cursor) if cursor else 0
    page = ranked[start : start + limit]
    page = page[: _fitting(page)]
    end = start + len(page)
    state = scans.state_at(scan, now)
    progress = scans.progress(scan)
    return {
        "success": True,
        "scan_id": scan.scan_id,
        "status": shown(state),
        "user_id": scan.user_id,
        "opportunities": page,
        "total_opportunities": len(ranked),
        "total_profit_potential_usd": _total(ranked, "profit_potential_usd"),
        "total_risk_reduction_usd": _total(ranked, "risk_reduction_usd"),
        "next_cursor": pagination.after_rank(end) if end < len(ranked) else None,
        "signal_analysis": {
            "total_signals_analyzed": sum(result.examined for result in results),
            "signals_by_strength": _by_strength([one["confidence_score"] for one in ranked]),
        },
        # Who was judged, which the profile of today may no longer be; without any result only its version is known.
        "user_profile": results[0].investor if results else {"version": scan.investor_version},
        "strategy_performance": _performance(scan, results),
        "asset_discovery": results[0].market if results else None,
        "strategy_recommendations": _recommendations(scan, description)
        if scan.filters.include_strategy_recommendations
        else [],
        "execution_time_ms": round(1000 * ((scan.updated_at if state.terminal else now) - scan.created_at)),
        "last_updated": timestamp(scan.updated_at),
        "metadata": {
            "scan_state": state,
            "reason": scans.reason_at(scan, now),
            "total_strategies": progress.total,
            "strategies_completed": progress.completed,
            "strategies_failed": progress.failed,
            "truncated": {result.strategy: result.truncated for result in results if result.truncated},
            "filters": serialization.filters_to_json(scan.filters),
            "snapshot": scan.snapshot_key,
            "expires_at": timestamp(scan.expires_at),
        },
    }


def _stands(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.status is OutcomeStatus.COMPLETE


def _numbered(ranked: Sequence["responses.Found"]) -> list["responses.Opportunity"]:
    """Each with its `rank` and, if a better one trades the same instruments to the same sides, that one's in `repeats`.

    Two strategies that buy one symbol have found one price series twice: nobody can add their profits.
    """
    first: dict[frozenset[tuple[str, str]], int] = {}
    numbered: list[responses.Opportunity] = []
    for rank, one in enumerate(ranked, start=1):
        trade = frozenset((leg["side"], leg["symbol"]) for leg in one["metadata"]["legs"])
        best = first.setdefault(trade, rank)
        numbered.append({**one, "rank": rank, "repeats": best if best < rank else None})
    return numbered


def _total(
    numbered: Sequence["responses.Opportunity"], name: Literal["profit_potential_usd", "risk_reduction_usd"]
) -> float:
    """The sum without those that repeat a better one, and without those of the other purpose, which have none."""
    return float(sum(one[name] or 0.0 for one in numbered if one["repeats"] is None))


def _by_strength(confidences: Sequence[float]) -> "responses.Strengths":
    counts: responses.Strengths = {"very_strong": 0, "strong": 0, "moderate": 0, "weak": 0}
    for confidence in confidences:
        counts[next(name for name, floor in _STRENGTHS if confidence >= floor)] += 1
    return counts


def _performance(scan: Scan, results: Sequence[StoredResult]) -> dict[str, "responses.Performance"]:
    found = {result.strategy: result for result in results}
    performance: dict[str, responses.Performance] = {}
    for name, outcome in scan.outcomes.items():
        result = found.get(name)
        opportunities = result.opportunities if result else []
        performance[name] = {
            "status": outcome.status,
            "reason": outcome.reason,
            "count": outcome.opportunities,
            "truncated": result.truncated if result else 0,
            "examined": result.examined if result else 0,
            "total_potential": sum(one["profit_potential_usd"] or 0.0 for one in opportunities),
            "avg_confidence": fmean(one["confidence_score"] for one in opportunities) if opportunities else None,
            "duration_ms": outcome.duration_ms,
        }
    return performance


def _recommendations(scan: Scan, description: Callable[[str], Description]) -> list["responses.Recommendation"]:
    """What would let a strategy that could not judge this market do so."""
    return [
        {
            "strategy_id": name,
            "name": description(name).name,
            "benefit": description(name).summary,
            "reason": f"It {'failed' if failed else 'was skipped'}: {outcome.reason}",
            "type": "scan_again" if failed else "provide_what_it_needs",
        }
        for name, outcome in scan.outcomes.items()
        if (failed := outcome.status is OutcomeStatus.FAILED) or outcome.status is OutcomeStatus.SKIPPED
    ]


def _fitting(ranked: Sequence["responses.Opportunity"]) -> int:
    """How many of them one answer can hold: Lambda's answers end at 6 MB."""
    size = 0
    for number, one in enumerate(ranked):
        size += len(json.dumps(one, separators=(",", ":")))
        if size > _MOST_PAGE_BYTES:
            return max(number, 1)
    return len(ranked)
