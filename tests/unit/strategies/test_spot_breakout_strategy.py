import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import ta.volatility
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from opportunities.domain import Evidence, Investor, Opportunity, Timeframe
from opportunities.errors import Unsuitable
from opportunities.market.planted import spot_breakout_strategy as planting
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import Candles, MarketSnapshot
from opportunities.maths.arrays import Floats
from opportunities.strategies import load
from tests.support.markets import CAPTURED_AT, HOUR, books, candles, market, picked, scaled, walks

find = load("spot_breakout_strategy")

INVESTOR = Investor(capital_usd=50_000.0)


def breaking(seed: int = 1, bars: int = 260, rise: float = 0.018) -> Floats:
    """Closes that wander, then keep within 1 % for 29 bars, then rise. Shape (bars,)."""
    rng = np.random.default_rng(seed)
    wandering = walks(seed, 1, bars - 30)[0]
    quiet = wandering[-1] * (1 + rng.uniform(-0.005, 0.005, 29))
    return np.concatenate([wandering, quiet, [wandering[-1] * (1 + rise)]])


def busy(snapshot: MarketSnapshot, ratio: float = 3.0, timeframe: str = "4h") -> MarketSnapshot:
    """The market with the volume of its last bars this many times what it was."""
    spot = snapshot.spot
    assert spot is not None
    bars = spot.candles[timeframe]
    volume = bars.volume * np.random.default_rng(0).uniform(0.8, 1.2, bars.volume.shape)
    volume[:, -1] = ratio
    return replace(snapshot, spot=replace(spot, candles={**spot.candles, timeframe: replace(bars, volume=volume)}))


def planted(seed: int = 1, noise: int = 8) -> MarketSnapshot:
    """Row 0 breaks out; the others wander."""
    snapshot = busy(market({"4h": np.vstack([breaking(seed), walks(seed + 50, noise, 260)])}))
    assert snapshot.spot is not None
    return replace(snapshot, spot=replace(snapshot.spot, books=books(snapshot.spot, seed)))


def bars_of(snapshot: MarketSnapshot) -> Candles:
    assert snapshot.spot is not None
    return snapshot.spot.candles["4h"]


def broken(snapshot: MarketSnapshot, investor: Investor = INVESTOR) -> Opportunity:
    return next(found for found in find(snapshot, investor).opportunities if found.symbol == "A0/USDT")


def test_a_planted_breakout_is_found_among_noise() -> None:
    findings = find(planted(), INVESTOR)
    assert findings.examined == 9
    assert [found.symbol for found in findings.opportunities] == ["A0/USDT"]


def test_its_channel_and_readings_equal_those_of_pandas_and_ta() -> None:
    found, bars = broken(planted()), bars_of(planted())
    high, low, close, volume = (pd.Series(getattr(bars, name)[0]) for name in ("high", "low", "close", "volume"))
    top, bottom = high.rolling(20).max().shift(1).iloc[-1], low.rolling(20).min().shift(1).iloc[-1]
    assert found.metadata["channel"] == {
        "top": pytest.approx(top, rel=1e-9),
        "bottom": pytest.approx(bottom, rel=1e-9),
        "bars": 20,
    }
    assert found.exit_price == pytest.approx(2 * top - bottom, rel=1e-9)
    assert found.metadata["trail"] == pytest.approx(low.rolling(10).min().iloc[-1], rel=1e-9)
    assert found.metadata["volume_ratio"] == pytest.approx(
        volume.iloc[-1] / volume.rolling(20).mean().shift(1).iloc[-1], rel=1e-9
    )
    # The two packages seed Wilder's average differently; 240 bars leave less than 1e-5 of that.
    atr = ta.volatility.AverageTrueRange(high, low, close, 20).average_true_range()
    assert found.metadata["atr"] == pytest.approx(float(atr.iloc[-1]), rel=1e-4)
    width = ta.volatility.BollingerBands(close, 20, 2).bollinger_wband().shift(1).iloc[-120:]
    assert found.metadata["squeeze_percentile"] == pytest.approx(float((width <= width.iloc[-1]).mean()), rel=1e-9)
    rises = (close.diff() / atr.shift(1)).iloc[-181:]
    p = (1 + int((rises.iloc[:-1] >= rises.iloc[-1]).sum())) / 181
    assert found.evidence == Evidence("rank p of the bar's rise", pytest.approx(p), 180, pytest.approx(p))


def test_its_money_adds_up_by_hand() -> None:
    found, spot = broken(planted()), planted().spot
    assert spot is not None
    assert spot.books is not None
    assert found.exit_price is not None
    size, fee, stop = found.metadata["size"], 0.001, found.metadata["stop"]
    assert stop == pytest.approx(spot.ask[0] - 2 * found.metadata["atr"], rel=1e-9)
    bid, ask = (
        np.interp(size, np.cumsum(sizes[0]), np.cumsum(prices[0] * sizes[0]), left=size * prices[0, 0]) / size
        if size > sizes[0, 0]
        else prices[0, 0]
        for prices, sizes in ((spot.books.bid_price, spot.books.bid_size), (spot.books.ask_price, spot.books.ask_size))
    )
    paid, kept = size * ask * (1 + fee), bid / spot.bid[0] * (1 - fee)
    profit, loss = size * found.exit_price * kept - paid, paid - size * stop * kept
    assert found.profit_potential_usd == pytest.approx(profit, rel=1e-6)
    assert found.metadata["loss_at_stop_usd"] == pytest.approx(loss, rel=1e-6)
    chance = (spot.bid[0] - stop) / (found.exit_price - stop)
    assert found.metadata["expected_value_usd"] == pytest.approx(chance * profit - (1 - chance) * loss, rel=1e-6)
    assert found.metadata["expected_value_usd"] < 0 < found.profit_potential_usd
    assert found.metadata["probability"]["break_even"] == pytest.approx(loss / (profit + loss), rel=1e-6)
    deviation = np.std(np.diff(np.log(breaking()[-169:])), ddof=1) * spot.bid[0]
    expected_bars = (spot.bid[0] - stop) * (found.exit_price - spot.bid[0]) / deviation**2
    assert found.horizon_hours == pytest.approx(expected_bars * 4, rel=1e-9)
    assert found.estimated_timeframe is Timeframe.of(expected_bars * 4)


def test_the_bar_that_breaks_out_is_not_in_its_own_channel() -> None:
    bars = bars_of(planted())
    high = bars.high.copy()
    high[0, -1] *= 1.02
    spot = planted().spot
    assert spot is not None
    taller = replace(planted(), spot=replace(spot, candles={"4h": replace(bars, high=high)}))
    assert broken(taller).metadata["channel"] == broken(planted()).metadata["channel"]


def test_each_condition_is_needed() -> None:
    def opportunities(snapshot: MarketSnapshot) -> object:
        return find(snapshot, INVESTOR).opportunities

    def alone(close: Floats) -> MarketSnapshot:
        return busy(market({"4h": close[None, :]}))

    assert opportunities(alone(breaking()))
    assert opportunities(busy(alone(breaking()), 1.4)) == ()
    assert opportunities(alone(breaking(rise=0.004))) == ()
    assert opportunities(alone(breaking(rise=0.08))) == ()
    loose = walks(3, 1, 260)[0]
    loose[-1] = loose[-22:].max() * 1.02
    loose[-12] *= 0.9
    assert opportunities(alone(loose)) == ()
    snapshot = alone(breaking())
    assert snapshot.spot is not None
    back = replace(snapshot.spot, bid=snapshot.spot.bid * 0.985, ask=snapshot.spot.ask * 0.985)
    assert opportunities(replace(snapshot, spot=back)) == ()
    dear = Investor(capital_usd=50_000.0, fees={"venue": {"spot_taker": 0.02, "perpetual_taker": 0.02}})
    assert find(snapshot, dear).opportunities == ()
    assert find(snapshot, Investor(capital_usd=20.0)).opportunities == ()


def test_random_walks_break_out_at_most_once_in_a_hundred() -> None:
    found = examined = 0
    for seed in range(6):
        findings = find(busy(market({"4h": walks(seed, 400, 260)}), 2.0), INVESTOR)
        found, examined = found + len(findings.opportunities), examined + findings.examined
    assert examined == 2400
    # All of them on volume, which only one in ten bars would have.
    assert 0 < found <= stats.binom.ppf(0.999, examined, 0.01)


def test_a_planted_opportunity_of_the_simulated_market_is_found_with_its_profit() -> None:
    for seed in range(3):
        changed, known = planting.plant(simulated(seed, CAPTURED_AT + 5400, fair=True), seed, 1.0)
        found = [one for one in find(changed, planting.INVESTOR).opportunities if one.symbol == known.symbol]
        assert found[0].profit_potential_usd == pytest.approx(known.profit_usd, rel=0.05)


def test_hours_serve_where_there_are_too_few_bars_of_four() -> None:
    hourly = busy(market({"1h": breaking()[None, :], "4h": breaking()[None, -199:]}), timeframe="1h")
    assert broken(hourly).metadata["timeframe"] == "1h"
    both = busy(busy(market({"1h": breaking()[None, :], "4h": breaking()[None, :]})), timeframe="1h")
    assert [found.metadata["timeframe"] for found in find(both, INVESTOR).opportunities] == ["4h"]
    assert find(both, INVESTOR).examined == 1


def test_order_other_assets_and_scale_change_nothing() -> None:
    assert find(picked(planted(), [3, 0, 8, 1, 2, 7, 5, 4, 6]), INVESTOR) == find(planted(), INVESTOR)
    assert find(picked(planted(), [0]), INVESTOR).opportunities[0] == broken(planted())
    pieces = broken(scaled(planted(), 1 / 1000))
    assert pieces.profit_potential_usd == pytest.approx(broken(planted()).profit_potential_usd, rel=1e-9)
    assert pieces.confidence_score == broken(planted()).confidence_score


def test_later_market_changes_nothing() -> None:
    results = []
    end = CAPTURED_AT // (4 * HOUR) * 4 * HOUR
    for future in (1.0, 3.0, 0.2):
        later = np.concatenate([breaking(), breaking()[-1] * future ** np.arange(1, 9)])[None, :]
        whole = candles(later, 4 * HOUR, end + 32 * HOUR)
        closed = whole.open_time + 4 * HOUR <= CAPTURED_AT
        cut = replace(
            whole,
            open_time=whole.open_time[closed],
            **{name: getattr(whole, name)[:, closed] for name in ("open", "high", "low", "close", "volume")},
        )
        snapshot = market({"4h": cut.close})
        assert snapshot.spot is not None
        results.append(find(busy(replace(snapshot, spot=replace(snapshot.spot, candles={"4h": cut}))), INVESTOR))
    assert results[0].opportunities
    assert results[0] == results[1] == results[2]


@pytest.mark.parametrize(
    ("snapshot", "reason"),
    [
        (MarketSnapshot(CAPTURED_AT, "test", {}, missing={"spot": "the venue is down"}), "the venue is down"),
        (market({"4h": walks(1, 2, 199)}), "200 closed"),
        (replace(market({"4h": walks(1, 2, 260)}), captured_at=CAPTURED_AT + 9 * HOUR), "fresh"),
        (market({"4h": walks(1, 2, 260)}, symbols=("ETH/BTC", "USDC/USDT")), "in USD"),
        (market({"4h": walks(1, 2, 260)}, volume_24h_usd=np.zeros(2)), "volume"),
        (market({"4h": walks(1, 2, 260)}, bid=np.full(2, np.nan)), "quotes"),
        (market({"4h": np.full((2, 260), 7.0)}), "volatility"),
        (replace(market({"4h": walks(1, 2, 260)}), fees={}), "no fees are known for venue"),
    ],
)
def test_strategy_refuses_unsuitable_markets_with_a_reason(snapshot: MarketSnapshot, reason: str) -> None:
    with pytest.raises(Unsuitable, match=reason):
        find(snapshot, INVESTOR)


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10**6), late=st.integers(1, 259), rise=st.floats(0.005, 0.1), price=st.floats(1e-9, 1e6))
def test_bad_series_never_reach_an_answer(seed: int, late: int, rise: float, price: float) -> None:
    close = np.vstack([breaking(seed, rise=rise) * price, walks(seed, 3, 260), np.full(260, 3.0)])
    close[1, :late] = np.nan
    close[2, :] = np.nan
    last = np.nan_to_num(close[:, -1], nan=1.0)
    traded = np.array([5e6, 1e6, 1e6, 0.0, 1e6])
    snapshot = busy(market({"4h": close}, bid=last * 0.999, ask=last * 1.001, volume_24h_usd=traded))
    for found in find(snapshot, INVESTOR).opportunities:
        assert len(json.dumps(asdict(found), allow_nan=False)) < 1900
        assert 0 <= found.confidence_score <= 1
        assert found.profit_potential_usd > 0
        assert found.symbol not in {"A2/USDT", "A3/USDT", "A4/USDT"}
    silent = busy(snapshot, 0.0)
    assert find(silent, INVESTOR).opportunities == ()
