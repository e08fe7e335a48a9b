"""The fair market: lively to look at, and nothing in it pays more than it costs."""

from functools import cache

import numpy as np
import pytest
from statsmodels.tsa.stattools import coint

from opportunities.market.archive.file import save
from opportunities.market.simulated import simulated
from opportunities.market.snapshot import Candles, MarketSnapshot, Perpetuals, Spot
from opportunities.maths.arrays import Floats

NOW = 1_795_291_500
DAY = 86_400
SEEDS = range(12)


@cache
def market(seed: int) -> MarketSnapshot:
    """Periods of 400 days apart, so that no two share a path."""
    return simulated(seed, NOW + seed * 440 * DAY, fair=True)


def spot_of(snapshot: MarketSnapshot) -> Spot:
    assert snapshot.spot
    return snapshot.spot


def perpetuals_of(snapshot: MarketSnapshot) -> Perpetuals:
    assert snapshot.perpetuals
    return snapshot.perpetuals


def moves(timeframe: str, seed: int) -> Floats:
    candles: Candles = spot_of(market(seed)).candles[timeframe]
    return np.diff(np.log(candles.close), axis=1)


def within_noise(values: list[float], expected: float) -> bool:
    """Whether the mean of independent markets' figures is what is expected, by four standard errors."""
    return bool(abs(np.mean(values) - expected) < 4 * np.std(values, ddof=1) / np.sqrt(len(values)))


def test_the_same_arguments_make_the_same_bytes_and_say_that_it_is_fair() -> None:
    assert save(market(3)) == save(simulated(3, NOW + 3 * 440 * DAY, fair=True))
    assert "fair" in market(3).assumptions["market"]


@pytest.mark.parametrize("timeframe", ["1h", "4h", "1d"])
def test_returns_are_not_autocorrelated(timeframe: str) -> None:
    lag_one = [
        float(np.mean([np.corrcoef(row[:-1], row[1:])[0, 1] for row in moves(timeframe, seed)])) for seed in SEEDS
    ]
    assert within_noise(lag_one, 0.0)
    assert abs(np.mean(lag_one)) < 0.02


@pytest.mark.parametrize("bars", [2, 8, 24])
def test_variance_ratios_are_one(bars: int) -> None:
    """Lo and MacKinlay, Stock market prices do not follow random walks, 1988, without the small-sample terms."""

    def ratio(row: Floats) -> float:
        row = row - row.mean()
        longer = np.convolve(row, np.ones(bars), "valid")
        return float(np.mean(longer**2) / (bars * np.mean(row**2)))

    ratios = [float(np.mean([ratio(row) for row in moves("1h", seed)])) for seed in SEEDS]
    assert within_noise(ratios, 1.0)
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.06)


def test_prices_do_not_drift() -> None:
    grown = [float(np.mean(np.exp(moves("4h", seed).sum(axis=1)) - 1)) for seed in SEEDS]
    assert within_noise(grown, 0.0)


def test_tails_stay_fat_and_volatility_in_clusters() -> None:
    clusters = []
    for seed in SEEDS:
        each = moves("1h", seed)
        standard = each / each.std(axis=1, keepdims=True)
        assert (standard**4).mean() > 4
        size = np.abs(standard).mean(axis=0)
        clusters.append(np.corrcoef(size[:-1], size[1:])[0, 1])
    assert np.mean(clusters) > 0.05


def test_pairs_pass_for_cointegrated_as_often_as_random_walks_do() -> None:
    passed = []
    for seed in (0, 1, 2, 3):
        logs = np.log(spot_of(market(seed)).candles["1h"].close[:12, -500:])
        passed += [coint(logs[i], logs[j], autolag=None, maxlag=1)[1] < 0.01 for i in range(6) for j in range(6, 12)]
    assert np.mean(passed) < 0.05


def test_funding_is_noise_that_pays_nobody() -> None:
    means = []
    for seed in SEEDS:
        perpetuals = perpetuals_of(market(seed))
        means.append(float((perpetuals.funding_history / perpetuals.funding_interval_hours[:, None]).mean()))
        for rates, hours in zip(perpetuals.funding_history, perpetuals.funding_interval_hours, strict=True):
            month = rates[-int(30 * 24 / hours) :].sum()
            assert abs(month) < 2 * (0.001 + 0.0005)
        assert (perpetuals.funding_history.std(axis=1) > 0).all()
    assert within_noise(means, 0.0)


def test_perpetuals_lie_on_spot_within_a_tenth_of_what_trading_both_costs() -> None:
    for seed in SEEDS:
        perpetuals = perpetuals_of(market(seed))
        assert np.abs(perpetuals.mark / perpetuals.index - 1).max() < 0.1 * 2 * (0.001 + 0.0005)


def test_no_pair_is_worth_carrying_to_the_other_exchange() -> None:
    """Nor before any fee: the edge is what the worse of both quotes leaves."""
    for seed in SEEDS:
        spot = spot_of(market(seed))
        here = {s: i for i, (s, at) in enumerate(zip(spot.symbols, spot.exchanges, strict=True)) if at == "simulated"}
        for far, (symbol, at) in enumerate(zip(spot.symbols, spot.exchanges, strict=True)):
            if at == "simulated":
                continue
            near = here[symbol]
            edge = max(spot.bid[far] / spot.ask[near], spot.bid[near] / spot.ask[far]) - 1
            assert edge < 0.2 * (0.001 + 0.001)


def test_no_triangle_pays_more_than_a_tenth_of_its_fees() -> None:
    for seed in SEEDS:
        spot = spot_of(market(seed))
        row = {symbol: i for i, symbol in reversed(list(enumerate(spot.symbols)))}
        crosses = [symbol for symbol in row if not symbol.endswith("/USDT")]
        assert len(crosses) == 8
        for cross in crosses:
            base, coin = (row[f"{name}/USDT"] for name in cross.split("/"))
            own = row[cross]
            through = spot.bid[own] * spot.bid[coin] / spot.ask[base] - 1
            back = spot.bid[base] / (spot.ask[own] * spot.ask[coin]) - 1
            assert max(through, back) < 0.1 * 3 * 0.001


def test_a_makers_spread_is_less_than_two_fees() -> None:
    for seed in SEEDS:
        snapshot = market(seed)
        for section, fee in ((snapshot.spot, "spot_maker"), (snapshot.perpetuals, "perpetual_maker")):
            assert section
            fees = np.array([getattr(snapshot.fees[exchange], fee) for exchange in section.exchanges])
            assert (section.ask / section.bid - 1 < 2 * fees).all()


def test_books_are_balanced() -> None:
    tilts = []
    for seed in SEEDS:
        books = spot_of(market(seed)).books
        assert books
        bid, ask = (books.bid_price * books.bid_size).sum(axis=1), (books.ask_price * books.ask_size).sum(axis=1)
        tilts.append(float(((bid - ask) / (bid + ask)).mean()))
    assert within_noise(tilts, 0.0)


def test_options_are_worth_what_the_simulated_volatility_makes_them() -> None:
    """The variance that a chain implies is, on average over markets, the one that comes."""
    ratios = []
    for seed in range(16):
        at = NOW + seed * 440 * DAY
        snapshot = simulated(seed, at - at % (30 * DAY) + DAY, 2, fair=True)
        later = spot_of(simulated(seed, snapshot.captured_at + 28 * DAY, 2, fair=True)).candles["1h"]
        came = np.log(later.close[:, later.open_time >= snapshot.captured_at])
        options = snapshot.options
        assert options
        for row, base in enumerate(("BTC", "ETH")):
            hours = (options.expiry - snapshot.captured_at) / 3600
            own = np.array([symbol.startswith(base) for symbol in options.symbols])
            chain = np.flatnonzero(own & (hours <= 27 * 24))[-1]
            realised = np.sum(np.diff(came[row, : int(hours[chain]) + 1]) ** 2)
            ratios.append(realised / (options.mark_iv[chain] ** 2 * hours[chain] / (365 * 24)))
    assert np.mean(ratios) == pytest.approx(1.0, abs=4 * np.std(ratios) / np.sqrt(len(ratios) / 2))
    assert np.mean(ratios) == pytest.approx(1.0, abs=0.2)
