"""Run one strategy in one scan: keep what was asked for, write the result first and the outcome last."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, cast

from opportunities import ranking, serialization
from opportunities.aws.items import StoredResult
from opportunities.aws.store import Store
from opportunities.domain import Best, Findings, Investor, Opportunity, Outcome, OutcomeStatus
from opportunities.errors import Unsuitable
from opportunities.market.exchanges import on_exchanges
from opportunities.market.snapshot import MarketSnapshot
from opportunities.serialization import StrategyTask
from opportunities.services import capture as markets

if TYPE_CHECKING:
    from opportunities import responses

# Opportunities kept per strategy and scan: what a person can read, and at 2 KB each 80 KB in the end.
MOST = 40

type Find = Callable[[MarketSnapshot, Investor], Findings]


@dataclass(frozen=True)
class StrategyRunner:
    """One strategy and where it writes. `find` comes from `strategies.load`; `market` gives the snapshot of a key."""

    strategy: str
    find: Find
    market: Callable[[str], MarketSnapshot]
    store: Store
    clock: Callable[[], float] = time.time

    def run(self, task: StrategyTask) -> Outcome | None:
        """Returns the outcome that stands: this one, or an earlier one of a repeated delivery, or None if the scan
        has ended without this strategy. An error of the strategy itself crashes; the workflow records it."""
        if self.clock() >= task.deadline:
            return None
        started = time.perf_counter()
        market = self.market(task.snapshot_key)
        try:
            if task.investor.allowed_exchanges:
                market = on_exchanges(market, task.investor.allowed_exchanges)
            findings = self.find(market, task.investor)
        except Unsuitable as unsuitable:
            outcome = Outcome(OutcomeStatus.SKIPPED, reason=str(unsuitable))
        else:
            chosen = [one for one in findings.opportunities if _admitted(one, task)]
            self.store.put_result(
                task.user_id, task.scan_id, self._result(task, chosen, findings, market), task.expires_at, self.clock()
            )
            outcome = Outcome(OutcomeStatus.COMPLETE, opportunities=len(chosen), best=_best(chosen))
        outcome = replace(outcome, duration_ms=round(1000 * (time.perf_counter() - started)))
        return self.store.record_outcome(task.user_id, task.scan_id, self.strategy, outcome, self.clock())

    def _result(
        self, task: StrategyTask, chosen: list[Opportunity], findings: Findings, market: MarketSnapshot
    ) -> StoredResult:
        return StoredResult(
            strategy=self.strategy,
            opportunities=[_found(one) for one in chosen[:MOST]],
            truncated=max(len(chosen) - MOST, 0),
            examined=findings.examined,
            market=markets.describe(market, task.filters.symbols),
            investor=serialization.investor_to_json(task.investor),
        )


def _admitted(one: Opportunity, task: StrategyTask) -> bool:
    return ranking.wanted(one, task.filters) and ranking.allowed(one, task.investor.allowed_assets)


def _found(one: Opportunity) -> "responses.Found":
    # What a strategy says of an opportunity is its own; tests hold every strategy's to the shape.
    return cast("responses.Found", serialization.opportunity_to_json(one) | {"score": ranking.score(one)})


def _best(chosen: list[Opportunity]) -> Best | None:
    if not chosen:
        return None
    best = chosen[0]
    return Best(best.symbol, best.opportunity_type, best.profit_potential_usd, best.confidence_score)
