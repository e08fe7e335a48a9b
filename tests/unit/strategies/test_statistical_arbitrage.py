import json
from dataclasses import asdict, replace
from math import ceil

import numpy as np
import pytest
import statsmodels.api as sm
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.regression.linear_model import GLSAR
from statsmodels.tsa.stattools import coint

from opportunities.domain import Investor, Opportunity
from opportunities.errors import Unsuitable
from opportunities.market.planted import statistical_arbitrage as planting
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import MarketSnapshot
from opportunities.maths import reversion
from opportunities.maths.factors import principal
from opportunities.strategies import load
from tests.support.markets import CAPTURED_AT, HOUR, books, funding, market, perpetuals, picked, scaled, walks

find = load("statistical_arbitrage")

INVESTOR = Investor(capital_usd=50_000.0)


def stretched(seed: int = 1, coins: int = 14, s: float = -2.6, deviation: float = 0.012) -> MarketSnapshot:
    """Coins of one common factor and their own walks; A0 has no walk of its own, but a residual that reverts."""
    common = np.log(walks(seed, 1, 1000, 0.006))[0]
    logs = common + np.log(walks(seed + 1, coins, 1000, 0.002))
    rng, residual = np.random.default_rng(seed), [s * deviation]
    for _ in range(999):
        residual.append(0.6 * residual[-1] + deviation * 0.8 * rng.standard_normal())
    logs[0] = 1.1 * logs[1:].mean(axis=0) + np.array(residual[::-1])
    volumes = np.linspace(90e6, 20e6, coins)
    snapshot = market({"1h": np.exp(logs)}, volume_24h_usd=volumes)
    assert snapshot.spot is not None
    return replace(snapshot, perpetuals=perpetuals(snapshot.spot, funding(seed, np.full(coins, 1e-4))))


def trade(snapshot: MarketSnapshot, who: Investor = INVESTOR) -> Opportunity:
    return next(each for each in find(snapshot, who).opportunities if each.symbol.startswith("A0/"))


def test_the_factors_equal_a_singular_value_decomposition() -> None:
    returns = np.diff(np.log(walks(1, 1, 500) * walks(2, 12, 500)), axis=1)
    found = principal(returns, 0.7, 5)
    standard = stats.zscore(returns, axis=1)
    _, singular, vectors = np.linalg.svd(standard.T, full_matrices=False)
    shares = singular**2 / (singular**2).sum()
    count = len(found.weights)
    assert count == min(5, int(np.argmax(np.cumsum(shares) >= 0.7)) + 1)
    assert found.explained == pytest.approx(shares[:count].sum(), rel=1e-9)
    for weights, vector in zip(found.weights, vectors, strict=False):
        expected = vector / returns.std(axis=1)
        expected /= np.abs(expected).sum() * np.sign(expected.sum())
        assert weights == pytest.approx(expected, rel=1e-7)
        assert np.abs(weights).sum() == pytest.approx(1.0)


@pytest.mark.parametrize(("s", "side", "symbol"), [(-2.6, "buy", "A0/USDT"), (2.6, "sell", "A0/USDT:USDT")])
def test_coin_away_from_the_factors_is_traded_against_a_basket_of_perpetuals(s: float, side: str, symbol: str) -> None:
    found = trade(stretched(s=s))
    first, *hedges = found.metadata["legs"]
    assert (found.symbol, first["side"], first["symbol"]) == (symbol, side, symbol)
    assert 1 <= len(hedges) <= 5
    assert all(leg["symbol"].endswith(":USDT") and not leg["symbol"].startswith("A0/") for leg in hedges)
    assert found.metadata["close"] == {"s": 0.5 if s < 0 else 0.75}


def test_its_statistics_equal_statsmodels() -> None:
    snapshot = stretched()
    found = trade(snapshot).metadata
    assert snapshot.spot is not None
    logs = np.log(snapshot.spot.candles["1h"].close[:, -744:])
    factors = principal(np.diff(logs[:, :720], axis=1), 0.55, 5)
    level = factors.weights @ (logs - logs[:, :1])
    statistic, p_value, _ = coint(logs[0, :720], level[:, :720].T)
    assert found["residual"]["statistic"] == pytest.approx(statistic, rel=1e-9)
    assert found["residual"]["p"] == pytest.approx(p_value, rel=1e-6)
    gone = reversion.half_life(sm.OLS(logs[0, :720], sm.add_constant(level[:, :720].T)).fit().resid)
    until = 744 - ceil(5 * gone)
    assert until > 720
    fits = [
        GLSAR(logs[0, :until], sm.add_constant(level[:count, :until].T), rho=0.5 ** (1 / gone)).fit()
        for count in range(1, len(level) + 1)
    ]
    fit = min(fits, key=lambda each: each.bic)
    count = len(fit.params) - 1
    assert found["factors"]["count"] == count
    sigma = (logs[0, :until] - fit.predict()).std()
    now = np.log((snapshot.spot.bid + snapshot.spot.ask) / 2)
    residual = now[0] - fit.params[0] - fit.params[1:] @ (factors.weights[:count] @ (now - logs[:, 0]))
    assert found["residual"]["s"] == pytest.approx(residual / sigma, rel=1e-6)
    own = float(fit.params[1:] @ factors.weights[:count, 0])
    assert found["residual"]["deviation"] == pytest.approx(sigma / (1 - own), rel=1e-8)


def test_the_basket_takes_away_what_the_factors_move() -> None:
    snapshot = stretched()
    found = trade(snapshot).metadata
    assert snapshot.spot is not None
    moves = np.diff(np.log(snapshot.spot.candles["1h"].close[:, -744:]), axis=1)
    first, *hedges = found["legs"]
    middle = (snapshot.spot.bid + snapshot.spot.ask) / 2
    unit = first["quantity"] * middle[0]
    hedged = moves[0].copy()
    for leg in hedges:
        row = snapshot.spot.symbols.index(leg["symbol"].removesuffix(":USDT"))
        hedged += (1 if leg["side"] == "buy" else -1) * leg["quantity"] * middle[row] * 1.0002 / unit * moves[row]
    market_moves = moves[1:].mean(axis=0)
    assert abs(np.corrcoef(hedged, market_moves)[0, 1]) < 0.15 < np.corrcoef(moves[0], market_moves)[0, 1]
    assert found["factors"]["hedge_r2"] > 0.8


def test_its_money_adds_up_by_hand() -> None:
    found = trade(stretched())
    metadata, residual = found.metadata, found.metadata["residual"]
    gross = metadata["notional_usd"] * (abs(residual["s"]) - 0.5) * residual["deviation"]
    assert found.profit_potential_usd == pytest.approx(
        gross - metadata["costs_usd"] - metadata["funding_usd"], rel=1e-8
    )
    bought = sum(leg["quantity"] * leg["price"] for leg in metadata["legs"] if leg["side"] == "buy")
    sold = sum(leg["quantity"] * leg["price"] for leg in metadata["legs"] if leg["side"] == "sell")
    spot_fee, perpetual_fee = 2 * 0.001 * bought, 2 * 0.0005 * sold
    assert metadata["fees_usd"] == pytest.approx(spot_fee + perpetual_fee, rel=0.01)
    assert metadata["loss_at_stop_usd"] > metadata["notional_usd"] * (4.5 - abs(residual["s"])) * residual["deviation"]
    chance = metadata["probability"]["close_first"]
    expected = chance * found.profit_potential_usd - (1 - chance) * metadata["loss_at_stop_usd"]
    assert metadata["expected_value_usd"] == pytest.approx(expected, rel=1e-8)


@pytest.mark.parametrize("s", [0.0, 1.0, 4.2])
def test_a_coin_at_rest_or_torn_off_is_left_alone(s: float) -> None:
    assert all(not each.symbol.startswith("A0/") for each in find(stretched(s=s), INVESTOR).opportunities)


def test_fees_beyond_the_residual_leave_nothing() -> None:
    assert (
        find(
            stretched(), replace(INVESTOR, fees={"venue": {"spot_taker": 0.03, "perpetual_taker": 0.03}})
        ).opportunities
        == ()
    )


def test_strategy_refuses_without_perpetuals_of_other_coins() -> None:
    snapshot = stretched()
    assert snapshot.perpetuals is not None
    unknown = replace(snapshot.perpetuals, funding_rate=np.r_[1e-4, np.full(13, np.nan)])
    assert find(replace(snapshot, perpetuals=unknown), INVESTOR).opportunities == ()


def test_walks_of_one_factor_hardly_ever_count_as_away_from_it() -> None:
    found = examined = 0
    for seed in range(12):
        close = walks(seed, 1, 1000, 0.006) * walks(seed + 99, 30, 1000, 0.004)
        snapshot = market({"1h": close})
        assert snapshot.spot is not None
        snapshot = replace(snapshot, perpetuals=perpetuals(snapshot.spot, funding(1, np.full(30, 1e-4))))
        findings = find(snapshot, INVESTOR)
        found, examined = found + len(findings.opportunities), examined + findings.examined
    assert examined == 360
    assert found <= 3


def test_planted_residuals_are_found_at_about_their_true_profit() -> None:
    errors = []
    for seed in range(3):
        planted, known = planting.plant(simulated(seed, CAPTURED_AT, fair=True), seed, 1.0)
        found = next(each for each in find(planted, planting.INVESTOR).opportunities if each.symbol == known.symbol)
        assert known.profit_usd is not None
        errors.append(found.profit_potential_usd / known.profit_usd - 1)
    assert np.median(np.abs(errors)) < 0.12


def test_the_order_of_symbols_changes_nothing_but_the_last_digits() -> None:
    found, turned = trade(stretched()), trade(picked(stretched(), [*range(13, -1, -1)]))
    assert turned.profit_potential_usd == pytest.approx(found.profit_potential_usd, rel=1e-9)
    assert [leg["symbol"] for leg in turned.metadata["legs"]] == [leg["symbol"] for leg in found.metadata["legs"]]


def test_prices_in_pieces_give_the_same_money() -> None:
    found, pieces = trade(stretched()), trade(scaled(stretched(), 1 / 64))
    assert pieces.profit_potential_usd == pytest.approx(found.profit_potential_usd, rel=1e-6)
    assert pieces.confidence_score == pytest.approx(found.confidence_score, rel=1e-6)


def test_bars_before_the_formation_change_nothing() -> None:
    snapshot = stretched()
    assert snapshot.spot is not None
    bars = snapshot.spot.candles["1h"]
    earlier = replace(bars, close=np.where(np.arange(1000) < 1000 - 744, bars.close * 1.7, bars.close))
    changed = replace(snapshot, spot=replace(snapshot.spot, candles={"1h": earlier}))
    assert find(changed, INVESTOR) == find(snapshot, INVESTOR)


@pytest.mark.parametrize(
    ("snapshot", "reason"),
    [
        (replace(stretched(), spot=None, missing={"spot": "the venue is down"}), "the venue is down"),
        (replace(stretched(), perpetuals=None), "no perpetuals"),
        (replace(stretched(), captured_at=CAPTURED_AT + 3 * HOUR), "no fresh 1h candles"),
        (replace(market({"4h": walks(1, 12, 800)}), perpetuals=stretched().perpetuals), "no fresh 1h candles"),
        (replace(market({"1h": walks(1, 12, 499)}), perpetuals=stretched().perpetuals), "500 closed candles"),
        (replace(market({"1h": walks(1, 9, 800)}), perpetuals=stretched().perpetuals), "fewer than 10 coins"),
    ],
)
def test_strategy_refuses_unsuitable_markets_with_a_reason(snapshot: MarketSnapshot, reason: str) -> None:
    with pytest.raises(Unsuitable, match=reason):
        find(snapshot, INVESTOR)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), late=st.integers(1, 999), s=st.floats(-4, 4), price=st.floats(1e-6, 1e6))
def test_bad_series_never_reach_an_answer(seed: int, late: int, s: float, price: float) -> None:
    snapshot = stretched(seed, s=s)
    assert snapshot.spot is not None
    close = snapshot.spot.candles["1h"].close * price
    close[2, :late] = np.nan
    close[3] = 7.0
    close[4] = close[1] * 2
    volume = np.full(14, 5e7)
    volume[5] = 0.0
    last = close[:, -1]
    hostile = market({"1h": close}, bid=last * 0.9999, ask=last * 1.0001, volume_24h_usd=volume)
    assert hostile.spot is not None
    contracts = perpetuals(hostile.spot, funding(1, np.full(14, 1e-4)))
    empty = replace(books(hostile.spot, 1), bid_price=np.full((14, 30), np.nan))
    hostile = replace(hostile, spot=replace(hostile.spot, books=empty), perpetuals=contracts)
    for found in find(hostile, INVESTOR).opportunities:
        assert len(json.dumps(asdict(found), allow_nan=False)) < 2400
        assert 0 <= found.confidence_score <= 1
        assert found.profit_potential_usd > 0
        assert not {leg["symbol"][:3] for leg in found.metadata["legs"]} & {"A3/", "A5/"}
