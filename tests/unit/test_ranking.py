from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportunities import ranking
from opportunities.domain import AssetTier, Filters, Opportunity, Purpose, RiskLevel, Timeframe
from tests.support.builders import opportunity

opportunities = st.builds(
    opportunity,
    symbol=st.sampled_from(["BTC/USDT", "ETH/USDT", "ETH/USDT:USDT"]),
    strategy_id=st.sampled_from(["funding_arbitrage", "spot_momentum_strategy"]),
    metadata=st.floats(-1e6, 1e6).map(lambda expected: {**opportunity().metadata, "expected_value_usd": expected}),
    confidence_score=st.floats(0, 1),
    required_capital_usd=st.floats(0, 1e6),
    horizon_hours=st.floats(0, 1e5),
    purpose=st.sampled_from(Purpose),
    risk_reduction_usd=st.floats(0, 1e6),
    risk_level=st.sampled_from(RiskLevel),
    asset_tier=st.sampled_from(AssetTier),
)


@given(st.lists(opportunities), st.randoms())
def test_the_ranking_does_not_depend_on_the_order_of_arrival(found: list[Opportunity], random: Any) -> None:
    shuffled = found.copy()
    random.shuffle(shuffled)
    key = [(ranking.score(one), one.strategy_id, one.symbol) for one in ranking.ranked(found)]
    assert key == [(ranking.score(one), one.strategy_id, one.symbol) for one in ranking.ranked(shuffled)]
    for purpose in Purpose:
        scores = [ranking.score(one) for one in ranking.ranked(found) if one.purpose is purpose]
        assert scores == sorted(scores, reverse=True)


@given(st.lists(opportunities))
def test_risk_reductions_come_after_all_profits(found: list[Opportunity]) -> None:
    earns = [one.purpose is Purpose.PROFIT for one in ranking.ranked(found)]
    assert earns == sorted(earns, reverse=True)


@given(opportunities, st.floats(2.5, 1e5))
def test_twice_the_real_time_is_half_the_score(one: Opportunity, hours: float) -> None:
    """Whatever its label says: 121 days count as 121, though they are shown as 180d."""
    soon, late = (replace(one, horizon_hours=each) for each in (hours, 2 * hours))
    assert ranking.score(late) == pytest.approx(ranking.score(soon) / 2)


def test_risk_reduction_counts_what_it_saves_and_a_least_profit_drops_it() -> None:
    saves = opportunity(purpose=Purpose.RISK_REDUCTION, profit_potential_usd=None, risk_reduction_usd=700.0)
    assert ranking.score(replace(saves, horizon_hours=48.0)) == pytest.approx(700 * 0.87 / 2_000 / 2)
    assert ranking.wanted(saves, Filters())
    assert not ranking.wanted(saves, Filters(min_profit_potential=0.0))


def test_the_digits_that_a_processor_decides_break_no_tie() -> None:
    """0.1 + 0.2 is more than 0.3 by the last digit of a float: no reason to stand first."""
    first, second = (
        opportunity(
            symbol=symbol,
            metadata={**opportunity().metadata, "expected_value_usd": expected},
            confidence_score=1.0,
            required_capital_usd=1.0,
            estimated_timeframe=Timeframe.DAY,
        )
        for symbol, expected in (("BTC/USDT", 0.3), ("ETH/USDT", 0.1 + 0.2))
    )
    assert ranking.ranked([second, first]) == [first, second]


@given(opportunities)
def test_more_is_expected_of_what_ranks_higher(one: Opportunity) -> None:
    expected: Any = one.metadata["expected_value_usd"]
    saved = (one.risk_reduction_usd or 0.0) + 1
    more = replace(one, metadata={**one.metadata, "expected_value_usd": expected + 1}, risk_reduction_usd=saved)
    assert ranking.score(more) >= ranking.score(one)
    assert ranking.score(replace(one, confidence_score=1.0)) >= ranking.score(one)
    dearer = replace(one, required_capital_usd=one.required_capital_usd + 1)
    assert abs(ranking.score(dearer)) <= abs(ranking.score(one))


@given(opportunities, opportunities)
def test_an_expected_loss_never_ranks_above_an_expected_gain(one: Opportunity, other: Opportunity) -> None:
    gain: Any = one.metadata["expected_value_usd"]
    loss: Any = other.metadata["expected_value_usd"]
    if one.purpose is other.purpose is Purpose.PROFIT and gain >= 0 > loss:
        assert ranking.score(one) >= ranking.score(other)


@given(opportunities)
def test_everything_is_wanted_without_filters(one: Opportunity) -> None:
    assert ranking.wanted(one, Filters())


FILTERED = [
    (Filters(symbols=("BTC",)), True),
    (Filters(symbols=("BTC/USDT",)), True),
    (Filters(symbols=("BTC/USDT:USDT",)), False),
    (Filters(symbols=("BT",)), False),
    (Filters(symbols=("ETH", "BTC")), True),
    (Filters(asset_tiers=(AssetTier.INSTITUTIONAL,)), True),
    (Filters(asset_tiers=(AssetTier.RETAIL,)), False),
    (Filters(opportunity_type=("spot_momentum",)), True),
    (Filters(opportunity_type=("funding_arbitrage",)), False),
    (Filters(preferred_timeframes=(Timeframe.HOUR, Timeframe.DAY)), True),
    (Filters(preferred_timeframes=(Timeframe.HOUR,)), False),
    (Filters(filter_by_risk_level=RiskLevel.MEDIUM), True),
    (Filters(filter_by_risk_level=RiskLevel.LOW), False),
    (Filters(min_profit_potential=41.25), True),
    (Filters(min_profit_potential=41.26), False),
    (Filters(max_required_capital=2_000.0), True),
    (Filters(max_required_capital=1_999.0), False),
    (Filters(min_profit_potential=1.0, filter_by_risk_level=RiskLevel.LOW), False),
]


def test_every_filter_of_opportunities_is_tried_both_ways() -> None:
    """The others choose which strategies run, on which market, and what is said of those that could not."""
    others = {"strategy_ids", "snapshot", "include_strategy_recommendations"}
    for field in {one.name for one in fields(Filters)} - others:
        alone = {
            wanted for filters, wanted in FILTERED if filters == replace(Filters(), **{field: getattr(filters, field)})
        }
        assert alone == {True, False}, field


@pytest.mark.parametrize(("filters", "wanted"), FILTERED)
def test_every_filter_is_honoured(filters: Filters, wanted: bool) -> None:
    assert ranking.wanted(opportunity(), filters) is wanted


def test_a_pair_in_the_filter_admits_its_perpetual() -> None:
    """BTC, BTC/USDT and BTC/USDT:USDT all name it."""
    perpetual = opportunity(symbol="BTC/USDT:USDT")
    assert all(ranking.wanted(perpetual, Filters(symbols=(name,))) for name in ("BTC", "BTC/USDT", "BTC/USDT:USDT"))


@given(st.floats(0, 1e12))
def test_every_volume_has_the_highest_tier_whose_floor_it_reaches(volume: float) -> None:
    tier = AssetTier.of(volume)
    assert volume >= tier.floor
    assert all(volume < better.floor for better in AssetTier if better.floor > tier.floor)
