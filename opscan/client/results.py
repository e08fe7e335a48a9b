"""The results of a scan: the opportunities, the numbers behind them, the market they are of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from opportunities.domain import Json
from opscan.client.opportunity import Opportunity
from opscan.client.scans import StrategyState
from opscan.client.values import amounts, count, items, mapping, moment, number, text, texts


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
            source=text(body.get("source")),
            captured_at=moment(body.get("captured_at")),
            assets=count(body.get("total_assets_scanned")),
            assumptions=_sentences(body.get("assumptions")),
            missing=_sentences(body.get("missing")),
            excluded=tuple((text(why), count(many)) for why, many in mapping(body.get("excluded")).items()),
            unknown=texts(body.get("unknown_symbols")),
        )


@dataclass(frozen=True)
class Recommendation:
    """What the caller might do next, in the API's words."""

    strategy_id: str
    name: str
    benefit: str
    reason: str

    @classmethod
    def of(cls, value: Json) -> "Recommendation":
        body = mapping(value)
        strategy = text(body.get("strategy_id"))
        return cls(strategy, text(body.get("name")) or strategy, text(body.get("benefit")), text(body.get("reason")))


@dataclass(frozen=True)
class Results:
    """What a scan found, best first: iterating gives its opportunities.

    `total` counts also those that were not asked for. `total_profit_potential_usd` sums profits only, without repeats,
    and `total_risk_reduction_usd` what hedges and the like save. `snapshot` is the key of the market's snapshot,
    `filters` are the request's fields that were given, `document` is the whole answer.
    """

    scan_id: str
    state: str
    opportunities: tuple[Opportunity, ...]
    total: int
    total_profit_potential_usd: float | None
    total_risk_reduction_usd: float | None
    strategies: tuple[StrategyState, ...]
    market: Market
    truncated: Mapping[str, float]
    recommendations: tuple[Recommendation, ...]
    seconds: float | None
    snapshot: str
    filters: Mapping[str, Json]
    document: Mapping[str, Json] = field(repr=False)

    def __iter__(self) -> Iterator[Opportunity]:
        return iter(self.opportunities)

    def __len__(self) -> int:
        return len(self.opportunities)

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
            state=text(document.get("status")),
            opportunities=found,
            total=max(count(document.get("total_opportunities")), len(found)),
            total_profit_potential_usd=number(document.get("total_profit_potential_usd")),
            total_risk_reduction_usd=number(document.get("total_risk_reduction_usd")),
            strategies=tuple(StrategyState.of(name, value) for name, value in performance.items()),
            market=Market.of(document.get("asset_discovery")),
            truncated=amounts(metadata.get("truncated")),
            recommendations=tuple(map(Recommendation.of, items(document.get("strategy_recommendations")))),
            seconds=None if milliseconds is None else milliseconds / 1000,
            snapshot=text(metadata.get("snapshot")),
            filters=mapping(metadata.get("filters")),
            document=document,
        )


def _sentences(value: Json) -> tuple[tuple[str, str], ...]:
    """An object of names and what is said of them; a plain list says it of nothing in particular."""
    if isinstance(value, list):
        return tuple(("", said) for said in texts(value))
    return tuple((text(name), text(said)) for name, said in mapping(value).items() if said is not False)
