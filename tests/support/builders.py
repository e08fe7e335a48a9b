"""Domain objects for tests: valid ones, of which a test changes what it is about."""

from dataclasses import replace
from typing import Any

from opportunities import scans
from opportunities.domain import (
    AssetTier,
    Best,
    Evidence,
    Filters,
    Opportunity,
    Outcome,
    OutcomeStatus,
    Purpose,
    RiskLevel,
    Scan,
    ScanState,
    Timeframe,
)

NOW = 1_795_291_200.25
USER = "b3c4d5e6-7081-4243-9495-a6b7c8d9eaf0"
SCAN_ID = "scan_0123456789abcdef0123456789abcdef"


def scan(**changes: Any) -> Scan:
    default = Scan(
        user_id=USER,
        scan_id=SCAN_ID,
        state=ScanState.INITIATED,
        strategies=("funding_arbitrage", "risk_management", "spot_momentum_strategy"),
        created_at=NOW,
        updated_at=NOW,
        deadline=int(NOW) + scans.TIMEOUT_SECONDS,
        expires_at=int(NOW) + scans.LIFETIME_SECONDS,
        investor_version=1,
        filters=Filters(),
    )
    return replace(default, **changes)


def outcome(**changes: Any) -> Outcome:
    default = Outcome(
        status=OutcomeStatus.COMPLETE,
        opportunities=3,
        duration_ms=120,
        best=Best("BTC/USDT", "spot_momentum", 41.25, 0.87),
    )
    return replace(default, **changes)


def opportunity(**changes: Any) -> Opportunity:
    default = Opportunity(
        strategy_id="spot_momentum_strategy",
        strategy_name="Spot momentum",
        opportunity_type="spot_momentum",
        symbol="BTC/USDT",
        exchange="simulated",
        action="buy 0.0333 BTC/USDT",
        purpose=Purpose.PROFIT,
        profit_potential_usd=41.25,
        risk_reduction_usd=None,
        confidence_score=0.87,
        evidence=Evidence("t of mean log return", 1.9, 168, 0.0287),
        risk_level=RiskLevel.MEDIUM,
        max_loss_usd=60.0,
        required_capital_usd=2_000.0,
        horizon_hours=20.0,
        estimated_timeframe=Timeframe.DAY,
        entry_price=60_000.0,
        exit_price=61_500.0,
        asset_tier=AssetTier.INSTITUTIONAL,
        metadata={
            "expected_value_usd": 5.0,
            "size": 0.0333,
            "notional_usd": 2_000.0,
            "fees_usd": 4.0,
            "slippage_usd": 0.5,
            "stop": 59_000.0,
            "legs": [
                {"side": "buy", "symbol": "BTC/USDT", "exchange": "simulated", "quantity": 0.0333, "price": 60_000.0}
            ],
        },
        discovered_at=int(NOW),
    )
    return replace(default, **changes)
