"""The answer of `results` as typed values: the opportunities, the numbers behind them, the market they are of."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from opportunities.domain import Json
from opscan.responses import StrategyState, count, items, mapping, moment, number, text


@dataclass(frozen=True)
class Confidence:
    """A score between 0 and 1, and the statistic it is a function of."""

    score: float | None
    statistic: str
    value: float | None
    n: int


@dataclass(frozen=True)
class Opportunity:
    """One row of the table. Money in USD; None where the API gave no number.

    `repeats` is the rank of a better opportunity on the same instruments and sides; 0 where there is none.
    """

    symbol: str
    exchange: str
    strategy: str
    kind: str
    entry: float | None
    exit: float | None
    stop: float | None
    profit: float | None
    expected_value: float | None
    fees: float | None
    slippage: float | None
    confidence: Confidence
    risk: str
    capital: float | None
    timeframe: str
    tier: str
    score: float | None
    rank: int
    repeats: int

    @classmethod
    def of(cls, value: Json) -> "Opportunity":
        body = mapping(value)
        behind = mapping(body.get("metadata"))
        confidence = mapping(behind.get("confidence"))
        return cls(
            symbol=text(body.get("symbol")),
            exchange=text(body.get("exchange")),
            strategy=text(body.get("strategy_id")),
            kind=text(body.get("opportunity_type")),
            entry=number(body.get("entry_price")),
            exit=number(body.get("exit_price")),
            stop=number(behind.get("stop")),
            profit=number(body.get("profit_potential_usd")),
            expected_value=number(behind.get("expected_value_usd")),
            fees=number(behind.get("fees_usd")),
            slippage=number(behind.get("slippage_usd")),
            confidence=Confidence(
                number(body.get("confidence_score")),
                text(confidence.get("statistic")),
                number(confidence.get("value")),
                count(confidence.get("n")),
            ),
            risk=text(body.get("risk_level")),
            capital=number(body.get("required_capital_usd")),
            timeframe=text(body.get("estimated_timeframe")),
            tier=text(body.get("asset_tier")),
            score=number(body.get("score")),
            rank=count(body.get("rank")),
            repeats=count(body.get("repeats")),
        )


@dataclass(frozen=True)
class Market:
    """Which market was judged. `assumptions` are the numbers in it that nobody observed."""

    source: str
    captured_at: datetime | None
    assets: int
    assumptions: tuple[tuple[str, str], ...]
    missing: tuple[tuple[str, str], ...]
    excluded: tuple[tuple[str, int], ...]
    unknown: tuple[str, ...]

    @classmethod
    def of(cls, value: Json) -> "Market":
        body = mapping(value)
        return cls(
            text(body.get("source")),
            moment(body.get("captured_at")),
            count(body.get("total_assets_scanned")),
            _sentences(body.get("assumptions")),
            _sentences(body.get("missing")),
            tuple((text(why), count(many)) for why, many in mapping(body.get("excluded")).items()),
            tuple(filter(None, map(text, items(body.get("unknown_symbols"))))),
        )


@dataclass(frozen=True)
class Recommendation:
    """What the caller might do next, in the API's words."""

    strategy: str
    name: str
    benefit: str
    reason: str


@dataclass(frozen=True)
class Results:
    """One or more pages of results. `document` is what the API said, for machines.

    `snapshot` is the key of the market's snapshot; `filters` are the request's fields that were given.
    """

    scan_id: str
    opportunities: tuple[Opportunity, ...]
    total: int
    profit: float | None
    strategies: tuple[StrategyState, ...]
    market: Market
    truncated: tuple[tuple[str, str], ...]
    recommendations: tuple[Recommendation, ...]
    seconds: float | None
    snapshot: str
    filters: Mapping[str, Json]
    document: Mapping[str, Json]

    @property
    def unjudged(self) -> bool:
        """Whether every strategy was skipped or failed, so that nobody has looked at the market."""
        return bool(self.strategies) and all(strategy.status != "complete" for strategy in self.strategies)

    @classmethod
    def of(cls, document: Mapping[str, Json]) -> "Results":
        found = tuple(Opportunity.of(value) for value in items(document.get("opportunities")))
        metadata = mapping(document.get("metadata"))
        performance = mapping(document.get("strategy_performance"))
        milliseconds = number(document.get("execution_time_ms"))
        return cls(
            scan_id=text(document.get("scan_id")),
            opportunities=found,
            total=max(count(document.get("total_opportunities")), len(found)),
            profit=number(document.get("total_profit_potential_usd")),
            strategies=tuple(StrategyState.of(name, value) for name, value in performance.items()),
            market=Market.of(document.get("asset_discovery")),
            truncated=_sentences(metadata.get("truncated")),
            recommendations=tuple(
                Recommendation(
                    text(advice.get("strategy_id")),
                    text(advice.get("name")) or text(advice.get("strategy_id")),
                    text(advice.get("benefit")),
                    text(advice.get("reason")),
                )
                for advice in map(mapping, items(document.get("strategy_recommendations")))
            ),
            seconds=None if milliseconds is None else milliseconds / 1000,
            snapshot=text(metadata.get("snapshot")),
            filters=mapping(metadata.get("filters")),
            document=document,
        )


def _sentences(value: Json) -> tuple[tuple[str, str], ...]:
    """An object of names and what is said of them; a plain list says it of nothing in particular."""
    if isinstance(value, list):
        return tuple(("", said) for said in map(text, value) if said)
    return tuple((text(name), text(said)) for name, said in mapping(value).items() if said is not False)
