import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from opportunities.domain import Evidence, Investor, Opportunity
from opportunities.errors import Unsuitable
from opportunities.market.planted import hedge_position as planting
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import MarketSnapshot, Rules
from opportunities.strategies import load
from tests.support.markets import CAPTURED_AT, HOUR, candles, funding, market, perpetuals, picked, scaled, walks

find = load("hedge_position")

HELD = Investor(holdings={"A3": 100.0})


def followed(seed: int = 1, slope: float = 1.2, noise: float = 0.004, listed: int = 3) -> MarketSnapshot:
    """A3 moves with A1 and noise; A0, A1 and A2 have perpetuals with candles, which move as they do but for noise."""
    logs = np.log(walks(seed, 5, 1000))
    rng = np.random.default_rng(seed)
    logs[3] = 4 + slope * (logs[1] - logs[1, -1]) + np.cumsum(noise * rng.standard_normal(1000))
    snapshot = market({"1h": np.exp(logs)}, volume_24h_usd=np.array([9e7, 8e7, 7e7, 6e7, 5e7]))
    assert snapshot.spot is not None
    contracts = perpetuals(snapshot.spot, funding(seed, np.full(listed, 1e-4)))
    own = np.exp(logs[:listed] + 2e-4 * rng.standard_normal((listed, 1000)))
    return replace(snapshot, perpetuals=replace(contracts, candles={"1h": candles(own, HOUR)}))


def series(snapshot: MarketSnapshot, row: int = 1) -> tuple[np.ndarray, np.ndarray]:
    """The returns of A3 and of a perpetual."""
    assert snapshot.spot is not None
    assert snapshot.perpetuals is not None
    closes = snapshot.spot.candles["1h"].close[3, -721:], snapshot.perpetuals.candles["1h"].close[row, -721:]
    return tuple(close[1:] / close[:-1] - 1 for close in closes)  # type: ignore[return-value]


def hedge(snapshot: MarketSnapshot, who: Investor = HELD) -> Opportunity:
    return find(snapshot, who).opportunities[0]


def test_the_ratio_and_its_effectiveness_equal_scipys_and_statsmodels() -> None:
    found = hedge(followed())
    coin, future = series(followed())
    fit = stats.linregress(future, coin)
    assert found.symbol == "A1/USDT:USDT"
    assert found.metadata["hedge_ratio"] == pytest.approx(fit.slope, rel=1e-9)
    assert found.metadata["hedge_ratio"] == pytest.approx(fit.rvalue * coin.std() / future.std(), rel=1e-9)
    assert found.metadata["effectiveness_r2"] == pytest.approx(
        sm.OLS(coin, sm.add_constant(future)).fit().rsquared, rel=1e-9
    )


def test_no_other_ratio_leaves_less_variance_and_the_held_out_half_has_less_too() -> None:
    snapshot = followed()
    coin, future = series(snapshot)
    ratio = hedge(snapshot).metadata["hedge_ratio"]
    left = np.var(coin - ratio * future)
    assert all(np.var(coin - other * future) > left for other in (0, ratio * 0.95, ratio * 1.05))
    early = stats.linregress(future[:360], coin[:360]).slope
    assert np.var(coin[360:] - early * future[360:]) < 0.5 * np.var(coin[360:])


def test_its_money_adds_up_by_hand() -> None:
    snapshot = followed()
    found = hedge(snapshot)
    assert snapshot.spot is not None
    assert snapshot.perpetuals is not None
    coin, future = series(snapshot)
    value = 100 * float(snapshot.spot.bid[3])
    middle = float(snapshot.perpetuals.bid[1] + snapshot.perpetuals.ask[1]) / 2
    part = found.metadata["size"] * middle / value
    day = [np.std(coin - each * future, ddof=1) * np.sqrt(24) for each in (0.0, part)]
    tail = stats.norm.pdf(stats.norm.ppf(0.95)) / 0.05
    assert found.metadata["cvar_usd"]["before"] == pytest.approx(tail * value * day[0], rel=1e-8)
    sold = found.metadata["legs"][0]["quantity"] * found.metadata["legs"][0]["price"]
    assert found.entry_price is not None
    assert found.exit_price is not None
    size = found.metadata["size"]
    costs = size * (found.exit_price - found.entry_price) + 0.0005 * size * (found.exit_price + found.entry_price)
    assert found.metadata["notional_usd"] == pytest.approx(sold, rel=1e-8)
    assert found.metadata["costs_usd"] == pytest.approx(costs, rel=1e-6)
    assert found.risk_reduction_usd == pytest.approx(tail * value * (day[0] - day[1]) - costs, rel=1e-6)


def test_its_statistic_equals_statsmodels_on_the_held_out_half() -> None:
    snapshot = followed()
    proposed = hedge(snapshot)
    found, (coin, future) = proposed.metadata, series(snapshot)
    slope = stats.linregress(future[:360], coin[:360]).slope
    alone, hedged = coin[360:], coin[360:] - slope * future[360:]
    before, cost = found["volatility_day"]["before"], found["costs_usd"] / found["cvar_usd"]["before"]
    saved = 24 * ((alone - alone.mean()) ** 2 - (hedged - hedged.mean()) ** 2) - before**2 * (1 - (1 - cost) ** 2)
    fit = sm.OLS(saved, np.ones(360)).fit(cov_type="HAC", cov_kwds={"maxlags": 5, "use_correction": True})
    assert proposed.evidence == Evidence(
        "t of variance saved above cost, held out",
        pytest.approx(fit.tvalues[0], rel=1e-6),
        360,
        pytest.approx(stats.norm.sf(fit.tvalues[0]), rel=1e-6),
    )


def test_funding_that_the_short_pays_for_a_week_is_charged() -> None:
    snapshot = followed()
    assert snapshot.perpetuals is not None
    paying = replace(snapshot, perpetuals=replace(snapshot.perpetuals, funding_rate=np.full(3, -1e-4)))
    assert hedge(snapshot).metadata["funding_usd"] == 0
    found = hedge(paying)
    assert found.metadata["funding_usd"] == pytest.approx(21 * 1e-4 * found.metadata["notional_usd"], rel=1e-8)


def test_contracts_are_whole() -> None:
    snapshot = followed()
    assert snapshot.perpetuals is not None
    full = np.full(3, 1.0)
    rules = Rules(full * 10, full * 0.01, full * 2, full * 5)
    found = hedge(replace(snapshot, perpetuals=replace(snapshot.perpetuals, rules=rules)))
    assert found.metadata["size"] / 20 == pytest.approx(round(found.metadata["size"] / 20), abs=1e-9)
    huge = replace(rules, lot=full * 1e6)
    large = replace(snapshot, perpetuals=replace(snapshot.perpetuals, rules=huge))
    assert find(large, HELD).opportunities == ()


def test_a_perpetual_without_candles_is_taken_to_move_as_its_coin() -> None:
    snapshot = followed()
    assert snapshot.perpetuals is not None
    assert hedge(snapshot).metadata["series"] == "perpetual"
    bare = replace(snapshot, perpetuals=replace(snapshot.perpetuals, candles={}))
    assert hedge(bare).metadata["series"] == "the perpetual's coin on spot"


def test_the_coins_own_perpetual_hedges_it_best() -> None:
    found = hedge(followed(listed=5))
    assert found.symbol == "A3/USDT:USDT"
    assert found.metadata["hedge_ratio"] == pytest.approx(1, abs=0.02)


def test_coins_that_nothing_follows_are_not_hedged() -> None:
    found = 0
    for seed in range(40):
        found += len(find(followed(seed, slope=0.0, noise=0.01), HELD).opportunities)
    assert found <= 2


def test_a_coin_that_moves_against_the_perpetual_is_not_shorted() -> None:
    assert find(followed(slope=-1.2), HELD).opportunities == ()


def test_costs_beyond_the_loss_avoided_leave_nothing() -> None:
    dear = replace(HELD, fees={"venue": {"spot_taker": 0.1, "perpetual_taker": 0.1}})
    assert find(followed(), dear).opportunities == ()


def test_planted_hedges_are_found_at_about_their_true_profit() -> None:
    errors = []
    for seed in range(3):
        planted, known = planting.plant(simulated(seed, CAPTURED_AT, fair=True), seed, 1.0)
        found = hedge(planted, planting.investor(planted))
        assert found.symbol == known.symbol
        assert known.profit_usd is not None
        errors.append(found.risk_reduction_usd / known.profit_usd - 1)
    assert np.median(np.abs(errors)) < 0.05


def test_order_other_coins_and_units_change_nothing() -> None:
    snapshot = followed()
    assert snapshot.spot is not None
    found = find(snapshot, HELD)
    assert find(picked(snapshot, [4, 2, 3, 0, 1]), HELD) == found
    assert find(picked(snapshot, [0, 1, 2, 3]), HELD) == found
    pieces = hedge(scaled(snapshot, 1 / 64), Investor(holdings={"A3": 6400.0}))
    assert pieces.risk_reduction_usd == pytest.approx(found.opportunities[0].risk_reduction_usd, rel=1e-6)


@pytest.mark.parametrize(
    ("snapshot", "who", "reason"),
    [
        (followed(), Investor(), "no holdings are stored"),
        (followed(), Investor(holdings={"USDC": 5.0}), "all holdings are cash"),
        (replace(followed(), spot=None), HELD, "no spot market"),
        (replace(followed(), perpetuals=None), HELD, "no perpetuals"),
        (replace(followed(), captured_at=CAPTURED_AT + 3 * HOUR), HELD, "no fresh 1h candles"),
        (replace(market({"1h": walks(1, 5, 480)}), perpetuals=followed().perpetuals), HELD, "481 closed candles"),
        (replace(market({"1d": walks(1, 5, 300)}), perpetuals=followed().perpetuals), HELD, "no fresh 1h candles"),
    ],
)
def test_strategy_refuses_unsuitable_markets_with_a_reason(
    snapshot: MarketSnapshot, who: Investor, reason: str
) -> None:
    with pytest.raises(Unsuitable, match=reason):
        find(snapshot, who)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10**6), late=st.integers(1, 999), amount=st.floats(1e-9, 1e9), slope=st.floats(-2, 2))
def test_bad_series_never_reach_an_answer(seed: int, late: int, amount: float, slope: float) -> None:
    snapshot = followed(seed, slope)
    assert snapshot.spot is not None
    assert snapshot.perpetuals is not None
    bars, recorded = snapshot.spot.candles["1h"], snapshot.perpetuals.candles["1h"]
    close, contract = bars.close.copy(), recorded.close.copy()
    close[0, :late], contract[0, :late], contract[2] = np.nan, np.nan, 7.0
    hostile = replace(
        snapshot,
        spot=replace(snapshot.spot, candles={"1h": replace(bars, close=close)}),
        perpetuals=replace(snapshot.perpetuals, candles={"1h": replace(recorded, close=contract)}),
    )
    for found in find(hostile, Investor(holdings={"A3": amount, "A4": 1.0})).opportunities:
        assert len(json.dumps(asdict(found), allow_nan=False)) < 1900
        assert 0 <= found.confidence_score <= 1
        assert found.risk_reduction_usd > 0
