import json
from dataclasses import asdict, replace

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
import ta.momentum
import ta.trend
import ta.volatility
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from opportunities.domain import Evidence, Investor, Opportunity, RiskTolerance, Timeframe
from opportunities.errors import Unsuitable
from opportunities.market.snapshot import MarketSnapshot
from opportunities.market.timeframes import aggregate
from opportunities.strategies import load
from tests.support.markets import CAPTURED_AT, HOUR, books, candles, market, picked, scaled, walks, zigzag

find = load("spot_momentum_strategy")

INVESTOR = Investor(capital_usd=50_000.0)


def planted(seed: int = 1, noise: int = 8) -> MarketSnapshot:
    """Row 0 rises steadily; the others wander."""
    snapshot = market({"4h": np.vstack([zigzag(), walks(seed, noise, 260)])})
    spot = snapshot.spot
    assert spot is not None
    return replace(snapshot, spot=replace(spot, books=books(spot, seed)))


def rising(snapshot: MarketSnapshot, investor: Investor = INVESTOR) -> Opportunity:
    return next(found for found in find(snapshot, investor).opportunities if found.symbol == "A0/USDT")


def test_a_planted_trend_is_found_among_noise() -> None:
    findings = find(planted(), INVESTOR)
    assert findings.examined == 9
    assert findings.opportunities[0].symbol == "A0/USDT"


def test_its_indicators_and_statistic_equal_those_of_other_packages() -> None:
    metadata = rising(planted()).metadata
    bars = candles(zigzag()[None, :], 4 * HOUR)
    high, low, close = (pd.Series(each[0]) for each in (bars.high, bars.low, bars.close))
    # Both packages end within their own start-up error of each other after 260 bars: EMA(50) 50 ppm, the rest less.
    others = {
        "ema20": ta.trend.EMAIndicator(close, 20).ema_indicator(),
        "rsi": ta.momentum.RSIIndicator(close).rsi(),
        "macd_histogram": ta.trend.MACD(close).macd_diff(),
        "adx": ta.trend.ADXIndicator(high, low, close).adx(),
        "atr": ta.volatility.AverageTrueRange(high, low, close, 14).average_true_range(),
    }
    for name, series in others.items():
        assert metadata["indicators"][name] == pytest.approx(float(series.iloc[-1]), rel=1e-6), name
    assert metadata["indicators"]["ema50"] == pytest.approx(
        float(ta.trend.EMAIndicator(close, 50).ema_indicator().iloc[-1]), rel=5e-5
    )
    returns = np.diff(np.log(zigzag()[-169:]))
    fit = sm.OLS(returns, np.ones(168)).fit(cov_type="HAC", cov_kwds={"maxlags": 4, "use_correction": True})
    assert rising(planted()).evidence == Evidence(
        "t of mean log return",
        pytest.approx(fit.tvalues[0], rel=1e-9),
        168,
        pytest.approx(stats.norm.sf(fit.tvalues[0]), rel=1e-6),
    )


def test_its_money_adds_up_by_hand() -> None:
    found = rising(planted())
    metadata, size = found.metadata, found.metadata["size"]
    fee, atr = 0.001, metadata["indicators"]["atr"]
    assert found.entry_price is not None
    assert found.exit_price is not None
    spot = planted().spot
    assert spot is not None
    assert metadata["stop"] == pytest.approx(spot.ask[0] - 2 * atr, rel=1e-9)
    assert found.exit_price == pytest.approx(spot.ask[0] + 4 * atr, rel=1e-9)
    ladder = spot.books
    assert ladder is not None
    left, paid = size, 0.0
    for price, volume in zip(ladder.ask_price[0], ladder.ask_size[0], strict=True):
        taken = min(left, volume)
        paid, left = paid + taken * price, left - taken
    assert found.entry_price == pytest.approx(paid / size, rel=1e-9)
    left, got = size, 0.0
    for price, volume in zip(ladder.bid_price[0], ladder.bid_size[0], strict=True):
        taken = min(left, volume)
        got, left = got + taken * price, left - taken
    slipped = got / size / spot.bid[0]
    profit = size * found.exit_price * slipped * (1 - fee) - paid * (1 + fee)
    loss = paid * (1 + fee) - size * metadata["stop"] * slipped * (1 - fee)
    assert found.profit_potential_usd == pytest.approx(profit, rel=1e-9)
    assert metadata["loss_at_stop_usd"] == pytest.approx(loss, rel=1e-9)
    assert found.required_capital_usd == pytest.approx(paid * (1 + fee), rel=1e-9)
    assert metadata["fees_usd"] == pytest.approx(fee * (paid + size * found.exit_price * slipped), rel=1e-9)
    assert metadata["slippage_usd"] == pytest.approx(paid - size * spot.ask[0] + size * spot.bid[0] - got, rel=1e-6)


def test_trade_without_an_edge_loses_about_its_costs_and_says_so() -> None:
    found = rising(planted())
    spot = planted().spot
    assert spot is not None
    assert found.exit_price is not None
    stop, target, bid = found.metadata["stop"], found.exit_price, float(spot.bid[0])
    chance = (bid - stop) / (target - stop)
    assert found.metadata["probability"]["target_first_driftless"] == pytest.approx(chance, rel=1e-9)
    expected = chance * found.profit_potential_usd - (1 - chance) * found.metadata["loss_at_stop_usd"]
    assert found.metadata["expected_value_usd"] == pytest.approx(expected, rel=1e-6)
    costs = found.metadata["fees_usd"] + found.metadata["slippage_usd"] + found.metadata["size"] * 2e-4 * bid
    assert -costs < found.metadata["expected_value_usd"] < 0
    assert found.metadata["probability"]["break_even"] > chance


def test_the_driftless_chance_and_time_equal_those_of_simulated_paths() -> None:
    found, spot = rising(planted()), planted().spot
    assert spot is not None
    assert found.exit_price is not None
    bid, stop, target = float(spot.bid[0]), found.metadata["stop"], found.exit_price
    rng, step = np.random.default_rng(8), (target - stop) / 60
    price, hit, moves = np.full(4000, bid), np.zeros(4000), np.zeros(4000)
    while (hit == 0).any():
        moves += hit == 0
        price = np.where(hit == 0, price + step * rng.choice([-1.0, 1.0], 4000), price)
        hit = np.where(price >= target, 1, np.where(price <= stop, -1, hit))
    assert (hit == 1).mean() == pytest.approx(found.metadata["probability"]["target_first_driftless"], abs=0.03)
    assert moves.mean() * step**2 == pytest.approx((bid - stop) * (target - bid), rel=0.1)
    bars = (bid - stop) * (target - bid) / (bid * np.std(np.diff(np.log(zigzag()[-169:])), ddof=1)) ** 2
    assert found.horizon_hours == pytest.approx(bars * 4, rel=1e-9)
    assert found.estimated_timeframe is Timeframe.of(bars * 4)
    rough = market({"4h": zigzag(step=0.02)[None, :]})
    assert rising(rough).estimated_timeframe is Timeframe.WEEK


def test_a_stop_that_would_lie_below_zero_is_no_stop() -> None:
    snapshot = market({"4h": zigzag()[None, :]})
    assert snapshot.spot is not None
    bars = snapshot.spot.candles["4h"]
    wild = replace(bars, high=bars.high * 1.8, low=bars.low / 1.8)
    assert find(snapshot, INVESTOR).opportunities
    assert find(replace(snapshot, spot=replace(snapshot.spot, candles={"4h": wild})), INVESTOR).opportunities == ()


def test_impact_law_is_charged_and_named_without_books() -> None:
    spot = planted().spot
    assert spot is not None
    bare = replace(planted(), spot=replace(spot, books=None))
    found = rising(bare)
    assert found.metadata["quotes"] == {"slippage": "impact"}
    volatility = np.std(np.diff(np.log(zigzag()[-169:])), ddof=1) * np.sqrt(6)
    share = found.metadata["size"] * spot.ask[0] / 20e6
    assert found.entry_price == pytest.approx(spot.ask[0] * (1 + volatility * np.sqrt(share)), rel=1e-9)


def test_the_investors_own_fees_and_tolerance_are_used() -> None:
    free = rising(planted(), replace(INVESTOR, fees={"venue": {"spot_taker": 0.0, "perpetual_taker": 0.0}}))
    assert free.metadata["fees_usd"] == 0
    spot = planted().spot
    assert spot is not None
    deep = replace(planted(), spot=replace(spot, books=None, volume_24h_usd=spot.volume_24h_usd * 1e3))
    careful, bold = (rising(deep, replace(INVESTOR, risk_tolerance=each)) for each in (RiskTolerance.LOW, "high"))
    assert careful.metadata["size"] < bold.metadata["size"]
    assert careful.metadata["loss_at_stop_usd"] <= 1.05 * 0.005 * INVESTOR.capital_usd


def test_driftless_symbols_are_called_trends_at_most_once_in_a_hundred() -> None:
    found = examined = 0
    for seed in range(10):
        findings = find(market({"4h": walks(seed, 300, 260)}), INVESTOR)
        found += len(findings.opportunities)
        examined += findings.examined
    assert examined == 3000
    # One percent, plus what chance adds to 3,000 draws once in a thousand times.
    assert found <= stats.binom.ppf(0.999, examined, 0.01)


def test_the_order_of_symbols_changes_nothing() -> None:
    assert find(picked(planted(), [3, 0, 8, 1, 2, 7, 5, 4, 6]), INVESTOR) == find(planted(), INVESTOR)


def test_another_asset_changes_no_opportunity() -> None:
    alone = find(picked(planted(), [0]), INVESTOR)
    assert alone.opportunities[0] == rising(planted())


def test_prices_in_pieces_give_the_same_money() -> None:
    found, pieces = rising(planted()), rising(scaled(planted(), 1 / 1000))
    assert pieces.profit_potential_usd == pytest.approx(found.profit_potential_usd, rel=1e-9)
    assert pieces.confidence_score == pytest.approx(found.confidence_score, rel=1e-9)
    assert pieces.entry_price == pytest.approx(found.entry_price / 1000 if found.entry_price else None, rel=1e-9)


def test_later_market_changes_nothing() -> None:
    hourly = np.vstack([np.repeat(zigzag(), 4), walks(2, 1, 1040)[0]])
    results = []
    for future in (1.0, 3.0, 0.2):
        later = np.concatenate([hourly, hourly[:, -1:] * future ** np.arange(1, 9)[None, :]], axis=1)
        whole = candles(later, HOUR, CAPTURED_AT // (4 * HOUR) * 4 * HOUR + 8 * HOUR)
        closed = whole.open_time + HOUR <= CAPTURED_AT // (4 * HOUR) * 4 * HOUR
        cut = replace(
            whole,
            open_time=whole.open_time[closed],
            **{name: getattr(whole, name)[:, closed] for name in ("open", "high", "low", "close", "volume")},
        )
        snapshot = market({"1h": cut.close})
        assert snapshot.spot is not None
        four = aggregate(cut, 4 * HOUR)
        results.append(find(replace(snapshot, spot=replace(snapshot.spot, candles={"4h": four})), INVESTOR))
    assert results[0].opportunities
    assert results[0] == results[1] == results[2]


def test_hours_serve_where_there_are_too_few_bars_of_four() -> None:
    snapshot = market({"1h": zigzag()[None, :], "4h": zigzag()[None, -199:]})
    assert rising(snapshot).metadata["timeframe"] == "1h"
    both = find(market({"1h": zigzag()[None, :], "4h": zigzag()[None, :]}), INVESTOR)
    assert [found.metadata["timeframe"] for found in both.opportunities] == ["4h"]
    assert both.examined == 1


@pytest.mark.parametrize(
    ("snapshot", "reason"),
    [
        (MarketSnapshot(CAPTURED_AT, "test", {}, missing={"spot": "the venue is down"}), "the venue is down"),
        (MarketSnapshot(CAPTURED_AT, "test", {}), "the snapshot has none"),
        (market({"4h": walks(1, 2, 199)}), "200 closed"),
        (replace(market({"4h": walks(1, 2, 260)}), captured_at=CAPTURED_AT + 6 * HOUR), "fresh"),
        (market({"4h": walks(1, 2, 260)}, symbols=("ETH/BTC", "USDC/USDT")), "in USD"),
        (market({"4h": walks(1, 2, 260)}, volume_24h_usd=np.zeros(2)), "volume"),
        (market({"4h": walks(1, 2, 260)}, bid=np.full(2, np.nan)), "quotes"),
        (market({"4h": np.full((2, 260), 7.0)}), "no spot pair"),
        (replace(market({"4h": walks(1, 2, 260)}), fees={}), "no fees are known for venue"),
    ],
)
def test_strategy_refuses_unsuitable_markets_with_a_reason(snapshot: MarketSnapshot, reason: str) -> None:
    with pytest.raises(Unsuitable, match=reason):
        find(snapshot, INVESTOR)


def test_no_drift_worth_its_costs_is_an_empty_finding_and_no_refusal() -> None:
    falling = 1 / zigzag()[None, :]
    assert find(market({"4h": falling}), INVESTOR).opportunities == ()
    dear = Investor(capital_usd=50_000.0, fees={"venue": {"spot_taker": 0.2, "perpetual_taker": 0.2}})
    assert find(market({"4h": zigzag()[None, :]}), dear).opportunities == ()
    poor = Investor(capital_usd=20.0)
    assert find(market({"4h": zigzag()[None, :]}), poor).opportunities == ()


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10**6), late=st.integers(1, 259), step=st.floats(1e-5, 0.05), price=st.floats(1e-9, 1e6))
def test_bad_series_never_reach_an_answer(seed: int, late: int, step: float, price: float) -> None:
    close = np.vstack([zigzag(step=step) * price, walks(seed, 3, 260), np.full(260, 3.0)])
    close[1, :late] = np.nan
    close[2, :] = np.nan
    volume = np.array([5e6, 1e6, 1e6, 0.0, 1e6])
    last = np.nan_to_num(close[:, -1], nan=1.0)
    snapshot = market({"4h": close}, bid=last * 0.999, ask=last * 1.001, volume_24h_usd=volume)
    for found in find(snapshot, INVESTOR).opportunities:
        text = json.dumps(asdict(found), allow_nan=False)
        assert len(text) < 1900
        assert 0 <= found.confidence_score <= 1
        assert found.profit_potential_usd > 0
        assert found.symbol not in {"A2/USDT", "A3/USDT", "A4/USDT"}
