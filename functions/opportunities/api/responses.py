"""Models of what the API answers. They only describe: services build the answers, tests compare the two.

Money is in USD, rates are fractions, durations in seconds unless the name says otherwise, times ISO 8601 in UTC.
"""

from datetime import datetime
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from opportunities.domain import AssetTier, OutcomeStatus, Purpose, RiskLevel, RiskTolerance, ScanState, Timeframe

ScanId = Annotated[str, Field(pattern=r"^scan_[0-9a-f]{32}$")]
Shown = Literal["scanning", "complete", "failed", "cancelled"]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]


class Answer(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Success(Answer):
    success: Literal[True] = Field(description="That the request was answered, not how the scan went.")


# ------------------------------------------------------------------------------------------------------- problems
class Problem(Answer):
    """What is wrong and what to do next (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str


class InvalidFields(Problem):
    errors: dict[str, str] = Field(description="What is wrong, by field; `body` where it is no JSON.")


class NotFound(Answer):
    """The same bytes for a scan of somebody else, an expired or deleted one, and one that never was."""

    type: Literal["about:blank"]
    title: str
    detail: str
    success: Literal[False]
    status: Literal["not_found"]
    message: str


class GatewayMessage(BaseModel):
    """What API Gateway answers by itself, before any of our code runs."""

    message: str


# ---------------------------------------------------------------------------------------------------------- scans
class AskedFor(Answer):
    """What the caller asked for, without what he left at its default."""

    strategy_ids: list[str] | None = None
    symbols: list[str] | None = None
    asset_tiers: list[AssetTier] | None = None
    opportunity_type: list[str] | None = None
    preferred_timeframes: list[Timeframe] | None = None
    filter_by_risk_level: RiskLevel | None = None
    min_profit_potential: float | None = None
    max_required_capital: float | None = None
    include_strategy_recommendations: bool | None = None
    snapshot: str | None = None


class Discovered(Success):
    scan_id: ScanId
    status: ScanState
    message: str
    poll_url: str
    results_url: str
    polling_interval_seconds: Count
    estimated_completion_seconds: Count
    filters: AskedFor
    reused: bool = Field(description="Whether an earlier request, or one with the same key, made this scan.")


class Progress(Answer):
    strategies_completed: Count = Field(description="Those that judged, and those that were skipped with a reason.")
    strategies_failed: Count
    total_strategies: Count
    opportunities_found_so_far: Count
    percentage: Annotated[float, Field(ge=0, le=100)]


class Best(Answer):
    """The best opportunity of one strategy, in short; what lowers a risk has no profit."""

    symbol: str
    opportunity_type: str
    profit_potential_usd: float | None
    confidence_score: Fraction


class PartialResult(Best):
    strategy_id: str


class StrategyOutcome(Answer):
    """`waiting` and `running` until the strategy has ended; `unfinished` where the scan ended without it."""

    status: OutcomeStatus | Literal["waiting", "running", "unfinished"]
    opportunities: Count
    duration_ms: Count
    reason: str | None
    best: Best | None


class StatusMetadata(Answer):
    scan_state: ScanState
    message: str
    strategies_completed: Count
    total_strategies: Count
    elapsed_seconds: Annotated[float, Field(ge=0)]


class Status(Success):
    scan_id: ScanId
    status: Shown
    message: str
    progress: Progress
    partial_results: list[PartialResult]
    strategies: dict[str, StrategyOutcome]
    metadata: StatusMetadata
    estimated_time_remaining_seconds: Annotated[float, Field(ge=0)]
    last_updated: datetime
    results_url: str


class ScanSummary(Answer):
    scan_id: ScanId
    status: Shown
    reason: str | None = Field(description="Why it failed.")
    progress: Progress
    filters: AskedFor
    created_at: datetime
    last_updated: datetime
    expires_at: datetime
    poll_url: str
    results_url: str


class History(Success):
    scans: list[ScanSummary] = Field(
        description="May be fewer than asked for, even none; go on while there is a cursor."
    )
    next_cursor: str | None


# -------------------------------------------------------------------------------------------------------- results
class Leg(Answer):
    """One order."""

    side: Literal["buy", "sell"]
    symbol: str
    quantity: float = Field(description="In units of the base asset; of an inverse contract as many as its USD buy.")
    price: float
    exchange: str | None = Field(None, description="Where, if not on the opportunity's own exchange.")


class Evidence(Answer):
    """The statistic that `confidence_score` is a function of, and the size of its sample."""

    statistic: str
    value: float
    n: Count
    p_value: Fraction | None = Field(
        description='Of "there is nothing here". Null where the profit is fixed at entry: `value` is what costs leave.'
    )


class Details(BaseModel):
    """The numbers behind an opportunity. Every strategy adds its own; its docstring has their formulas."""

    model_config = ConfigDict(extra="allow")

    expected_value_usd: float = Field(
        description="Weighted by the probabilities of target and stop; of a risk reduction what it saves."
    )
    stop: float | dict[str, float] | None = Field(description="A price, or a score and hours; null for none.")
    size: float = Field(description="In units of the base asset.")
    notional_usd: float
    fees_usd: float
    slippage_usd: float
    legs: list[Leg]


class Opportunity(Answer):
    """One proposed action."""

    strategy_id: str
    strategy_name: str
    opportunity_type: str
    symbol: str = Field(description='"BTC/USDT" spot, "BTC/USDT:USDT" a perpetual, with a date a future or an option.')
    exchange: str
    action: str = Field(description='What to do, side first: "buy 0.5 BTC/USDT", "sell 1.2 BTC you hold".')
    purpose: Purpose = Field(description="Whether it earns, or lowers the risk of what the caller holds.")
    profit_potential_usd: float | None = Field(
        description="After all costs, if the target is reached in time; null for a risk reduction."
    )
    risk_reduction_usd: float | None = Field(description="The risk saved, after all costs; null for a profit.")
    confidence_score: Fraction
    evidence: Evidence
    risk_level: RiskLevel = Field(description="By the worst loss over the capital; very high where it has no bound.")
    max_loss_usd: float | None = Field(
        description="The worst that the orders themselves can lose, with the stop stated; null where it has no bound."
    )
    required_capital_usd: Annotated[float, Field(ge=0)]
    horizon_hours: Annotated[float, Field(ge=0)] = Field(description="Until it is expected to have paid.")
    estimated_timeframe: Timeframe = Field(description="The shortest that holds the horizon.")
    entry_price: float | None
    exit_price: float | None
    asset_tier: AssetTier
    metadata: Details
    discovered_at: int = Field(description="When the market was captured, seconds since 1970.")
    score: float = Field(
        description="What the ranking goes by: expected value, or risk saved, / capital / day, weighted by confidence."
    )
    rank: Annotated[int, Field(ge=1)]
    repeats: int | None = Field(description="The rank of a better one that trades the same to the same sides.")


class Strengths(Answer):
    """How many opportunities have a confidence of at least 0.9, 0.75, 0.5, and less."""

    very_strong: Count
    strong: Count
    moderate: Count
    weak: Count


class SignalAnalysis(Answer):
    total_signals_analyzed: Count
    signals_by_strength: Strengths


class Fees(Answer):
    """Fractions of the notional; `option_cap` of the premium. Null where he left it to the market's."""

    spot_taker: float | None
    perpetual_taker: float | None
    spot_maker: float | None
    perpetual_maker: float | None
    option_taker: float | None
    option_cap: float | None


class Profile(Answer):
    """The investor; version 0 was never stored."""

    capital_usd: float
    risk_tolerance: RiskTolerance
    holdings: dict[str, float]
    fees: dict[str, Fees]
    allowed_exchanges: list[str]
    allowed_assets: list[str]
    version: Count


class ProfileVersion(Answer):
    """All that is known of him while no strategy has judged for him."""

    version: Count


class Performance(Answer):
    """What one strategy did."""

    status: OutcomeStatus
    reason: str | None
    count: Count
    truncated: Count = Field(description="How many were found beyond those that are kept.")
    examined: Count = Field(description="How many instruments were judged.")
    total_potential: float
    avg_confidence: Fraction | None
    duration_ms: Count


class AssetDiscovery(Answer):
    """The market that was judged."""

    source: str
    captured_at: datetime
    total_assets_scanned: Count
    asset_tiers: dict[AssetTier, Count]
    unknown_symbols: list[str]
    excluded: dict[str, Count] = Field(description="Markets left out, by reason.")
    missing: dict[str, str] = Field(description="Sections that could not be had, and why.")
    assumptions: dict[str, str]


class Recommendation(Answer):
    strategy_id: str
    name: str
    benefit: str
    reason: str
    type: Literal["provide_what_it_needs", "scan_again"]


class ResultsMetadata(Answer):
    scan_state: ScanState
    reason: str | None
    total_strategies: Count
    strategies_completed: Count
    strategies_failed: Count
    truncated: dict[str, Count]
    filters: AskedFor
    snapshot: str | None
    expires_at: datetime


class Results(Success):
    scan_id: ScanId
    status: Shown
    user_id: str
    opportunities: list[Opportunity]
    total_opportunities: Count
    total_profit_potential_usd: float = Field(
        description="If every target is reached, without those that repeat a better one; whatever capital they want."
    )
    total_risk_reduction_usd: float = Field(
        description="The risk that all reductions save, without those that repeat a better one. No part of the profit."
    )
    next_cursor: str | None
    signal_analysis: SignalAnalysis
    user_profile: Profile | ProfileVersion
    strategy_performance: dict[str, Performance]
    asset_discovery: AssetDiscovery | None
    strategy_recommendations: list[Recommendation]
    execution_time_ms: Count
    last_updated: datetime
    metadata: ResultsMetadata


# --------------------------------------------------------------------------------------------- profile, catalogue
class StoredProfile(Success):
    stored: bool
    profile: Profile


class Strategy(Answer):
    """One of the catalogue."""

    strategy_id: str
    name: str
    summary: str
    opportunity_types: list[str]
    needs: list[str]


class Catalogue(Success):
    strategies: list[Strategy]
    total_strategies: Count


class OpenApi(BaseModel):
    """This description."""

    openapi: Literal["3.1.0"]
