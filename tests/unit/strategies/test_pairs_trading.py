import json
import warnings
from dataclasses import asdict, replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import integrate, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.tsa.stattools import coint

from opportunities.domain import Fees, Investor, Opportunity
from opportunities.errors import Unsuitable
from opportunities.market.planted import pairs_trading as planting
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import MarketSnapshot, Rules
from opportunities.maths import inference, reversion
from opportunities.maths.cointegration import engle_granger
from opportunities.strategies import load
from tests.support.markets import CAPTURED_AT, HOUR, books, funding, market, perpetuals, picked, scaled, walks

find = load("pairs_trading")

INVESTOR = Investor(capital_usd=50_000.0)


def reverting(seed: int, bars: int, deviation: float, phi: float, last: float) -> np.ndarray:
    """An autoregression that ends at `last`, drawn backwards."""
    rng, path = np.random.default_rng(seed), [last]
    for _ in range(bars - 1):
        path.append(phi * path[-1] + deviation * np.sqrt(1 - phi**2) * rng.standard_normal())
    return np.array(path[::-1])


def pair(seed: int = 1, coins: int = 8, z: float = -2.6, beta: float = 0.9, deviation: float = 0.01) -> MarketSnapshot:
    """A1 = 3 A0^0.9 with a spread that ends z deviations away; the others wander; all have a perpetual."""
    close = walks(seed, coins, 1000)
    close[1] = 3 * close[0] ** beta * np.exp(reverting(seed, 1000, deviation, 0.7, z * deviation))
    volumes = np.linspace(90e6, 20e6, coins)
    snapshot = market({"1h": close}, volume_24h_usd=volumes)
    assert snapshot.spot is not None
    rates = funding(seed, np.full(coins, 1e-4))
    return replace(snapshot, perpetuals=perpetuals(snapshot.spot, rates))


def trade(snapshot: MarketSnapshot, who: Investor = INVESTOR) -> Opportunity:
    found = find(snapshot, who).opportunities
    return next(each for each in found if {leg["symbol"][:2] for leg in each.metadata["legs"]} == {"A0", "A1"})


@pytest.mark.parametrize("regressors", [1, 2, 5])
@pytest.mark.parametrize("bars", [400, 123])
def test_the_cointegration_test_equals_statsmodels(regressors: int, bars: int) -> None:
    logs = np.log(walks(5, 9, bars))
    y = logs[:4].copy()
    x = np.stack([logs[[4 + (i + k) % 5 for k in range(regressors)]] for i in range(4)])
    y[0] = 1 + x[0].sum(axis=0) + reverting(1, bars, 0.01, 0.8, 0.0)
    y[1] = 1 + x[1].sum(axis=0) + reverting(1, bars, 0.01, 0.95, 0.0)
    found = engle_granger(y, x)
    for i in range(4):
        statistic, p_value, _ = coint(y[i], x[i].T)
        assert found.statistic[i] == pytest.approx(statistic, rel=1e-10)
        assert found.p_value[i] == pytest.approx(p_value, abs=1e-10)
        fit = np.linalg.lstsq(np.column_stack([np.ones(bars), x[i].T]), y[i])[0]
        assert [found.intercept[i], *found.beta[i]] == pytest.approx(fit.tolist(), rel=1e-8)


def test_all_pairs_at_once_equal_statsmodels_in_both_orders() -> None:
    logs = np.log(walks(3, 6, 300))
    y, x = np.nonzero(~np.eye(6, dtype=bool))
    found = engle_granger(logs[y], logs[x][:, None])
    for i in range(len(y)):
        statistic, p_value, _ = coint(logs[y[i]], logs[x[i]])
        assert (found.statistic[i], found.p_value[i]) == pytest.approx((statistic, p_value), rel=1e-12)


def test_series_that_are_flat_or_one_and_the_same_are_not_called_cointegrated() -> None:
    walk = np.log(walks(1, 1, 300)[0])
    y = np.array([walk, 2 * walk + 1, np.full(300, 2.0), walk, walk])
    x = np.array([2 * walk + 1, walk, walk, np.full(300, 2.0), walk])[:, None]
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        found = engle_granger(y, x)
    assert found.p_value.tolist() == [1.0] * 5
    assert np.isnan(found.statistic).all()


def test_the_correction_for_many_tests_equals_statsmodels_and_scipys() -> None:
    p = np.random.default_rng(0).random(50) ** 3
    adjusted = inference.false_discovery(p)
    assert adjusted == pytest.approx(multipletests(p, method="fdr_bh")[1], abs=1e-15)
    assert adjusted == pytest.approx(stats.false_discovery_control(p), abs=1e-15)


def test_the_chance_to_close_before_the_stop_equals_a_quadrature_and_simulated_paths() -> None:
    def scale(low: float, high: float) -> float:
        return float(integrate.quad(lambda v: np.exp(v * v / 2), low, high)[0])

    assert reversion.mean_first(-2.5, -4.5, -0.5) == pytest.approx(scale(2.5, 4.5) / scale(0.5, 4.5), rel=1e-9)
    rng, z, ended = np.random.default_rng(1), np.full(3000, -2.0), np.zeros(3000)
    while (ended == 0).any():
        z = np.where(ended == 0, z * (1 - 1e-3) + np.sqrt(2e-3) * rng.standard_normal(3000), z)
        ended = np.where((ended == 0) & (z >= -0.5), 1, np.where((ended == 0) & (z <= -2.5), -1, ended))
    assert (ended == 1).mean() == pytest.approx(reversion.mean_first(-2.0, -2.5, -0.5), abs=0.04)


@pytest.mark.parametrize(
    ("z", "bought", "shorted"), [(-2.6, "A1/USDT", "A0/USDT:USDT"), (2.6, "A0/USDT", "A1/USDT:USDT")]
)
def test_the_cheap_coin_is_bought_and_the_dear_ones_perpetual_shorted(z: float, bought: str, shorted: str) -> None:
    found = trade(pair(z=z))
    sides = {leg["side"]: leg["symbol"] for leg in found.metadata["legs"]}
    assert sides == {"buy": bought, "sell": shorted}
    assert found.symbol == bought


def test_its_statistics_equal_statsmodels() -> None:
    snapshot = pair()
    found = trade(snapshot).metadata["pair"]
    assert snapshot.spot is not None
    logs = dict(zip(snapshot.spot.symbols, np.log(snapshot.spot.candles["1h"].close[:, -744:-24]), strict=True))
    y, x = logs[found["y"]], logs[found["x"]]
    orders = [coint(y, x), coint(x, y)]
    assert found["statistic"] == pytest.approx(orders[0][0], rel=1e-9)
    assert found["p"] == pytest.approx(max(order[1] for order in orders), rel=1e-6)
    slope = stats.linregress(x, y)
    assert found["beta"] == pytest.approx(slope.slope, rel=1e-8)
    residual = y - slope.intercept - slope.slope * x
    assert found["deviation"] == pytest.approx(residual.std(), rel=1e-8)
    now = {symbol: (snapshot.spot.bid[i] + snapshot.spot.ask[i]) / 2 for i, symbol in enumerate(snapshot.spot.symbols)}
    z = (np.log(now[found["y"]]) - slope.intercept - slope.slope * np.log(now[found["x"]])) / residual.std()
    assert found["z"] == pytest.approx(z, rel=1e-6)


def test_its_money_adds_up_by_hand() -> None:
    found = trade(pair())
    metadata, stats_ = found.metadata, found.metadata["pair"]
    legs = {leg["side"]: leg for leg in metadata["legs"]}
    weight = legs["sell"]["quantity"] * 1.0 * middle(pair(), 0) / (legs["buy"]["quantity"] * middle(pair(), 1))
    assert weight == pytest.approx(stats_["beta"] if stats_["y"] == "A1/USDT" else 1 / stats_["beta"], rel=1e-3)
    gross = metadata["notional_usd"] * abs(stats_["z"]) * stats_["deviation"]
    assert found.profit_potential_usd == pytest.approx(
        gross - metadata["costs_usd"] - metadata["funding_usd"], rel=1e-8
    )
    assert metadata["costs_usd"] > metadata["fees_usd"] > 0
    assert metadata["funding_usd"] == 0  # the short receives it, which is not credited
    stopped = metadata["notional_usd"] * (4.5 - abs(stats_["z"])) * stats_["deviation"] + metadata["costs_usd"]
    assert metadata["loss_at_stop_usd"] == pytest.approx(stopped, rel=1e-8)
    chance = metadata["probability"]["mean_first"]
    expected = chance * found.profit_potential_usd - (1 - chance) * stopped
    assert metadata["expected_value_usd"] == pytest.approx(expected, rel=1e-8)
    assert found.confidence_score == inference.confidence(found.evidence.value)


def middle(snapshot: MarketSnapshot, row: int) -> float:
    assert snapshot.spot is not None
    return float(snapshot.spot.bid[row] + snapshot.spot.ask[row]) / 2


def test_funding_that_the_short_pays_is_charged() -> None:
    snapshot = pair()
    assert snapshot.perpetuals is not None
    paying = replace(snapshot, perpetuals=replace(snapshot.perpetuals, funding_rate=np.full(8, -2e-4)))
    found, paid = trade(snapshot), trade(paying)
    hours, sold = paid.metadata["stop"]["hours"], next(leg for leg in paid.metadata["legs"] if leg["side"] == "sell")
    assert paid.metadata["funding_usd"] == pytest.approx(2e-4 / 8 * hours * sold["quantity"] * sold["price"], rel=1e-6)
    assert paid.profit_potential_usd == pytest.approx(
        found.profit_potential_usd - paid.metadata["funding_usd"], rel=1e-6
    )


def test_lots_and_minimums_are_kept() -> None:
    snapshot = pair()
    assert snapshot.spot is not None
    full = np.full(8, 1.0)
    lots = Rules(full, full * 0.01, full * 0.5, full * 5)
    found = trade(replace(snapshot, spot=replace(snapshot.spot, rules=lots)))
    bought = next(leg for leg in found.metadata["legs"] if leg["side"] == "buy")
    assert bought["quantity"] / 0.5 == pytest.approx(round(bought["quantity"] / 0.5), abs=1e-9)
    dear = Rules(full, full * 0.01, full * 0.5, full * 1e9)
    assert find(replace(snapshot, spot=replace(snapshot.spot, rules=dear)), INVESTOR).opportunities == ()


def test_dear_coin_without_a_perpetual_is_not_traded() -> None:
    snapshot = pair()
    assert snapshot.perpetuals is not None
    unknown = replace(snapshot.perpetuals, funding_rate=np.r_[np.nan, np.full(7, 1e-4)])
    assert all(
        "A0" not in leg["symbol"]
        for each in find(replace(snapshot, perpetuals=unknown), INVESTOR).opportunities
        for leg in each.metadata["legs"]
    )


@pytest.mark.parametrize("z", [0.0, 1.5, 4.0])
def test_a_spread_at_rest_or_torn_apart_is_left_alone(z: float) -> None:
    pairs = [{leg["symbol"][:2] for leg in each.metadata["legs"]} for each in find(pair(z=z), INVESTOR).opportunities]
    assert {"A0", "A1"} not in pairs


def test_a_coin_wrapped_in_another_is_no_pair() -> None:
    assert (
        find(
            pair(deviation=2e-4, beta=1.0),
            Investor(50_000.0, fees={"venue": {"spot_taker": 0.0, "perpetual_taker": 0.0}}),
        ).opportunities
        == ()
    )


def test_fees_beyond_the_spread_leave_nothing() -> None:
    assert (
        find(pair(), replace(INVESTOR, fees={"venue": {"spot_taker": 0.02, "perpetual_taker": 0.02}})).opportunities
        == ()
    )


def test_among_random_walks_hardly_any_pair_is_found() -> None:
    pairs = found = 0
    for seed in range(3):
        close = walks(seed, 25, 1000)
        snapshot = market({"1h": close})
        assert snapshot.spot is not None
        snapshot = replace(snapshot, perpetuals=perpetuals(snapshot.spot, funding(1, np.full(25, 1e-4))))
        findings = find(snapshot, INVESTOR)
        pairs, found = pairs + findings.examined, found + len(findings.opportunities)
    assert pairs == 3 * 300
    assert found <= 1


def test_planted_pairs_are_found_at_about_their_true_profit() -> None:
    errors = []
    for seed in range(3):
        planted, known = planting.plant(simulated(seed, CAPTURED_AT, fair=True), seed, 1.0)
        found = next(each for each in find(planted, planting.INVESTOR).opportunities if each.symbol == known.symbol)
        assert known.profit_usd is not None
        errors.append(found.profit_potential_usd / known.profit_usd - 1)
    assert np.median(np.abs(errors)) < 0.1


def test_the_order_of_symbols_changes_nothing() -> None:
    assert find(picked(pair(), [3, 0, 7, 1, 2, 6, 5, 4]), INVESTOR) == find(pair(), INVESTOR)


def test_a_second_exchange_changes_where_but_not_what() -> None:
    snapshot = pair()
    spot = snapshot.spot
    assert spot is not None
    more = replace(
        spot,
        symbols=(*spot.symbols, "A1/USDT"),
        exchanges=(*spot.exchanges, "other"),
        bid=np.r_[spot.bid, spot.bid[1]],
        ask=np.r_[spot.ask, spot.ask[1]],
        last=np.r_[spot.last, spot.last[1]],
        volume_24h_usd=np.r_[spot.volume_24h_usd, 1e9],
        books=books(spot, 1),
    )
    both = replace(snapshot, spot=more, fees={**snapshot.fees, "other": Fees(0.0005, 0.0005)})
    findings = find(both, INVESTOR)
    assert findings.examined == find(snapshot, INVESTOR).examined
    assert {each.exchange for each in findings.opportunities if each.symbol == "A1/USDT"} == {"other"}


def test_prices_in_pieces_give_the_same_money() -> None:
    found, pieces = trade(pair()), trade(scaled(pair(), 1 / 64))
    assert pieces.profit_potential_usd == pytest.approx(found.profit_potential_usd, rel=1e-6)
    assert pieces.confidence_score == pytest.approx(found.confidence_score, rel=1e-6)


def test_bars_before_the_formation_and_those_of_other_timeframes_change_nothing() -> None:
    snapshot = pair()
    assert snapshot.spot is not None
    bars = snapshot.spot.candles["1h"]
    assert bars.close.shape[1] == 1000
    earlier = replace(bars, close=np.where(np.arange(1000) < 1000 - 744, bars.close * 1.7, bars.close))
    other = {"1h": earlier, "1d": replace(bars, seconds=24 * HOUR)}
    assert find(replace(snapshot, spot=replace(snapshot.spot, candles=other)), INVESTOR) == find(snapshot, INVESTOR)


@pytest.mark.parametrize(
    ("snapshot", "reason"),
    [
        (replace(pair(), spot=None, missing={"spot": "the venue is down"}), "the venue is down"),
        (replace(pair(), perpetuals=None), "no perpetuals"),
        (replace(pair(), captured_at=CAPTURED_AT + 3 * HOUR), "no fresh 1h candles"),
        (replace(market({"4h": walks(1, 3, 800)}), perpetuals=pair().perpetuals), "no fresh 1h candles"),
        (replace(market({"1h": walks(1, 3, 499)}), perpetuals=pair().perpetuals), "500 closed candles"),
        (replace(market({"1h": np.full((3, 800), 7.0)}), perpetuals=pair().perpetuals), "fewer than two coins"),
        (replace(pair(), fees={}), "no fees are known for venue"),
    ],
)
def test_strategy_refuses_unsuitable_markets_with_a_reason(snapshot: MarketSnapshot, reason: str) -> None:
    with pytest.raises(Unsuitable, match=reason):
        find(snapshot, INVESTOR)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10**6), late=st.integers(1, 999), z=st.floats(-4, 4), price=st.floats(1e-6, 1e6))
def test_bad_series_never_reach_an_answer(seed: int, late: int, z: float, price: float) -> None:
    snapshot = pair(seed, 6, z)
    spot = snapshot.spot
    assert spot is not None
    close = spot.candles["1h"].close * price
    close[2, :late] = np.nan
    close[3] = 7.0
    close[4] = close[0] * 2
    volume = np.array([9e7, 8e7, 7e7, 6e7, 5e7, 0.0])
    last = close[:, -1]
    hostile = market({"1h": close}, bid=last * 0.9999, ask=last * 1.0001, volume_24h_usd=volume)
    assert hostile.spot is not None
    contracts = perpetuals(hostile.spot, funding(1, np.full(6, 1e-4)))
    empty = replace(books(hostile.spot, 1), bid_price=np.full((6, 30), np.nan))
    hostile = replace(hostile, spot=replace(hostile.spot, books=empty), perpetuals=contracts)
    for found in find(hostile, INVESTOR).opportunities:
        assert len(json.dumps(asdict(found), allow_nan=False)) < 2100
        assert 0 <= found.confidence_score <= 1
        assert found.profit_potential_usd > 0
        assert not {leg["symbol"][:2] for leg in found.metadata["legs"]} & {"A3", "A5"}
