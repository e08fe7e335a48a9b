"""The simulated market: reproducible, and like a market in the ways the strategies look at."""

from dataclasses import fields
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tsa.stattools import adfuller

from opportunities.domain import AssetTier
from opportunities.errors import MarketUnavailable
from opportunities.market.archive.file import save
from opportunities.market.simulated import simulated
from opportunities.market.simulated.assets import FOLLOWERS, RANGING
from opportunities.market.snapshot import Books, Candles, MarketSnapshot, Perpetuals, Spot

NOW = 1_795_291_500
MOMENTS = st.integers(1_600_000_000, 2_000_000_000)
SEEDS = st.integers(0, 2**31)
few = settings(max_examples=5, deadline=None)


@cache
def market(seed: int = 7, captured_at: int = NOW) -> MarketSnapshot:
    return simulated(seed, captured_at)


def spot_of(snapshot: MarketSnapshot) -> Spot:
    assert snapshot.spot
    return snapshot.spot


def books_of(snapshot: MarketSnapshot) -> Books:
    assert spot_of(snapshot).books
    return spot_of(snapshot).books or pytest.fail("no books")


def perpetuals_of(snapshot: MarketSnapshot) -> Perpetuals:
    assert snapshot.perpetuals
    return snapshot.perpetuals


def listed(snapshot: MarketSnapshot, exchange: str, quote: str = "USDT") -> np.ndarray:
    """The rows of the spot pairs of one exchange and one quote currency."""
    spot = spot_of(snapshot)
    rows = zip(spot.symbols, spot.exchanges, strict=True)
    return np.array([i for i, (symbol, at) in enumerate(rows) if at == exchange and symbol.endswith(f"/{quote}")])


def returns(candles: Candles) -> np.ndarray:
    return np.diff(np.log(candles.close), axis=1)


def test_the_same_arguments_make_the_same_bytes() -> None:
    assert save(simulated(7, NOW)) == save(market())


def test_another_seed_makes_another_market() -> None:
    assert not np.array_equal(spot_of(market(8)).last, spot_of(market()).last)


@given(seed=SEEDS, captured_at=MOMENTS)
@few
def test_every_bar_was_closed_and_the_last_one_just_now(seed: int, captured_at: int) -> None:
    snapshot = simulated(seed, captured_at)
    for candles in (*spot_of(snapshot).candles.values(), *perpetuals_of(snapshot).candles.values()):
        age = captured_at - (candles.open_time[-1] + candles.seconds)
        assert 0 <= age < candles.seconds
        assert (candles.open_time % candles.seconds == 0).all()


def test_history_is_long_enough_for_every_timeframe() -> None:
    candles = spot_of(market()).candles
    assert {name: len(each.open_time) for name, each in candles.items()}["1h"] == 1000
    assert len(candles["4h"].open_time) == 1000
    assert len(candles["1d"].open_time) >= 365
    assert all(np.isfinite(each.close).all() for each in candles.values())


@given(seed=SEEDS, captured_at=MOMENTS)
@few
def test_candles_hold_together(seed: int, captured_at: int) -> None:
    snapshot = simulated(seed, captured_at)
    for candles in (*spot_of(snapshot).candles.values(), *perpetuals_of(snapshot).candles.values()):
        assert (candles.low > 0).all()
        assert (candles.low <= np.minimum(candles.open, candles.close)).all()
        assert (candles.high >= np.maximum(candles.open, candles.close)).all()
        assert (candles.volume > 0).all()
        assert np.array_equal(candles.open[:, 1:], candles.close[:, :-1])


def test_the_market_goes_on_from_capture_to_capture() -> None:
    now, then = market(), market(7, NOW + 3 * 3600)
    for earlier, later in (
        (spot_of(now).candles["1h"], spot_of(then).candles["1h"]),
        (perpetuals_of(now).candles["1h"], perpetuals_of(then).candles["1h"]),
    ):
        for field in fields(Candles)[2:]:
            assert np.array_equal(getattr(earlier, field.name)[:, 3:], getattr(later, field.name)[:, :-3])


def test_the_last_price_moves_within_the_running_bar() -> None:
    now, then = spot_of(market()), spot_of(market(7, NOW + 3600))
    hour = then.candles["1h"]
    assert (now.last[:50] >= hour.low[:, -1]).all()
    assert (now.last[:50] <= hour.high[:, -1]).all()


@given(seed=SEEDS, captured_at=MOMENTS)
@few
def test_quotes_and_books_surround_the_last_price(seed: int, captured_at: int) -> None:
    snapshot = simulated(seed, captured_at)
    spot, books = spot_of(snapshot), books_of(snapshot)
    assert (spot.bid < spot.last).all()
    assert (spot.last < spot.ask).all()
    assert (spot.ask / spot.bid < 1.02).all()
    assert books.bid_price.shape == (len(spot.symbols), 20)
    assert np.array_equal(books.bid_price[:, 0], spot.bid)
    assert np.array_equal(books.ask_price[:, 0], spot.ask)
    assert (np.diff(books.bid_price, axis=1) < 0).all()
    assert (np.diff(books.ask_price, axis=1) > 0).all()
    assert (books.bid_price > 0).all()
    assert (books.bid_size > 0).all()
    assert (books.ask_size > 0).all()


def test_larger_markets_have_tighter_spreads_and_deeper_books() -> None:
    spot, books = spot_of(market()), books_of(market())
    spread = spot.ask / spot.bid - 1
    depth = (books.ask_price * books.ask_size).sum(axis=1)
    for exchange in ("simulated", "simulated2"):
        rows = listed(market(), exchange)
        volume = np.log(spot.volume_24h_usd[rows])
        assert np.corrcoef(volume, np.log(spread[rows]))[0, 1] < -0.9
        assert np.corrcoef(volume, np.log(depth[rows]))[0, 1] > 0.9


def test_every_asset_tier_is_there() -> None:
    assert {AssetTier.of(volume) for volume in spot_of(market()).volume_24h_usd} == set(AssetTier)
    assert spot_of(market()).volume_24h_usd[0] > 1e9


def test_the_names_are_distinct_and_real() -> None:
    spot = spot_of(market())
    assert len(set(zip(spot.symbols, spot.exchanges, strict=True))) == len(spot.symbols)
    assert len(set(spot.symbols[:50])) == 50
    assert spot.symbols[:3] == ("BTC/USDT", "ETH/USDT", "SOL/USDT")


def test_pairs_with_candles_come_first_then_crosses_then_another_exchange() -> None:
    spot = spot_of(market())
    assert all(len(candles.close) == 50 for candles in spot.candles.values())
    assert set(spot.exchanges[:50]) == {"simulated"}
    assert {"ETH/BTC", "SOL/BTC", "SOL/ETH"} <= set(spot.symbols[50:58])
    assert set(spot.exchanges[50:58]) == {"simulated"}
    assert spot.symbols[58:] == spot.symbols[:20]
    assert set(spot.exchanges[58:]) == {"simulated2"}


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_assets_move_together(seed: int) -> None:
    rows = [i for i, symbol in enumerate(spot_of(market()).symbols[:50]) if symbol.partition("/")[0] not in RANGING]
    among = np.corrcoef(returns(spot_of(market(seed)).candles["1h"])[rows])
    pairs = among[np.triu_indices(len(rows), 1)]
    assert 0.25 < pairs.mean() < 0.8
    assert (pairs > 0).all()


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_returns_have_fat_tails_and_volatility_comes_in_clusters(seed: int) -> None:
    moves = returns(spot_of(market(seed)).candles["4h"])
    standard = (moves - moves.mean(axis=1, keepdims=True)) / moves.std(axis=1, keepdims=True)
    assert (standard**4).mean() > 4
    size = np.abs(standard[0])
    assert np.corrcoef(size[:-1], size[1:])[0, 1] > 0.1


def variance_ratios(moves: np.ndarray, bars: int = 24) -> np.ndarray:
    """Over 1 where moves go on, under 1 where they turn back (Lo and MacKinlay 1988)."""
    longer = np.lib.stride_tricks.sliding_window_view(moves, bars, axis=1).sum(axis=2)
    return np.asarray(longer.var(axis=1) / (bars * moves.var(axis=1)))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_some_assets_trend_and_others_revert(seed: int) -> None:
    """What the market leaves over, against the same hours in random order."""
    moves = returns(spot_of(market(seed)).candles["1h"])
    own = moves - moves.mean(axis=0)
    shuffled = np.random.default_rng(0).permuted(own, axis=1)
    assert np.sort(variance_ratios(own))[:10].mean() < np.sort(variance_ratios(shuffled))[:10].mean() - 0.04
    drift = own.mean(axis=1) / own.std(axis=1) * np.sqrt(own.shape[1])
    assert drift.max() > 2
    assert drift.min() < -2


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_followers_are_cointegrated_with_their_leaders_and_ranging_assets_stay(seed: int) -> None:
    spot = spot_of(market(seed))
    logs = {
        symbol.partition("/")[0]: np.log(row)
        for symbol, row in zip(spot.symbols, spot.candles["1h"].close, strict=False)
    }
    for follower, leader in FOLLOWERS.items():
        assert adfuller(logs[follower] - logs[leader], maxlag=1, autolag=None, result_object=False)[1] < 1e-4
        assert np.std(logs[follower] - logs[leader]) == pytest.approx(0.015, rel=0.3)
    for name in RANGING:
        assert adfuller(logs[name], maxlag=1, autolag=None, result_object=False)[1] < 1e-4


def test_now_and_then_an_exchange_is_off_by_more_than_two_fees() -> None:
    off = []
    for seed in range(15):
        snapshot = simulated(seed, NOW, 5)
        spot, far = spot_of(snapshot), listed(snapshot, "simulated2")
        edge = np.maximum(spot.bid[far] / spot.ask[:5], spot.bid[:5] / spot.ask[far]) - 1
        off.append(int((edge > 0.004).sum()))
    assert set(off) == {0, 1}
    assert 1 <= sum(off) <= 10


def test_rules_fit_what_is_quoted() -> None:
    snapshot = market()
    for section in (snapshot.spot, snapshot.perpetuals, snapshot.futures):
        assert section
        assert section.rules
        tick = section.rules.tick
        for prices in (section.bid, section.ask):
            assert np.abs(prices / tick - np.round(prices / tick)).max() < 1e-4
        assert (section.rules.lot > 0).all()
    spot, perpetuals = spot_of(snapshot), perpetuals_of(snapshot)
    assert spot.rules
    assert perpetuals.rules
    usd = dict(zip(spot.symbols[:50], spot.last[:50], strict=True))
    worth = [
        lot * usd[symbol.partition("/")[0] + "/USDT"] for symbol, lot in zip(spot.symbols, spot.rules.lot, strict=True)
    ]
    assert max(worth) <= spot.rules.minimum_notional_usd.min()
    contract = perpetuals.rules.contract_size * perpetuals.mark
    assert len(set(perpetuals.rules.contract_size)) > 2
    assert (contract[40:] <= 101).all()
    assert np.isnan(perpetuals.rules.minimum_notional_usd[40:]).all()


def test_a_whole_market_is_no_large_file() -> None:
    assert len(save(simulated(3, NOW))) < 12e6


def test_most_assets_have_a_perpetual_and_intervals_differ() -> None:
    perpetuals = perpetuals_of(market())
    assert len(perpetuals.symbols) == 55
    assert perpetuals.exchanges == ("simulated",) * 40 + ("simulated2",) * 15
    assert {name: len(each.close) for name, each in perpetuals.candles.items()} == {"1h": 40, "4h": 40}
    assert perpetuals.books
    assert perpetuals.books.bid_price.shape == (55, 20)
    assert {symbol.partition(":")[0] for symbol in perpetuals.symbols} <= set(spot_of(market()).symbols)
    assert set(perpetuals.funding_interval_hours) == {1.0, 4.0, 8.0}


@given(seed=SEEDS, captured_at=MOMENTS)
@few
def test_payments_come_at_their_intervals_and_none_after_the_capture(seed: int, captured_at: int) -> None:
    perpetuals = perpetuals_of(simulated(seed, captured_at))
    seconds = (perpetuals.funding_interval_hours * 3600).astype(np.int64)
    assert (perpetuals.next_funding_time > captured_at).all()
    assert (perpetuals.next_funding_time <= captured_at + seconds).all()
    assert (perpetuals.next_funding_time % seconds == 0).all()
    times = np.column_stack([perpetuals.funding_time, perpetuals.next_funding_time])
    assert (np.diff(times, axis=1) == seconds[:, None]).all()
    assert (captured_at - times[:, 0] >= 30 * 86_400).all()
    assert np.isfinite(perpetuals.funding_history).all()


def test_rates_that_were_paid_never_change() -> None:
    earlier, later = perpetuals_of(market()), perpetuals_of(market(7, NOW + 8 * 3600))
    for i, hours in enumerate(earlier.funding_interval_hours.astype(int)):
        paid = 8 // hours
        assert np.array_equal(earlier.funding_history[i, paid:], later.funding_history[i, :-paid])


@pytest.mark.parametrize("fair", [False, True])
def test_funding_is_the_mean_premium_of_its_interval(fair: bool) -> None:
    """Per 8 hours, drawn towards 1 basis point by at most 5 (Binance), and as it is in the fair market."""
    snapshot = simulated(7, NOW, fair=fair)
    perpetuals, hour = perpetuals_of(snapshot), perpetuals_of(snapshot).candles["1h"]
    premium = hour.close / spot_of(snapshot).candles["1h"].close[:40] - 1
    ends = hour.open_time + 3600
    for row in range(40):
        hours = int(perpetuals.funding_interval_hours[row])
        for paid, rate in zip(perpetuals.funding_time[row, -50:], perpetuals.funding_history[row, -50:], strict=True):
            mean = premium[row, (ends > paid - hours * 3600) & (ends <= paid)].mean()
            drawn = 0.0 if fair else float(np.clip(0.0001 - mean, -0.0005, 0.0005))
            assert rate * 8 / hours == pytest.approx(mean + drawn, abs=3e-5)


def test_crowded_markets_pay_for_months_more_than_an_arbitrage_costs() -> None:
    snapshot = market()
    perpetuals = perpetuals_of(snapshot)
    fees = snapshot.fees["simulated"]
    costs = 2 * (fees.spot_taker + fees.perpetual_taker)
    month = np.array(
        [
            rates[-int(30 * 24 / hours) :].sum()
            for rates, hours in zip(perpetuals.funding_history[:40], perpetuals.funding_interval_hours, strict=False)
        ]
    )
    assert 3 <= (month > 4 * costs).sum() <= 8
    assert (month < -2 * costs).any()
    quiet = np.median(perpetuals.funding_history * 8 / perpetuals.funding_interval_hours[:, None])
    assert quiet == pytest.approx(0.0001)


def test_crowded_funding_persists() -> None:
    perpetuals = perpetuals_of(market())
    for name in ("SUI", "WIF"):
        rates = perpetuals.funding_history[perpetuals.symbols.index(f"{name}/USDT:USDT")]
        assert np.corrcoef(rates[:-1], rates[1:])[0, 1] > 0.5
        assert (rates > 0).mean() > 0.95


def test_perpetuals_quote_around_their_mark() -> None:
    perpetuals = perpetuals_of(market())
    assert (perpetuals.bid < perpetuals.mark).all()
    assert (perpetuals.mark < perpetuals.ask).all()
    assert np.array_equal(perpetuals.index[:40], spot_of(market()).last[:40])
    assert np.array_equal(perpetuals.index[40:], spot_of(market()).last[:15])
    assert perpetuals.books
    assert np.array_equal(perpetuals.books.bid_price[:, 0], perpetuals.bid)
    assert np.array_equal(perpetuals.books.ask_price[:, 0], perpetuals.ask)


def test_a_perpetuals_bars_are_its_underlyings_times_the_premium() -> None:
    spot, perpetuals = spot_of(market()), perpetuals_of(market())
    premium = perpetuals.candles["1h"].close / spot.candles["1h"].close[:40] - 1
    running = (perpetuals.mark / perpetuals.index - 1)[:40]
    assert np.corrcoef(premium[:, -1], running)[0, 1] > 0.9
    assert np.abs(premium).max() < 0.004


def test_fewer_assets_are_the_largest() -> None:
    small = simulated(7, NOW, 3)
    three = ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    assert spot_of(small).symbols == (*three, "ETH/BTC", "SOL/BTC", "SOL/ETH", *three)
    assert perpetuals_of(small).symbols == ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT") * 2
    assert set(spot_of(simulated(7, NOW, 1)).symbols) == {"BTC/USDT"}


@pytest.mark.parametrize("assets", [0, -1, 51])
def test_assets_that_do_not_exist_are_refused(assets: int) -> None:
    with pytest.raises(MarketUnavailable, match=f"1 to 50 assets, not {assets}"):
        simulated(7, NOW, assets)


def test_snapshot_view_says_what_it_is_and_how_fresh() -> None:
    snapshot = market()
    assert snapshot.source == "simulated"
    assert not snapshot.missing
    assert "seed 7" in snapshot.assumptions["market"]
    assert "fair" not in snapshot.assumptions["market"]
    assert snapshot.freshness == dict.fromkeys(("spot", "perpetuals", "futures", "options"), NOW)
