import json
from dataclasses import asdict, replace
from math import exp, log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import linalg, stats

from opportunities.domain import Fees, Investor, Opportunity, RiskTolerance, Timeframe
from opportunities.errors import Unsuitable
from opportunities.market.planted import market_making as planting
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import Books, MarketSnapshot, Rules
from opportunities.maths import quoting
from opportunities.strategies import load
from tests.support.markets import CAPTURED_AT, HOUR, market, picked, scaled, walks

find = load("market_making")

INVESTOR = Investor(capital_usd=50_000.0)
FLOW = quoting.Flow(rate=0.01, decay=20.0)


def wide(half: float = 0.006, seed: int = 1, symbols: int = 3, level_usd: float = 2000.0) -> MarketSnapshot:
    """Books whose best quotes lie `half` (of the price) off the mid in row 0, a hundredth of that in the others."""
    snapshot = market({"1h": walks(seed, symbols, 300)})
    spot = snapshot.spot
    assert spot is not None
    away = np.full(symbols, half / 100)
    away[0] = half
    steps = away[:, None] + np.cumsum(np.random.default_rng(seed).uniform(1e-4, 2e-4, (symbols, 30)), axis=1) - 1e-4
    bids, asks = spot.last[:, None] * (1 - steps), spot.last[:, None] * (1 + steps)
    ladders = Books(bids, level_usd / bids, asks, level_usd / asks)
    nan = np.full(symbols, np.nan)
    rules = Rules(np.ones(symbols), spot.last * 1e-5, nan, nan)
    return replace(snapshot, spot=replace(spot, bid=bids[:, 0], ask=asks[:, 0], books=ladders, rules=rules))


def made(snapshot: MarketSnapshot, investor: Investor = INVESTOR) -> Opportunity:
    return next(found for found in find(snapshot, investor).opportunities if found.symbol == "A0/USDT")


def test_spread_without_risk_aversion_is_two_over_k() -> None:
    assert 2 * quoting.optimal(1e-12, 1.0, 0.5, FLOW).half_spread == pytest.approx(2 / 20, rel=1e-4)
    assert 2 * quoting.optimal(0.3, 1e-12, 0.5, FLOW).half_spread == pytest.approx(2 / 20, rel=1e-4)


@given(aversion=st.floats(0.01, 1.0), size=st.floats(0.1, 10.0), deviation=st.floats(0.001, 1.0))
def test_the_quotes_are_the_closed_form_by_hand(aversion: float, size: float, deviation: float) -> None:
    xi = aversion * size
    c = sqrt(deviation**2 * xi / (2 * 20 * 0.01) * (1 + xi / 20) ** (1 + 20 / xi))
    quotes = quoting.optimal(aversion, size, deviation, FLOW)
    assert quotes.skew == pytest.approx(c, rel=1e-9)
    assert quotes.half_spread == pytest.approx(log(1 + xi / 20) / xi + c / 2, rel=1e-9)


def test_the_quotes_are_near_those_of_the_exact_solution_on_a_large_grid() -> None:
    """The ground state of the matrix of Guéant, Lehalle and Fernandez-Tapia, 2013, theorem 1, gives exact quotes."""
    gamma, sigma, flow, most = 0.05, 0.05, quoting.Flow(0.05, 2.0), 60
    held = np.arange(-most, most + 1)
    eta = flow.rate * (1 + gamma / flow.decay) ** (-(1 + flow.decay / gamma))
    alpha = flow.decay * gamma * sigma**2 / 2
    _, vectors = linalg.eigh_tridiagonal(alpha * held**2, np.full(2 * most, -eta), select="i", select_range=(0, 0))
    ground = np.abs(vectors[:, 0])
    exact = log(ground[most] / ground[most + 1]) / flow.decay + log(1 + gamma / flow.decay) / gamma
    skewed = log(ground[most + 1] / ground[most + 2]) / flow.decay + log(1 + gamma / flow.decay) / gamma
    quotes = quoting.optimal(gamma, 1.0, sigma, flow)
    # The closed form is that solution's continuous limit.
    assert quotes.half_spread == pytest.approx(exact, rel=0.01)
    assert quotes.half_spread + quotes.skew == pytest.approx(skewed, rel=0.01)


def test_a_cost_moves_the_quotes_out_as_a_smaller_flow_does() -> None:
    dearer = quoting.optimal(0.01, 2.0, 0.1, FLOW, cost=0.03)
    thinner = quoting.optimal(0.01, 2.0, 0.1, quoting.Flow(0.01 * exp(-20 * 0.03), 20.0))
    assert dearer.half_spread == pytest.approx(thinner.half_spread + 0.03, rel=1e-9)
    assert dearer.skew == pytest.approx(thinner.skew, rel=1e-9)


def test_the_inventory_is_that_of_the_simulated_chain_of_fills() -> None:
    quotes, most = quoting.Quotes(0.1, 0.004), 5
    rng, held, time, squares = np.random.default_rng(2), 0, 0.0, 0.0
    for _ in range(40_000):
        bid = exp(-20 * (quotes.half_spread + quotes.skew * held)) if held < most else 0.0
        ask = exp(-20 * (quotes.half_spread - quotes.skew * held)) if held > -most else 0.0
        stay = rng.exponential(1 / (bid + ask))
        time, squares = time + stay, squares + stay * held**2
        held += 1 if rng.random() < bid / (bid + ask) else -1
    assert sqrt(squares / time) == pytest.approx(quotes.inventory_deviation(20.0, most), rel=0.05)


def test_k_is_the_slope_of_the_logarithm_of_the_depth() -> None:
    rng = np.random.default_rng(1)
    price, size = 100 - np.cumsum(rng.uniform(0.01, 0.02, 10)), rng.uniform(1, 5, 10)
    slope = stats.linregress(100 - price, np.log(np.cumsum(size))).slope
    assert quoting.decay_of(price, size, 100.0) == pytest.approx(1.5 * slope, rel=1e-9)
    exponential = np.exp(3 * (100 - price))
    sizes = np.diff(exponential, prepend=0.0)
    assert quoting.decay_of(price, sizes, 100.0) == pytest.approx(1.5 * 3, rel=1e-9)


def test_only_the_wide_book_is_worth_making() -> None:
    findings = find(wide(), INVESTOR)
    assert findings.examined == 3
    assert [found.symbol for found in findings.opportunities] == ["A0/USDT"]
    assert findings.opportunities[0].estimated_timeframe is Timeframe.DAY


def test_fees_that_the_investor_leaves_out_are_the_markets() -> None:
    snapshot = replace(wide(), fees={"venue": Fees(0.001, 0.0005, spot_maker=0.0004)})
    stated = Investor(capital_usd=50_000.0, fees={"venue": {"perpetual_taker": 0.0001}})
    assert made(snapshot, stated) == made(snapshot)
    dearer = Investor(capital_usd=50_000.0, fees={"venue": {"spot_maker": 0.001}})
    assert made(snapshot, dearer).profit_potential_usd < made(snapshot).profit_potential_usd


def test_a_spread_below_twice_the_maker_fee_yields_nothing_and_a_rebate_may() -> None:
    assert find(wide(half=0.00099), INVESTOR).opportunities == ()
    rebate = Investor(
        capital_usd=50_000.0, fees={"venue": {"spot_taker": 0.001, "perpetual_taker": 0.0005, "spot_maker": -0.0005}}
    )
    deep = wide(half=0.0012)
    assert find(deep, INVESTOR).opportunities == ()
    assert find(deep, rebate).opportunities


def test_a_major_at_ten_basis_points_yields_nothing() -> None:
    for seed in range(10):
        assert find(wide(half=1e-6, seed=seed), INVESTOR).opportunities == ()


def test_its_money_adds_up_by_hand() -> None:
    found, spot = made(wide()), wide().spot
    assert spot is not None
    assert found.entry_price is not None
    assert found.exit_price is not None
    metadata, mid = found.metadata, float(spot.bid[0] + spot.ask[0]) / 2
    returns = np.diff(np.log(walks(1, 3, 300)[0, -169:]))
    daily = float(np.std(returns, ddof=1)) * sqrt(24)
    near = np.abs(spot.books.bid_price[0] / spot.bid[0] - 1) <= 0.005 if spot.books else None
    assert near is not None
    by_depth = 2000.0 * min(near.sum(), 30)
    by_risk = 500 / (2 * daily + 0.001 + 0.001)
    order = min(by_depth, by_risk, 10_000 / 1.001) / 10
    assert metadata["size"] == pytest.approx(order / mid, rel=1e-9)
    tick = spot.last[0] * 1e-5
    assert found.entry_price == pytest.approx(spot.bid[0] + tick, rel=1e-9)
    assert found.exit_price == pytest.approx(spot.ask[0] - tick, rel=1e-9)
    fills = min(0.01 * 20e6 / order, 576)
    adverse = daily * sqrt(order / 20e6)
    distance = (found.exit_price - found.entry_price) / 2
    profit = fills * metadata["size"] * (distance - mid * (0.001 + adverse))
    assert metadata["fills_per_day"] == pytest.approx(fills, rel=1e-9)
    assert found.profit_potential_usd == pytest.approx(profit, rel=1e-9)
    assert metadata["expected_value_usd"] == pytest.approx(profit, rel=1e-9)
    assert metadata["fees_usd"] == pytest.approx(fills * order * 0.001, rel=1e-9)
    assert metadata["adverse_selection_usd"] == pytest.approx(fills * order * adverse, rel=1e-9)
    assert metadata["gamma"] == pytest.approx(1 / 500, rel=1e-9)
    cost, k = mid * (0.001 + adverse), metadata["kappa"]
    flow = quoting.Flow(fills / 2 / 86400 * exp(k * (spot.ask[0] - mid)), k)
    expected = quoting.optimal(1 / 500, order / mid, daily * mid / sqrt(86400), flow, cost)
    assert metadata["half_spread"]["optimal"] == pytest.approx(expected.half_spread, rel=1e-9)
    assert metadata["half_spread"]["optimal"] < distance < metadata["half_spread"]["market"]
    risk = daily * order * expected.inventory_deviation(k, 5)
    assert found.evidence.value == pytest.approx(profit / risk, rel=1e-9)
    assert found.required_capital_usd == pytest.approx(10 * order * 1.001, rel=1e-9)


def test_orders_are_filled_no_oftener_than_they_are_renewed() -> None:
    spot = wide().spot
    assert spot is not None
    busy = replace(wide(), spot=replace(spot, volume_24h_usd=spot.volume_24h_usd * 1e4))
    assert made(busy).metadata["fills_per_day"] == 2 * 24 * 12


def test_a_careful_investor_quotes_less() -> None:
    careful, bold = (made(wide(), replace(INVESTOR, risk_tolerance=each)) for each in RiskTolerance if each != "medium")
    assert careful.metadata["size"] < bold.metadata["size"]
    assert careful.metadata["gamma"] > bold.metadata["gamma"]


def test_a_slow_market_is_not_worth_its_risk_and_a_poor_investor_has_no_order() -> None:
    spot = wide().spot
    assert spot is not None
    slow = replace(wide(), spot=replace(spot, volume_24h_usd=np.full(3, 20_000.0)))
    assert find(slow, INVESTOR).opportunities == ()
    assert find(wide(), Investor(capital_usd=200.0)).opportunities == ()


def test_a_planted_opportunity_of_the_simulated_market_is_found_with_its_profit() -> None:
    for seed in range(3):
        fair = simulated(seed, CAPTURED_AT + 1800, fair=True)
        assert find(fair, planting.INVESTOR).opportunities == ()
        changed, known = planting.plant(fair, seed, 1.0)
        found = [one for one in find(changed, planting.INVESTOR).opportunities if one.symbol == known.symbol]
        assert found[0].profit_potential_usd == pytest.approx(known.profit_usd, rel=0.05)


def test_better_of_two_listings_is_shown() -> None:
    spot = wide(symbols=2).spot
    assert spot is not None
    twins = replace(wide(symbols=2), spot=replace(spot, symbols=("A0/USDT", "A0/USDT"), exchanges=("b", "a")))
    twins = replace(twins, fees={"a": twins.fees["venue"], "b": twins.fees["venue"]})
    findings = find(twins, INVESTOR)
    assert findings.examined == 1
    assert [found.exchange for found in findings.opportunities] == ["b"]


def test_order_other_assets_and_scale_change_nothing() -> None:
    spot = wide().spot
    assert spot is not None
    bare = replace(wide(), spot=replace(spot, rules=None))
    assert find(picked(bare, [2, 0, 1]), INVESTOR) == find(bare, INVESTOR)
    assert find(picked(bare, [0]), INVESTOR).opportunities[0] == made(bare)
    pieces = made(scaled(bare, 1 / 1000))
    assert pieces.profit_potential_usd == pytest.approx(made(bare).profit_potential_usd, rel=1e-9)
    assert pieces.confidence_score == pytest.approx(made(bare).confidence_score, rel=1e-9)


@pytest.mark.parametrize(
    ("snapshot", "reason"),
    [
        (MarketSnapshot(CAPTURED_AT, "test", {}, missing={"spot": "the venue is down"}), "the venue is down"),
        (replace(market({"1h": walks(1, 2, 300)}), missing={"books": "recordings have none"}), "recordings have none"),
        (replace(wide(), fees={}), "no fees are known for venue"),
    ],
)
def test_strategy_refuses_unsuitable_markets_with_a_reason(snapshot: MarketSnapshot, reason: str) -> None:
    with pytest.raises(Unsuitable, match=reason):
        find(snapshot, INVESTOR)


@pytest.mark.parametrize("hide", ["levels", "volume", "bars", "vary", "currency"])
def test_strategy_refuses_a_market_where_no_pair_has_all_it_needs(hide: str) -> None:
    snapshot = wide()
    spot = snapshot.spot
    assert spot is not None
    assert spot.books is not None
    prices = spot.books.bid_price.copy()
    prices[:, 9:] = np.nan
    bars = market({"1h": np.full((3, 300), 7.0) if hide == "vary" else walks(1, 3, 168)}).spot
    assert bars is not None
    changed = {
        "levels": replace(spot, books=replace(spot.books, bid_price=prices)),
        "volume": replace(spot, volume_24h_usd=np.zeros(3)),
        "bars": replace(spot, candles=bars.candles),
        "vary": replace(spot, candles=bars.candles),
        "currency": replace(spot, symbols=("ETH/BTC", "SOL/BTC", "USDC/USDT")),
    }[hide]
    with pytest.raises(Unsuitable, match="no spot pair in USD has a book of 10 levels"):
        find(replace(snapshot, spot=changed), INVESTOR)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), half=st.floats(1e-7, 0.3), worth=st.floats(1e-3, 1e9), volume=st.floats(1e-3, 1e12))
def test_bad_books_never_reach_an_answer(seed: int, half: float, worth: float, volume: float) -> None:
    snapshot = wide(half, seed, 4, worth)
    spot = snapshot.spot
    assert spot is not None
    assert spot.books is not None
    sizes = spot.books.ask_size.copy()
    sizes[1], sizes[2, 5] = 0.0, np.nan
    traded = np.array([volume, 20e6, 20e6, 0.0])
    changed = replace(spot, books=replace(spot.books, ask_size=sizes), volume_24h_usd=traded)
    for found in find(replace(snapshot, spot=changed), INVESTOR).opportunities:
        assert found.symbol == "A0/USDT"
        assert len(json.dumps(asdict(found), allow_nan=False)) < 1900
        assert 0 <= found.confidence_score <= 1
        assert found.profit_potential_usd > 0
    assert snapshot.captured_at - int(spot.candles["1h"].open_time[-1]) == HOUR
