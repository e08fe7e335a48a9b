"""Examples for the description: the services answer about one scan, so that examples and answers cannot differ."""

from dataclasses import replace

from opportunities import responses, strategies
from opportunities.aws.items import StoredResult
from opportunities.domain import (
    AssetTier,
    Best,
    Filters,
    Outcome,
    OutcomeStatus,
    Purpose,
    RiskLevel,
    RiskTolerance,
    Scan,
    ScanState,
    Timeframe,
)
from opportunities.services import discover, results, status
from opportunities.services.list import summary

_NOW = 1_795_291_201.5
_SCAN_ID = "scan_0123456789abcdef0123456789abcdef"
_FOUND: responses.Found = {
    "strategy_id": "funding_arbitrage",
    "strategy_name": "Funding arbitrage",
    "opportunity_type": "funding_arbitrage",
    "symbol": "TIA/USDT:USDT",
    "exchange": "binance",
    "action": "buy 1023 TIA/USDT on kraken, sell 1023 TIA/USDT:USDT",
    "purpose": Purpose.PROFIT,
    "profit_potential_usd": 317.0273,
    "risk_reduction_usd": None,
    "confidence_score": 0.986,
    "evidence": {"statistic": "z of 30 d funding above costs", "value": 3.188, "n": 744, "p_value": 0.00072},
    "risk_level": RiskLevel.LOW,
    "max_loss_usd": 41.2,
    "required_capital_usd": 5071.709,
    "horizon_hours": 720.0,
    "estimated_timeframe": Timeframe.MONTH,
    "entry_price": 3.71037,
    "exit_price": 3.71867,
    "asset_tier": AssetTier.RETAIL,
    "metadata": {
        "expected_value_usd": 317.0273,
        "stop": None,
        "size": 1023.0,
        "notional_usd": 3797.98,
        "fees_usd": 11.39,
        "slippage_usd": 19.02,
        "legs": [
            {"side": "buy", "symbol": "TIA/USDT", "exchange": "kraken", "quantity": 1023.0, "price": 3.71411},
            {"side": "sell", "symbol": "TIA/USDT:USDT", "quantity": 1023.0, "price": 3.71037},
        ],
    },
    "discovered_at": 1_795_291_200,
    "score": 0.00205,
}
MARKET: responses.AssetDiscovery = {
    "source": "live: binance, deribit",
    "captured_at": "2026-11-21T20:00:00.000Z",
    "total_assets_scanned": 212,
    "asset_tiers": {AssetTier.INSTITUTIONAL: 14, AssetTier.RETAIL: 198},
    "unknown_symbols": [],
    "excluded": {"leveraged token": 12},
    "missing": {},
    "assumptions": {},
}
INVESTOR: responses.Profile = {
    "capital_usd": 50_000.0,
    "risk_tolerance": RiskTolerance.LOW,
    "holdings": {"BTC": 0.4},
    "fees": {},
    "allowed_exchanges": ["binance"],
    "allowed_assets": [],
    "version": 3,
}
_SCAN = Scan(
    user_id="b3c4d5e6-7081-4243-9495-a6b7c8d9eaf0",
    scan_id=_SCAN_ID,
    state=ScanState.SCANNING,
    strategies=("funding_arbitrage", "market_making", "pairs_trading"),
    created_at=_NOW - 1.5,
    updated_at=_NOW - 0.2,
    deadline=int(_NOW) + 120,
    expires_at=int(_NOW) + 604_800,
    investor_version=3,
    filters=Filters(strategy_ids=("funding_arbitrage", "market_making", "pairs_trading")),
    snapshot_key="windows/live-binance-deribit/1795291200",
    outcomes={
        "funding_arbitrage": Outcome(
            OutcomeStatus.COMPLETE, 1, 130, None, Best("TIA/USDT:USDT", "funding_arbitrage", 317.2, 0.986)
        ),
        "market_making": Outcome(OutcomeStatus.SKIPPED, reason="the market has no order books"),
    },
)


def discovered() -> responses.Discovered:
    return discover.describe(replace(_SCAN, state=ScanState.INITIATED), _NOW, reused=False)


def discovered_and_ended() -> responses.Discovered:
    return discover.describe(replace(_SCAN, state=ScanState.COMPLETE), _NOW, reused=False)


def scanning() -> responses.Status:
    return status.describe(_SCAN, _NOW)


def cancelled() -> responses.Status:
    return status.describe(replace(_SCAN, state=ScanState.CANCELLED), _NOW)


def listed() -> responses.ScanList:
    return {"success": True, "scans": [summary(_SCAN, _NOW)], "next_cursor": None}


def found() -> responses.Results:
    stored = StoredResult("funding_arbitrage", [_FOUND], 0, 198, MARKET, INVESTOR)
    return results.describe(_SCAN, [stored], strategies.describe, _NOW, limit=100, cursor=None)


def profile() -> responses.StoredProfile:
    return {"success": True, "stored": True, "profile": INVESTOR}


def scan_id() -> str:
    return _SCAN_ID
