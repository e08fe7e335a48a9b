"""What callers may ask for: the fields of the API's requests, checked by type checkers and by the API itself."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TypedDict


class ScanFields(TypedDict, total=False):
    """What to scan and what to show of it. Empty or left out means: no restriction. Money is in USD."""

    strategy_ids: Sequence[str]
    symbols: Sequence[str]
    asset_tiers: Sequence[str]
    opportunity_type: Sequence[str]
    preferred_timeframes: Sequence[str]
    filter_by_risk_level: str | None
    min_profit_potential: float | None
    max_required_capital: float | None
    snapshot: str | None
    force_refresh: bool
    include_strategy_recommendations: bool


class ProfileFields(TypedDict, total=False):
    """The whole investor: what is left out goes back to its default. The API wants at least `capital_usd`.

    `holdings` are quantities by asset ("BTC"); `fees` rates by exchange ("binance") and kind ("spot_taker").
    """

    capital_usd: float
    risk_tolerance: str
    holdings: Mapping[str, float]
    fees: Mapping[str, Mapping[str, float]]
    allowed_exchanges: Sequence[str]
    allowed_assets: Sequence[str]


class ListFields(TypedDict, total=False):
    """Which scans to list: of these states, created no earlier and no later than these moments, which have zones."""

    status: Sequence[str]
    created_after: datetime | None
    created_before: datetime | None
