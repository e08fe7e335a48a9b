"""The simulated market: reproducible, and like a market in the ways the strategies look at."""

from dataclasses import fields
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from opportunities.domain import AssetTier
from opportunities.errors import MarketUnavailable
from opportunities.market.archive import save
from opportunities.market.simulated import simulated
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


def returns(candles: Candles) -> np.ndarray:
    return np.diff(np.log(candles.close), axis=1)


def test_the_same_arguments_make_the_same_bytes() -> None:
    assert save(simulated(7, NOW)) == save(market())


def test_another_seed_makes_another_market() -> None:
    assert not np.array_equal(spot_of(market(8)).last, spot_of(market()).last)


@given(seed=SEEDS, captured_at=MOMENTS)
@few
def test_every_bar_was_closed_and_the_last_one_just_now(seed: int, captured_at: int) -> None:
    for candles in spot_of(simulated(seed, captured_at)).candles.values():
        age = captured_at - (candles.open_time[-1] + candles.seconds)
        assert 0 <= age < candles.seconds
        assert (candles.open_time % candles.seconds == 0).all()


def test_there_is_history_enough_for_every_timeframe() -> None:
    candles = spot_of(market()).candles
    assert {name: len(each.open_time) for name, each in candles.items()}["1h"] == 1000
    assert len(candles["4h"].open_time) == 1000
    assert len(candles["1d"].open_time) >= 365
    assert all(np.isfinite(each.close).all() for each in candles.values())


@given(seed=SEEDS, captured_at=MOMENTS)
@few
def test_candles_hold_together(seed: int, captured_at: int) -> None:
    for candles in spot_of(simulated(seed, captured_at)).candles.values():
        assert (candles.low > 0).all()
        assert (candles.low <= np.minimum(candles.open, candles.close)).all()
        assert (candles.high >= np.maximum(candles.open, candles.close)).all()
        assert (candles.volume > 0).all()
        assert np.array_equal(candles.open[:, 1:], candles.close[:, :-1])


def test_the_market_goes_on_from_capture_to_capture() -> None:
    earlier, later = spot_of(market()).candles["1h"], spot_of(market(7, NOW + 3 * 3600)).candles["1h"]
    for field in fields(Candles)[2:]:
        assert np.array_equal(getattr(earlier, field.name)[:, 3:], getattr(later, field.name)[:, :-3])


def test_the_last_price_moves_within_the_running_bar() -> None:
    now, then = spot_of(market()), spot_of(market(7, NOW + 3600))
    hour = then.candles["1h"]
    assert (now.last >= hour.low[:, -1]).all()
    assert (now.last <= hour.high[:, -1]).all()


@given(seed=SEEDS, captured_at=MOMENTS)
@few
def test_quotes_and_books_surround_the_last_price(seed: int, captured_at: int) -> None:
    snapshot = simulated(seed, captured_at)
    spot, books = spot_of(snapshot), books_of(snapshot)
    assert (spot.bid < spot.last).all()
    assert (spot.last < spot.ask).all()
    assert (spot.ask / spot.bid < 1.02).all()
    assert books.bid_price.shape == (50, 20)
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
    assert np.corrcoef(np.log(spot.volume_24h_usd), np.log(spread))[0, 1] < -0.9
    assert np.corrcoef(np.log(spot.volume_24h_usd), np.log(depth))[0, 1] > 0.9


def test_every_asset_tier_is_there() -> None:
    assert {AssetTier.of(volume) for volume in spot_of(market()).volume_24h_usd} == set(AssetTier)
    assert spot_of(market()).volume_24h_usd[0] > 1e9


def test_the_names_are_distinct_and_real() -> None:
    symbols = spot_of(market()).symbols
    assert len(set(symbols)) == 50
    assert symbols[:3] == ("BTC/USDT", "ETH/USDT", "SOL/USDT")


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_assets_move_together(seed: int) -> None:
    among = np.corrcoef(returns(spot_of(market(seed)).candles["1h"]))
    pairs = among[np.triu_indices(50, 1)]
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


def test_most_assets_have_a_perpetual_and_intervals_differ() -> None:
    perpetuals = perpetuals_of(market())
    assert len(perpetuals.symbols) == 40
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


def test_funding_follows_the_premium() -> None:
    """Per 8 hours the rate is the mean premium, drawn towards 1 basis point by at most 5."""
    perpetuals = perpetuals_of(market())
    per_8h = perpetuals.funding_history.mean(axis=1) * 8 / perpetuals.funding_interval_hours
    premium = perpetuals.mark / perpetuals.index - 1
    assert np.corrcoef(per_8h, premium)[0, 1] > 0.8
    assert (np.abs(perpetuals.funding_rate * 8 / perpetuals.funding_interval_hours - premium) < 0.0015).all()


def test_crowded_markets_pay_for_months_more_than_an_arbitrage_costs() -> None:
    snapshot = market()
    perpetuals = perpetuals_of(snapshot)
    fees = snapshot.fees["simulated"]
    costs = 2 * (fees.spot_taker + fees.perpetual_taker)
    month = np.array(
        [
            rates[-int(30 * 24 / hours) :].sum()
            for rates, hours in zip(perpetuals.funding_history, perpetuals.funding_interval_hours, strict=True)
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
    assert np.array_equal(perpetuals.index, spot_of(market()).last[:40])


def test_fewer_assets_are_the_largest() -> None:
    small = simulated(7, NOW, 3)
    assert spot_of(small).symbols == ("BTC/USDT", "ETH/USDT", "SOL/USDT")
    assert perpetuals_of(small).symbols == ("BTC/USDT:USDT", "ETH/USDT:USDT", "SOL/USDT:USDT")


@pytest.mark.parametrize("assets", [0, -1, 51])
def test_assets_that_do_not_exist_are_refused(assets: int) -> None:
    with pytest.raises(MarketUnavailable, match=f"1 to 50 assets, not {assets}"):
        simulated(7, NOW, assets)


def test_it_says_what_it_is_and_what_it_lacks() -> None:
    snapshot = market()
    assert snapshot.source == "simulated"
    assert set(snapshot.missing) == {"futures", "options"}
    assert "seed 7" in snapshot.assumptions["market"]
    assert snapshot.freshness == {"spot": NOW, "perpetuals": NOW}
