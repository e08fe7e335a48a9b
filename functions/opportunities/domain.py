"""The words of the service: scan, investor, opportunity, outcome. Imports nothing of ours.

Money is in USD, rates are fractions (0.001 is 10 basis points), times are epoch seconds in UTC.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import inf
from typing import Literal

type Json = bool | int | float | str | list[Json] | dict[str, Json] | None

DOLLARS = frozenset({"USD", "USDT", "USDC"})
"""The dollar, and the stablecoins that are taken for one."""


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
    DAYS_2 = "2d"
    WEEK = "7d"
    DAYS_14 = "14d"
    MONTH = "30d"
    DAYS_90 = "90d"
    DAYS_180 = "180d"
    YEAR = "365d"
    LONGER = "longer"

    @property
    def hours(self) -> float:
        """Its upper bound."""
        if self is Timeframe.LONGER:
            return inf
        return int(self[:-1]) * {"m": 1 / 60, "h": 1.0, "d": 24.0}[self[-1]]

    @classmethod
    def of(cls, hours: float) -> "Timeframe":
        """The shortest that holds so many hours."""
        return next(each for each in cls if hours <= each.hours)


class Purpose(StrEnum):
    """What an opportunity is for: to earn, or to lower the risk of what the caller holds."""

    PROFIT = "profit"
    RISK_REDUCTION = "risk_reduction"


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
class Evidence:
    """The statistic that speaks for a proposal, its sample's size, and the p-value of "there is nothing here".

    What is fixed at entry has no p-value: its `value` is the share of the edge that is left after costs.
    """

    statistic: str
    value: float
    n: int
    p_value: float | None = None


@dataclass(frozen=True)
class Leg:
    """One order: `quantity` in units of base, `price` as quoted."""

    side: Literal["buy", "sell"]
    symbol: str
    exchange: str
    quantity: float
    price: float


@dataclass(frozen=True)
class Proposal:
    """What a strategy emits: a trade with the numbers that support it. Who found it, and when, its runner adds.

    `benefit_usd` is after fees, spread, slippage and funding: the profit if the target is reached, or the risk saved.
    `max_loss_usd` is the worst that the legs themselves can lose: the planned loss at `stop`, or without a stop the
    worst payoff; None where it has no bound. `stop` is a price, an object that says when, or None. `symbol` is the
    exchange-independent name ("BTC/USDT" spot, "BTC/USDT:USDT" perpetual). `horizon_hours` is the time until it is
    expected to have paid.
    """

    opportunity_type: str
    symbol: str
    exchange: str
    purpose: Purpose
    benefit_usd: float
    evidence: Evidence
    max_loss_usd: float | None
    required_capital_usd: float
    horizon_hours: float
    entry_price: float | None
    exit_price: float | None
    asset_tier: AssetTier
    legs: tuple[Leg, ...]
    stop: Json
    metadata: Mapping[str, Json]


@dataclass(frozen=True)
class Proposals:
    """What a strategy returns: what it proposes, in any order, and how many instruments it looked at."""

    proposals: tuple[Proposal, ...]
    examined: int


@dataclass(frozen=True)
class Opportunity:
    """A proposal with who made it, when, and what follows from its numbers (`trading.proposals`).

    Of `profit_potential_usd` and `risk_reduction_usd` one is None: `purpose` says which. `max_loss_usd` is None where
    the loss has no bound. `confidence_score` lies in [0, 1] and is a function of `evidence`. `metadata["legs"]` are the
    orders, `metadata["stop"]` is where it is given up.
    """

    strategy_id: str
    strategy_name: str
    opportunity_type: str
    symbol: str
    exchange: str
    action: str
    purpose: Purpose
    profit_potential_usd: float | None
    risk_reduction_usd: float | None
    confidence_score: float
    evidence: Evidence
    risk_level: RiskLevel
    max_loss_usd: float | None
    required_capital_usd: float
    horizon_hours: float
    estimated_timeframe: Timeframe
    entry_price: float | None
    exit_price: float | None
    asset_tier: AssetTier
    metadata: Mapping[str, Json]
    discovered_at: int


@dataclass(frozen=True)
class Findings:
    """What running a strategy finds: its opportunities, best first, and how many instruments it looked at."""

    opportunities: tuple[Opportunity, ...]
    examined: int


@dataclass(frozen=True)
class Best:
    """The best opportunity of one strategy, as far as progress shows it; of a risk reduction there is no profit."""

    symbol: str
    opportunity_type: str
    profit_potential_usd: float | None
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
