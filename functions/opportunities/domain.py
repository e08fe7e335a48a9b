"""The words of the service: scan, investor, opportunity, outcome. Imports nothing of ours.

Money is in USD, rates are fractions (0.001 is 10 basis points), times are epoch seconds in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None


class ScanState(StrEnum):
    """Where a scan stands. The last three are terminal: nothing changes a scan after them."""

    INITIATED = "initiated"
    SCANNING = "scanning"
    COMPLETE = "complete"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def terminal(self) -> bool:
        return self in (ScanState.COMPLETE, ScanState.FAILED, ScanState.CANCELLED)


class OutcomeStatus(StrEnum):
    """How one strategy ended in one scan."""

    COMPLETE = "complete"
    SKIPPED = "skipped"
    FAILED = "failed"


class RiskLevel(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"
    VERY_HIGH = "very_high"


class RiskTolerance(StrEnum):
    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"


class Timeframe(StrEnum):
    """The time until an opportunity is expected to have paid, rounded up to the next of these."""

    MINUTES_5 = "5m"
    HOUR = "1h"
    HOURS_4 = "4h"
    DAY = "24h"
    WEEK = "7d"
    MONTH = "30d"


class AssetTier(StrEnum):
    """Assets by USD volume of the last 24 hours; `floor` is the least volume of each tier."""

    INSTITUTIONAL = "institutional"
    ENTERPRISE = "enterprise"
    PROFESSIONAL = "professional"
    RETAIL = "retail"
    EMERGING = "emerging"
    MICRO = "micro"

    @property
    def floor(self) -> float:
        return {
            AssetTier.INSTITUTIONAL: 100e6,
            AssetTier.ENTERPRISE: 50e6,
            AssetTier.PROFESSIONAL: 10e6,
            AssetTier.RETAIL: 1e6,
            AssetTier.EMERGING: 100e3,
            AssetTier.MICRO: 0.0,
        }[self]

    @classmethod
    def of(cls, volume_24h_usd: float) -> "AssetTier":
        return next(tier for tier in cls if volume_24h_usd >= tier.floor or tier is cls.MICRO)


@dataclass(frozen=True)
class Fees:
    """Fees of one exchange, as fractions of the notional; dated futures pay those of perpetuals.

    An option costs `option_taker` of the underlying's price, at most `option_cap` of its premium (Deribit's rule).
    """

    spot_taker: float
    perpetual_taker: float
    spot_maker: float = 0.001
    perpetual_maker: float = 0.0002
    option_taker: float = 0.0003
    option_cap: float = 0.125


# What an investor pays on one exchange, by the names of `Fees`; what is left out is as the market says.
type StatedFees = Mapping[str, float]


@dataclass(frozen=True)
class Investor:
    """What the callers told us about themselves.

    `holdings` maps a base asset ("BTC") to the quantity held; `fees` maps an exchange to what the caller pays
    there, in place of those fees that the market snapshot states. `allowed_exchanges` and `allowed_assets` are those
    they may trade on and in; empty means any. `version` counts the changes; 0 was never stored.
    """

    capital_usd: float = 10_000.0
    risk_tolerance: RiskTolerance = RiskTolerance.MEDIUM
    holdings: Mapping[str, float] = field(default_factory=dict)
    fees: Mapping[str, StatedFees] = field(default_factory=dict)
    allowed_exchanges: tuple[str, ...] = ()
    allowed_assets: tuple[str, ...] = ()
    version: int = 0


@dataclass(frozen=True)
class Filters:
    """What the caller asked for. Empty or None means: no restriction."""

    strategy_ids: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    asset_tiers: tuple[AssetTier, ...] = ()
    opportunity_type: tuple[str, ...] = ()
    preferred_timeframes: tuple[Timeframe, ...] = ()
    filter_by_risk_level: RiskLevel | None = None
    min_profit_potential: float | None = None
    max_required_capital: float | None = None
    include_strategy_recommendations: bool = True
    snapshot: str | None = None


@dataclass(frozen=True)
class Opportunity:
    """One proposed action, with the numbers and the reasons that support it.

    `profit_potential_usd` is after fees, spread, slippage and funding over `estimated_timeframe`, if the target
    is reached; `confidence_score` lies in [0, 1] and `metadata["confidence"]` names the statistic it is a
    function of. `symbol` is the exchange-independent name ("BTC/USDT" spot, "BTC/USDT:USDT" perpetual).
    `metadata["legs"]` are the orders; one that names no exchange is for this `exchange`.
    """

    strategy_id: str
    strategy_name: str
    opportunity_type: str
    symbol: str
    exchange: str
    profit_potential_usd: float
    confidence_score: float
    risk_level: RiskLevel
    required_capital_usd: float
    estimated_timeframe: Timeframe
    entry_price: float | None
    exit_price: float | None
    asset_tier: AssetTier
    metadata: Mapping[str, Json]
    discovered_at: int


@dataclass(frozen=True)
class Findings:
    """What a strategy returns: its opportunities, best first, and how many instruments it judged."""

    opportunities: tuple[Opportunity, ...]
    examined: int


@dataclass(frozen=True)
class Best:
    """The best opportunity of one strategy, as far as progress shows it."""

    symbol: str
    opportunity_type: str
    profit_potential_usd: float
    confidence_score: float


@dataclass(frozen=True)
class Outcome:
    """What one strategy did in one scan. `reason` says why it was skipped or failed."""

    status: OutcomeStatus
    opportunities: int = 0
    duration_ms: int = 0
    reason: str | None = None
    best: Best | None = None


@dataclass(frozen=True)
class Scan:
    """One request's run of the strategies, as its item holds it.

    `state` is what was last written; what it *is* at a moment also depends on the deadline (`scans.state_at`).
    `outcomes` grows by one attribute per strategy and never changes otherwise. `request` is the fingerprint of the
    request that an `Idempotency-Key` came with, None without a key.
    """

    user_id: str
    scan_id: str
    state: ScanState
    strategies: tuple[str, ...]
    created_at: float
    updated_at: float
    deadline: int
    expires_at: int
    investor_version: int
    filters: Filters
    snapshot_key: str | None = None
    reason: str | None = None
    request: str | None = None
    outcomes: Mapping[str, Outcome] = field(default_factory=dict)
