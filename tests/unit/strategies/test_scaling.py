"""Every strategy in other units: profits scale with the money, statistics don't change.

The homogeneities are exact but for one: proposals of less than `sizing.MINIMUM_NOTIONAL_USD` are left out, which is an
amount of today's dollars, and is put into the same units here. Tiers are volumes in USD too, and only label.
"""

from functools import cache

import pytest

from opportunities import strategies
from opportunities.domain import Findings, Investor
from opportunities.market.planted.demo import plant_of
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import sizing
from tests.benchmarks.strategies_report import benefit_usd, investor_of
from tests.support.whole import in_bulk, in_cents, richer

MOMENT = 1_795_291_200
SEEDS = (3, 4)


@cache
def planted(name: str, seed: int) -> tuple[MarketSnapshot, Investor]:
    market, _ = plant_of(name)(simulated(seed, MOMENT, fair=True), seed, 1.0)
    return market, investor_of(name, market)


def scaled_by(factor: float, before: Findings, after: Findings, quantities: float) -> None:
    assert before.opportunities
    assert len(after.opportunities) == len(before.opportunities)
    for one, other in zip(before.opportunities, after.opportunities, strict=True):
        assert (other.symbol, other.exchange, other.opportunity_type) == (
            one.symbol,
            one.exchange,
            one.opportunity_type,
        )
        assert (other.risk_level, other.estimated_timeframe) == (one.risk_level, one.estimated_timeframe)
        assert other.confidence_score == pytest.approx(one.confidence_score, rel=1e-6)
        assert benefit_usd(other) == pytest.approx(benefit_usd(one) * factor, rel=1e-6)
        assert (other.max_loss_usd is None) == (one.max_loss_usd is None)
        assert other.max_loss_usd == pytest.approx(one.max_loss_usd and one.max_loss_usd * factor, rel=1e-6)
        assert other.required_capital_usd == pytest.approx(one.required_capital_usd * factor, rel=1e-6)
        for name in ("expected_value_usd", "fees_usd", "slippage_usd"):
            assert other.metadata[name] == pytest.approx(one.metadata[name] * factor, rel=1e-6, abs=1e-7)
        legs = zip(one.metadata["legs"], other.metadata["legs"], strict=True)  # type: ignore[arg-type]
        for leg, scaled in legs:
            assert (scaled["side"], scaled["symbol"]) == (leg["side"], leg["symbol"])
            assert scaled["quantity"] == pytest.approx(leg["quantity"] * quantities, rel=1e-9)


@pytest.mark.parametrize("factor", [4.0, 1 / 64])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", strategies.names())
def test_findings_are_the_same_in_other_units_of_money(
    name: str, seed: int, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, (market, investor) = strategies.load(name), planted(name, seed)
    before = find(market, investor)
    monkeypatch.setattr(sizing, "MINIMUM_NOTIONAL_USD", sizing.MINIMUM_NOTIONAL_USD * factor)
    scaled_by(factor, before, find(in_cents(market, factor), richer(investor, factor)), quantities=1.0)


@pytest.mark.parametrize("factor", [4.0, 1 / 64])
@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("name", strategies.names())
def test_findings_grow_with_the_depth_of_the_market(
    name: str, seed: int, factor: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    find, (market, investor) = strategies.load(name), planted(name, seed)
    before = find(market, investor)
    monkeypatch.setattr(sizing, "MINIMUM_NOTIONAL_USD", sizing.MINIMUM_NOTIONAL_USD * factor)
    scaled_by(factor, before, find(in_bulk(market, factor), richer(investor, factor, factor)), quantities=factor)
