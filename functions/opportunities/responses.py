"""The shape of every answer. mypy holds the services to it, and `api/openapi` describes it.

Money is in USD, rates are fractions, durations in seconds unless the name says otherwise, times ISO 8601 in UTC.
Other modules import this one for types alone, since the Lambdas without a layer have no pydantic.
"""

from dataclasses import fields
from typing import Annotated, Any, Literal, NotRequired, TypedDict

from pydantic import BaseModel, ConfigDict, Field, GetPydanticSchema, create_model, with_config
from pydantic.dataclasses import dataclass

from opportunities import domain
from opportunities.domain import AssetTier, Json, OutcomeStatus, Purpose, RiskLevel, RiskTolerance, ScanState, Timeframe

ScanId = Annotated[str, Field(pattern=r"^scan_[0-9a-f]{32}$")]
Shown = Literal[ScanState.SCANNING, ScanState.COMPLETE, ScanState.FAILED, ScanState.CANCELLED]
Waiting = Literal["waiting", "running", "unfinished"]
Fraction = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=0)]
Moment = Annotated[str, Field(json_schema_extra={"format": "date-time"})]
_CLOSED = ConfigDict(extra="forbid")
# Strategies add their own numbers.
_OPEN = with_config(ConfigDict(extra="allow"))
# Not ours to close.
_OTHERS = with_config(ConfigDict(extra="ignore"))


class Success(TypedDict):
    success: Annotated[Literal[True], Field(description="That the request was answered, not how the scan went.")]


# ------------------------------------------------------------------------------------------------------- problems
class Problem(TypedDict):
    """What is wrong and what to do next (RFC 9457)."""

    type: Literal["about:blank"]
    title: str
    status: int
    detail: str


class InvalidFields(Problem):
    errors: Annotated[dict[str, str], Field(description="What is wrong, by field; `body` where it is no JSON.")]


class NotFound(TypedDict):
    """The same bytes for a scan of somebody else, an expired or deleted one, and one that never was."""

    type: Literal["about:blank"]
    title: str
    detail: str
    success: Literal[False]
    status: Literal["not_found"]
    message: str


@_OTHERS
class GatewayMessage(TypedDict):
    """What API Gateway answers by itself, before any of our code runs."""

    message: str


# ---------------------------------------------------------------------------------------------------------- scans
@dataclass(frozen=True, config=_CLOSED)
class AskedFor(domain.Filters):
    """What the caller asked for, without what they left at its default."""


Asked = Annotated[dict[str, Json], GetPydanticSchema(lambda _, handler: handler(AskedFor))]


class Discovered(Success):
    scan_id: ScanId
    status: ScanState
    message: str
    poll_url: str
    results_url: str
    polling_interval_seconds: Count
    estimated_completion_seconds: Count
    filters: Asked
    reused: Annotated[bool, Field(description="Whether an earlier request, or one with the same key, made this scan.")]


class Progress(TypedDict):
    strategies_completed: Annotated[
        Count, Field(description="Those that ran, and those that were skipped with a reason.")
    ]
    strategies_failed: Count
    total_strategies: Count
    opportunities_found_so_far: Count
    percentage: Annotated[float, Field(ge=0, le=100)]


class Best(TypedDict):
    """The best opportunity of one strategy, in short; what lowers a risk has no profit."""

    symbol: str
    opportunity_type: str
    profit_potential_usd: float | None
    confidence_score: Fraction


class PartialResult(Best):
    strategy_id: str


class StrategyOutcome(TypedDict):
    """`waiting` and `running` until the strategy has ended; `unfinished` where the scan ended without it."""

    status: OutcomeStatus | Waiting
    opportunities: Count
    duration_ms: Count
    reason: str | None
    best: Best | None


class StatusMetadata(TypedDict):
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
    last_updated: Moment
    results_url: str


class ScanSummary(TypedDict):
    scan_id: ScanId
    status: Shown
    reason: Annotated[str | None, Field(description="Why it failed.")]
    progress: Progress
    filters: Asked
    created_at: Moment
    last_updated: Moment
    expires_at: Moment
    poll_url: str
    results_url: str


class ScanList(Success):
    scans: Annotated[
        list[ScanSummary], Field(description="May be fewer than asked for, even none; go on while there is a cursor.")
    ]
    next_cursor: str | None


# -------------------------------------------------------------------------------------------------------- results
class Leg(TypedDict):
    """One order."""

    side: Literal["buy", "sell"]
    symbol: str
    quantity: Annotated[
        float, Field(description="In units of the base asset; of an inverse contract as many as its USD buy.")
    ]
    price: float
    exchange: NotRequired[Annotated[str, Field(description="Where, if not on the opportunity's own exchange.")]]


class Evidence(TypedDict):
    """The statistic that `confidence_score` is a function of, and the size of its sample."""

    statistic: str
    value: float
    n: Count
    p_value: Annotated[
        Fraction | None,
        Field(
            description='Of "nothing is there". Null where the profit is fixed at entry: `value` is what costs leave.'
        ),
    ]


@_OPEN
class Details(TypedDict):
    """The numbers behind an opportunity. Every strategy adds its own; its docstring has their formulas."""

    expected_value_usd: Annotated[
        float,
        Field(description="Weighted by the probabilities of target and stop; of a risk reduction what it saves."),
    ]
    stop: Annotated[float | dict[str, float] | None, Field(description="A price, or a score and hours; null for none.")]
    size: Annotated[float, Field(description="In units of the base asset.")]
    notional_usd: float
    fees_usd: float
    slippage_usd: float
    legs: list[Leg]


class Found(TypedDict):
    """One proposed action, as it is stored."""

    strategy_id: str
    strategy_name: str
    opportunity_type: str
    symbol: Annotated[
        str, Field(description='"BTC/USDT" spot, "BTC/USDT:USDT" a perpetual, with a date a future or an option.')
    ]
    exchange: str
    action: Annotated[str, Field(description='What to do, side first: "buy 0.5 BTC/USDT", "sell 1.2 BTC you hold".')]
    purpose: Annotated[Purpose, Field(description="Whether it earns, or lowers the risk of what the caller holds.")]
    profit_potential_usd: Annotated[
        float | None, Field(description="After all costs, if the target is reached in time; null for a risk reduction.")
    ]
    risk_reduction_usd: Annotated[
        float | None, Field(description="The risk saved, after all costs; null for a profit.")
    ]
    confidence_score: Fraction
    evidence: Evidence
    risk_level: Annotated[
        RiskLevel, Field(description="By the worst loss over the capital; very high where it has no bound.")
    ]
    max_loss_usd: Annotated[
        float | None,
        Field(
            description="The worst that the orders can lose by prices, with the stop stated; null without a bound. "
            "Funding to come is not in it."
        ),
    ]
    required_capital_usd: Annotated[float, Field(ge=0)]
    horizon_hours: Annotated[float, Field(ge=0, description="Until it is expected to have paid.")]
    estimated_timeframe: Annotated[Timeframe, Field(description="The shortest that holds the horizon.")]
    entry_price: float | None
    exit_price: float | None
    asset_tier: AssetTier
    metadata: Details
    discovered_at: Annotated[int, Field(description="When the market was captured, seconds since 1970.")]
    score: Annotated[
        float,
        Field(
            description="What the ranking goes by: expected value or risk saved by capital and day, times confidence."
        ),
    ]


class Opportunity(Found):
    """One proposed action."""

    rank: Annotated[int, Field(ge=1)]
    repeats: Annotated[
        int | None, Field(description="The rank of a better one that trades the same to the same sides.")
    ]


class Strengths(TypedDict):
    """How many opportunities have a confidence of at least 0.9, 0.75, 0.5, and less."""

    very_strong: Count
    strong: Count
    moderate: Count
    weak: Count


class SignalAnalysis(TypedDict):
    total_signals_analyzed: Count
    signals_by_strength: Strengths


def _fees() -> type[BaseModel]:
    names: dict[str, Any] = {one.name: (float | None, ...) for one in fields(domain.Fees)}
    text = "Fractions of the notional; `option_cap` of the premium. Null where the caller left it to the market's."
    return create_model("Fees", __config__=_CLOSED, __doc__=text, **names)


Fees = Annotated[dict[str, float | None], GetPydanticSchema(lambda _, handler: handler(_fees()))]


class Profile(TypedDict):
    """The investor; version 0 was never stored."""

    capital_usd: float
    risk_tolerance: RiskTolerance
    holdings: dict[str, float]
    fees: dict[str, Fees]
    allowed_exchanges: list[str]
    allowed_assets: list[str]
    version: Count


class ProfileVersion(TypedDict):
    """All that is known of the investor while no strategy has run for them."""

    version: Count


class Performance(TypedDict):
    """What one strategy did."""

    status: OutcomeStatus
    reason: str | None
    count: Count
    truncated: Annotated[Count, Field(description="How many were found beyond those that are kept.")]
    examined: Annotated[Count, Field(description="How many instruments were judged.")]
    total_potential: float
    avg_confidence: Fraction | None
    duration_ms: Count


class AssetDiscovery(TypedDict):
    """The market that was judged."""

    source: str
    captured_at: Moment
    total_assets_scanned: Count
    asset_tiers: dict[AssetTier, Count]
    unknown_symbols: list[str]
    excluded: Annotated[dict[str, Count], Field(description="Markets left out, by reason.")]
    missing: Annotated[dict[str, str], Field(description="Sections that could not be had, and why.")]
    assumptions: dict[str, str]


class Recommendation(TypedDict):
    strategy_id: str
    name: str
    benefit: str
    reason: str
    type: Literal["provide_what_it_needs", "scan_again"]


class ResultsMetadata(TypedDict):
    scan_state: ScanState
    reason: str | None
    total_strategies: Count
    strategies_completed: Count
    strategies_failed: Count
    truncated: dict[str, Count]
    filters: Asked
    snapshot: str | None
    expires_at: Moment


class Results(Success):
    scan_id: ScanId
    status: Shown
    user_id: str
    opportunities: list[Opportunity]
    total_opportunities: Count
    total_profit_potential_usd: Annotated[
        float,
        Field(
            description="If every target is reached, without those that repeat a better one; whatever capital they "
            "want."
        ),
    ]
    total_risk_reduction_usd: Annotated[
        float,
        Field(
            description="What all risk reductions save, without those that repeat a better one; no part of the profit."
        ),
    ]
    next_cursor: str | None
    signal_analysis: SignalAnalysis
    user_profile: Profile | ProfileVersion
    strategy_performance: dict[str, Performance]
    asset_discovery: AssetDiscovery | None
    strategy_recommendations: list[Recommendation]
    execution_time_ms: Count
    last_updated: Moment
    metadata: ResultsMetadata


# --------------------------------------------------------------------------------------------- profile, catalogue
class StoredProfile(Success):
    stored: bool
    profile: Profile


class Strategy(TypedDict):
    """One of the catalogue."""

    strategy_id: str
    name: str
    summary: str
    opportunity_types: list[str]
    needs: list[str]


class Catalogue(Success):
    strategies: list[Strategy]
    total_strategies: Count


@_OTHERS
class OpenApi(TypedDict):
    """This description."""

    openapi: Literal["3.1.0"]
