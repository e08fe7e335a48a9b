"""What becomes of ccxt's rows: closed bars on one grid, payments that end together, assets that are what they claim."""

from collections import Counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from opportunities.market.live.listings import Listing, by_volume, identified
from opportunities.market.live.series import books, closed_bars, hourly, payments

HOUR = 3600
NOW = 1_795_177_230
OPEN = NOW // HOUR * HOUR


def bar(hours_ago: int, close: float = 100.0) -> list[float]:
    return [(OPEN - hours_ago * HOUR) * 1000, close * 0.99, close * 1.02, close * 0.97, close, 7.0]


def listing(exchange: str, base: str, price: float, usd: float, **market: Any) -> Listing:
    symbol = f"{base}/USDT"
    return Listing(exchange, symbol, base, price * 0.999, price * 1.001, price, usd, {"symbol": symbol, **market}, {})


@given(hours=st.integers(1, 60), extra=st.lists(st.floats(allow_nan=True), min_size=5, max_size=5), data=st.data())
def test_bars_that_were_not_closed_change_nothing_and_neither_does_the_order(
    hours: int, extra: list[float], data: st.DataObject
) -> None:
    rows = [bar(i, 100.0 + i) for i in range(hours, 0, -1)]
    later = [[(OPEN + i * HOUR) * 1000, *extra] for i in range(3)]
    shuffled = data.draw(st.permutations([*rows, *later]))
    np.testing.assert_array_equal(closed_bars(rows, NOW), closed_bars(shuffled, NOW))
    assert list(closed_bars(rows, NOW)[:, 4]) == [row[4] for row in rows]


@pytest.mark.parametrize(("seconds", "bars"), [(-1, 1), (0, 2)])
def test_a_bar_counts_from_the_second_in_which_it_closes(seconds: int, bars: int) -> None:
    assert len(closed_bars([bar(2), bar(1)], OPEN + seconds)) == bars


def test_nothing_before_a_gap_or_a_bad_bar_is_kept() -> None:
    gap = [bar(i) for i in (9, 8, 7, 3, 2, 1)]
    assert len(closed_bars(gap, NOW)) == 3
    for column, value in ((1, 0.0), (2, 1.0), (3, 1e9), (4, None), (5, -1.0), (4, float("nan"))):
        bad: list[list[float | None]] = [[*bar(i)] for i in range(6, 0, -1)]
        bad[2][column] = value
        assert len(closed_bars(bad, NOW)) == 3
    bad[5][4] = None
    assert len(closed_bars(bad, NOW)) == 0
    assert closed_bars([], NOW).shape == (0, 6)


def test_series_end_together_and_what_ends_earlier_is_left_out() -> None:
    series = [
        closed_bars([bar(i, price) for i in range(hours, last - 1, -1)], NOW)
        for hours, last, price in ((5, 1, 10.0), (3, 1, 20.0), (5, 2, 30.0))
    ]
    candles, left_out = hourly([*series, None], NOW)
    assert candles
    assert left_out == 1
    assert list(candles.open_time) == [OPEN - i * HOUR for i in range(5, 0, -1)]
    assert list(np.isfinite(candles.close).sum(axis=1)) == [5, 3, 0, 0]
    assert list(candles.close[1, 2:]) == [20.0] * 3


def test_series_that_all_ended_long_ago_are_no_candles() -> None:
    assert hourly([closed_bars([bar(i) for i in (9, 8, 7)], NOW)], NOW) == (None, 1)


@given(st.lists(st.dictionaries(st.integers(1, 400), st.floats(-0.01, 0.01), max_size=20), min_size=1, max_size=4))
def test_payments_end_together_in_the_order_of_time(rows: list[dict[int, float]]) -> None:
    answers = [
        [{"timestamp": (hour * HOUR) * 1000 + 13, "fundingRate": rate} for hour, rate in row.items()] for row in rows
    ]
    history, times = payments(answers)
    assert history.shape == times.shape == (len(rows), max(len(row) for row in rows))
    for i, row in enumerate(rows):
        known = times[i] > 0
        assert list(times[i][known]) == [hour * HOUR for hour in sorted(row)]
        assert list(history[i][known]) == [row[hour] for hour in sorted(row)]
        assert np.isnan(history[i][~known]).all()
        assert not known[: len(known) - len(row)].any()


@pytest.mark.parametrize("bad", [{"timestamp": None}, {"timestamp": float("nan")}, {"fundingRate": None}])
def test_a_payment_without_a_time_or_a_rate_is_none(bad: dict[str, Any]) -> None:
    good = [{"timestamp": hour * HOUR * 1000, "fundingRate": 0.001 * hour} for hour in (8, 16, 24)]
    for i in range(3):
        history, times = payments([[*good[:i], good[i] | bad, *good[i + 1 :]]])
        kept = [hour for hour in (8, 16, 24) if hour != 8 * (i + 1)]
        assert list(times[0]) == [hour * HOUR for hour in kept]
        assert list(history[0]) == [0.001 * hour for hour in kept]


def test_books_in_contracts_become_units_of_base() -> None:
    ten = listing("okx", "ETC", 30.0, 1e6, contract=True, contractSize=10.0)
    found = books([ten, listing("kraken", "ETC", 30.0, 1e6)], [{"bids": [[29.9, 3]], "asks": [[30.1, 4]]}, None])
    assert found
    assert (found.bid_size[0, 0], found.ask_size[0, 0]) == (30.0, 40.0)
    assert np.isnan(found.bid_price[1]).all()


def test_another_asset_of_the_same_name_is_left_out_whichever_comes_first() -> None:
    largest, same, other = listing("a", "X", 2.0, 9e6), listing("b", "X", 2.1, 1e6), listing("c", "X", 14.0, 2e6)
    perpetual = listing("d", "X", 14.1, 5e7)
    for rows in ([largest, same, other], [other, same, largest]):
        excluded: Counter[str] = Counter()
        spot, contracts, prices = identified(rows, [perpetual], excluded)
        assert {each.exchange for each in spot} == {"a", "b"}
        assert contracts == []
        assert prices["X"] == pytest.approx(2.0)
        assert excluded == {"price differs across exchanges": 2}


def test_the_largest_listing_comes_first_and_unknown_volumes_last() -> None:
    rows = [listing("b", "X", 1.0, 5.0), listing("a", "X", 1.0, float("nan")), listing("c", "X", 1.0, 9.0)]
    assert [each.exchange for each in by_volume(rows)] == ["c", "b", "a"]
