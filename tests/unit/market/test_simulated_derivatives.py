"""The simulated futures and options: on one curve, on one surface, and nothing to be had for nothing."""

from datetime import UTC, datetime, timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from scipy import integrate, stats

from opportunities.market.simulated import simulated
from opportunities.market.simulated.futures import expiries
from opportunities.market.simulated.options import premium, total_variance
from opportunities.market.snapshot import Futures, MarketSnapshot, Options

NOW = 1_795_291_500
DAY = 86_400
MOMENTS = st.integers(1_600_000_000, 2_000_000_000)
few = settings(max_examples=5, deadline=None)
MARKETS = pytest.mark.parametrize(("seed", "fair"), [(1, False), (2, False), (3, False), (1, True), (2, True)])


@cache
def market(seed: int, *, fair: bool) -> MarketSnapshot:
    return simulated(seed, NOW + seed * 17 * DAY, 20, fair=fair)


def futures_of(snapshot: MarketSnapshot) -> Futures:
    assert snapshot.futures
    return snapshot.futures


def options_of(snapshot: MarketSnapshot) -> Options:
    assert snapshot.options
    return snapshot.options


def chains_of(options: Options) -> list[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """The rows of the calls and of the puts of each underlying and expiry, both by strike."""
    bases = np.array([symbol.partition("/")[0] for symbol in options.symbols])
    found = []
    for base in np.unique(bases):
        for expiry in np.unique(options.expiry):
            rows = np.flatnonzero((bases == base) & (options.expiry == expiry))
            rows = rows[np.argsort(options.strike[rows], kind="stable")]
            found.append((rows[options.call[rows] == 1], rows[options.call[rows] == 0]))
    return found


@given(captured_at=MOMENTS)
def test_expiries_are_fridays_at_eight_and_hold_the_next_months_and_quarters_ends(captured_at: int) -> None:
    found = [datetime.fromtimestamp(each, UTC) for each in expiries(captured_at)]
    assert 5 <= len(found) <= 7
    assert found == sorted(set(found))
    assert all(each.weekday() == 4 and (each.hour, each.minute, each.second) == (8, 0, 0) for each in found)
    assert DAY <= found[0].timestamp() - captured_at < 8 * DAY
    assert (found[1] - found[0]).days == 7
    quarters = [each for each in found if each.month % 3 == 0 and (each + timedelta(weeks=1)).month != each.month]
    assert len(quarters) == 3
    assert np.diff([each.year * 12 + each.month for each in quarters]).tolist() == [3, 3]


@MARKETS
def test_futures_are_listed_linear_and_inverse_with_their_rules(seed: int, fair: bool) -> None:
    futures = futures_of(market(seed, fair=fair))
    assert len(set(futures.symbols)) == len(futures.symbols)
    assert {symbol.partition("/")[0] for symbol in futures.symbols} == {"BTC", "ETH", "SOL", "XRP", "BNB"}
    assert 4 <= sum(symbol.startswith("BTC/USD:BTC-") for symbol in futures.symbols) <= 6
    assert futures.rules
    for row, symbol in enumerate(futures.symbols):
        assert (futures.inverse[row] == 1) == (":USDT" not in symbol)
        assert f"{datetime.fromtimestamp(int(futures.expiry[row]), UTC):%y%m%d}" == symbol[-6:]
        assert futures.rules.contract_size[row] == (10.0 if futures.inverse[row] else 1.0)
    assert (futures.bid < futures.mark).all()
    assert (futures.mark < futures.ask).all()
    assert (futures.ask / futures.bid - 1 < 0.002).all()


@pytest.mark.parametrize("seed", range(6))
def test_the_basis_of_a_lively_market_is_the_funding_that_is_expected(seed: int) -> None:
    snapshot = simulated(seed, NOW, 5)
    futures, perpetuals = futures_of(snapshot), snapshot.perpetuals
    assert perpetuals
    for row, symbol in enumerate(futures.symbols):
        years = (futures.expiry[row] - NOW) / (365 * DAY)
        if years < 60 / 365:
            continue
        rates = perpetuals.funding_history[perpetuals.symbols.index(f"{symbol.partition('/')[0]}/USDT:USDT")]
        expected = rates.mean() * 3 * 365
        basis = np.log(futures.mark[row] / futures.index[row]) / years
        assert np.sign(basis) == np.sign(expected)
        assert basis == pytest.approx(expected, abs=abs(rates[-3:].mean() - rates.mean()) * 1095 / 12 / years + 0.001)


def test_a_fair_markets_futures_lie_on_spot_within_costs() -> None:
    for seed in range(10):
        snapshot = simulated(seed, NOW, 5, fair=True)
        futures = futures_of(snapshot)
        assert np.abs(futures.mark / futures.index - 1).max() < 0.0002


@MARKETS
def test_the_chains_have_the_sizes_of_real_ones(seed: int, fair: bool) -> None:
    options = options_of(market(seed, fair=fair))
    chains = chains_of(options)
    assert 10 <= len(chains) <= 14
    for calls, puts in chains:
        assert 13 <= len(calls) <= 30
        assert np.array_equal(options.strike[calls], options.strike[puts])
        assert options.strike[calls][0] < options.forward[calls][0] < options.strike[calls][-1]
    assert (options.inverse == 1).all()
    for row, symbol in enumerate(options.symbols):
        pair, date, strike, kind = symbol.split("-")
        assert pair in {"BTC/USD:BTC", "ETH/USD:ETH"}
        assert float(strike) == options.strike[row]
        assert kind == ("C" if options.call[row] else "P")
        assert date == f"{datetime.fromtimestamp(int(options.expiry[row]), UTC):%y%m%d}"


@MARKETS
def test_each_expiry_is_priced_on_its_own_future(seed: int, fair: bool) -> None:
    snapshot = market(seed, fair=fair)
    futures, options = futures_of(snapshot), options_of(snapshot)
    marks = dict(zip(futures.symbols, futures.mark, strict=True))
    own = [marks.get(symbol.rsplit("-", 2)[0]) for symbol in options.symbols]
    known = np.array([mark is not None for mark in own])
    assert known.mean() > 0.7
    assert np.array_equal(options.forward[known], np.array([mark for mark in own if mark is not None]))


@MARKETS
def test_the_mark_is_black_76_at_the_implied_volatility_by_scipy(seed: int, fair: bool) -> None:
    options = options_of(market(seed, fair=fair))
    years = (options.expiry - market(seed, fair=fair).captured_at) / (365 * DAY)
    deviation = options.mark_iv * np.sqrt(years)
    d1 = np.log(options.forward / options.strike) / deviation + deviation / 2
    sign = np.where(options.call == 1, 1, -1)
    usd = sign * (
        options.forward * stats.norm.cdf(sign * d1) - options.strike * stats.norm.cdf(sign * (d1 - deviation))
    )
    assert np.abs(options.mark - usd / options.forward).max() < 1e-12


def test_a_premium_is_the_expected_payoff_in_coins() -> None:
    """Of a coin whose USD forward is lognormal: E[max(S - K, 0)] / F, integrated numerically."""
    forward, strike, total = 60_000.0, 66_000.0, 0.09
    normal = stats.norm(-total / 2, np.sqrt(total))
    expected, _ = integrate.quad(
        lambda x: (forward * np.exp(x) - strike) * normal.pdf(x), np.log(strike / forward), 5, epsabs=1e-10
    )
    found = premium(np.array([forward]), np.array([strike]), np.array([total]), np.array([1.0]))
    assert found[0] == pytest.approx(expected / forward, rel=1e-9)


@MARKETS
def test_parity_holds_at_the_mark_and_cannot_be_traded(seed: int, fair: bool) -> None:
    options = options_of(market(seed, fair=fair))
    for calls, puts in chains_of(options):
        forward_worth = 1 - options.strike[calls] / options.forward[calls]
        assert np.abs(options.mark[calls] - options.mark[puts] - forward_worth).max() < 1e-12
        dear, cheap = options.ask[calls] - options.bid[puts], options.bid[calls] - options.ask[puts]
        assert (dear[np.isfinite(dear)] > forward_worth[np.isfinite(dear)]).all()
        assert (cheap[np.isfinite(cheap)] < forward_worth[np.isfinite(cheap)]).all()


@MARKETS
def test_no_vertical_butterfly_or_box_can_be_had_for_nothing(seed: int, fair: bool) -> None:
    """Over all strikes of a chain: what is bought at the ask and sold at the bid costs something."""
    options = options_of(market(seed, fair=fair))
    for calls, puts in chains_of(options):
        strike = options.strike[calls] / options.forward[calls]
        low, high = np.triu_indices(len(strike), 1)
        width = strike[high] - strike[low]
        for rows, sign in ((calls, 1), (puts, -1)):
            ask, bid = options.ask[rows], np.nan_to_num(options.bid[rows], nan=0.0)
            bought, sold = (low, high) if sign > 0 else (high, low)
            assert (ask[bought] - bid[sold] > 0).all()
            assert (bid[bought] - ask[sold] < width).all()
            cheaper = strike[1:-1] - strike[:-2]
            dearer = strike[2:] - strike[1:-1]
            weight = dearer / (cheaper + dearer)
            assert (weight * ask[:-2] + (1 - weight) * ask[2:] - bid[1:-1] > 0).all()
        box = options.mark[calls][low] - options.mark[calls][high] - options.mark[puts][low] + options.mark[puts][high]
        assert np.abs(box - width).max() < 1e-12
        calls_bid, puts_bid = np.nan_to_num(options.bid[calls]), np.nan_to_num(options.bid[puts])
        long_box = options.ask[calls][low] - calls_bid[high] + options.ask[puts][high] - puts_bid[low]
        assert (long_box > width).all()


@MARKETS
def test_calls_fall_and_puts_rise_with_the_strike_and_curves_are_convex(seed: int, fair: bool) -> None:
    options = options_of(market(seed, fair=fair))
    for calls, puts in chains_of(options):
        strike = options.strike[calls]
        for rows, sign in ((calls, -1), (puts, 1)):
            slope = np.diff(options.mark[rows]) / np.diff(strike)
            assert (sign * slope > 0).all()
            assert (np.diff(slope) > 0).all()


@MARKETS
def test_variance_until_expiry_grows_with_time_at_every_moneyness(seed: int, fair: bool) -> None:
    moneyness = np.linspace(-2, 2, 81)
    totals = np.array([total_variance(moneyness, theta, fair=fair) for theta in np.geomspace(1e-4, 1.0, 60)])
    assert (np.diff(totals, axis=0) > 0).all()
    options = options_of(market(seed, fair=fair))
    years = (options.expiry - market(seed, fair=fair).captured_at) / (365 * DAY)
    assert (options.mark_iv > 0.1).all()
    assert (options.mark_iv < 3).all()
    assert (years > 0).all()


@MARKETS
def test_quotes_lie_on_ticks_around_the_mark(seed: int, fair: bool) -> None:
    options = options_of(market(seed, fair=fair))
    assert (options.ask > options.mark).all()
    quoted = np.isfinite(options.bid)
    assert quoted.mean() > 0.8
    assert (options.bid[quoted] < options.mark[quoted]).all()
    assert (options.bid[quoted] > 0).all()
    assert np.array_equal(np.isfinite(options.bid_size), quoted)
    for prices in (options.bid[quoted], options.ask):
        assert np.abs(prices * 1e4 - np.round(prices * 1e4)).max() < 1e-6
    assert (options.ask - options.mark < 0.02).all()
    assert (options.ask_size > 0).all()
    assert options.rules
    assert set(options.rules.tick) == {1e-4}


@given(seed=st.integers(0, 2**31), captured_at=MOMENTS)
@few
def test_chains_are_whole_at_any_moment(seed: int, captured_at: int) -> None:
    options = options_of(simulated(seed, captured_at, 2))
    assert np.isfinite(options.mark).all()
    assert (options.mark > 0).all()
    assert (options.expiry > captured_at).all()
    for calls, puts in chains_of(options):
        assert np.array_equal(options.strike[calls], options.strike[puts])
