"""The scan item's size decides what a poll costs: under 4 KB it is one read unit."""

import json

from opportunities import strategies
from opportunities.aws import items
from opportunities.domain import AssetTier, Best, Filters, Outcome, OutcomeStatus, RiskLevel, ScanState, Timeframe
from tests.support.builders import NOW, scan
from tests.support.item_size import size

FOURTEEN = strategies.names()
LONGEST = scan(
    user_id="u" * 64,
    state=ScanState.INITIATED,
    strategies=FOURTEEN,
    created_at=NOW + 0.123456,
    updated_at=NOW + 0.123456,
    investor_version=1_000_000,
    filters=Filters(),
)


def test_the_placeholder_is_under_1_kb() -> None:
    assert size(items.scan_to_item(LONGEST)) < 1024


def test_item_with_fourteen_longest_outcomes_is_under_4_kb() -> None:
    item = items.scan_to_item(LONGEST)
    item["snapshot_key"] = {"S": "pinned/" + "n" * 64}
    item["execution"] = {"S": "e" * 80}
    item["reason"] = {"S": "every strategy failed"}
    item["state"] = {"S": ScanState.SCANNING}
    item["filters"] = {
        "S": json.dumps(
            {
                "strategy_ids": [],
                "asset_tiers": list(AssetTier),
                "preferred_timeframes": list(Timeframe),
                "filter_by_risk_level": RiskLevel.VERY_HIGH,
                "min_profit_potential": 1234567.89,
                "max_required_capital": 1234567.89,
                "symbols": [f"SYMB{number:02}" for number in range(10)],
                "snapshot": "n" * 64,
            }
        )
    }
    best = Best("1000000PEPE/USDT:USDT", "statistical_arbitrage", 123_456_789.12, 0.1234)
    for number, name in enumerate(FOURTEEN):
        item[name] = items.outcome_to_attribute(
            Outcome(OutcomeStatus.COMPLETE, opportunities=10_000, duration_ms=29_999, best=best)
            if number % 2
            else Outcome(OutcomeStatus.SKIPPED, duration_ms=29_999, reason="r" * 500)
        )
    assert size(item) < 4096


def test_item_with_fourteen_long_reasons_stays_under_4_kb() -> None:
    item = items.scan_to_item(LONGEST)
    for name in FOURTEEN:
        item[name] = items.outcome_to_attribute(Outcome(OutcomeStatus.FAILED, duration_ms=29_999, reason="r" * 500))
    assert size(item) < 4096
