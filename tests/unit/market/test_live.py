"""The live market, read by ccxt's real parsers from exchanges on this machine."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest

from opportunities.errors import MarketUnavailable
from opportunities.market.archive.file import load, save
from opportunities.market.live.source import live
from opportunities.market.snapshot import MarketSnapshot
from tests.support.exchanges import (
    BARS,
    DECEMBER,
    FORWARD,
    FUNDING_HOURS,
    HOUR,
    LAST_OPEN,
    NOW,
    PRICES,
    Exchanges,
    bars,
    exchanges,
)

EVERYWHERE = ("binance", "bybit", "kraken", "deribit")


@pytest.fixture(scope="module")
def world() -> Iterator[Exchanges]:
    with exchanges() as running:
        yield running


@pytest.fixture(scope="module")
def market(world: Exchanges) -> MarketSnapshot:
    return captured(world, *EVERYWHERE)


@pytest.fixture
def troubled(world: Exchanges, monkeypatch: pytest.MonkeyPatch) -> Iterator[Exchanges]:
    monkeypatch.setattr("opportunities.market.live.exchange._BACKOFF_SECONDS", 0.005)
    world.asked.clear()
    yield world
    world.troubles.clear()
    world.always.clear()


def captured(world: Exchanges, *names: str, budget: float = 20.0) -> MarketSnapshot:
    return live(names, budget=budget, clock=lambda: NOW, connected=world.connected)


def row(section: Any, symbol: str, exchange: str) -> int:
    """Which row of a section a listing is."""
    return list(zip(section.symbols, section.exchanges, strict=True)).index((symbol, exchange))


def test_every_section_is_there_and_can_be_stored(market: MarketSnapshot) -> None:
    assert market.spot
    assert market.perpetuals
    assert market.futures
    assert market.options
    assert market.missing == {}
    assert market.captured_at == NOW
    assert market.source == "live (binance, bybit, kraken, deribit)"
    assert set(market.freshness) == {"spot", "perpetuals", "futures", "options"}
    assert save(load(save(market))) == save(market)


def test_one_pair_is_listed_once_an_exchange(market: MarketSnapshot) -> None:
    assert market.spot
    listed = list(zip(market.spot.symbols, market.spot.exchanges, strict=True))
    assert sorted(listed) == [
        ("ABC/USDT", "binance"),
        ("BTC/USD", "kraken"),
        ("BTC/USDT", "binance"),
        ("BTC/USDT", "bybit"),
        ("ETH/USDT", "binance"),
        ("SOL/USDT", "binance"),
    ]
    at_kraken = row(market.spot, "BTC/USD", "kraken")
    assert (market.spot.bid[at_kraken], market.spot.ask[at_kraken]) == (59_980.0, 59_990.0)
    assert market.spot.volume_24h_usd[at_kraken] == pytest.approx(1000 * 60_000)


def test_foreign_markets_are_left_out_and_counted(market: MarketSnapshot) -> None:
    assert market.excluded == {
        "inverse contract": 1,  # Binance's coin-margined perpetual
        "leveraged token": 1,  # BTCUP
        "no bid or no ask": 1,  # DEAD
        "not quoted in dollars": 1,  # ETH/BTC
        "not trading": 1,  # OLD
        "pair of stable coins": 1,  # USDC/USDT
        "price differs across exchanges": 2,  # another coin is called ABC at Bybit, spot and perpetual
        "stale": 1,  # MUTE has not been heard of for two hours
        "no ticker": 1,  # Deribit's future of ETH
    }


def test_only_closed_bars_become_candles(market: MarketSnapshot) -> None:
    assert market.spot
    candles = market.spot.candles["1h"]
    assert candles.open_time[-1] == LAST_OPEN - HOUR
    assert len(candles.open_time) == BARS
    for base in PRICES:
        i = row(market.spot, f"{base}/USDT", "binance")
        expected = np.array(bars(base)[:-1])
        for j, name in enumerate(("open", "high", "low", "close", "volume")):
            np.testing.assert_array_equal(getattr(candles, name)[i], expected[:, j + 1])
    assert set(market.spot.candles) == {"1h", "4h", "1d"}


def test_a_price_series_is_asked_for_once_an_asset(market: MarketSnapshot) -> None:
    assert market.spot
    assert market.perpetuals
    with_candles = market.spot.symbols[: len(market.spot.candles["1h"].close)]
    assert sorted(with_candles) == ["ABC/USDT", "BTC/USDT", "ETH/USDT", "SOL/USDT"]
    assert set(market.perpetuals.candles) == {"1h", "4h"}


def test_books_come_from_every_exchange_of_the_largest_assets(market: MarketSnapshot) -> None:
    assert market.spot
    assert market.spot.books
    assert len(market.spot.books.bid_price) == len(market.spot.symbols)
    for exchange in ("binance", "bybit"):
        i = row(market.spot, "BTC/USDT", exchange)
        assert market.spot.books.bid_price[i, :2] == pytest.approx([59_994.0, 59_988.0])
        assert list(market.spot.books.ask_size[i, :2]) == [2.0, 4.0]
        assert np.isnan(market.spot.books.ask_size[i, 5:]).all()


def test_every_contract_has_its_own_funding_interval(market: MarketSnapshot) -> None:
    """Binance says SOL's, the payments show the others, Bybit's instruments say theirs."""
    assert market.perpetuals
    for base, hours in FUNDING_HOURS.items():
        assert market.perpetuals.funding_interval_hours[row(market.perpetuals, f"{base}/USDT:USDT", "binance")] == hours
    assert market.perpetuals.funding_interval_hours[row(market.perpetuals, "BTC/USDT:USDT", "bybit")] == 8
    assert "funding intervals" not in market.assumptions


def test_funding_is_the_exchanges_own(market: MarketSnapshot) -> None:
    assert market.perpetuals
    at_binance, at_bybit = (row(market.perpetuals, "BTC/USDT:USDT", name) for name in ("binance", "bybit"))
    perpetuals = market.perpetuals
    assert perpetuals.funding_rate[[at_binance, at_bybit]] == pytest.approx([0.0002, -0.0003])
    assert perpetuals.mark[[at_binance, at_bybit]] == pytest.approx([60_030.0, 60_030.0])
    assert perpetuals.index[[at_binance, at_bybit]] == pytest.approx([60_000.0, 59_969.97])
    assert (perpetuals.next_funding_time == LAST_OPEN + 4 * HOUR).all()
    assert perpetuals.funding_history[at_binance] == pytest.approx([0.00014, 0.00013, 0.00012, 0.00011, 0.0001])
    assert np.isnan(perpetuals.funding_history[at_bybit, :2]).all()
    assert list(perpetuals.funding_time[at_bybit]) == [0, 0, *(LAST_OPEN - hours * HOUR for hours in (20, 12, 4))]
    assert perpetuals.bid[at_binance] == pytest.approx(60_030 * 0.9999)
    assert perpetuals.open_interest_usd[at_bybit] == 6_003_000
    assert np.isnan(perpetuals.open_interest_usd[at_binance])


def test_dated_futures_say_what_they_are_margined_in(market: MarketSnapshot) -> None:
    assert market.futures
    found = {
        (symbol, exchange): (int(inverse), int(expiry), float(index))
        for symbol, exchange, inverse, expiry, index in zip(
            *(getattr(market.futures, name) for name in ("symbols", "exchanges", "inverse", "expiry", "index")),
            strict=True,
        )
    }
    assert found == {
        ("BTC/USD:BTC-261225", "binance"): (1, DECEMBER, 60_000.0),
        ("BTC/USDT:USDT-261225", "binance"): (0, DECEMBER, 60_000.0),
        ("BTC/USD:BTC-261225", "deribit"): (1, DECEMBER, 60_010.0),
    }
    at_deribit = row(market.futures, "BTC/USD:BTC-261225", "deribit")
    assert market.futures.mark[at_deribit] == FORWARD + 1
    assert market.futures.open_interest_usd[at_deribit] == 1_234_560
    assert market.futures.volume_24h_usd[at_deribit] == 606_000
    at_binance = row(market.futures, "BTC/USD:BTC-261225", "binance")
    assert np.isnan(market.futures.volume_24h_usd[at_binance])
    assert "BTC/USD:BTC-261225" in market.assumptions["indices of futures"]


def test_option_chains_keep_what_ccxt_drops(market: MarketSnapshot) -> None:
    options = market.options
    assert options
    assert len(options.symbols) == 12
    assert options.symbols[0] == "BTC/USD:BTC-261121-50000-P"
    assert (options.mark_iv == 0.555).all()
    assert (options.index == 60_010.0).all()
    assert (options.inverse == 1).all()
    assert np.isnan(options.ask[options.strike == 70_000]).all()
    assert options.open_interest_usd == pytest.approx(12.5 * 60_010)
    assert options.rules
    assert (options.rules.tick == 0.0001).all()


def test_the_forward_is_the_expirys_own_future_or_implied_by_parity(market: MarketSnapshot) -> None:
    assert market.options
    near = market.options.expiry < DECEMBER
    assert market.options.forward[~near] == pytest.approx(FORWARD, rel=1e-12)
    assert market.options.forward[near] == pytest.approx(60_050.0, rel=1e-9)
    assert "parity for 1 expiries" in market.assumptions["option forwards"]


def test_sizes_in_contracts_become_units_of_base(market: MarketSnapshot) -> None:
    assert market.futures
    assert market.futures.rules
    at_binance, at_deribit = (row(market.futures, "BTC/USD:BTC-261225", name) for name in ("binance", "deribit"))
    rules = market.futures.rules
    assert list(rules.contract_size[[at_binance, at_deribit]]) == [100, 10]
    assert list(rules.lot[[at_binance, at_deribit]]) == [1, 1]
    assert list(rules.minimum_notional_usd[[at_binance, at_deribit]]) == [100, 10]


def test_fees_are_those_of_the_exchanges_markets(market: MarketSnapshot) -> None:
    assert market.fees["kraken"].spot_taker == 0.004
    assert market.fees["binance"].spot_taker == 0.001
    assert market.fees["deribit"].perpetual_maker == 0.0
    assert set(market.fees) == set(EVERYWHERE)


@pytest.mark.parametrize("status", [429, 500, 503, None])
def test_a_passing_failure_is_asked_again(troubled: Exchanges, status: int | None) -> None:
    path = "api.kraken.com/0/public/Ticker"
    troubled.troubles[path] = [status, status]
    market = captured(troubled, "kraken")
    assert troubled.asked[path] == 3
    assert market.spot
    assert "spot on kraken" not in market.missing


def test_a_refusal_is_not_asked_again(troubled: Exchanges) -> None:
    path = "api.kraken.com/0/public/Depth"
    with _replaced(troubled, path, {"error": ["EGeneral:Invalid arguments"], "result": {}}):
        market = captured(troubled, "kraken")
    assert troubled.asked[path] == 1
    assert market.missing["books on kraken"].startswith("it refused")


def test_a_part_that_cannot_be_had_is_said_and_the_rest_is_used(troubled: Exchanges) -> None:
    troubled.always = {"premiumIndex": 500, "api.binance.com/api/v3/depth": 429, "dapi/v1/ticker": 500}
    market = captured(troubled, "binance", "kraken")
    assert market.missing["funding rates on binance"] == "it is not available, 3 times"
    assert market.missing["books on binance"] == "it was asked too often, 3 times"
    assert market.missing["contracts on binance"].endswith("3 times")
    assert market.perpetuals is None
    assert "funding rates on binance" in market.missing["perpetuals"]
    assert market.excluded["no funding rate"] == len(PRICES)
    assert market.spot
    assert market.spot.books
    assert market.spot.exchanges[: len(market.spot.books.bid_price)] == ("kraken",)
    assert market.spot.candles["1h"].close.shape[1] == BARS


def test_an_answer_of_deribit_that_failed_is_not_counted_for_each_of_its_futures(troubled: Exchanges) -> None:
    troubled.always = {"get_book_summary_by_currency": 500}
    market = captured(troubled, "kraken", "deribit")
    assert {name for name in market.missing if name.endswith("on deribit")} == {
        f"{coin} {what} on deribit" for coin in ("BTC", "ETH") for what in ("futures", "options")
    }
    assert market.excluded == {}


def test_an_exchange_that_never_answers_costs_its_part_and_the_budget(troubled: Exchanges) -> None:
    troubled.always["api.bybit.com"] = None
    begun = time.monotonic()
    market = captured(troubled, "bybit", "kraken", budget=1.0)
    assert time.monotonic() - begun < 20  # a second, on a machine with nothing else to do; without a budget never
    assert market.spot
    assert set(market.spot.exchanges) == {"kraken"}
    assert "did not answer" in market.missing["markets on bybit"]


def test_market_is_unavailable_with_reasons_when_every_exchange_fails(troubled: Exchanges) -> None:
    troubled.always = {"api.bybit.com": 500, "api.kraken.com": 503}
    with pytest.raises(MarketUnavailable, match=r"markets on bybit: .*markets on kraken: it is not available, 3 times"):
        captured(troubled, "bybit", "kraken")


def test_an_unknown_exchange_is_said(troubled: Exchanges) -> None:
    market = captured(troubled, "kraken", "nowhere")
    assert market.missing["all on nowhere"] == "ccxt knows no exchange of this name"
    with pytest.raises(MarketUnavailable, match="all on nowhere: ccxt knows no exchange of this name"):
        captured(troubled, "nowhere")


def test_an_answer_that_ccxt_cannot_read_is_a_failed_part(troubled: Exchanges) -> None:
    path = "api.kraken.com/0/public/Depth"
    with _replaced(troubled, path, {"error": [], "result": {"XXBTZUSD": {"bids": [["x"]], "asks": 5}}}):
        market = captured(troubled, "kraken")
    assert market.spot
    assert market.spot.books is None
    assert "books on kraken" in market.missing


def test_requests_keep_within_the_exchanges_rate_limit(troubled: Exchanges) -> None:
    """Bybit's is one request in 20 ms; ccxt lets the first two pass at once."""

    def throttled(name: str) -> Any:
        exchange = troubled.connected(name)
        exchange.enableRateLimit = True
        return exchange

    begun = time.monotonic()
    live(["bybit"], budget=20, clock=lambda: NOW, connected=throttled)
    asked = sum(troubled.asked.values())
    assert time.monotonic() - begun > (asked - 2) * 0.02


@contextmanager
def _replaced(world: Exchanges, path: str, answer: Any) -> Iterator[None]:
    before = world.routes[path]
    world.routes[path] = lambda _: answer
    try:
        yield
    finally:
        world.routes[path] = before
