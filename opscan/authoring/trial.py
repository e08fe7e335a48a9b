"""One strategy run on one market in this process, without a stack: the results are those of a scan of it alone."""

import json
import time
from dataclasses import replace
from importlib import import_module
from typing import Any

from opportunities import ranking, scans, serialization, strategies
from opportunities.aws.items import StoredResult
from opportunities.domain import Filters, Investor, Outcome, OutcomeStatus, Scan, ScanState
from opportunities.errors import Unsuitable
from opportunities.market.planted import demo
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import MarketSnapshot
from opportunities.services import capture, results
from opscan.client.results import Results

# 2026-11-21 20:00 UTC: the same market whenever it is run.
MOMENT = 1_795_291_200


def planted_market(name: str, seed: int) -> MarketSnapshot:
    """The simulated market with one opportunity of this strategy's kind in it, if anybody has planned one."""
    market = simulated(seed, MOMENT)
    if name not in demo.kinds():
        return market
    changed, planted = demo.plant_of(name)(market, seed, 1.0)
    said = f"one opportunity of {name} was planted on purpose: {planted.symbol}"
    return replace(changed, assumptions={**market.assumptions, "planted": said})


def investor_of(name: str, market: MarketSnapshot) -> Investor:
    """Whom the planted opportunity is for; the default investor where there is none."""
    if name not in demo.kinds():
        return Investor()
    module = import_module(f"opportunities.market.planted.{name}")
    investor: Investor = module.investor(market) if hasattr(module, "investor") else module.INVESTOR
    return investor


def run(name: str, market: MarketSnapshot, investor: Investor, limit: int | None = None) -> Results:
    """What the strategy finds, the best `limit` of it; a strategy that is skipped has its reason in the results.

    Whatever the strategy's own code raises but `Unsuitable` goes through.
    """
    find = strategies.load(name)
    started = time.time()
    found: list[StoredResult] = []
    try:
        findings = find(market, investor)
    except Unsuitable as unsuitable:
        outcome = Outcome(OutcomeStatus.SKIPPED, reason=str(unsuitable))
    else:
        outcome = Outcome(OutcomeStatus.COMPLETE, opportunities=len(findings.opportunities))
        opportunities: list[Any] = [
            serialization.opportunity_to_json(one) | {"score": ranking.score(one)} for one in findings.opportunities
        ]
        found.append(
            StoredResult(
                strategy=name,
                opportunities=opportunities,
                truncated=0,
                examined=findings.examined,
                market=capture.describe(market, ()),
                investor=serialization.investor_to_json(investor),
            )
        )
    ended = time.time()
    scan = Scan(
        user_id="",
        scan_id=scans.random_id(),
        state=ScanState.COMPLETE,
        strategies=(name,),
        created_at=started,
        updated_at=ended,
        deadline=int(ended) + 1,
        expires_at=int(ended) + 1,
        investor_version=investor.version,
        filters=Filters(),
        outcomes={name: replace(outcome, duration_ms=round(1000 * (ended - started)))},
    )
    everything = max(1, outcome.opportunities)
    body = results.describe(scan, found, strategies.describe, ended, limit=limit or everything, cursor=None)
    # what a caller of the API would read, numbers of numpy and all
    return Results.of(json.loads(json.dumps(body, allow_nan=False)))
