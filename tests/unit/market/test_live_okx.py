"""OKX's part of the live market, read by ccxt's real parser from a server on this machine."""

from collections.abc import Iterator

import numpy as np
import pytest

from opportunities.market.archive.file import load, save
from opportunities.market.live.source import live
from opportunities.market.snapshot import MarketSnapshot
from tests.support.exchange_okx import CONTRACT, PAYMENTS, okx
from tests.support.exchanges import BARS, DECEMBER, FORWARD, HOUR, LAST_OPEN, NOW, PRICES, bars, exchanges


@pytest.fixture(scope="module")
def market() -> Iterator[MarketSnapshot]:
    with exchanges() as world:
        world.routes |= okx()
        yield live(["okx"], budget=20.0, clock=lambda: NOW, connected=world.connected)


def test_all_but_options_is_there_and_can_be_stored(market: MarketSnapshot) -> None:
    assert set(market.missing) == {"options"}
    assert set(market.freshness) == {"spot", "perpetuals", "futures"}
    assert market.source == "live (okx)"
    assert save(load(save(market))) == save(market)
    assert market.excluded == {"inverse contract": 1, "not trading": 1}


def test_quotes_and_volumes_are_in_usd(market: MarketSnapshot) -> None:
    assert market.spot
    assert market.perpetuals
    assert sorted(market.spot.symbols) == ["BTC/USDT", "ETH/USDT"]
    assert market.perpetuals.symbols == ("BTC/USDT:USDT",)
    i = market.spot.symbols.index("ETH/USDT")
    assert (market.spot.bid[i], market.spot.ask[i], market.spot.last[i]) == (2_994.0, 3_006.0, 3_000.0)
    assert market.spot.volume_24h_usd[i] == pytest.approx(2_000 * 3_000)
    assert market.perpetuals.volume_24h_usd[0] == pytest.approx(500_000 * CONTRACT * PRICES["BTC"])
    assert list(market.perpetuals.inverse) == [0]


def test_candles_are_closed_bars_in_units_of_base(market: MarketSnapshot) -> None:
    assert market.spot
    assert market.perpetuals
    for section, symbol in ((market.spot, "BTC/USDT"), (market.spot, "ETH/USDT"), (market.perpetuals, "BTC/USDT:USDT")):
        candles = section.candles["1h"]
        expected = np.array(bars(symbol.split("/")[0])[:-1])
        assert candles.open_time[-1] == LAST_OPEN - HOUR
        assert candles.close.shape[1] == BARS
        for j, name in enumerate(("open", "high", "low", "close", "volume")):
            np.testing.assert_allclose(
                getattr(candles, name)[section.symbols.index(symbol)], expected[:, j + 1], rtol=1e-12
            )


def test_sizes_of_books_are_units_of_base(market: MarketSnapshot) -> None:
    assert market.spot
    assert market.spot.books
    assert market.perpetuals
    assert market.perpetuals.books
    i = market.spot.symbols.index("BTC/USDT")
    assert list(market.spot.books.bid_price[i, :3]) == [59_994.0, 59_993.0, 59_992.0]
    assert list(market.spot.books.ask_size[i, :3]) == [1.0, 2.0, 3.0]
    assert market.perpetuals.books.ask_size[0, :3] == pytest.approx([CONTRACT, 2 * CONTRACT, 3 * CONTRACT])
    assert np.isnan(market.perpetuals.books.ask_size[0, 3:]).all()


def test_funding_is_what_was_paid_and_what_comes_next(market: MarketSnapshot) -> None:
    perpetuals = market.perpetuals
    assert perpetuals
    last = LAST_OPEN // (8 * HOUR) * 8 * HOUR
    assert perpetuals.funding_rate[0] == 0.00025
    assert perpetuals.funding_interval_hours[0] == 8
    assert perpetuals.next_funding_time[0] == last + 8 * HOUR
    assert perpetuals.funding_history[0] == pytest.approx([0.0001 * i for i in range(PAYMENTS, 0, -1)])
    assert list(perpetuals.funding_time[0]) == [last - 8 * HOUR * i for i in range(PAYMENTS - 1, -1, -1)]
    assert "BTC/USDT:USDT" in market.assumptions["marks"]
    assert (perpetuals.mark[0], perpetuals.index[0]) == (60_000.0, 60_000.0)


def test_dated_futures_say_what_they_are_margined_in_and_how_large_they_are(market: MarketSnapshot) -> None:
    futures = market.futures
    assert futures
    assert futures.rules
    assert futures.symbols == ("BTC/USD:BTC-261225", "BTC/USDT:USDT-261225")
    assert list(futures.inverse) == [1, 0]
    assert list(futures.expiry) == [DECEMBER, DECEMBER]
    assert list(futures.bid) == [FORWARD - 6, FORWARD - 6]
    assert list(futures.rules.contract_size) == [100, CONTRACT]
    assert futures.rules.minimum_notional_usd == pytest.approx([100, CONTRACT * FORWARD])
    assert futures.volume_24h_usd[1] == pytest.approx(500_000 * CONTRACT * FORWARD)
