from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportunities.domain import Investor, RiskLevel, RiskTolerance, Timeframe
from opportunities.maths.costs import Ladder, Liquidity
from opportunities.maths.sizing import LIMITS, notional_usd, risk_level

levels = st.lists(st.tuples(st.integers(1, 50), st.integers(1, 1000)), min_size=1, max_size=12)


def liquidity(**changes: object) -> Liquidity:
    sides = {"bid": 99.0, "ask": 101.0, "fee": 0.001, "volume_24h_usd": 1e6, "daily_volatility": 0.04}
    return Liquidity(**{**sides, **changes})  # type: ignore[arg-type]


@given(levels=levels, share=st.fractions(Fraction(1, 100), 1))
def test_walking_a_book_costs_what_taking_it_unit_by_unit_costs(levels: list[tuple[int, int]], share: Fraction) -> None:
    prices = [100 + sum(step for step, _ in levels[: i + 1]) for i in range(len(levels))]
    wanted = share * sum(size for _, size in levels)
    left, paid = wanted, Fraction(0)
    for price, (_, size) in zip(prices, levels, strict=True):
        taken = min(left, Fraction(size))
        paid, left = paid + taken * price, left - taken
    side = Ladder(np.array([*prices, np.nan], dtype=float), np.array([*(size for _, size in levels), np.nan]))
    assert side.average_price(float(wanted)) == pytest.approx(float(paid / wanted), rel=1e-9)


def test_a_book_that_holds_less_gives_no_price() -> None:
    side = Ladder(np.array([100.0, 101.0]), np.array([1.0, 1.0]))
    assert side.average_price(2.0) == 100.5
    assert side.average_price(2.1) is None


def test_depth_counts_what_lies_within_half_a_percent() -> None:
    side = Ladder(np.array([100.0, 100.4, 100.6, np.nan]), np.array([1.0, 2.0, 5.0, np.nan]))
    assert side.depth_usd() == pytest.approx(100 + 2 * 100.4)


def test_square_root_law_is_charged_where_there_is_no_book() -> None:
    bought, sold = liquidity().buy(10.0), liquidity().sell(10.0)
    assert bought.price == pytest.approx(101 * (1 + 0.04 * (1010 / 1e6) ** 0.5), rel=1e-12)
    assert sold.price == pytest.approx(99 / (1 + 0.04 * (990 / 1e6) ** 0.5), rel=1e-12)
    assert bought.slippage_usd == pytest.approx(10 * (bought.price - 101), rel=1e-12)
    assert sold.fee_usd == pytest.approx(10 * sold.price * 0.001, rel=1e-12)


def test_a_book_is_walked_where_it_is_deep_enough_and_the_law_serves_beyond_it() -> None:
    sides = {
        "bids": Ladder(np.array([99.0, 98.9]), np.array([5.0, 5.0])),
        "asks": Ladder(np.array([101.0, 102.0]), np.array([5.0, 5.0])),
    }
    walked = liquidity(**sides)
    assert walked.buy(10.0).price == 101.5
    assert walked.sell(10.0).price == pytest.approx(98.95)
    assert walked.buy(11.0) == liquidity().buy(11.0)
    assert (walked.basis, liquidity().basis) == ("book", "impact")
    assert walked.capacity_usd == pytest.approx(5 * 101.0)
    assert liquidity().capacity_usd == 1000.0


@given(small=st.floats(1e-3, 1e3), large=st.floats(1e-3, 1e3))
def test_a_larger_order_never_gets_a_better_price(small: float, large: float) -> None:
    small, large = sorted((small, large))
    assert liquidity().buy(small).price <= liquidity().buy(large).price
    assert liquidity().sell(small).price >= liquidity().sell(large).price


@pytest.mark.parametrize(
    "change",
    [{"bid": np.nan}, {"ask": 0.0}, {"bid": 102.0}, {"volume_24h_usd": 0.0}, {"daily_volatility": 0.0}],
)
def test_bad_quotes_no_volume_or_a_flat_price_cannot_be_traded(change: dict[str, float]) -> None:
    assert not liquidity(**change).tradable
    assert liquidity().tradable


def test_the_size_is_the_least_of_what_risk_capital_and_liquidity_allow() -> None:
    investor = Investor(capital_usd=50_000.0)
    assert notional_usd(investor, loss_rate=0.1, capital_rate=1.0, capacity_usd=1e9) == pytest.approx(5_000)
    assert notional_usd(investor, loss_rate=0.01, capital_rate=1.25, capacity_usd=1e9) == pytest.approx(8_000)
    assert notional_usd(investor, loss_rate=0.01, capital_rate=1.25, capacity_usd=123.0) == 123.0


def test_more_risk_tolerance_never_means_a_tighter_limit() -> None:
    low, medium, high = (LIMITS[each] for each in (RiskTolerance.LOW, RiskTolerance.MEDIUM, RiskTolerance.HIGH))
    for name in ("risk_per_trade", "capital_per_position", "cvar", "single_asset"):
        assert getattr(low, name) < getattr(medium, name) < getattr(high, name)


@pytest.mark.parametrize(
    ("share", "level"),
    [(0.02, RiskLevel.LOW), (0.03, RiskLevel.MEDIUM), (0.1, RiskLevel.HIGH), (0.11, RiskLevel.VERY_HIGH)],
)
def test_the_risk_level_is_the_worst_loss_over_the_capital(share: float, level: RiskLevel) -> None:
    assert risk_level(100 * share, 100) is level


def test_a_loss_without_bound_is_the_highest_risk() -> None:
    assert risk_level(None, 1e12) is RiskLevel.VERY_HIGH


@pytest.mark.parametrize(
    ("seconds", "timeframe"),
    [
        (1, "5m"),
        (300, "5m"),
        (301, "1h"),
        (86_400, "24h"),
        (86_401, "2d"),
        (172_801, "7d"),
        (14 * 86_400, "14d"),
        (30 * 86_400, "30d"),
        (121.67 * 86_400, "180d"),
        (365 * 86_400, "365d"),
        (365 * 86_400 + 1, "longer"),
        (1e9, "longer"),
    ],
)
def test_a_timeframe_is_rounded_up(seconds: float, timeframe: str) -> None:
    assert Timeframe.of(seconds / 3600) is Timeframe(timeframe)
