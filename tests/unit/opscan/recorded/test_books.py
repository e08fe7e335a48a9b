"""Recorded order books and perpetuals' candles, in trees of directories."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from opportunities.errors import MarketDataError
from opportunities.market.archive.file import load, save
from opportunities.market.snapshot import MarketSnapshot
from opportunities.market.timeframes import aggregate
from opportunities.maths.costs import Ladder
from opscan.recorded.files import from_directory
from tests.support.recordings import HOUR, at, candles, funding, write

NOW = at(100.5)
DAY = "20240305"


def book(price: float = 100.0, *, seconds: float | None = -10, levels: int = 4) -> dict[str, Any]:
    """A book around the price, stamped so many seconds after the moment, or not at all."""
    sides = {
        "bids": [[f"{price - i:.2f}", f"{i}.5"] for i in range(1, levels + 1)],
        "asks": [[f"{price + i:.2f}", f"{i}.25"] for i in range(1, levels + 2)],
    }
    return sides if seconds is None else {**sides, "E": int((NOW + seconds) * 1000)}


def write_book(directory: Path, market: str, document: Any) -> Path:
    directory.mkdir(parents=True, exist_ok=True)
    path = directory / f"{market}_{DAY}_depth1000.json"
    path.write_text(json.dumps(document))
    return path


def record(directory: Path, *pairs: str) -> None:
    for seed, pair in enumerate(pairs):
        write(directory, f"{pair}-1h.feather", candles(101, seed=seed))


def record_perpetual(directory: Path, base: str = "BTC", seed: int = 5) -> None:
    write(directory, f"{base}_USDT_USDT-1h-futures.feather", candles(101, seed=seed))
    write(directory, f"{base}_USDT_USDT-8h-funding_rate.feather", funding([0.0001] * 13))


def snapshot(directory: Path, as_of: int = NOW) -> MarketSnapshot:
    found = from_directory([directory], as_of)
    assert save(load(save(found))) == save(found)
    return found


def test_a_book_gives_quotes_and_levels_and_its_market_comes_first(tmp_path: Path) -> None:
    record(tmp_path / "candles", "ADA_USDT", "BTC_USDT")
    write_book(tmp_path / "books" / "deep", "spot_btcusdt", book())
    found = snapshot(tmp_path)
    spot = found.spot
    assert spot
    assert spot.books
    assert spot.symbols == ("BTC/USDT", "ADA/USDT")
    assert (spot.bid[0], spot.ask[0]) == (99.0, 101.0)
    assert spot.last[0] == candles(101, seed=1)[99][4]
    assert spot.bid[1] == pytest.approx(spot.last[1] * (1 - 2.5e-4))
    assert spot.books.bid_price.shape == (1, 5)
    assert list(spot.books.bid_price[0, :4]) == [99, 98, 97, 96]
    assert np.isnan(spot.books.bid_price[0, 4])
    assert list(spot.books.ask_size[0]) == [1.25, 2.25, 3.25, 4.25, 5.25]
    assert "books" not in found.missing
    assert found.freshness["books"] == NOW - 10
    assert found.assumptions["quotes"].endswith("where there is an order book or a quote, its own")


def test_a_walk_through_a_recorded_book_costs_what_its_levels_say(tmp_path: Path) -> None:
    write_book(tmp_path, "spot_btcusdt", book())
    spot = snapshot(tmp_path).spot
    assert spot
    assert spot.books
    asks = Ladder(spot.books.ask_price[0], spot.books.ask_size[0])
    assert asks.average_price(3.0) == pytest.approx((101 * 1.25 + 102 * 1.75) / 3, rel=1e-12)


def test_a_book_without_candles_is_a_listing_without_bars(tmp_path: Path) -> None:
    record(tmp_path, "ADA_USDT")
    write_book(tmp_path, "spot_btcusdt", book(200.0))
    spot = snapshot(tmp_path).spot
    assert spot
    assert spot.symbols == ("BTC/USDT", "ADA/USDT")
    assert spot.last[0] == 200.0
    assert np.isnan(spot.volume_24h_usd[0])
    assert np.isnan(spot.candles["1h"].close[0]).all()
    assert np.isfinite(spot.candles["1h"].close[1]).all()


def test_books_alone_are_a_market(tmp_path: Path) -> None:
    write_book(tmp_path, "spot_btcusdt", book())
    found = snapshot(tmp_path)
    assert found.spot
    assert found.spot.candles == {}
    assert found.freshness["spot"] == NOW - 10


@pytest.mark.parametrize(("seconds", "belongs"), [(-900, True), (-901, False), (59, True), (60, False)])
def test_a_book_belongs_to_a_quarter_of_an_hour_and_the_moments_own_minute(
    tmp_path: Path, seconds: int, belongs: bool
) -> None:
    record(tmp_path, "BTC_USDT")
    write_book(tmp_path, "spot_btcusdt", book(seconds=seconds))
    found = snapshot(tmp_path)
    assert found.spot
    assert (found.spot.books is not None) is belongs
    if not belongs:
        assert found.excluded["order book of another time"] == 1
        assert "books" in found.missing


def test_a_book_without_a_time_has_the_latest_of_those_recorded_with_it(tmp_path: Path) -> None:
    record(tmp_path, "BTC_USDT")
    record_perpetual(tmp_path)
    write_book(tmp_path / "books", "spot_btcusdt", book(seconds=None))
    write_book(tmp_path / "books", "usdm_btcusdt", book(seconds=-40))
    found = snapshot(tmp_path)
    assert found.freshness["books"] == NOW - 40
    (tmp_path / "books" / f"usdm_btcusdt_{DAY}_depth1000.json").unlink()
    alone = snapshot(tmp_path)
    assert alone.excluded["order book without a time"] == 1


def test_the_newest_book_counts_whatever_was_heard_beside_an_older_one(tmp_path: Path) -> None:
    """Two recorders: one wrote an old book and a quote after it, the other a book in between."""
    answers = "https://api.binance.com/api/v3"
    quote = {"symbol": "BTCUSDT", "bidPrice": "77", "askPrice": "79", "quoteVolume": "5"}
    old = {"lastUpdateId": 1, **book(50.0, seconds=None)}
    (tmp_path / "messages").write_text(
        f"{answers}/depth?symbol=BTCUSDT -> {NOW - 800}: {json.dumps(old)}\n"
        f"{answers}/ticker/24hr -> {NOW - 10}: {json.dumps(quote)}\n"
    )
    write_book(tmp_path, "spot_btcusdt", book(seconds=-60))
    found = snapshot(tmp_path)
    assert found.spot
    assert found.spot.books
    assert (found.spot.bid[0], found.spot.books.bid_price[0, 0]) == (99.0, 99.0)
    assert found.spot.volume_24h_usd[0] == 5.0
    assert (found.freshness["books"], found.freshness["spot"]) == (NOW - 60, NOW - 10)
    assert found.excluded == {"order book with a newer one": 1}


def test_perpetuals_keep_their_candles_and_books(tmp_path: Path) -> None:
    record_perpetual(tmp_path, "ADA", seed=6)
    record_perpetual(tmp_path)
    write_book(tmp_path, "usdm_btcusdt", book())
    perpetuals = snapshot(tmp_path).perpetuals
    assert perpetuals
    assert perpetuals.books
    assert perpetuals.symbols == ("BTC/USDT:USDT", "ADA/USDT:USDT")
    assert list(perpetuals.bid) == [99.0, pytest.approx(candles(101, seed=6)[99][4] * (1 - 2.5e-4))]
    assert len(perpetuals.books.bid_price) == 1
    hourly = perpetuals.candles["1h"]
    for i, seed in enumerate((5, 6)):
        np.testing.assert_array_equal(hourly.close[i], [row[4] for row in candles(101, seed=seed)[:100]])
    np.testing.assert_array_equal(perpetuals.candles["4h"].high, aggregate(hourly, 4 * HOUR).high)
    assert set(perpetuals.candles) == {"1h", "4h"}


def test_books_of_contracts_need_no_candles_and_of_stable_pairs_are_counted(tmp_path: Path) -> None:
    record(tmp_path, "BTC_USDT")
    write_book(tmp_path, "usdm_btcusdt", book())
    write_book(tmp_path, "cm_btcusd_perp", book())
    write_book(tmp_path, "spot_usdcusdt", book(1_000.0))
    found = snapshot(tmp_path)
    assert found.excluded == {"pair of stable coins": 1}
    assert found.perpetuals
    assert found.perpetuals.symbols == ("BTC/USD:BTC", "BTC/USDT:USDT")
    assert list(found.perpetuals.inverse) == [1, 0]
    assert np.isnan(found.perpetuals.funding_rate).all()
    assert list(found.perpetuals.next_funding_time) == [0, 0]
    assert found.perpetuals.funding_history.shape == (2, 0)


def test_sizes_of_a_coin_margined_book_are_contracts_of_usd(tmp_path: Path) -> None:
    record(tmp_path, "BTC_USDT")
    for name in ("cm_btcusd_perp", "cm_ethusd_perp", "cm_btcusd_240329"):
        write_book(tmp_path, name, book())
    found = snapshot(tmp_path)
    assert found.perpetuals
    assert found.perpetuals.books
    assert found.perpetuals.rules
    assert found.perpetuals.symbols == ("BTC/USD:BTC", "ETH/USD:ETH")
    for row, usd in enumerate((100, 10)):
        assert list(found.perpetuals.books.bid_price[row, :2]) == [99.0, 98.0]
        assert found.perpetuals.books.bid_size[row, :2] == pytest.approx([1.5 * usd / 99, 2.5 * usd / 98], rel=1e-12)
        assert found.perpetuals.books.ask_size[row, 4] == pytest.approx(5.25 * usd / 105, rel=1e-12)
        assert found.perpetuals.rules.contract_size[row] == usd
    assert found.spot
    assert list(found.perpetuals.index) == [found.spot.last[0], 100.0]
    assert "BTC/USD:BTC" in found.assumptions["contract sizes"]
    assert found.futures
    assert found.futures.symbols == ("BTC/USD:BTC-240329",)
    assert (found.futures.bid[0], found.futures.ask[0], found.futures.inverse[0]) == (99.0, 101.0, 1)
    assert found.futures.expiry[0] == 1_711_699_200  # 2024-03-29 08:00 UTC
    assert "futures" not in found.missing


def test_assumptions_about_futures_are_said_also_without_a_perpetual(tmp_path: Path) -> None:
    write_book(tmp_path, "cm_btcusd_240329", book())
    found = snapshot(tmp_path)
    assert found.futures
    assert found.futures.rules
    assert (found.futures.rules.contract_size[0], found.futures.mark[0]) == (100.0, 100.0)
    assert np.isnan(found.futures.index[0])
    for name in ("contract sizes", "marks"):
        assert found.assumptions[name].endswith("for BTC/USD:BTC-240329")
    assert "indices" not in found.assumptions
    write_book(tmp_path, "cm_btcusd_perp", book(110.0))
    beside = snapshot(tmp_path)
    assert beside.futures
    assert beside.futures.index[0] == 110.0
    assert beside.assumptions["indices"] == (
        "the mark for BTC/USD:BTC; the mark of their coin's perpetual for BTC/USD:BTC-240329"
    )


def test_unknown_files_anywhere_are_counted_and_hidden_ones_are_not_looked_at(tmp_path: Path) -> None:
    record(tmp_path / "a" / "b", "BTC_USDT")
    (tmp_path / "a" / "notes.txt").write_text("x")
    (tmp_path / "LICENSE").write_text("x")
    (tmp_path / ".DS_Store").write_text("x")
    assert snapshot(tmp_path).excluded == {"file of no known kind": 2}


def test_a_directory_given_twice_or_inside_another_is_read_once(tmp_path: Path) -> None:
    record(tmp_path / "a", "BTC_USDT")
    found = from_directory([tmp_path, tmp_path / "a", tmp_path / "a"], NOW)
    assert found.spot
    assert found.spot.symbols == ("BTC/USDT",)


BAD_BOOKS: dict[str, tuple[Any, str]] = {
    "no object": ([1], ": it is not an order book"),
    "no asks": ({"bids": [["1", "1"]]}, ": it has no asks"),
    "empty": ({"bids": [], "asks": []}, ": it has no bids"),
    "zero size": ({"bids": [["9", "1"], ["8", "0"]], "asks": [["10", "1"]]}, ", bids, level 2: .* is not a positive"),
    "text": ({"bids": [["nine", "1"]], "asks": [["10", "1"]]}, ", bids, level 1: .* is not a price and a size"),
    "nan": ({"bids": [["nan", "1"]], "asks": [["10", "1"]]}, ", bids, level 1: .* is not a positive"),
    "three": ({"bids": [["9", "1", "1"]], "asks": [["10", "1"]]}, ", bids, level 1: .* is not a price and a size"),
    "unsorted": (
        {"bids": [["8", "1"], ["9", "1"]], "asks": [["10", "1"]]},
        ", bids, level 2: the price 9.0 is not wor",
    ),
    "repeated": ({"bids": [["9", "1"]], "asks": [["10", "1"], ["10", "2"]]}, ", asks, level 2: the price 10.0 is not"),
    "crossed": ({"bids": [["10", "1"]], "asks": [["10", "1"]]}, ", bids, level 1: the best bid 10.0 is not below"),
    "huge": ({"bids": [[10**400, "1"]], "asks": [["10", "1"]]}, ", bids, level 1: .* is not a price and a size"),
    "never": ({"bids": [["9", "1"]], "asks": [["10", "1"]], "E": 10**400}, ": its time E is 1000+, not epoch"),
    "time": ({"bids": [["9", "1"]], "asks": [["10", "1"]], "E": "now"}, ": its time E is 'now'"),
}


@pytest.mark.parametrize("name", BAD_BOOKS)
def test_a_broken_book_is_named_by_file_side_level_and_cause(tmp_path: Path, name: str) -> None:
    document, cause = BAD_BOOKS[name]
    path = write_book(tmp_path, "spot_btcusdt", document)
    with pytest.raises(MarketDataError, match=f"^{path}{cause}"):
        from_directory([tmp_path], NOW)


def test_a_book_of_a_day_that_there_is_not_is_named(tmp_path: Path) -> None:
    path = write_book(tmp_path, "usdm_btcusdt_991399", book())
    with pytest.raises(MarketDataError, match=f"^{path}: its name says a day that there is not"):
        from_directory([tmp_path], NOW)


def test_body_that_is_no_json_is_named(tmp_path: Path) -> None:
    path = tmp_path / f"spot_btcusdt_{DAY}_depth1000.json"
    path.write_text("{")
    with pytest.raises(MarketDataError, match=f"^{path}: it cannot be read as JSON"):
        from_directory([tmp_path], NOW)
