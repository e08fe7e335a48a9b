"""Which opportunities a caller gets to see, and in which order. Pure functions."""

from collections.abc import Iterable
from typing import Any

from opportunities.domain import DOLLARS, Filters, Opportunity, Purpose


def score(opportunity: Opportunity) -> float:
    """Expected return on capital per day, weighted by confidence: comparable across strategies and horizons.

    Of a risk reduction it is the risk saved in USD, per USD of capital and day. Confidence does not soften an expected
    loss. Capital counts as 1 USD at the least, days as a tenth at the least, so that neither a tiny stake nor a
    moment's horizon can outrank everything. It has seven significant digits, as all numbers in results
    have: the last of a float's seventeen are the processor's, and must not break a tie.
    """
    expected: Any = opportunity.risk_reduction_usd
    if opportunity.purpose is Purpose.PROFIT:
        expected = opportunity.metadata["expected_value_usd"]
    capital = max(opportunity.required_capital_usd, 1.0)
    days = max(opportunity.horizon_hours / 24, 0.1)
    daily = expected * (opportunity.confidence_score if expected > 0 else 1.0) / capital / days
    return float(f"{daily:.7g}")


def ranked(opportunities: Iterable[Opportunity]) -> list[Opportunity]:
    """Profits before risk reductions, each best first. Names break ties, so that the order is always the same."""
    return sorted(
        opportunities,
        key=lambda one: place(one.purpose, score(one), one.strategy_id, one.symbol, one.opportunity_type, one.exchange),
    )


def place(purpose: str, scored: float, *names: str) -> tuple[bool, float, tuple[str, ...]]:
    """What the order goes by: the purpose, the score, and then strategy, symbol, kind and exchange."""
    return purpose != Purpose.PROFIT, -scored, names


def wanted(opportunity: Opportunity, filters: Filters) -> bool:
    """Whether the opportunity meets every restriction that the caller made.

    `strategy_ids` restricts which strategies run and is not looked at here. A least profit keeps profits only: what
    lowers a risk earns none.
    """
    return (
        (not filters.symbols or any(is_of(opportunity.symbol, name) for name in filters.symbols))
        and (not filters.asset_tiers or opportunity.asset_tier in filters.asset_tiers)
        and (not filters.opportunity_type or opportunity.opportunity_type in filters.opportunity_type)
        and (not filters.preferred_timeframes or opportunity.estimated_timeframe in filters.preferred_timeframes)
        and filters.filter_by_risk_level in (None, opportunity.risk_level)
        and (filters.min_profit_potential is None or _earns(opportunity, filters.min_profit_potential))
        and (filters.max_required_capital is None or opportunity.required_capital_usd <= filters.max_required_capital)
    )


def _earns(opportunity: Opportunity, least_usd: float) -> bool:
    return opportunity.profit_potential_usd is not None and opportunity.profit_potential_usd >= least_usd


def allowed(opportunity: Opportunity, assets: tuple[str, ...]) -> bool:
    """Whether every coin of every leg is among `assets`, dollars aside; an empty tuple allows all.

    Exchanges need no such look at the legs: a strategy is given a market without those that are not allowed.
    """
    if not assets:
        return True
    legs: Any = opportunity.metadata["legs"]
    coins = {coin for leg in legs for coin in leg["symbol"].partition(":")[0].split("/")}
    return coins <= {*assets, *DOLLARS}


def is_of(symbol: str, name: str) -> bool:
    """Whether an instrument is meant by `name`: a base asset ("BTC"), a pair, or exactly this instrument."""
    pair = symbol.partition(":")[0]
    return name in (symbol, pair, pair.partition("/")[0])
