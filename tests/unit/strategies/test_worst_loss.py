"""What an opportunity says it can lose is what its orders can lose, by payoffs computed apart from the strategies."""

import math
from functools import cache
from typing import Any

import pytest

from opportunities import strategies
from opportunities.domain import Findings, Investor, Opportunity, RiskLevel
from opportunities.market.planted.demo import plant_of, planted_market
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import MarketSnapshot
from tests.benchmarks.strategies_report import investor_of
from tests.support.payoff import worst_loss_usd

MOMENT = 1_795_291_200
HOLDER = Investor(capital_usd=50_000.0, holdings={"BTC": 1.0, "ETH": 8.0, "SOL": 150.0})
UNBOUNDED = {"sell_volatility", "futures_calendar", "hedge_position"}


@cache
def found(name: str, seed: int) -> tuple[MarketSnapshot, Findings]:
    """What a strategy finds where its kind was planted, or, with seed 0 and 1, where every kind was."""
    if seed < 2:
        market, investor = planted_market(7 + 4 * seed, MOMENT - 30 * 86_400 * seed), HOLDER
    else:
        market, _ = plant_of(name)(simulated(seed, MOMENT, fair=True), seed, 1.0)
        investor = investor_of(name, market)
    return market, strategies.load(name)(market, investor)


def level(share: float) -> RiskLevel:
    bounds = ((0.02, RiskLevel.LOW), (0.05, RiskLevel.MEDIUM), (0.1, RiskLevel.HIGH))
    return next((level for bound, level in bounds if share <= bound), RiskLevel.VERY_HIGH)


def costs_usd(one: Opportunity) -> float:
    """All that is paid beside the orders: fees, twice for the way out, and what the prices give way."""
    names = ("fees_usd", "fees_usd", "slippage_usd", "financing_usd", "hedging_usd", "costs_usd")
    numbers: list[Any] = [one.metadata.get(name, 0.0) for name in names]
    return float(sum(map(abs, numbers)))


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", strategies.names())
def test_the_worst_loss_and_the_level_are_those_of_the_orders(name: str, seed: int) -> None:
    market, findings = found(name, seed)
    assert findings.opportunities
    for one in findings.opportunities:
        if one.metadata["stop"] is not None:
            assert one.max_loss_usd == one.metadata["loss_at_stop_usd"]
        else:
            worst = worst_loss_usd(market, one)
            assert (one.max_loss_usd is None) == math.isinf(worst), one.action
            if one.max_loss_usd is not None:
                assert worst <= one.max_loss_usd * (1 + 1e-6), one.action
                most = max(worst, 0.0) + costs_usd(one) + 0.02 * one.required_capital_usd
                assert one.max_loss_usd <= most, one.action
        if one.max_loss_usd is None:
            assert one.risk_level is RiskLevel.VERY_HIGH
        else:
            assert one.risk_level is level(one.max_loss_usd / one.required_capital_usd)
        assert (one.max_loss_usd is None) == (one.opportunity_type in UNBOUNDED)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("name", strategies.names())
def test_a_stopped_order_loses_at_least_the_way_to_its_stop(name: str, seed: int) -> None:
    for one in found(name, seed)[1].opportunities:
        legs: Any = one.metadata["legs"]
        stop: Any = one.metadata["stop"]
        if isinstance(stop, float) and len(legs) == 1:
            way = legs[0]["quantity"] * abs(legs[0]["price"] - stop)
            assert one.max_loss_usd is not None
            assert way <= one.max_loss_usd <= way + costs_usd(one) + 0.01 * one.required_capital_usd
